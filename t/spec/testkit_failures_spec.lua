-- The test kit: how it fails. Assertions, the ladder, mistakes in the script.
local ladder = require "lunasip.ladder"
local route = require "route"

-- What f says when it fails, which it must.
local function failure(f, ...)
	local ok, why = pcall(f, ...)
	assert.is_false(ok, "it did not fail")
	return tostring(why)
end

local function contains(text, ...)
	for _, part in ipairs { ... } do assert.matches(part, text, 1, true) end
end

describe("assert.sip", function()
	local _, ten, eleven, call
	before_each(function()
		_, ten, eleven = route.two_phones()
		call = ten:call "11"
	end)

	-- holds(): the assertion; it must be the only one of the two that passes.
	local function either(holds, fails, text)
		holds()
		contains(failure(fails), text)
	end

	it("reply", function()
		either(function() assert.sip(call).is.reply(180, "^Ring") end,
			function() assert.sip(call).is.reply(200) end,
			"expected a reply 200, but got SIP/2.0 180 Ringing")
		either(function() assert.sip(call).is.reply() end,
			function() assert.sip(eleven).is.reply() end, "expected a reply, but got INVITE")
		either(function() assert.sip(call).is_not.reply(200) end,
			function() assert.sip(call).is_not.reply(180) end,
			"did not expect a reply 180, but got SIP/2.0 180 Ringing")
		contains(failure(function() assert.sip(call).is.reply(180, "^Busy") end),
			'expected a reply 180 matching "^Busy", but got SIP/2.0 180 Ringing')
	end)

	it("request", function()
		either(function() assert.sip(eleven:incoming()).is.request("INVITE", "^sip:11@192.0.2.2") end,
			function() assert.sip(eleven).is.request "BYE" end,
			"expected a request BYE, but got INVITE sip:11@192.0.2.2:5060 SIP/2.0")
	end)

	it("header", function()
		local invite = eleven:incoming().invite
		either(function() assert.sip(invite).has.header("cseq", "%d INVITE") end,
			function() assert.sip(invite).has.header("CSeq", "BYE") end,
			'expected a header CSeq matching "BYE", but CSeq is: ')
		either(function() assert.sip(invite).has.header "Record-Route" end,
			function() assert.sip(invite).has.header "X-None" end, "but there is none")
		either(function() assert.sip(invite).has.no.header "Proxy-Authorization" end,
			function() assert.sip(invite).has.no.header "CSeq" end,
			"did not expect a header CSeq, but CSeq is: ")
		either(function() assert.sip(invite).has.header("To", "<sip:11@127.0.0.1>") end,
			function() assert.sip(invite).has.header("To", "<sip:12@") end, "To is: <sip:11@")
	end)

	it("param and body", function()
		either(function() assert.sip(call).has.param("To", "tag", "^to%-") end,
			function() assert.sip(call).has.param("To", "lr") end,
			"expected a parameter lr of To, but To is: ")
		ten:request("MESSAGE", "11", { body = "hello" })
		either(function() assert.sip(eleven).has.body "^hel" end,
			function() assert.sip(call).has.body() end, "expected a body, but it is this")
	end)

	it("from and to", function()
		either(function() assert.sip(eleven).is.to(eleven) end,
			function() assert.sip(eleven).is.from(ten) end,
			"expected a message from 192.0.2.1:5060, but it is from 127.0.0.1:5060 to 192.0.2.2:5060")
		assert.sip(eleven).is.from "127.0.0.1"
	end)

	it("nothing", function()
		either(function() assert.sip(ten:take()).is.nothing() end,
			function() assert.sip(call).is.nothing() end, "expected nothing, but got SIP/2.0 180 Ringing")
		contains(failure(function() assert.sip(ten:take()).is.reply(200) end),
			"expected a reply 200, but got nothing", "|------ REGISTER 10 ------>|")
	end)

	it("is misused", function()
		contains(failure(function() assert.is.reply(200) end),
			"reply() is about a message: assert.sip(message)")
		contains(failure(function() assert.sip(17).is.reply(200) end),
			"assert.sip() takes a message, call or phone, not a number")
	end)

	it("shows the ladder, the message marked, and the message", function()
		local text = failure(function() assert.sip(call).is.reply(200) end)
		contains(text, "testkit_failures_spec.lua:", [[
    seconds   10                    proxy                      11
              192.0.2.1             127.0.0.1                  192.0.2.2
]], [[
       0.000  |------- INVITE 11 ------->|                          |
       0.000  |<--- 100 Giving a try ----|                          |
       0.000  |                          |------- INVITE 11 ------->|
       0.000  |                          |<----- 180 Ringing -------|
>>     0.000  |<----- 180 Ringing -------|                          |
]], "\nSIP/2.0 180 Ringing\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=")
		assert.equal(1, select(2, text:gsub(">>", "")))
	end)
end)

