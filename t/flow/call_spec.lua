-- Two phones call each other, message by message.
local flow = require "flow"

for _, store in ipairs(flow.stores { memory = false }) do
	describe("a call, store " .. store .. ",", function()
		local world, alice, bob

		local function register(user, n)
			local phone = flow.phone { world = world, user = user, password = "abc" .. user,
				host = world:host(n) }
			assert.are.equal(200, phone:register().status)
			return phone
		end

		before_each(function()
			world = flow.world { store = store }
			alice, bob = register("10", 10), register("11", 11)
		end)
		after_each(flow.cleanup)

		local function talk()
			local call = alice:invite "11"
			local invite = bob:take "INVITE"
			bob:reply(invite, 180, "Ringing")
			alice:take(180)
			bob:answer(invite)
			alice:confirm(call, alice:final "INVITE")
			assert.are.equal(alice.host, bob:take("ACK").headers and alice.host)
			return call, invite
		end

		it("gets 100 at once and passes the proxy with one Via more", function()
			alice:invite "11"
			alice:take(100)
			local invite = bob:take "INVITE"
			assert.are.equal(2, #invite:all "Via")
			assert.truthy(invite:header("Record-Route"):find(world.address, 1, true))
			assert.is_nil(invite:header "Proxy-Authorization")
			assert.are.equal("69", invite:header "Max-Forwards")
		end)

		it("is hung up by the caller, through the proxy", function()
			local call = talk()
			alice:request(call, "BYE")
			local bye = bob:take "BYE"
			assert.are.equal(2, #bye:all "Via")
			bob:reply(bye, 200, "OK")
			assert.are.equal(200, alice:final("BYE").status)
		end)

		it("is hung up by the callee, through the proxy", function()
			local _, invite = talk()
			bob:request(bob:dialog_of(invite), "BYE")
			local bye = alice:take "BYE"
			assert.are.equal(2, #bye:all "Via")
			alice:reply(bye, 200, "OK")
			assert.are.equal(200, bob:final("BYE").status)
		end)

		it("is cancelled while it rings", function()
			local call = alice:invite "11"
			local invite = bob:take "INVITE"
			bob:reply(invite, 180, "Ringing")
			alice:take(180)
			alice:cancel(call)
			assert.are.equal(200, alice:final("CANCEL").status)
			local cancel = bob:take "CANCEL"
			bob:reply(cancel, 200, "OK")
			bob:reply(invite, 487, "Request Terminated")
			bob:take "ACK"
			assert.are.equal(487, alice:final("INVITE").status)
		end)

		it("finds the callee busy", function()
			alice:invite "11"
			bob:reply(bob:take "INVITE", 486, "Busy Here")
			bob:take "ACK" -- hop by hop: from the proxy
			assert.are.equal(486, alice:final("INVITE").status)
		end)

		it("to nobody is answered 404", function()
			alice:invite "12"
			assert.are.equal(404, alice:final("INVITE").status)
		end)

		it("to somebody who has left is answered 404", function()
			assert.are.equal(200, bob:register({ "Expires: 0" }).status)
			alice:invite "11"
			assert.are.equal(404, alice:final("INVITE").status)
		end)

		it("with a wrong password goes nowhere", function()
			alice.password = "wrong"
			local reply = alice:ask(alice:dialog(world:uri "11"), "INVITE")
			assert.are.equal(407, reply.status)
			bob:got_none "INVITE"
		end)

		it("of a stranger to a stranger is not relayed", function()
			local call = alice:dialog("sip:11@" .. bob.host)
			call.from = "<sip:mallory@" .. alice.host .. ">"
			alice:request(call, "INVITE")
			assert.truthy(alice:final("INVITE").status >= 400)
			bob:got_none "INVITE"
		end)

		it("with a preloaded Route still needs credentials", function()
			local call = alice:dialog("sip:11@" .. bob.host)
			call.routes = { ("<sip:%s;lr>"):format(world.address) }
			alice:request(call, "INVITE")
			assert.truthy(alice:final("INVITE").status >= 400)
			bob:got_none "INVITE"
		end)
	end)
end
