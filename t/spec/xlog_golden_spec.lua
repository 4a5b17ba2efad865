-- Every pseudo-variable and every colour, against what the reference system of the documents
-- printed for the same INVITE and the same answer (OpenSER 1.2). What differs is marked.
local testkit = require "lunasip.testkit"

local PROXY, TEN, ELEVEN = "127.0.0.30:25060", "127.0.0.31:25060", "127.0.0.32:25060"

local SDP = table.concat({ "v=0", "o=10 8000 8000 IN IP4 127.0.0.31", "s=SIP Call",
	"c=IN IP4 127.0.0.31", "t=0 0", "m=audio 25504 RTP/AVP 0 8", "a=rtpmap:0 PCMU/8000",
	"a=rtpmap:8 PCMA/8000", "a=ptime:20", "" }, "\r\n")

-- { in the request route, in the reply route }; one value: it is the same in both.
-- NULL: "<null>" as there. EMPTY: there an empty text, or what is left of another message;
-- here whatever has no value is "<null>".
local NULL = "<null>"
local EMPTY = "<null>"
local values = {
	rm = { "INVITE" },
	rs = { NULL, "200" },
	rr = { NULL, "OK, fine" },
	rb = { (SDP:gsub("\r", "")), "v=0\n" },
	ml = { "1099", "652" },
	mf = { "8" },
	mF = { "00000008" },
	si = { "127.0.0.31", "127.0.0.32" }, src_ip = { "127.0.0.31", "127.0.0.32" },
	sp = { "25060" },
	Ri = { "127.0.0.30" },
	Rp = { "25060" },
	ru = { "sip:11@127.0.0.30:25060;user=phone", NULL },
	ruri = { "sip:11@127.0.0.30:25060;user=phone", NULL },
	rU = { "11", NULL }, ["ruri.user"] = { "11", NULL },
	rd = { "127.0.0.30", NULL }, ["ruri.domain"] = { "127.0.0.30", NULL },
	rp = { "25060", NULL },
	rP = { "UDP", NULL },
	ou = { "sip:11@127.0.0.30:25060;user=phone", NULL },
	ouri = { "sip:11@127.0.0.30:25060;user=phone", NULL },
	oU = { "11", NULL },
	od = { "127.0.0.30", NULL },
	op = { "25060", NULL },
	oP = { "UDP", NULL },
	du = { EMPTY }, duri = { EMPTY }, dd = { EMPTY }, dp = { EMPTY }, dP = { EMPTY },
	br = { NULL },
	bR = { EMPTY, NULL },
	ds = { NULL },
	fu = { "sip:10@127.0.0.30:25060" }, from = { "sip:10@127.0.0.30:25060" },
	fU = { "10" }, ["from.user"] = { "10" },
	fd = { "127.0.0.30" }, ["from.domain"] = { "127.0.0.30" },
	fn = { [["Ten \"x\""]] },
	ft = { "ft1" },
	tu = { "sip:11@127.0.0.30:25060;user=phone" }, to = { "sip:11@127.0.0.30:25060;user=phone" },
	tU = { "11" }, ["to.user"] = { "11" },
	td = { "127.0.0.30" }, ["to.domain"] = { "127.0.0.30" },
	tn = { [["Eleven"]] },
	tt = { NULL, "tt1" },
	ci = { "pv-1@127.0.0.31" },
	cs = { "8" },
	ct = { "<sip:10@127.0.0.31:25060>", "<sip:11@127.0.0.32:25060>" },
	cl = { "162", "5" },
	cT = { "application/sdp" },
	ua = { "Grandstream BT110 1.0.8.33" },
	au = { "10", EMPTY }, aU = { "10", EMPTY },
	ar = { "127.0.0.30", EMPTY },
	Au = { "10@127.0.0.30", EMPTY },
	["$"] = { "$" },
	["hdr(Via)"] = { "SIP/2.0/UDP 127.0.0.31:25060;branch=z9hG4bK9d5a00aac6f7036f" },
	["hdr(X-None)"] = { NULL },
	["hdr(Via[1])"] = { NULL, "SIP/2.0/UDP 127.0.0.31:25060;branch=z9hG4bK9d5a00aac6f7036f" },
	["hdr(X-Multi[*])"] = { "one, two", NULL },
	["hdr(X-Multi)"] = { "one", NULL },
}

local function route(formats)
	local print = {}
	for _, name in ipairs(formats) do
		print[#print + 1] = ("xlog('L_NOTICE', 'at '..where..' %s=[$%s].\\n')"):format(
			name == "$" and "$$" or (name:gsub("^hdr", "HDR")), name)
	end
	return ([[
		local xlog = require "lunasip".xlog
		local function print_all(where) %s end
		return {
			request = function(req)
				if req.method ~= "INVITE" then return end
				if not req:proxy_authorize("", "subscriber") then
					return req:proxy_challenge("", "0")
				end
				req:setflag(3)
				print_all "request"
				req:lookup "location"
				req:append_branch "sip:second@127.0.0.40:27999"
				xlog("L_NOTICE", "at end $ru $ou $br $bR $ds $rU $oU.\n")
				req:record_route()
				req:t_relay()
			end,
			reply = function() print_all "reply" end,
		}]]):format(table.concat(print, "\n"))
