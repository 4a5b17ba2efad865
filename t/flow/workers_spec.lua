-- Several workers are one proxy: whichever socket the kernel gives a message to, it reaches
-- the transaction it belongs to. The phones send each message from another port, so that the
-- kernel spreads even one call over all of them.
local uv = require "luv"
local flow = require "flow"
local loop = require "flow.loop"

local CALLS, USERS, PORTS = 12, 16, 8

local users = {}
for i = 1, USERS do
	users[tostring(100 + i)] = "secret" .. i
end

for _, n in ipairs { 1, 2, 4 } do
	describe(("%d workers,"):format(n), function()
		local world, alice, bob

		local function phone(user, host, ports)
			local p = flow.phone { world = world, user = user, password = users[user],
				host = world:host(host), ports = ports or PORTS }
			assert.are.equal(200, p:register().status)
			return p
		end

		before_each(function()
			world = flow.world { users = users, start = false }
			world.flags = { "-w", tostring(n) }
			world:start()
			alice, bob = phone("101", 10), phone("102", 11)
		end)
		after_each(flow.cleanup)

		it("are as many as was asked for", function()
			assert.are.equal(n, world:stats().workers)
		end)

		it("carry calls whose messages come from any port", function()
			for _ = 1, CALLS do
				local call = alice:invite "102"
				local invite = bob:take "INVITE"
				bob:reply(invite, 180, "Ringing")
				alice:take(180)
				bob:answer(invite)
				alice:confirm(call, alice:final "INVITE")
				bob:take "ACK"
				alice:request(call, "BYE")
				bob:reply(bob:take "BYE", 200, "OK")
				assert.are.equal(200, alice:final("BYE").status)
			end
			local stats = world:stats()
			assert.are.equal(0, stats["transactions.strays"])
			assert.are.equal(n > 1, stats["transport.handed_over"] > 0)
		end)

		it("ask the database once for a user, whoever of them did", function()
			flow.wait("the news to reach all", function()
				return world:stats()["auth.users"] == 2 * n
			end)
			for _ = 1, CALLS do
				alice.registration = nil
				assert.are.equal(200, alice:register().status)
			end
			assert.are.equal(2, world:stats()["auth.asked"])
		end)

		it("absorb an INVITE that is repeated from another port", function()
			for round = 1, CALLS do
				local call = alice:invite "102"
				local invite = bob:take "INVITE"
				local text = alice.last
				bob:reply(invite, 180, "Ringing")
				alice:take(180)
				for _ = 1, PORTS do
					alice:send(text)
				end
				flow.wait("all copies to be absorbed", function()
					return world:stats()["transactions.retransmissions_in"] == round * PORTS
				end)
				alice:cancel(call)
				bob:reply(bob:take "CANCEL", 200, "OK")
				bob:reply(invite, 487, "Request Terminated")
				local cancelled = alice:final "INVITE"
				assert.are.equal(487, cancelled.status)
				alice:ack_negative(call, cancelled, call.branch)
				alice:final "CANCEL"
			end
			bob:got_none "INVITE"
		end)

		it("pass an ACK for a negative answer to the INVITE it ends", function()
			for _ = 1, CALLS do
				local call = alice:invite "102"
				bob:reply(bob:take "INVITE", 486, "Busy Here")
				local busy = alice:final "INVITE"
				assert.are.equal(486, busy.status)
				alice:ack_negative(call, busy, call.branch)
			end
			alice:got_none(486, 1200) -- T1 twice: it would be repeated
		end)

		it("find whoever registered with any of them", function()
			local others = {}
			for i = 3, USERS do
				others[i] = phone(tostring(100 + i), 10 + i, 1)
			end
			assert.are.equal(USERS, world:stats()["location.bindings"])
			for i = 3, USERS do
				alice:invite(tostring(100 + i))
				others[i]:reply(others[i]:take "INVITE", 486, "Busy Here")
				assert.are.equal(486, alice:final("INVITE").status)
			end
		end)

		it("know after a restart what was registered with any of them", function()
			world:stop()
			world:start()
			alice:invite "102"
			bob:reply(bob:take "INVITE", 603, "Decline")
			assert.are.equal(603, alice:final("INVITE").status)
		end)

		it("forget a binding that lunactl removes, wherever it is", function()
			for i = 1, 2 do
				assert.are.equal("ok 1\n", world:ask(("unbind location %d"):format(100 + i)))
			end
			assert.are.equal(0, world:stats()["location.bindings"])
		end)

		it("take another script over all together", function()
			for round = 1, 5 do
				world:write_script(('{ server = "round %d" }'):format(round))
				assert.truthy(world:ask("reload"):find "^ok generation")
				for _ = 1, CALLS do
					local d = alice:dialog("sip:" .. world.address)
					alice:request(d, "OPTIONS")
					local reply = alice:final "OPTIONS"
					assert.are.equal("round " .. round, reply:header "Server")
				end
			end
		end)
	end)
end

describe("workers", function()
	after_each(flow.cleanup)

	it("are as many as the settings say, unless -w says it", function()
		local world = flow.world { settings = "{ workers = 3 }" }
		assert.are.equal(3, world:stats().workers)
		world:stop()
		world.flags = { "-w", "2" }
		world:start()
		assert.are.equal(2, world:stats().workers)
	end)

	it("do not take an address that another proxy has", function()
		local world = flow.world { settings = "{ workers = 2 }" }
		local code, output = flow.run { os.getenv "LUNASIP" or "build/lunasip", "-w", "2", "-l",
			("udp:%s:5060"):format(world.address), world.path }
		assert.are.equal(1, code)
		assert.truthy(output:find("address already in use", 1, true), output)
	end)

	it("are told apart by no number but a good one", function()
		for _, w in ipairs { "0", "65", "x", "" } do
			local code, output = flow.run { os.getenv "LUNASIP" or "build/lunasip", "-w", w, "x" }
			assert.are.equal(2, code)
			assert.truthy(output:find("-w needs a number from 1 to 64", 1, true), output)
		end
	end)

	-- Its answer comes while the proxy stops, when nobody is there for it any more.
	it("are asked for their numbers, and have no time until the proxy stops", function()
		local world = flow.world { store = "memory", start = false }
		world.path = world:write("busy.lua", [[
local xlog = require "lunasip".xlog
return {
	settings = { workers = 2, script = { instructions = 1000000000 } },
	request = function(req)
		xlog("L_NOTICE", "message $mi\n")
		if req.method == "MESSAGE" then for _ = 1, 30000000 do end end
		req:sl_send_reply(200, "OK")
	end,
}
]])
		world:start()
		local alice = flow.phone { world = world, user = "10", host = world:host(10) }
		local d
		repeat -- until it is the second one's: the first has even numbers
			d = alice:dialog("sip:" .. world.address)
			alice:request(d, "OPTIONS")
		until world.proxy:expect "message (%d+)" % 2 == 1
		alice:request(d, "MESSAGE")
		world.proxy:expect "message %d+"
		local pipe, asked = uv.new_pipe(), false
		pipe:connect(world.control, function()
			pipe:write("stats\n", function() asked = true end)
		end)
		loop.wait("the question to be asked", function() return asked end)
		assert.truthy(world:ask("nothing"):find "unknown command") -- so the other was read, too
		world:stop()
		loop.close(pipe)
	end)
end)