describe("the ladder", function()
	local function entry(fields)
		local e = { at = 0, from = "192.0.2.1:5060", to = "127.0.0.1:5060",
			text = "INVITE sip:11@a SIP/2.0\r\n\r\n" }
		for k, v in pairs(fields or {}) do e[k] = v end
		return e
	end
	local parties = { { address = "192.0.2.1:5060", name = "10" },
		{ address = "127.0.0.1:5060", name = "proxy" }, { address = "192.0.2.2:5060", name = "11" } }

	local function row(fields)
		local trace = { entry(fields), entry { from = "192.0.2.2:5060" }, parties = parties }
		return (ladder.text(trace):match "\n[^\n]*\n([^\n]*)":sub(8))
	end

	it("shows what became of a message", function()
		assert.equal("0.000  |------- INVITE 11 ------->|                          |", row())
		assert.matches("INVITE 11 %-%-%-%-%-%-%-X|  .*|  dropped$", row { fate = "dropped" })
		assert.matches("|  unreachable$", row { fate = "unreachable" })
		assert.matches("|  2 times$", row { copies = 2 })
		assert.matches("|  again, %+0.250 s$", row { again = true, delay = 250 })
		assert.matches("^0.000  |%-%-. to itself: INVITE 11",
			row { from = "127.0.0.1:5060", to = "127.0.0.1:5060" })
		assert.matches("|%-%-%-%-%-%-%-.* INVITE 11 .*%-%-%->|$", row { to = "192.0.2.2:5060" })
	end)

	it("says what the script complained about, and the author's notes", function()
		local trace = { entry(), { at = 2000, note = "now" }, parties = parties }
		table.insert(trace, 2, { at = 1500, error = "request handler, INVITE x: route.lua:4: oh\nstack" })
		local text = ladder.text(trace)
		assert.matches("\n       1.500  ! route.lua:4: oh\n", text, 1, true)
		assert.matches("\n       2.000  now\n", text, 1, true)
	end)

	it("keeps to the newest, and to those who take part in it", function()
		local trace = { parties = parties }
		for i = 1, 100 do trace[i] = entry { at = i } end
		local text = ladder.text(trace, { last = 10 })
		assert.matches("… 90 before", text)
		assert.equal(13, select(2, text:gsub("\n", "\n")))
		assert.is_nil(text:find "11 *\n")
	end)

	it("fits what an arrow can hold", function()
		local function label(text, width)
			return ladder.label(text .. "\r\nCSeq: 1 REGISTER\r\nTo: <sip:10@a>\r\n\r\n", width)
		end
		assert.equal("401 Unauthorized (REGISTER)", label "SIP/2.0 401 Unauthorized")
		assert.equal("401 (REGISTER)", label("SIP/2.0 401 Unauthorized", 20))
		assert.equal("REGISTER 10", label "REGISTER sip:a SIP/2.0")
		assert.equal("OPTIONS a", label "OPTIONS sip:a;x=y SIP/2.0")
		assert.equal("BYE 11", label "BYE sip:11@[::1]:5060 SIP/2.0")
		assert.equal("INVIT", label("INVITE sip:11@a SIP/2.0", 5))
		assert.equal("g?rb?ge", ladder.label "g\1rb\255ge")
		local reply = "SIP/2.0 407 Proxy Authentication Required\r\nCSeq: 1 INVITE\r\n"
		assert.equal("407 Proxy", ladder.label(reply, 20))
	end)

	it("stays within a hundred columns, with five parties", function()
		local net, ten, eleven = route.two_phones()
		net:registered("11", "11")
		eleven:will "answer"
		net:drop { chance = 0.5 }
		ten:call "11"
		net:note "enough"
		for line in net:ladder():gmatch "[^\n]+" do
			assert.is_true(#line <= 100, line)
		end
	end)
end)

describe("a script with a mistake", function()
	local function proxy(body, options)
		options = options or {}
		options.allow_errors = options.allow_errors or false
		return route.proxy(body, options)
	end

	it("in a method's name fails with file, line and cause", function()
		contains(failure(proxy, "\n\nreq:t_rely()"),
			"route.lua:3: a request has no method or field 't_rely', did you mean 't_relay'?")
	end)

	it("that shows only when it runs fails just as well", function()
		local net = proxy "\n\nlocal f = 't_' .. 'rely'\nreq[f](req)"
		contains(failure(function() net:phone "10":request("MESSAGE", "11") end),
			"testkit_failures_spec.lua:", "the routing script failed: request handler, MESSAGE call-",
			"route.lua:4: a request has no method or field 't_rely', did you mean 't_relay'?",
			"stack traceback:", "|------- MESSAGE 11 ------>|", "! route.lua:4: a request",
			"<---- 500 (MESSAGE)")
	end)

	it("in a handler fails whichever it is, and when it happens", function()
		local net = proxy([[req:t_relay "192.0.2.99"]],
			{ more = "reply = function(rpl)\n local t = nil\n t.x = rpl.status end" })
		local far = net:peer "192.0.2.99"
		net:phone "10":send("MESSAGE", "11")
		local request = far:expect "MESSAGE"
		contains(failure(far.reply, far, request, 200), "reply handler, MESSAGE",
			"route.lua:3: attempt to index a nil")
	end)

	it("that comes later fails when the clock comes there", function()
		local net = proxy("req:lookup 'location' error 'late'",
			{ settings = { usrloc = { db_mode = 3 } } })
		net:store { delay = 1 }
		net:phone "10":send("MESSAGE", "11")
		contains(failure(net.advance, net, 5), "late")
	end)

	it("of an endless loop fails with its line", function()
		local settings = { script = { instructions = 10000 } }
		local net = proxy("\nwhile true do end", { settings = settings })
		contains(failure(function() net:phone "10":send("MESSAGE", "11") end),
			"route.lua:2: too many instructions: an endless loop?")
	end)

	it("is told once, and again with whatever fails later", function()
		local net = proxy "error 'oh no'"
		local phone = net:phone "10"
		failure(function() phone:send("MESSAGE", "11") end)
		local reply = phone:take()
		assert.sip(reply).is.reply(500)
		contains(failure(function() assert.sip(reply).is.reply(200) end), "expected a reply 200",
			"the script failed:\nrequest handler, MESSAGE", "oh no", "stack traceback:")
	end)

	it("is kept when it is allowed", function()
		local net = proxy("error 'oh no'", { allow_errors = true })
		assert.sip(net:phone "10":request("MESSAGE", "11")).is.reply(500)
		net:phone "10":request("MESSAGE", "11")
		assert.equal(2, #net.errors)
		assert.matches("^request handler, MESSAGE call%-%d+: route.lua:1: oh no\nstack traceback:",
			net.errors[1])
	end)
end)
