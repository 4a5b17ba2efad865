-- A phone registers with digest, asks, and leaves; others are kept out.
local flow = require "flow"

for _, store in ipairs(flow.stores { memory = false }) do
	describe("registering, store " .. store .. ",", function()
		local world, phone

		before_each(function()
			world = flow.world { store = store, settings = "{ usrloc = { db_mode = 1 } }" }
			phone = flow.phone { world = world, user = "10", password = "abc10",
				host = world:host(10) }
		end)
		after_each(flow.cleanup)

		it("answers a good password 200 with the binding and its expiry", function()
			local reply = phone:register()
			assert.are.equal(200, reply.status)
			local contact = reply:header "Contact"
			assert.truthy(contact:find(phone:contact(), 1, true), contact)
			assert.truthy(tonumber(contact:match "expires=(%d+)") > 590, contact)
			assert.are.equal(1, #world:location "10")
		end)

		it("refuses a wrong password and writes no row", function()
			phone.password = "abc11"
			local reply = phone:register()
			assert.are.equal(401, reply.status)
			assert.are.same({}, world:location "10")
		end)

		it("refuses a user it does not know", function()
			phone.user = "12"
			assert.are.equal(401, phone:register().status)
			assert.are.same({}, world:location "12")
		end)

		it("lets nobody register somebody else", function()
			phone.registration = phone:dialog(world:uri "11")
			assert.are.equal(403, phone:register().status)
			assert.are.same({}, world:location "11")
		end)

		it("removes the binding when asked to", function()
			assert.are.equal(200, phone:register().status)
			local reply = phone:register { "Expires: 0" }
			assert.are.equal(200, reply.status)
			assert.is_nil(reply:header "Contact")
			assert.are.same({}, world:location "10")
		end)

		it("ends when its operator says so, in the running proxy too", function()
			assert.are.equal(200, phone:register().status)
			local function remove(...)
				return (world:lunactl("-s", world.control, "location", "rm", ...))
			end
			assert.are.equal("removed 1 binding of 10\n", remove("10", phone:contact():match "<(.*)>"))
			assert.are.same({}, world:location "10")
			assert.are.equal(0, world:stats()["location.bindings"])
			assert.matches("error there is no such table", world:ask "unbind nonsense 10")
			assert.are.equal("ok 0\n", world:ask "unbind location 10")
		end)

		it("stops cleanly", function()
			assert.are.equal(200, phone:register().status)
			world:stop()
		end)
	end)
end
