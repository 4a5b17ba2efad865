-- Log lines with pseudo-variables (the documents' section 3, semantics of the 1.2 series).
local route = require "route"

local request = {
	ruri = "sip:11@127.0.0.1;user=phone", to = "sip:11@127.0.0.1;user=phone",
	from = "sip:10@127.0.0.1",
	tag = "ft1", call_id = "pv-1@127.0.0.31", cseq = 8, body = "v=0\r\ns=x\r\n",
	headers = {
		"User-Agent: Grandstream BT110 1.0.8.33", "Content-Type: application/sdp",
		"X-Multi: a", "X-Multi: b",
	},
}

-- What the first line of a format looks like for that request.
local function line(format, body)
	local _, net = route.ask(("xlog('L_NOTICE', %q) %s"):format(format, body or ""), "INVITE", request)
	return (route.log(net):gsub("^notice: ", ""):gsub("\n$", ""))
end

describe("pseudo-variables of a request", function()
	local values = {
		["$rm"] = "INVITE", ["$ru"] = "sip:11@127.0.0.1;user=phone", ["$rU"] = "11",
		["$rd"] = "127.0.0.1", ["$rp"] = "5060", ["$rP"] = "UDP",
		["$ou"] = "sip:11@127.0.0.1;user=phone", ["$oU"] = "11", ["$od"] = "127.0.0.1",
		["$rs"] = "<null>", ["$rr"] = "<null>", ["$mi"] = "1",
		["$si"] = "192.0.2.1", ["$src_ip"] = "192.0.2.1", ["$sp"] = "5060",
		["$Ri"] = "127.0.0.1", ["$Rp"] = "5060",
		["$fu"] = "sip:10@127.0.0.1", ["$fU"] = "10", ["$fd"] = "127.0.0.1", ["$fn"] = "<null>",
		["$ft"] = "ft1", ["$from.user"] = "10", ["$from"] = "sip:10@127.0.0.1",
		["$tu"] = "sip:11@127.0.0.1;user=phone", ["$tU"] = "11", ["$td"] = "127.0.0.1",
		["$tn"] = "<null>", ["$tt"] = "<null>",
		["$ci"] = "pv-1@127.0.0.31", ["$cs"] = "8", ["$ct"] = "<sip:10@192.0.2.1:5060>",
		["$cl"] = "10", ["$cT"] = "application/sdp", ["$ua"] = "Grandstream BT110 1.0.8.33",
		["$du"] = "<null>", ["$ds"] = "<null>",
		["$br"] = "<null>", ["$bR"] = "<null>",
		["$au"] = "<null>", ["$aU"] = "<null>", ["$ar"] = "<null>",
		["$hdr(x-multi)"] = "a", ["$hdr(X-Multi[1])"] = "b", ["$hdr(X-Multi[*])"] = "a, b",
		["$hdr(X-Multi[2])"] = "<null>", ["$hdr(X-None)"] = "<null>", ["$hdr(X-None[*])"] = "<null>",
		["$Ts"] = "1767225600", ["$pp"] = "0", ["$mf"] = "0", ["$mF"] = "00000000",
		["$$"] = "$", ["$$rm"] = "$rm", ["$(rm)x"] = "INVITEx", ["$rmx"] = "INVITEx",
		["100 %d"] = "100 %d",
		["$rb"] = "v=0\ns=x\n", ["$rb$rm"] = "v=0\ns=x\nINVITE",
	}
	for format, value in pairs(values) do
		it(format .. " is " .. value:gsub("%c", " "), function()
			assert.equal((value:gsub("\n$", "")), line(format))
		end)
	end

	it("$mb is the message as received, $ml its length", function()
		assert.matches("^INVITE sip:11@127.0.0.1;user=phone SIP/2.0\nVia: .*\n\nv=0\ns=x", line "$mb")
		assert.equal(#line "$mb" + select(2, line "$mb":gsub("\n", "\n")) + 2, tonumber(line "$ml"))
	end)

	it("$Tf is the local time", function()
		assert.matches("^%a%a%a %a%a%a [%d ]%d %d%d:%d%d:%d%d %d%d%d%d$", line "$Tf")
	end)

	it("follow what the route does", function()
		assert.equal("sip:a@b|sip:11@127.0.0.1;user=phone|sip:c@d|sip:c@d|Contact: sip:a@b, sip:c@d",
			line("", [[req.ruri = "sip:a@b" req:append_branch "sip:c@d"
				xlog("$ru|$ou|$br|$bR|$ds")]]):match "notice: ([^\n]*)$")
		assert.equal("sip:192.0.2.9:5070",
			line("", [[req.next_hop = "192.0.2.9:5070" xlog "$du"]]):match "notice: ([^\n]*)$")
	end)
end)

describe("pseudo-variables of a reply", function()
	local function reply_line(format)
		local net = route.proxy([[req:t_relay "192.0.2.99:5060"]],
			{ more = ("reply = function() xlog('L_NOTICE', %q) end"):format(format) })
		local phone, far = net:phone "10", net:peer "192.0.2.99"
		phone:send("INVITE", "11", { tag = "ft1" })
		far:reply(far:expect "INVITE", 180, { reason = "Ringing" })
		return (route.log(net):gsub("^notice: ", ""):gsub("\n$", ""))
	end
	it("are those of the reply", function()
		assert.equal("180 (Ringing) concerning INVITE from 192.0.2.99",
			reply_line "$rs ($rr) concerning $rm from $si\n")
		assert.equal("<null>|<null>|<null>|ft1", reply_line "$ru|$rU|$ou|$ft")
		assert.matches("^SIP/2.0 180 Ringing\nVia: ", reply_line "$mb")
	end)
end)

describe("values", function()
	it("are cleaned of control characters", function()
		local _, net = route.ask("xlog '$ua'", "MESSAGE",
			{ headers = { "User-Agent: a\27[31mred\7" } })
		assert.is_nil(net:log():find "[\27\7]")
	end)

	it("of credentials are who was accepted, or who is claimed", function()
		local net = route.proxy [[
			if not req:proxy_authorize("", "subscriber") then return req:proxy_challenge("", "1") end
			xlog "$au $ar $Au" req:sl_send_reply(200, "OK")]]
		net:phone "10":request("MESSAGE", "11")
		assert.matches("10 127.0.0.1 10@127.0.0.1", net:log())
	end)
end)

describe("colours", function()
	local function coloured(format)
		local net = route.proxy(("xlog('L_NOTICE', %q)"):format(format))
		net:colour(true)
		net:phone "10":send("MESSAGE", "11")
		return (route.log(net):gsub("^notice: ", ""):gsub("\n$", ""):gsub("\27", "E"))
	end

	it("are SGR sequences, bold in upper case", function()
		assert.equal("E[0;34;42mgreenE[0;39;49mE[0m", coloured "$Cbggreen$Cxx\n")
		assert.equal("E[1;31;49mxE[0;37;40mE[0m", coloured "$CRxx$Cws")
		assert.equal("plain", coloured "plain\n")
	end)

	it("are left out where the log has none", function()
		assert.equal("green", line "$Cbggreen$Cxx\n")
	end)
end)

describe("a bad format", function()
	local function says(format, reason)
		assert.matches(reason, (route.ask(("\nlocal _, why = pcall(xlog, 'L_ERR', %q) say(req, why)")
			:format(format), "MESSAGE")), 1, true)
	end

	it("raises and says what is wrong", function()
		says("$zz", "unknown pseudo-variable '$zz'")
		says("a $rn b", "unknown pseudo-variable '$rn', did you mean '$rm'?")
		says("$Cqq", "unknown colour")
		says("$C", "unknown colour")
		says("$hdr()", "$hdr takes a name")
		says("$hdr(a[x])", "n is a number")
		says("$hdr(a", "$hdr takes a name")
		says("$(ru{uri.host})", "transformations are not known")
		says("$", "unknown pseudo-variable '$'")
		says(("x"):rep(9000), "more than 8192 bytes")
	end)

	it("is known by its line", function()
		local reply, net = route.ask "\n\nxlog('L_ERR', '$' .. req.ruri:sub(1, 0) .. 'zz')"
		assert.equal(500, reply.status)
		assert.matches("route.lua:3: unknown pseudo%-variable '$zz'", net:log())
	end)

	it("has a level that is one", function()
		assert.matches("a level is L_ERR", (route.ask "say(req, pcall(xlog, 'L_LOUD', 'x'))"))
	end)
end)

describe("levels", function()
	it("choose what is written", function()
		local _, net = route.ask [[
			xlog("L_ERR", "a") xlog("L_WARN", "b") xlog("info", "c") req:xlog("L_DBG", "d $rm") xlog "e"]]
		local log = net:log()
		for _, text in ipairs { "error: a\n", "warning: b\n", "info: c\n", "debug: d MESSAGE\n",
			"notice: e\n" } do
			assert.matches(text, log, 1, true)
		end
	end)
end)
