-- The daemon takes up another version of its script: real signals, real calls.
-- RELOADS and RELOAD_RATE (calls/s) make the last one as long and as hard as one likes.
local uv = require "luv"
local flow = require "flow"
local loop = require "flow.loop"

local RELOADS = tonumber(os.getenv "RELOADS" or 30)
local RATE = tonumber(os.getenv "RELOAD_RATE" or 200)

-- Its version is seen in its answers and in what goes through its handlers; it dies when its
-- module is of another one.
local function version(name, peer, more)
	return ([[
local name, part = %q, require "part"
return {
	settings = { tm = { t1 = 100, t2 = 400 }, %s },
	request = function(req)
		assert(part == name, "half of this script is another version")
		if req.method == "OPTIONS" then return req:sl_send_reply(299, name) end
		if req.method == "INVITE" then req:record_route() end
		if not req:t_relay "%s:5060" then req:sl_reply_error() end
	end,
	reply = function(rpl)
		assert(part == name, "half of this script is another version")
		rpl:append_hf("X-Version: " .. name)
	end,
}
]]):format(name, more or "", peer)
end

describe("reload", function()
	local world, alice, bob
	after_each(flow.cleanup)

	-- Whole files take the place of the old ones, as editors and tools do it.
	local function put(name, text)
		os.rename(world:write(name .. ".new", text), world.dir .. "/" .. name)
	end

	local function write(name, more)
		put("part.lua", ("return %q"):format(name))
		put("script.lua", version(name, world:host(20), more))
	end

	local function begin(flags)
		world = flow.world { store = "memory", start = false }
		write "one"
		world.path = world.dir .. "/script.lua"
		world.flags = flags
		world:start()
	end

	local function phones()
		alice = flow.phone { world = world, user = "10", host = world:host(10) }
		bob = flow.phone { world = world, user = "11", host = world:host(20) }
	end

	local function serving()
		local d = alice:dialog("sip:" .. world.address)
		alice:request(d, "OPTIONS")
		return alice:take(299).start:match "299 (.*)"
	end

	local function lunactl(command)
		local code, output = flow.run { env = { LD_PRELOAD = os.getenv "PRELOAD" }, "tools/lunactl",
			"-s", world.control, command }
		return code, output
	end

	local function until_one_generation()
		local stats
		loop.wait(function() return "one generation, not " .. tostring(stats.generations) end, function()
			loop.pass(100)
			stats = world:stats()
			return stats.generations == 1
		end, 60000)
		return stats
	end

	it("by SIGHUP: a call that rings ends with its old handlers, the next one has new ones", function()
		begin()
		phones()
		local call = alice:dialog(world:uri "11")
		call.branch = alice:request(call, "INVITE")
		local invite = bob:take "INVITE"
		bob:reply(invite, 180, "Ringing")
		assert.equal("one", alice:take(180):header "X-Version")
		write "two"
		world.proxy:kill "sighup"
		world.proxy:expect "notice: reload: generation 2 is in service, loaded in [%d.]+ ms\n"
		assert.equal("two", serving())
		local stats = world:stats()
		assert.same({ 2, 1, 0, 1, 0 }, { stats.generations, stats["generation.1.transactions"],
			stats["generation.2.transactions"], stats.reloads, stats["reloads.refused"] })
		bob:answer(invite)
		local ok = alice:final "INVITE"
		assert.equal("one", ok:header "X-Version")
		alice:confirm(call, ok)
		bob:take "ACK"
		alice:request(call, "BYE")
		bob:reply(bob:take "BYE", 200, "OK")
		assert.equal("two", alice:final("BYE"):header "X-Version")
		local next_call = alice:dialog(world:uri "11")
		alice:request(next_call, "INVITE")
		bob:reply(bob:take "INVITE", 180, "Ringing")
		assert.equal("two", alice:take(180):header "X-Version")
		stats = until_one_generation()
		assert.is_nil(stats["generation.1.age_s"])
		assert.equal(1, stats["generation.2.transactions"])
		assert.equal(0, stats["script.errors"])
	end)

	it("by lunactl: what it says, and what waits for a restart", function()
		begin()
		phones()
		local code, output = lunactl "reload"
		assert.equal(0, code, output)
		assert.matches("^generation 2 is in service, loaded in [%d.]+ ms\n$", output)
		write("three", "usrloc = { db_mode = 0 }, auth = { secret = '0123456789abcdef' }, server = 'x', "
			.. "listen = { 'udp:127.0.0.1:5999' }")
		code, output = lunactl "reload"
		assert.equal(0, code)
		assert.matches("\nwaiting for a restart: usrloc.db_mode, auth.secret\n$", output)
		world.proxy:expect "reload: waiting for a restart: usrloc.db_mode, auth.secret\n"
		assert.equal("three", serving())
		world.proxy:stop "sigterm"
		world:start()
		code, output = lunactl "reload"
		assert.equal(0, code)
		assert.is_nil(output:find "waiting")
	end)

	it("of what is broken changes nothing, says why, and soon", function()
		begin()
		phones()
		local function refused(pattern, text)
			if text then put("script.lua", text) end
			local began = uv.now()
			local code, output = lunactl "reload"
			assert.equal(1, code, output)
			assert.matches("^lunactl: not reloaded: .*" .. pattern, output)
			world.proxy:expect "error: reload refused, nothing has changed: "
			assert.equal("one", serving())
			uv.update_time()
			return uv.now() - began
		end
		refused("script.lua:2: unexpected symbol near '='", "return {\n request = = 1 }")
		refused("script.lua:1: module 'nowhere' not found", "require 'nowhere'")
		refused("script.lua:1: too many instructions", "while true do end")
		-- Under a sanitizer its time may be up before its memory is.
		refused((os.getenv "SAN" or "") == "" and "not enough memory" or "",
			"local t = {} while true do t[#t + 1] = ('x'):rep(1e7) .. #t end")
		refused("script.lua:1: settings.lissen: unknown setting, did you mean 'listen'",
			"return { request = function() end, settings = { lissen = {} } }")
		assert(os.execute("mkdir -p " .. world.dir .. "/dir && mkfifo " .. world.dir .. "/fifo"))
		refused("a directory", ("dofile %q"):format(world.dir .. "/dir"))
		refused("not a regular file", ("dofile %q"):format(world.dir .. "/fifo"))
		-- What no instruction count ends: only the clock does.
		local began = uv.hrtime()
		refused("the top level does not come back", "os.execute 'sleep 6'")
		assert.is_true(uv.hrtime() - began < 8e9)
		os.remove(world.dir .. "/script.lua")
		refused "script.lua: No such file or directory"
		assert.equal(1, world:stats().generations)
		write "two"
		assert.equal(0, (lunactl "reload"))
		assert.equal("two", serving())
	end)

	it("of a file half-way through a save is refused", function()
		begin()
		phones()
		local whole = version("two", world:host(20))
		put("part.lua", "return 'two'")
		local file = assert(io.open(world.path, "w"))
		file:setvbuf "no"
		-- A script that would do, but for what comes 20 ms later.
		file:write(whole)
		local timer = uv.new_timer()
		timer:start(20, 0, function()
			file:write "error 'the rest'"
			timer:close()
		end)
		local answer = world:ask "reload"
		assert.matches("^error .*script.lua: changed while it was loaded: is it being saved%?\n$", answer)
		assert.equal("one", serving())
		file:close()
	end)

	it("by --watch: on each save, of modules too", function()
		begin { "--watch" }
		phones()
		assert.equal("one", serving())
		write "two"
		world.proxy:expect "reload: generation %d+ is in service"
		loop.wait("the second version", function() return serving() == "two" end)
		world:write("script.lua", "return {")
		world.proxy:expect "refused, nothing has changed: [^\n]*script.lua:1: "
		assert.equal("two", serving())
		world:write("part.lua", "return 'three'")
		world:write("script.lua", version("three", world:host(20)))
		loop.wait("the third version", function() return serving() == "three" end)
		local before = world:stats().reloads
		world:write("other.sqlite", "no script")
		loop.pass(300)
		assert.equal(before, world:stats().reloads)
	end)

	local function memory()
		local file = assert(io.open(("/proc/%d/status"):format(world.proxy.pid)))
		local kib = tonumber(file:read("a"):match "VmRSS:%s+(%d+)")
		file:close()
		return kib
	end

	local broken = { "return {", "error 'on purpose'", "return { rquest = 1 }",
		"require 'nowhere'", "return { request = function(req) req:nonsense() end }" }

	it(("%d times at %d calls/s, each third broken: no call fails, memory is as before")
		:format(RELOADS, RATE), function()
		begin()
		local uas = flow.sipp.start { world = world, scenario = "uas", host = world:host(20) }
		local function calls(n)
			return flow.sipp.start { world = world, scenario = "uac", host = world:host(21), more = {
				world.address .. ":5060", "-s", "service", "-r", RATE, "-m", n,
			} }
		end
		local function check(uac)
			assert.equal(0, (uac:wait(300000)), uac.output:sub(-3000))
			local stats = flow.sipp.stats(uac)
			assert.equal(0, stats["FailedCall(C)"])
			return stats["SuccessfulCall(C)"]
		end
		-- First without reloads: what so many calls alone take.
		check(calls(RATE * (1 + RELOADS // 25)))
		local idle = world:wait_idle()
		local lua, rss = idle["script.memory_bytes"], memory()
		local uac = calls(1000000)
		local good, most = 0, 0
		for i = 1, RELOADS do
			if i % 3 == 0 then
				put("script.lua", broken[i // 3 % #broken + 1])
				assert.matches("^error ", world:ask "reload")
			else
				write("v" .. i)
				assert.matches("^ok generation", world:ask "reload")
				good = good + 1
			end
			most = math.max(most, world:stats().generations)
		end
		assert.is_true(uac:running())
		uac:kill "sigusr1" -- no new calls
		local made = check(uac)
		uas:stop "sigusr1"
		world:wait_idle(60000)
		local stats = until_one_generation()
		assert.same({ good, RELOADS // 3 }, { stats.reloads, stats["reloads.refused"] })
		assert.equal(0, stats["script.errors"])
		assert.is_true(stats["script.memory_bytes"] < lua * 1.3,
			("%d bytes of Lua, %d before"):format(stats["script.memory_bytes"], lua))
		local more = memory() - rss
		print(("# %d calls, %d reloads, %d generations at most; Lua %d KB, before %d; RSS %+d KiB")
			:format(made, good, most, stats["script.memory_bytes"] // 1000, lua // 1000, more))
		if (os.getenv "SAN" or "") == "" then
			assert.is_true(more < 6000, more .. " KiB more than before")
		end
	end)
end)
