-- One user, two phones: both ring, one answers, the other is told to stop.
local flow = require "flow"

for _, store in ipairs(flow.stores { memory = false }) do
	describe("forking, store " .. store .. ",", function()
		local world, alice, desk, mobile

		local function phone(user, n)
			local p = flow.phone { world = world, user = user, password = "abc" .. user,
				host = world:host(n) }
			assert.are.equal(200, p:register().status)
			return p
		end

		before_each(function()
			world = flow.world { store = store }
			alice, desk, mobile = phone("10", 10), phone("11", 11), phone("11", 12)
		end)
		after_each(flow.cleanup)

		local function ring_both()
			local call = alice:invite "11"
			local at_desk, at_mobile = desk:take "INVITE", mobile:take "INVITE"
			desk:reply(at_desk, 180, "Ringing")
			mobile:reply(at_mobile, 180, "Ringing")
			alice:take(180)
			alice:take(180)
			return call, at_desk, at_mobile
		end

		it("lets one answer and cancels the other", function()
			local call, at_desk, at_mobile = ring_both()
			mobile:answer(at_mobile)
			alice:confirm(call, alice:final "INVITE")
			desk:reply(desk:take "CANCEL", 200, "OK")
			desk:reply(at_desk, 487, "Request Terminated")
			desk:take "ACK"
			mobile:take "ACK"
			alice:got_none(487)
		end)

		it("goes on ringing at one when the other is busy", function()
			local call, at_desk, at_mobile = ring_both()
			desk:reply(at_desk, 486, "Busy Here")
			desk:take "ACK"
			alice:got_none(486)
			mobile:answer(at_mobile)
			alice:confirm(call, alice:final "INVITE")
		end)

		it("cancels both when the caller gives up", function()
			local call, at_desk, at_mobile = ring_both()
			alice:cancel(call)
			for p, invite in pairs { [desk] = at_desk, [mobile] = at_mobile } do
				p:reply(p:take "CANCEL", 200, "OK")
				p:reply(invite, 487, "Request Terminated")
			end
			assert.are.equal(487, alice:final("INVITE").status)
		end)

		it("stops the other when one declines for all (6xx)", function()
			local _, at_desk, at_mobile = ring_both()
			desk:reply(at_desk, 603, "Decline")
			mobile:reply(mobile:take "CANCEL", 200, "OK")
			mobile:reply(at_mobile, 487, "Request Terminated")
			assert.are.equal(603, alice:final("INVITE").status)
		end)
	end)
end
