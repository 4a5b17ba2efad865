-- Memory: what a binding takes, and an INVITE that waits for its answer.
local figures = require "bench.figures"
local load = require "bench.load"
local machine = require "bench.machine"
local proxies = require "bench.proxies"
local task = require "bench.task"

local memory = {}

local FIRST, BINDINGS, RINGING = 1000, 99000, 6000 -- what is there before does not count
-- Seconds until the transactions of all REGISTERs are over for sure (lunasip: Timer J, 32 s;
-- Kamailio: 5 s), and what is free then has gone back to the machine (10 to 15 s).
local OVER = 60

local function start(bench, name, no_cache)
	local dir = ("%s/%s-%s"):format(bench.dir, name, no_cache and "open" or "cached")
	os.execute("mkdir -p " .. dir)
	return proxies.start(name, { database = bench.database, dir = dir, route = "default",
		db_mode = 0, no_cache = no_cache })
end

local function register(bench, proxy, first, n)
	local result = load.run(proxy.port, "register", { "--registered", "--first", tostring(first),
		"--users", tostring(n), "--count", tostring(n), "--window", "16" })
	if result.trouble then bench.trouble(proxy.name .. ", bindings: " .. result.trouble) end
end

-- A proxy with many bindings. The first make what is made once; grown() is bytes for each of the
-- rest.
local function fill(bench, name, no_cache)
	local proxy = start(bench, name, no_cache)
	register(bench, proxy, 0, FIRST)
	local before = machine.memory(proxy.pid)
	register(bench, proxy, FIRST, BINDINGS)
	local function grown() return (machine.memory(proxy.pid) - before) * 1024 / BINDINGS end
	return { name = name, stop = proxy.stop, grown = grown, with_users = not no_cache }
end

-- All wait at the same time.
local function registered(bench, at_once, bindings, users)
	local full = {}
	bench.database:reset()
	for _, name in ipairs(bench.proxies) do
		local alone = fill(bench, name, true)
		figures.add(at_once, name, alone.grown())
		table.move({ alone, fill(bench, name, false) }, 1, 2, #full + 1, full)
	end
	task.pause(OVER)
	for _, proxy in ipairs(full) do
		figures.add(proxy.with_users and users or bindings, proxy.name, proxy.grown())
		proxy.stop()
	end
end

-- All ring, none is answered until the memory has been read.
local function waiting(bench, name)
	local proxy = start(bench, name)
	local port = tostring(machine.free_port())
	local result = load.run(proxy.port, "call", { "--callee-port", port, "--count", "200" })
	local before = machine.memory(proxy.pid)
	local ring = load.start(proxy.port, "ring", { "--callee-port", port, "--registered",
		"--count", tostring(RINGING) })
	load.await(ring, "ringing=" .. RINGING)
	local after = machine.memory(proxy.pid)
	ring:write "answer\n"
	local answered = load.finish(ring)
	proxy.stop()
	for _, r in ipairs { result, answered } do
		if r.trouble then bench.trouble(name .. ", calls that ring: " .. r.trouble) end
	end
	return (after - before) * 1024 / RINGING
end

function memory.run(bench)
	local at_once, bindings, users, calls = {}, {}, {}, {}
	for round = 1, bench.few_rounds do
		bench.say("round %d of %d: memory", round, bench.few_rounds)
		registered(bench, at_once, bindings, users)
		for _, name in ipairs(bench.proxies) do figures.add(calls, name, waiting(bench, name)) end
	end
	bench.row("a registered binding, bytes", bindings, "≤ 350",
		figures.verdict(figures.median(bindings.lunasip), 350))
	bench.row("the same at once, with the transactions that registered it", at_once, "", "")
	bench.row("the same with the user's credentials, kept in memory", users, "", "")
	bench.row("an INVITE that waits for its answer, bytes", calls, "≤ 4,096",
		figures.verdict(figures.median(calls.lunasip), 4096))
end

return memory
