-- Timers of RFC 3261 17 and 16.6, to the millisecond, as the author of a route sees them.
local route = require "route"

local two_phones = route.two_phones

describe("a callee that never answers", function()
	local net, ten, eleven, call
	before_each(function()
		net, ten, eleven = two_phones()
		eleven:will "silent"
		net:advance(1) -- times count from somewhere
		call = ten:call "11"
	end)

	it("is sent the INVITE at T1, 2 T1, 4 T1 … and no more after 64 T1 (timers A and B)", function()
		net:run()
		assert.same({ 1, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5 }, net:times { to = eleven, method = "INVITE" })
	end)

	it("makes it 408 for the caller, at 64 T1 and not before", function()
		net:advance(31.999)
		assert.sip(call).is.reply(100)
		net:advance(0.001)
		assert.sip(call).is.reply(408)
		assert.same({ 33 }, net:times { to = ten, status = 408 })
	end)

	it("is not asked to cancel what it never heard of", function()
		net:run()
		assert.same({}, net:seen { method = "CANCEL" })
	end)
end)

describe("T1 and T2 of the settings", function()
	it("are the proxy's", function()
		local net, ten, eleven = two_phones { settings = { tm = { t1 = 100, t2 = 200 } } }
		eleven:will { MESSAGE = "silent" }
		local exchange = ten:request("MESSAGE", "11")
		net:advance(6.4)
		local times = net:times { to = eleven, method = "MESSAGE" }
		assert.same({ 0, 0.1, 0.3, 0.5 }, { table.unpack(times, 1, 4) }) -- timer E
		assert.equal(6.3, times[#times])
		assert.sip(exchange).is.reply(100) -- RFC 4320: no 408, which would come too late
	end)
end)

describe("a request that is no INVITE", function()
	it("is retransmitted at T1, 2 T1, … T2, T2 (timers E and F)", function()
		local net, ten, eleven = two_phones()
		eleven:will { MESSAGE = "silent" }
		ten:request("MESSAGE", "11")
		net:run()
		assert.same({ 0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5 },
			net:times { to = eleven, method = "MESSAGE" })
	end)
end)

describe("a callee that rings for ever", function()
	it("is cancelled by timer C after 185 s, and the caller hears 408", function()
		local net, ten, eleven = two_phones()
		local call = ten:call "11"
		net:advance(184.999)
		assert.equal("ringing", call.state)
		net:advance(0.001)
		assert.same({ 185 }, net:times { to = eleven, method = "CANCEL" })
		assert.is_true(eleven:incoming().cancelled)
		assert.same({ 185 }, net:times { from = eleven, status = 487 })
		assert.sip(call).is.reply(408)
		net:run()
	end)

	it("keeps ringing while it sends provisional responses, at most 600 s", function()
		local net, ten, eleven = two_phones()
		eleven:will(function(call)
			local function ring()
				call:ring()
				call:after(60, ring)
			end
			ring()
		end)
		local call = ten:call "11"
		net:advance(599.999)
		assert.equal("ringing", call.state)
		net:advance(0.001)
		assert.same({ 600 }, net:times { to = eleven, method = "CANCEL" })
		assert.sip(call).is.reply(408)
	end)

	it("and does not even answer the CANCEL, ends all the same", function()
		local net, ten, eleven = two_phones()
		local call = ten:call "11"
		eleven:will "silent"
		net:run()
		assert.sip(call).is.reply(408)
		assert.equal("ended", call.state)
	end)
end)

describe("an answer whose ACK is lost", function()
	it("is repeated by the callee until it comes", function()
		local net, ten, eleven = two_phones()
		eleven:will "answer"
		net:drop { to = eleven, method = "ACK", times = 3 }
		ten:call "11"
		assert.equal("answered", eleven:incoming().state)
		net:run()
		assert.equal("talking", eleven:incoming().state)
		assert.same({ 0, 0.5, 1.5, 3.5 }, net:times { from = eleven, status = 200, method = "INVITE" })
	end)

	it("that refuses is repeated by the proxy (timers G and H)", function()
		local net, ten, eleven = two_phones()
		eleven:will "busy"
		net:drop { from = ten, method = "ACK" }
		ten:call "11"
		net:run()
		assert.same({ 0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5 },
			net:times { to = ten, status = 486 })
	end)
end)
