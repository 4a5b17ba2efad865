-- MariaDB stands still (SIGSTOP): that costs the requests that need it, and only them.
--
--   make test-stall        for 30 seconds; here for 3
local flow = require "flow"
local uv = require "luv"

local SECONDS = tonumber(os.getenv "STALL_SECONDS") or 3
local SLOW = os.getenv "SAN" ~= "" and 4 or 1 -- sanitized programs are slower
local DEADLINE_MS = 1000
local EVERY_MS = 20 -- a registration that needs the database

local function now_ms() return uv.hrtime() / 1e6 end

describe("a database that stands still", function()
	local world, alice, bob, stranger, prepared, waiting

	-- Users that the proxy has not heard of yet, behind its back.
	local function add_users(n)
		world.store.sql(([[INSERT INTO subscriber (username, domain, password)
			SELECT CONCAT('u', seq), '%s', 'secret' FROM seq_1_to_%d]]):format(world.address, n))
	end

	-- A REGISTER of each, with the right answer to its challenge, ready to be sent.
	local function prepare(n)
		local requests = {}
		for i = 1, n do
			stranger.user, stranger.password = "u" .. i, "secret"
			local d = stranger:dialog(world:uri(stranger.user))
			d.target = "sip:" .. world.address
			stranger:request(d, "REGISTER")
			requests[i] = { d = d, line = stranger:credentials_for(d, stranger:final "REGISTER") }
		end
		return requests
	end

	local function send_next()
		local r = table.remove(prepared)
		r.at = now_ms()
		waiting[r.d.call_id] = r
		stranger:request(r.d, "REGISTER", { r.line, "Expires: 600" })
		return r
	end

	-- Takes what has come back for the registrations; returns how many were answered so.
	local function collect(status)
		local n, left = 0, {}
		for _, m in ipairs(stranger.inbox) do
			local r = m.status and waiting[m:header "Call-ID"]
			if r and m.status >= 200 then
				assert.are.equal(status, m.status)
				r.ms, r.reply, waiting[m:header "Call-ID"] = now_ms() - r.at, m, nil
				n = n + 1
			else
				left[#left + 1] = m
			end
		end
		stranger.inbox = left
		return n
	end

	-- What needs no database, one after the other; each must work.
	local function options()
		local d = alice:dialog("sip:" .. world.address)
		alice:request(d, "OPTIONS")
		assert.are.equal(200, alice:final("OPTIONS").status)
	end

	local function answer_call()
		local call = alice:invite "11"
		bob:answer(bob:take "INVITE")
		alice:confirm(call, alice:final "INVITE")
		bob:take "ACK"
		return call
	end

	local function in_dialog(call, method)
		alice:request(call, method)
		bob:reply(bob:take(method), 200, "OK")
		assert.are.equal(200, alice:final(method).status)
	end

	local function cancelled_call()
		local call = alice:invite "11"
		local invite = bob:take "INVITE"
		bob:reply(invite, 180, "Ringing")
		alice:take(180)
		alice:cancel(call)
		bob:reply(bob:take "CANCEL", 200, "OK")
		bob:reply(invite, 487, "Request Terminated")
		assert.are.equal(200, alice:final("CANCEL").status)
		local reply = alice:final "INVITE"
		assert.are.equal(487, reply.status)
		alice:ack_negative(call, reply, call.branch)
		bob:take "ACK"
	end

	-- The longest that each kind of work took, in ms, over rounds until `over` says so.
	local function measure(over)
		local longest = {}
		local function timed(name, work)
			local began = now_ms()
			local result = work()
			longest[name] = math.max(longest[name] or 0, now_ms() - began)
			return result
		end
		local call = answer_call()
		repeat
			timed("OPTIONS", options)
			timed("in a dialog", function() in_dialog(call, "INFO") end)
			timed("cancelled call", cancelled_call)
			local new = timed("call", answer_call)
			timed("BYE", function() in_dialog(new, "BYE") end)
		until over()
		in_dialog(call, "BYE")
		return longest
	end

	before_each(function()
		world = flow.world { store = "mysql", settings =
			("{ usrloc = { db_mode = 1 }, db = { timeout = %d } }"):format(DEADLINE_MS) }
		alice = flow.phone { world = world, user = "10", password = "abc10", host = world:host(10) }
		bob = flow.phone { world = world, user = "11", password = "abc11", host = world:host(11) }
		stranger = flow.phone { world = world, user = "x", password = "x", host = world:host(12) }
		waiting = {}
		add_users(SECONDS * 1000 // EVERY_MS + 400)
		prepared = prepare(SECONDS * 1000 // EVERY_MS + 400)
		assert.are.equal(200, alice:register().status)
		assert.are.equal(200, bob:register().status)
	end)
	after_each(function()
		world.store.continue()
		flow.cleanup()
	end)

	it("delays nobody who does not need it, and is whole again within a second", function()
		local rounds = 0
		local before = measure(function()
			rounds = rounds + 1
			return rounds == 20
		end)

		world.store.stop()
		local sent, answered, began = 0, 0, now_ms()
		local timer = uv.new_timer()
		timer:start(0, EVERY_MS, function()
			send_next()
			sent = sent + 1
		end)
		local during = measure(function()
			answered = answered + collect(503)
			return now_ms() - began > SECONDS * 1000
		end)
		timer:stop()
		timer:close()

		local text = {}
		for name, ms in pairs(during) do
			text[#text + 1] = ("%s %.1f ms (before: %.1f)"):format(name, ms, before[name])
			assert.is_true(ms < math.max(5 * before[name], 200 * SLOW), name .. " took " .. ms .. " ms")
		end
		flow.wait("the last of them to be refused", function()
			answered = answered + collect(503)
			return answered == sent
		end)

		-- Whole again: the first who comes is served.
		world.store.continue()
		local back = now_ms()
		flow.wait("a registration", function()
			send_next()
			flow.wait("an answer", function()
				for _, m in ipairs(stranger.inbox) do
					if m.status == 200 then return true end
				end
				if #stranger.inbox > 0 then stranger.inbox = {} return true end
			end)
			return #stranger.inbox > 0
		end)
		local whole = now_ms() - back
		assert.is_true(whole < 1000 * SLOW, "whole again after " .. whole .. " ms")
		print(("# longest in %d s: %s; whole again after %.0f ms, %d refused"):format(SECONDS,
			table.concat(text, ", "), whole, answered))

		-- And not the first only.
		waiting, stranger.inbox = {}, {}
		for _ = 1, 100 do send_next() end
		local good = 0
		flow.wait("all to be registered", function()
			good = good + collect(200)
			return good == 100
		end)
		local stats = world:stats()
		assert.are.equal(0, stats["store.parked"])
		assert.are.equal(0, stats["script.errors"])
		assert.truthy(world.proxy:running())
	end)

	it("says when to come again, at the deadline and not before", function()
		world.store.stop()
		for _ = 1, 20 do send_next() end
		local all = {}
		for _, r in pairs(waiting) do all[#all + 1] = r end
		local n = 0
		flow.wait("20 answers", function()
			n = n + collect(503)
			return n == 20
		end)
		for _, r in ipairs(all) do
			assert.is_true(r.ms > DEADLINE_MS - 50 and r.ms < DEADLINE_MS + 500 * SLOW, r.ms)
			local seconds = tonumber(r.reply:header "Retry-After")
			assert.is_true(seconds >= 5 and seconds < 10)
		end
	end)

	it("is found again when it was shut down and started", function()
		world.store.shut_down()
		for _ = 1, 20 do send_next() end
		local n = 0
		flow.wait("20 answers", function()
			n = n + collect(503)
			return n == 20
		end)
		world.store.start_up()
		local back = now_ms()
		flow.wait("a registration", function()
			local r = send_next()
			flow.wait("an answer", function() return #stranger.inbox > 0 end)
			r.status, stranger.inbox = stranger.inbox[1].status, {}
			return r.status == 200
		end)
		assert.is_true(now_ms() - back < 1000 * SLOW)
		options()
	end)

	it("does not keep the proxy from ending", function()
		world.store.stop()
		for _ = 1, 20 do send_next() end
		flow.pass(200)
		local began = now_ms()
		world:stop()
		assert.is_true(now_ms() - began < 20000 * SLOW)
	end)
end)
