-- The test kit: phones and their calls.
local testkit = require "lunasip.testkit"
local route = require "route"

local two_phones = route.two_phones

local function misuse(text, f, ...)
	local ok, why = pcall(f, ...)
	assert.is_false(ok)
	assert.matches(text, tostring(why), 1, true)
	assert.matches("testkit_spec.lua:%d+: ", tostring(why)) -- the author's line
end

describe("testkit.proxy", function()
	local source = [[return { request = function(req)
		req:sl_send_reply(200, tostring(req:is_myself())) end }]]

	it("says what is wrong with the script, as -c does", function()
		misuse("my.lua:1: unknown handler 'requst', did you mean 'request'?", testkit.proxy,
			{ source = "return { requst = print }", name = "my.lua" })
	end)

	it("knows its options", function()
		misuse("testkit.proxy does not know 'scirpt'", testkit.proxy, { scirpt = "a.lua" })
	end)

	it("has other names, which are the phones' domain", function()
		local net = testkit.proxy { source = source, aliases = { "example.org", "example.net" } }
		local phone = net:phone "10"
		assert.equal("sip:10@example.org", phone:aor())
		for _, uri in ipairs { "11", "sip:example.net", "sip:127.0.0.1" } do
			assert.sip(phone:request("OPTIONS", uri)).is.reply(200, "true")
		end
		assert.sip(phone:request("OPTIONS", "sip:example.com")).is.reply(200, "false")
	end)

	it("adds them to those of the settings", function()
		local net = testkit.proxy { source = source, aliases = { "example.org" },
			settings = { aliases = { "example.net" } } }
		for _, uri in ipairs { "sip:example.org", "sip:example.net" } do
			assert.sip(net:phone "10":request("OPTIONS", uri)).is.reply(200, "true")
		end
	end)

	it("takes bindings of users, one or several, and rows", function()
		local net = testkit.proxy { source = source, bindings = {
			["11"] = "sip:11@192.0.2.50", ["12"] = { "sip:a@192.0.2.51", "sip:b@192.0.2.52" },
			{ username = "13", contact = "sip:13@192.0.2.53", q = 0.5 } } }
		local contacts = {}
		for _, row in ipairs(net:bindings()) do contacts[#contacts + 1] = row.contact end
		table.sort(contacts)
		assert.same({ "sip:11@192.0.2.50", "sip:13@192.0.2.53", "sip:a@192.0.2.51",
			"sip:b@192.0.2.52" }, contacts)
	end)

	it("knows hosts", function()
		local net = testkit.proxy { hosts = { ["far.example"] = "192.0.2.99" },
			source = "return { request = function(req) req:t_relay() end }" }
		net:phone "10":send("OPTIONS", "sip:far.example")
		assert.sip(net:take()).is.to("192.0.2.99")
	end)

	it("ends when told, twice if need be", function()
		local net = testkit.proxy { source = source }
		net:close()
		net:close()
		assert.is_false((pcall(net.advance, net, 1)))
	end)
end)

describe("a world", function()
	local kept, shared
	before_each(function() shared = route.proxy "say(req, 1)" end)

	it("lives as long as its spec", function()
		kept = route.proxy "say(req, 1)"
		assert.is_nil(kept.closed)
	end)

	it("and no longer; that of before_each is new each time", function()
		assert.is_true(kept.closed)
		assert.sip(shared:phone "10":request("MESSAGE", "11")).is.reply(299)
	end)
end)

describe("a phone", function()
	it("registers, and is registered no more", function()
		local net = route.default()
		local phone = net:phone "10"
		assert.equal(200, phone:register().status)
		assert.equal(1, #net:bindings())
		assert.sip(phone:register { expires = 120 }).has.header("Contact", "expires=120")
		assert.sip(phone:unregister()).has.no.header "Contact"
	end)

	it("may have a wrong password", function()
		local exchange = route.default():phone("10", { password = "wrong" }):register()
		assert.sip(exchange).is.reply(401)
		assert.equal(2, #exchange.responses) -- it did try
	end)

	it("without a password does not answer challenges", function()
		local exchange = route.default():phone "12":register()
		assert.sip(exchange).is.reply(401)
		assert.equal(1, #exchange.responses)
	end)

	it("is one of several devices of its user", function()
		local net, _, eleven = two_phones()
		local second = net:registered "11"
		assert.equal(3, #net:bindings())
		assert.not_equal(eleven.address, second.address)
		assert.matches("11 (2)", net:ladder(), 1, true)
	end)

	it("is told apart from others at its address", function()
		local net = two_phones()
		misuse("there is somebody at 192.0.2.1:5060 already", net.phone, net, "12",
			{ address = "192.0.2.1" })
		misuse("is the proxy's own address", net.phone, net, "12", { address = "127.0.0.1:5060" })
		misuse("net:phone() does not know 'pasword'", net.phone, net, "12", { pasword = "x" })
		misuse("a phone has a user", net.phone, net, 12)
	end)

	it("says which one could not register", function()
		misuse("12 could not register", function() route.default():registered "12" end)
	end)

	it("sends any request, and gets any", function()
		local _, ten, eleven = two_phones()
		local exchange = ten:request("MESSAGE", "11", { body = "hello", headers = { "X-A: b" } })
		assert.sip(exchange).is.reply(200)
		assert.sip(eleven).got.request "MESSAGE"
		assert.sip(eleven).has.header("X-A", "b")
		assert.sip(eleven:expect "MESSAGE").has.body "hello"
	end)

	it("reacts to requests as told", function()
		local _, ten, eleven = two_phones()
		eleven:will { MESSAGE = 480, INFO = function(request)
			return request:header "X-A" and 200 or 400
		end }
		assert.sip(ten:request("MESSAGE", "11")).is.reply(480)
		assert.sip(ten:request("INFO", "11")).is.reply(400)
		assert.sip(ten:request("INFO", "11", { headers = { "X-A: b" } })).is.reply(200)
		assert.sip(ten:request("OPTIONS", "11")).is.reply(200)
	end)

	it("knows what it can be told", function()
		local _, ten = two_phones()
		misuse('will() takes "ring", "answer"', ten.will, ten, "anwser")
		misuse('will() takes "ring", "answer"', ten.will, ten, { INVITE = {} })
		misuse('will { INFO = } takes a status, "silent" or a function, not busy', ten.will, ten,
			{ INFO = "busy" })
		misuse("whom is a user", ten.call, ten, 11)
		misuse("INVITE does not know 'header'", ten.call, ten, "11", { header = {} })
	end)
end)

describe("a call", function()
	it("is three lines", function()
		local _, ten, eleven = two_phones()
		eleven:will "answer"
		local call = ten:call "11"
		assert.equal("talking", call.state)
	end)

	it("rings until somebody answers", function()
		local _, ten, eleven = two_phones()
		local call = ten:call "11"
		assert.equal("ringing", call.state)
		assert.sip(call).is.reply(180)
		eleven:incoming():answer()
		assert.equal("talking", call.state)
		assert.equal("talking", eleven:incoming().state)
	end)

	it("is ended by either side, and both know", function()
		for _, who in ipairs { "caller", "callee" } do
			local _, ten, eleven = two_phones()
			eleven:will "answer"
			local call = ten:call "11"
			local theirs = eleven:incoming()
			local one, other = call, theirs
			if who == "callee" then one, other = theirs, call end
			assert.sip(one:bye()).is.reply(200)
			assert.same({ "ended", "ended" }, { one.state, other.state })
			misuse("the call has ended already", one.bye, one)
		end
	end)

	it("can be refused", function()
		local _, ten, eleven = two_phones()
		for what, status in pairs { busy = 486, decline = 603, [480] = 480 } do
			eleven:will(what)
			local call = ten:call "11"
			assert.same({ status, "ended" }, { call.status, call.state })
			assert.equal("ended", eleven:incoming().state)
		end
	end)

	it("is answered or refused after a while", function()
		local net, ten, eleven = two_phones()
		eleven:will("answer", 3)
		local call = ten:call "11"
		net:advance(2.999)
		assert.equal("ringing", call.state)
		net:advance(0.001)
		assert.equal("talking", call.state)
		eleven:will("busy", 5)
		call = ten:call "11"
		net:advance(5)
		assert.sip(call).is.reply(486)
	end)

	it("is not answered when it was cancelled before", function()
		local net, ten, eleven = two_phones()
		eleven:will("answer", 3)
		local call = ten:call "11"
		call:cancel()
		net:advance(5)
		assert.same({ 487, "ended" }, { call.status, call.state })
	end)

	it("can be handled by a function", function()
		local net, ten, eleven = two_phones()
		eleven:will(function(call)
			call:reply(183, { body = "v=0\r\n", headers = { "Content-Type: application/sdp" } })
			call:after(2, call.decline)
		end)
		local call = ten:call "11"
		assert.sip(call).is.reply(183)
		assert.sip(call).has.body "^v=0"
		net:advance(2)
		assert.sip(call).is.reply(603)
	end)

	it("meets silence", function()
		local net, ten, eleven = two_phones()
		eleven:will "silent"
		local call = ten:call "11"
		assert.equal("calling", call.state)
		assert.same({}, eleven.calls)
		eleven:expect "INVITE"
		net:run()
		assert.sip(call).is.reply(408)
	end)

	it("is taken without a word", function()
		local _, ten, eleven = two_phones()
		eleven:will "nothing"
		local call = ten:call "11"
		assert.equal("calling", eleven:incoming().state)
		eleven:incoming():ring():answer()
		assert.equal("talking", call.state)
	end)

	it("is cancelled as soon as it may be", function()
		local net, ten, eleven = two_phones()
		net:delay(0.1)
		local call = ten:call "11"
		call:cancel()
		net:run()
		assert.sip(call).is.reply(487)
		assert.is_true(eleven:incoming().cancelled)
	end)

	it("is answered by hand before the phone would", function()
		local net, ten, eleven = two_phones()
		eleven:will("busy", 3)
		local call = ten:call "11"
		eleven:incoming():answer()
		net:advance(5)
		assert.equal("talking", call.state)
	end)

	it("that was cancelled too late is hung up", function()
		local net, ten, eleven = two_phones()
		eleven:will "answer"
		net:delay(0.1)
		net:delay(1, { method = "CANCEL", from = ten })
		local call = ten:call "11"
		net:advance(0.45) -- it rings over there; they answer at once
		call:cancel()
		net:run()
		assert.same({ "ended", "ended" }, { call.state, eleven:incoming().state })
		assert.equal(1, #net:seen { method = "BYE", from = ten })
	end)

	it("re-INVITEs, and carries any request", function()
		local _, ten, eleven = two_phones()
		eleven:will "answer"
		local call = ten:call "11"
		assert.sip(call:reinvite { body = "v=0\r\n" }).is.reply(200)
		assert.sip(eleven:incoming().reinvites[1]).has.body "^v=0"
		assert.sip(call:request "INFO").is.reply(200)
		assert.sip(eleven:incoming():request "INFO").is.reply(200)
		assert.equal("talking", call.state)
	end)

	it("taken by two devices keeps one and ends the other", function()
		local net, ten, eleven = two_phones()
		local second = net:registered "11"
		eleven:will "answer"
		second:will "answer"
		net:delay(0.1, { to = second }) -- the CANCEL comes too late
		net:drop { to = second, method = "CANCEL" }
		local call = ten:call "11"
		net:run()
		assert.equal("talking", call.state)
		assert.equal("talking", eleven:incoming().state)
		assert.equal("ended", second:incoming().state)
	end)

	it("between three phones keeps them apart", function()
		local net, ten, eleven = two_phones()
		eleven:will "answer"
		local one, other = ten:call "11", net:phone "10":call "11"
		one:bye()
		assert.same({ "ended", "talking" }, { one.state, other.state })
		assert.same({ "ended", "talking" }, { eleven.calls[1].state, eleven.calls[2].state })
	end)

	it("to oneself has two ends", function()
		local _, ten = two_phones()
		ten:will "answer"
		local call = ten:call "10"
		assert.equal("talking", call.state)
		ten:incoming():bye()
		assert.equal("ended", call.state)
	end)

	it("has its own transcript", function()
		local _, ten, eleven = two_phones()
		eleven:will "answer"
		ten:call "11":bye()
		local call = ten:call "11"
		local methods = {}
		for _, msg in ipairs(call:seen()) do methods[#methods + 1] = msg.method or msg.status end
		assert.same({ "INVITE", 407, "ACK", "INVITE", 100, 180, 200, "ACK" }, methods)
		assert.matches("^0.000 192.0.2.1:5060 > 127.0.0.1:5060\nINVITE sip:11@127.0.0.1 SIP/2.0\r\n",
			call:transcript())
	end)

	it("knows what cannot be done with it", function()
		local _, ten, eleven = two_phones()
		misuse("nobody has called 11", eleven.incoming, eleven)
		local call = ten:call "11"
		local theirs = eleven:incoming()
		misuse("this phone made the call: it cannot answer it", call.answer, call)
		misuse("only the caller can cancel()", theirs.cancel, theirs)
		misuse("nobody has answered", call.bye, call)
		misuse("there is no dialog yet, the call is ringing", call.reinvite, call)
		theirs:answer()
		misuse("the call was answered 200 already", theirs.busy, theirs)
		misuse("cancel(): the call is talking", call.cancel, call)
	end)
end)

describe("a peer", function()
	it("does nothing by itself", function()
		local net = route.proxy [[req:t_relay "192.0.2.99"]]
		local far = net:peer "192.0.2.99"
		local phone = net:phone "10"
		local call = phone:call "11"
		local invite = far:expect "INVITE"
		assert.equal("calling", call.state)
		far:reply(invite, 486)
		far:expect "ACK"
		assert.sip(call).is.reply(486)
	end)

	it("sends what it is told, as a phone may too", function()
		local net = route.proxy "say(req, req:header 'X-A')"
		local far = net:peer("192.0.2.99:5070", { user = "far" })
		local request = far:send("MESSAGE", "11", { headers = { "X-A: b" } })
		assert.matches("^MESSAGE sip:11@127.0.0.1 SIP/2.0\r\n.*From: <sip:far@127.0.0.1>", request.text)
		assert.sip(far:expect(299)).is.reply(299, "b")
		assert.sip(far:take()).is.nothing()
	end)

	it("says what it got instead", function()
		local net = route.proxy "say(req, 1)"
		local far = net:peer "192.0.2.99"
		misuse("192.0.2.99 got nothing, expected 200", far.expect, far, 200)
		far:send("MESSAGE", "11")
		misuse("192.0.2.99 expected 200, got SIP/2.0 299 1", far.expect, far, 200)
	end)
end)
