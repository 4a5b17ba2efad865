-- What was answered 200 survives kill -9 with db_mode 1 and 3, and a clean stop with 2.
local flow = require "flow"

describe("a stop while a table loads", function()
	after_each(flow.cleanup)

	it("does not wait for the rest of it", function()
		local world = flow.world { store = "mysql", users = {}, start = false }
		world.store.sql [[INSERT INTO location (ruid, username, contact, callid, user_agent)
			SELECT seq, seq, 'sip:there', 'call', 'phone' FROM seq_1_to_100000]]
		world:start()
		world:stop()
		local output = world.proxy.output
		assert.is_nil(output:match "stopping: SIGTERM.*(all %d+ rows are loaded)", output)
	end)
end)

for _, store in ipairs(flow.stores { memory = false }) do
	describe("after a restart, store " .. store .. ",", function()
		local world, alice, bob
		after_each(flow.cleanup)

		local function register_both(db_mode)
			world = flow.world { store = store,
				settings = ("{ usrloc = { db_mode = %d } }"):format(db_mode) }
			alice = flow.phone { world = world, user = "10", password = "abc10",
				host = world:host(10) }
			bob = flow.phone { world = world, user = "11", password = "abc11",
				host = world:host(11) }
			assert.are.equal(200, alice:register().status)
			assert.are.equal(200, bob:register().status)
		end

		local function call_works()
			local call = alice:invite "11"
			bob:answer(bob:take "INVITE")
			alice:confirm(call, alice:final "INVITE")
			bob:take "ACK"
			alice:request(call, "BYE")
			bob:reply(bob:take "BYE", 200, "OK")
			assert.are.equal(200, alice:final("BYE").status)
		end

		for _, db_mode in ipairs { 1, 3 } do
			it(("a call works though the proxy was killed (db_mode %d)"):format(db_mode), function()
				register_both(db_mode)
				world:kill9()
				world:start()
				call_works()
			end)
		end

		it("a call works when the proxy was stopped (db_mode 2)", function()
			register_both(2)
			world:stop()
			world:start()
			call_works()
		end)

		it("nobody is known with db_mode 0", function()
			register_both(0)
			world:stop()
			world:start()
			alice:invite "11"
			assert.are.equal(404, alice:final("INVITE").status)
		end)

		it("a nonce from before is still good", function()
			register_both(1)
			local d = bob:dialog(bob:uri())
			d.target = "sip:" .. world.address
			bob:request(d, "REGISTER")
			local challenge = bob:final("REGISTER"):header "WWW-Authenticate"
			world:kill9()
			world:start()
			bob:request(d, "REGISTER", { "Authorization: " ..
				bob:credentials(challenge, "REGISTER", d.target) })
			assert.are.equal(200, bob:final("REGISTER").status)
		end)
	end)
end