end

local function start(names)
	return testkit.proxy {
		source = route(names), address = PROXY, subscribers = { ["10"] = "abc10" },
		bindings = { { username = "11", contact = "sip:11@" .. ELEVEN, ruid = "a" } },
		settings = { usrloc = { db_mode = 1 } },
	}
end

local function invite(cseq, branch, authorization)
	local lines = {
		("Via: SIP/2.0/UDP %s;branch=%s"):format(TEN, branch),
		[[From: "Ten \"x\"" <sip:10@127.0.0.30:25060>;tag=ft1]],
		[[To: "Eleven" <sip:11@127.0.0.30:25060;user=phone>]],
		"Contact: <sip:10@127.0.0.31:25060>",
		"Call-ID: pv-1@127.0.0.31",
		("CSeq: %d INVITE"):format(cseq),
		"User-Agent: Grandstream BT110 1.0.8.33",
		"Max-Forwards: 70",
		"Allow: INVITE,ACK,CANCEL,BYE,NOTIFY,REFER,OPTIONS,INFO,SUBSCRIBE",
		"X-Multi: one",
		"X-Multi: two",
		[[P-Preferred-Identity: "P" <sip:pref@example.com>]],
		"Diversion: <sip:div@example.com>;reason=unknown",
		"Remote-Party-ID: <sip:rpid@example.com>",
		"Refer-To: <sip:ref@example.com>",
		"P-Asserted-Identity: <sip:pai@example.com>",
		"Content-Type: application/sdp",
	}
	if authorization then table.insert(lines, 5, authorization) end
	return testkit.sip.build("INVITE sip:11@127.0.0.30:25060;user=phone SIP/2.0", lines, SDP)
end

-- What was printed where, "request" or "reply", by name.
local function print_all()
	local names = {}
	for name in pairs(values) do names[#names + 1] = name end
	local net = start(names)
	local ten = net:phone("10", { address = TEN })
	local eleven = net:peer(ELEVEN, { user = "11" })
	local first = invite(7, "z9hG4bK6f5612e086d68a1b")
	net:send(first, TEN)
	local credentials = ten:credentials(testkit.sip.parse(first), ten:expect(407))
	net:send(invite(8, "z9hG4bK9d5a00aac6f7036f", credentials), TEN)
	local request = eleven:expect "INVITE"
	eleven:reply(request, 200, { reason = "OK, fine", tag = "tt1", body = "v=0\r\n",
		headers = { "User-Agent: Grandstream BT110 1.0.8.33", "Content-Type: application/sdp" } })
	local seen = { request = {}, reply = {} }
	local log = net:log()
	for where, name, value in log:gmatch "at (%l+) ([^\n]-)=%[(.-)%]%.\n" do
		seen[where][name:gsub("^HDR", "hdr")] = value
	end
	return seen, log, request
end

describe("a pseudo-variable", function()
	local seen, log, request = print_all()

	for name, value in pairs(values) do
		-- The lengths of our own messages are our own.
		if name ~= "ml" and name ~= "hdr(Via)" then
			it(("$%s is what it was"):format(name), function()
				assert.are.equal(value[1], seen.request[name])
				assert.are.equal(value[2] or value[1], seen.reply[name])
			end)
		end
	end

	it("$ml is the length of the message", function()
		assert.is_number(tonumber(seen.request.ml))
		assert.is_true(tonumber(seen.request.ml) > tonumber(seen.reply.ml))
	end)

	it("$hdr(Via) is the top one: in a reply our own", function()
		assert.are.equal(values["hdr(Via)"][1], seen.request["hdr(Via)"])
		assert.are.equal(request:header "Via", seen.reply["hdr(Via)"])
	end)

	it("follows lookup and append_branch", function()
		assert.are.equal("sip:11@127.0.0.32:25060 sip:11@127.0.0.30:25060;user=phone "
			.. "sip:second@127.0.0.40:27999 sip:second@127.0.0.40:27999 "
			.. "Contact: sip:11@127.0.0.32:25060, sip:second@127.0.0.40:27999 11 11",
			log:match "at end (.-)%.\n")
	end)
end)

describe("a colour", function()
	local digits = { s = 0, r = 1, g = 2, y = 3, b = 4, p = 5, c = 6, w = 7, x = 9 }

	local function printed(colour)
		local net = testkit.proxy { source = ([[return { request = function(req)
			req:xlog("L_NOTICE", "<%s>") end }]]):format(colour) }
		net:colour(true)
		net:phone "10":send("MESSAGE", "11")
		return net:log():match "<(.*)>"
	end

	for letter, digit in pairs(digits) do
		it(("$C%s in front and behind"):format(letter), function()
			assert.are.equal(("\27[0;3%d;49m"):format(digit), printed("$C" .. letter .. "x"))
			assert.are.equal(("\27[0;39;4%dm"):format(digit), printed("$Cx" .. letter))
			if letter ~= "x" then
				assert.are.equal(("\27[1;3%d;49m"):format(digit),
					printed("$C" .. letter:upper() .. "x"))
			end
		end)
	end
end)
