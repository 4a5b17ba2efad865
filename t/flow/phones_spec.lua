-- Real phones, baresip and linphone, as 10 and 11.
local flow = require "flow"

local START = {
	baresip = flow.baresip,
	linphone = flow.linphone,
}

for _, store in ipairs(flow.stores { memory = false }) do
	describe("baresip and baresip, store " .. store .. ",", function()
		local world, ten, eleven

		setup(function()
			world = flow.world { store = store }
			ten = flow.baresip { world = world, user = "10", password = "abc10", host = world:host(10) }
			eleven = flow.baresip { world = world, user = "11", password = "abc11",
				host = world:host(11) }
			ten:expect_registration(200)
			eleven:expect_registration(200)
		end)
		teardown(flow.cleanup)

		local function talk()
			ten:dial "11"
			ten:expect "CALL_RINGING"
			eleven:expect "CALL_INCOMING"
			eleven:accept()
			ten:expect "CALL_ESTABLISHED"
			eleven:expect "CALL_ESTABLISHED"
			ten:expect_talk()
			eleven:expect_talk()
		end

		local function both_closed()
			ten:expect "CALL_CLOSED"
			eleven:expect "CALL_CLOSED"
		end

		it("are registered", function()
			assert.are.equal(1, #world:location "10")
			assert.are.equal(1, #world:location "11")
		end)

		it("talk, and the caller hangs up", function()
			talk()
			ten:hangup()
			both_closed()
		end)

		it("talk, and the callee hangs up", function()
			talk()
			eleven:hangup()
			both_closed()
		end)

		it("ring, and the caller gives up", function()
			ten:dial "11"
			ten:expect "CALL_RINGING"
			eleven:expect "CALL_INCOMING"
			ten:hangup()
			both_closed()
		end)

		it("ring, and the callee declines", function()
			ten:dial "11"
			eleven:expect "CALL_INCOMING"
			eleven:hangup()
			assert.truthy(ten:expect("CALL_CLOSED").param:find "486")
			eleven:expect "CALL_CLOSED"
		end)

		it("talk though the proxy was killed meanwhile", function()
			world:kill9()
			world:start()
			talk()
			ten:hangup()
			both_closed()
		end)

		it("are told when there is no such user", function()
			ten:dial "99"
			assert.truthy(ten:expect("CALL_CLOSED").param:find "404")
		end)

		it("leave nothing behind in the proxy", function()
			local stats = world:wait_idle()
			assert.are.equal(0, stats["script.errors"])
		end)
	end)
end

describe("a baresip with a wrong password", function()
	after_each(flow.cleanup)

	it("is refused and gets no row", function()
		local world = flow.world { store = "sqlite" }
		local imposter = flow.baresip { world = world, user = "10", password = "wrong",
			host = world:host(10) }
		imposter:expect_registration(401)
		assert.are.same({}, world:location "10")
	end)
end)

describe("linphone and baresip", function()
	local world, ten, eleven

	setup(function()
		world = flow.world { store = "sqlite" }
		ten = START.linphone { world = world, user = "10", password = "abc10",
			host = world:host(10) }
		eleven = START.baresip { world = world, user = "11", password = "abc11",
			host = world:host(11) }
		eleven:expect_registration(200)
		flow.wait("linphone's row", function() return #world:location "10" == 1 end)
	end)
	teardown(flow.cleanup)

	it("talk when linphone calls, and linphone hangs up", function()
		ten:dial "11"
		eleven:expect "CALL_INCOMING"
		eleven:accept()
		ten:expect "connected"
		eleven:expect_talk()
		ten:hangup()
		eleven:expect "CALL_CLOSED"
		ten:expect "ended"
	end)

	it("talk when baresip calls, and baresip hangs up", function()
		eleven:dial "10"
		ten:expect "Receiving new incoming call"
		ten:accept()
		eleven:expect "CALL_ESTABLISHED"
		eleven:expect_talk()
		eleven:hangup()
		ten:expect "ended"
	end)

	it("ring, and linphone gives up", function()
		ten:dial "11"
		eleven:expect "CALL_INCOMING"
		ten:hangup()
		eleven:expect "CALL_CLOSED"
	end)

	it("ring, and linphone declines", function()
		eleven:dial "10"
		ten:expect "Receiving new incoming call"
		ten:hangup()
		assert.truthy(eleven:expect("CALL_CLOSED").param:find "603")
	end)
end)
