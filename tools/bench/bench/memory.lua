-- Memory: what a binding takes, and an INVITE that waits for its answer.
local figures = require "bench.figures"
local load = require "bench.load"
local machine = require "bench.machine"
local proxies = require "bench.proxies"

local memory = {}

local FIRST, BINDINGS, RINGING = 1000, 99000, 6000 -- what is there before does not count

local function start(bench, name, no_cache)
	bench.database:reset()
	return proxies.start(name, { database = bench.database, dir = bench.dir, route = "default",
		db_mode = 0, no_cache = no_cache })
end

-- The first make what is made once; then bytes for each of the rest.
local function binding(bench, name, no_cache)
	local proxy = start(bench, name, no_cache)
	local function register(first, n)
		local result = load.run(proxy.port, "register", { "--registered", "--first", tostring(first),
			"--users", tostring(n), "--count", tostring(n), "--window", "16" })
		if result.trouble then bench.trouble(name .. ", bindings: " .. result.trouble) end
		return machine.memory(proxy.pid)
	end
	local before = register(0, FIRST)
	local after = register(FIRST, BINDINGS)
	proxy.stop()
	return (after - before) * 1024 / BINDINGS
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
	local bindings, users, calls = {}, {}, {}
	for round = 1, bench.few_rounds do
		for _, name in ipairs(bench.proxies) do
			bench.say("round %d of %d: memory, %s", round, bench.few_rounds, name)
			figures.add(bindings, name, binding(bench, name, true))
			figures.add(users, name, binding(bench, name, false))
			figures.add(calls, name, waiting(bench, name))
		end
	end
	bench.row("a registered binding, bytes", bindings, "≤ 350",
		figures.verdict(figures.median(bindings.lunasip), 350))
	bench.row("the same with the user's credentials, kept in memory", users, "", "")
	bench.row("an INVITE that waits for its answer, bytes", calls, "≤ 4,096",
		figures.verdict(figures.median(calls.lunasip), 4096))
end

return memory
