-- The test kit: clock, network, store, raw messages.
local testkit = require "lunasip.testkit"
local route = require "route"

local two_phones = route.two_phones

local function raises(text, f, ...)
	local ok, why = pcall(f, ...)
	assert.is_false(ok)
	assert.matches(text, tostring(why), 1, true)
end

-- A route that sends everything to a peer at 192.0.2.99.
local function to_far(options)
	local net = route.proxy([[if not req:t_relay "192.0.2.99" then req:sl_reply_error() end]], options)
	return net, net:phone "10", net:peer "192.0.2.99"
end

describe("the clock", function()
	it("stands still until it is turned", function()
		local net = two_phones()
		assert.equal(0, net:now())
		net:advance(1.5)
		assert.equal(1.5, net:now())
		raises("advance() takes seconds, 0 or more", net.advance, net, -1)
	end)

	it("lets things happen in the order of their times", function()
		local net, seen = two_phones(), {}
		local function note(what) return function() seen[#seen + 1] = what .. net:now() end end
		net:after(2, note "b")
		net:after(1, note "a")
		net:after(2, note "c")
		local event = net:after(1.5, note "never")
		net:after(1, function()
			event.cancel()
			net:after(0.25, note "later")
		end)
		net:advance(3)
		assert.same({ "a1.0", "later1.25", "b2.0", "c2.0" }, seen)
	end)

	it("cannot be turned by what happens in it", function()
		local net = two_phones()
		net:after(1, function() net:advance(1) end)
		raises("the clock cannot be turned by what happens in it", net.advance, net, 2)
		net:advance(1) -- and the world goes on
	end)

	it("runs until nothing is under way", function()
		local net, ten, eleven = two_phones()
		eleven:will("answer", 20)
		local call = ten:call "11"
		net:run()
		assert.equal("talking", call.state)
		local s = net:stats()
		assert.same({ 0, 0, 0 }, { s.contexts, s.servers, s.clients })
	end)

	it("runs until something is true, or raises", function()
		local net, ten, eleven = two_phones()
		eleven:will("answer", 20)
		local call = ten:call "11"
		net:run(function() return call.state == "talking" end)
		assert.equal(20, net:now())
		raises("run(): after 5 s the condition is not true yet", net.run, net, function() end, 5)
	end)

	it("ages registrations and nonces", function()
		local net, ten, eleven = two_phones()
		eleven:register { expires = 300 }
		net:advance(299)
		assert.sip(ten:call "11").is.reply(180)
		net:advance(2)
		assert.sip(ten:call "11").is.reply(404)
	end)

	it("does not wait for a world without rest", function()
		local net = route.proxy "say(req, 1)"
		local function again() net:after(0, again) end
		again()
		raises("this never comes to rest", net.advance, net, 1)
	end)
end)

describe("the network", function()
	it("drops", function()
		local net, ten, eleven = two_phones()
		local rule = net:drop(eleven)
		local call = ten:call "11"
		net:advance(0.4)
		assert.same({}, eleven.calls)
		rule.stop()
		net:advance(0.1) -- T1: the proxy sends it again
		assert.equal("ringing", call.state)
	end)

	it("drops by any rule", function()
		local function lost(rule)
			local net, ten, eleven = two_phones()
			eleven:will "answer"
			net:drop(type(rule) == "function" and rule(net, ten, eleven) or rule)
			local call = ten:call "11"
			if call.dialog then call:bye() end
			local fates = {}
			for _, entry in ipairs(net.trace) do
				if entry.fate then fates[#fates + 1] = entry.text:match "^[^\r]*" end
			end
			return fates
		end
		assert.same({ "SIP/2.0 100 Giving a try" }, lost { status = 100 })
		assert.same({ "SIP/2.0 200 OK" }, lost { status = 200, method = "BYE" })
		assert.same({ "INVITE sip:11@127.0.0.1 SIP/2.0" }, lost { method = "INVITE", nth = 2 })
		assert.same({}, lost { method = "INVITE", status = 486 })
		assert.same({ "SIP/2.0 180 Ringing" }, lost { status = { 180, 183 }, to = "proxy" })
		assert.same({ "SIP/2.0 180 Ringing" }, lost(function(_, ten)
			return { to = ten, status = 180 } end))
		assert.same({ "ACK sip:11@192.0.2.2:5060 SIP/2.0" }, lost(function(_, _, eleven)
			return function(msg) return msg.to == eleven.address and msg.method == "ACK" end end))
		assert.same({ "SIP/2.0 180 Ringing" }, lost { from = "192.0.2.2", status = 180 })
		assert.same({ "SIP/2.0 180 Ringing", "SIP/2.0 200 OK" },
			lost { party = "192.0.2.2", nth = { 2, 3 } })
	end)

	it("drops so many times", function()
		local net = route.proxy "say(req, 1)"
		net:drop { method = "MESSAGE", times = 3 }
		local exchange = net:phone "10":request("MESSAGE", "11")
		net:run()
		assert.sip(exchange).is.reply(299)
		assert.same({ 0, 0.5, 1.5, 3.5 }, net:times { method = "MESSAGE" })
	end)

	it("knows what a rule may say", function()
		local net = two_phones()
		raises("a rule does not know 'form'; it knows call_id, chance, from,", net.drop, net,
			{ form = "x" })
		raises("a rule is a phone, a function or a table, not a string", net.drop, net, "INVITE")
		raises("a delay is seconds, or { least, most }", net.delay, net, "x")
	end)

	it("delays", function()
		local net, ten, eleven = two_phones()
		eleven:will "answer"
		net:delay(0.05)
		local call = ten:call "11"
		assert.equal("calling", call.state)
		net:run(function() return call.state == "talking" end)
		assert.equal(0.3, net:now()) -- INVITE, 407, INVITE, INVITE, 180 and 200
	end)

	it("delays by chance, within limits, and so reorders", function()
		local net, phone, far = to_far()
		net:delay({ 0.1, 0.2 }, { to = far })
		for i = 1, 20 do phone:send("MESSAGE", "11", { body = tostring(i) }) end
		net:advance(0.0999)
		assert.sip(far:take()).is.nothing()
		net:advance(0.2)
		local order, sorted = {}, {}
		for i = 1, 20 do
			sorted[i] = i
			order[i] = tonumber(far:expect "MESSAGE".body)
		end
		assert.not_same(sorted, order)
		table.sort(order)
		assert.same(sorted, order)
	end)

	it("duplicates, and nobody minds", function()
		local net, ten, eleven = two_phones()
		net:duplicate()
		eleven:will "answer"
		local call = ten:call "11"
		assert.equal("talking", call.state)
		assert.equal(1, #eleven.calls)
		assert.sip(call:bye()).is.reply(200)
		net:run()
		assert.is_true(net:stats().retransmissions_in > 3)
	end)

	it("duplicates a challenge, and it is answered once", function()
		local net, ten = two_phones()
		net:duplicate { status = 407 }
		local exchange = ten:request("MESSAGE", "11")
		assert.sip(exchange).is.reply(200)
		assert.equal(2, #net:seen { from = ten, method = "MESSAGE" })
	end)

	it("reorders", function()
		local net, phone, far = to_far()
		net:reorder { to = far, nth = 1 }
		for i = 1, 3 do phone:send("MESSAGE", "11", { body = tostring(i) }) end
		assert.equal("213", far:expect().body .. far:expect().body .. far:expect().body)
	end)

	it("reorders at most for a second, when nothing overtakes", function()
		local net, phone, far = to_far()
		net:reorder { to = far, nth = 1 }
		phone:send("ACK", "11", { body = "4" })
		assert.sip(far:take()).is.nothing()
		net:advance(1)
		assert.equal("4", far:expect().body)
	end)

	it("does not reach", function()
		local net, ten, eleven = two_phones()
		net:unreachable(eleven)
		assert.sip(ten:call "11").is.reply(500)
		net:heal()
		assert.equal("ringing", ten:call "11".state)
	end)

	it("loses a fifth by chance, and calls still succeed", function()
		for seed = 1, 10 do
			local net, ten, eleven = two_phones { seed = seed }
			eleven:will("answer", 2)
			net:drop { chance = 0.2 }
			local call = ten:call "11"
			net:run(function() return call.state == "talking" end, 32)
			net:run(function() return eleven:incoming().state == "talking" end, 32)
			assert.sip(call:reinvite()).got.no.reply(408)
			call:bye()
			net:run()
			assert.same({ "ended", "ended" }, { call.state, eleven:incoming().state })
		end
	end)

	it("carries what the proxy sends itself", function()
		local net = route.proxy [[
			if req:search "^X%-Seen" or req.max_forwards < 70 then return say(req, "it is me") end
			req:t_relay "127.0.0.1:5060"]]
		assert.sip(net:phone "10":request("MESSAGE", "11")).is.reply(299, "it is me")
		assert.equal(1, #net:seen { from = "proxy", to = "proxy", method = "MESSAGE" })
	end)
end)

describe("raw messages", function()
	local options = "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
		.. "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
		.. "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"

	it("go from any address, and their answers can be taken", function()
		local net = route.proxy "say(req, req.source.ip)"
		net:send(options, "192.0.2.7:5060")
		local msg = net:take()
		assert.sip(msg).is.reply(299, "192.0.2.7")
		assert.sip(msg).is.from "127.0.0.1"
		assert.sip(msg).is.to "192.0.2.7:5060"
		assert.sip(net:take()).is.nothing()
	end)

	it("are taken by address, the oldest first", function()
		local net = route.proxy "say(req, 1)"
		for _, from in ipairs { "192.0.2.7:5060", "192.0.2.8:5060" } do net:send(options, from) end
		assert.equal(2, net:pending())
		assert.equal("192.0.2.7:5060", net:take "192.0.2.7".to)
		net:forget()
		assert.equal(0, net:pending())
	end)

	it("may be anything", function()
		local net = route.proxy "say(req, 1)"
		for _, text in ipairs { "", "\r\n\r\n", "garbage", "\0\255", options:sub(1, 50) } do
			net:send(text, "192.0.2.7:5060")
		end
		assert.is_string(net:ladder())
		assert.same({}, net:seen { from = "proxy" })
	end)

	it("need addresses", function()
		local net = route.proxy "say(req, 1)"
		raises('from must be "ADDRESS:PORT" or a phone, not ten', net.send, net, options, "ten")
		raises("send() takes the text of a message", net.send, net, nil, "192.0.2.7:5060")
	end)

	it("are seen on the wire, with their times", function()
		local net, phone, far = to_far()
		phone:send("INVITE", "11")
		net:advance(2)
		assert.same({ 0, 0.5, 1.5 }, net:times { to = far, method = "INVITE" })
		local seen = net:seen { to = far }
		assert.equal(3, #seen)
		assert.equal(seen[1].text, seen[3].text)
		assert.matches("^0.000 127.0.0.1:5060 > 192.0.2.99:5060\nINVITE ", net:transcript(far))
	end)
end)

describe("the store", function()
	local function lookup(how)
		local net = route.proxy("say(req, req:lookup 'location')",
			{ settings = { usrloc = { db_mode = 3 } } })
		net:store(how)
		return net, net:phone "10":request("MESSAGE", "11")
	end

	it("is slow", function()
		local net, exchange = lookup { delay = 0.2 }
		assert.equal(1, net:stats().parked)
		net:advance(0.2)
		assert.sip(exchange).is.reply(299, "false|none")
	end)

	it("fails as often as told", function()
		local net, exchange = lookup { fail = 1 }
		assert.sip(exchange).is.reply(299, "nil|db")
		assert.sip(net:phone "10":request("MESSAGE", "11")).is.reply(299, "false|none")
	end)

	it("is gone, until it is back", function()
		local net, exchange = lookup { gone = true }
		assert.sip(exchange).is.reply(299, "nil|db")
		net:store { gone = false }
		assert.sip(net:phone "10":request("MESSAGE", "11")).is.reply(299, "false|none")
	end)

	it("is gone for a while", function()
		local net = lookup { gone = 5 }
		net:advance(4.9)
		assert.sip(net:phone "10":request("MESSAGE", "11")).is.reply(299, "nil|db")
		net:advance(0.2)
		assert.sip(net:phone "10":request("MESSAGE", "11")).is.reply(299, "false|none")
	end)

	it("knows what it can be", function()
		raises("store() does not know 'slow'; it knows ", lookup, { slow = 1 })
	end)
end)

describe("the resolver", function()
	it("takes its time", function()
		local net = testkit.proxy { hosts = { ["far.example"] = "192.0.2.99" },
			source = "return { request = function(req) req:t_relay() end }" }
		net:resolver { delay = 0.5 }
		net:phone "10":send("MESSAGE", "sip:a@far.example")
		assert.sip(net:take "192.0.2.99").is.nothing()
		net:advance(0.5)
		assert.sip(net:take "192.0.2.99").is.request "MESSAGE"
	end)
end)
