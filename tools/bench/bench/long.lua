-- Half an hour of calls at 60 % of the peak, with registrations beside them and a reload every
-- minute: no call may fail, memory must be flat.
local figures = require "bench.figures"
local load = require "bench.load"
local machine = require "bench.machine"
local proxies = require "bench.proxies"
local task = require "bench.task"

local long = {}

local SAMPLE_S, RELOAD_S, REGISTRATIONS = 10, 60, 100
-- Nonces are remembered for 300 s, transactions for 32: before that memory must grow.
local SETTLED_S, JUDGED_S = 360, 900
local GROWTH = 1.02
-- A call leaves 64 transaction-seconds (Timers H to L): the default's million is 15,600 calls/s.
local MAX_TRANSACTIONS = "4000000"

local function peak(proxy, port)
	local result = load.run(proxy.port, "call", { "--callee-port", port, "--warmup", "10",
		"--seconds", "10" })
	assert(not result.trouble, result.trouble)
	return result.per_s
end

local function reload(control)
	local p = task.start { "tools/lunactl", "-s", control, "reload" }
	local output, code = task.finish(p, 30)
	assert(code == 0, "the reload did not work: " .. output)
end

-- Watches until the generators are done; returns samples { seconds, KiB }.
local function watch(bench, proxy, control, generators)
	local began, samples, reloads = task.seconds(), {}, 0
	local function running()
		for _, g in ipairs(generators) do
			if g:running() then return true end
		end
	end
	while running() do
		task.pause(SAMPLE_S)
		local now = task.seconds() - began
		samples[#samples + 1] = { now, machine.memory(proxy.pid) }
		if now >= (reloads + 1) * RELOAD_S and running() then
			reload(control)
			reloads = reloads + 1
			bench.say("%.0f min: %.1f MiB", now / 60, samples[#samples][2] / 1024)
		end
	end
	return samples, reloads
end

-- The median of the samples between two times.
local function between(samples, first, last)
	local list = {}
	for _, s in ipairs(samples) do
		if s[1] >= first and s[1] <= last then list[#list + 1] = s[2] end
	end
	return figures.median(list)
end

local function judge(bench, samples, seconds)
	if seconds < JUDGED_S then
		print(("%.0f MiB at the end. Memory is judged from %d minutes on.\n"):format(
			samples[#samples][2] / 1024, JUDGED_S // 60))
		return
	end
	local third = (seconds - SETTLED_S) / 3
	local early = between(samples, SETTLED_S, SETTLED_S + third)
	local late = between(samples, seconds - third, seconds)
	print(("memory, median: %.1f MiB from minute %d to %d, %.1f MiB in the last %d minutes: %s\n")
		:format(early / 1024, SETTLED_S // 60, (SETTLED_S + third) // 60, late / 1024, third // 60,
			figures.verdict(late / early, GROWTH) == "met" and "flat" or "NOT FLAT"))
	if late / early > GROWTH then bench.trouble "long run: memory grows" end
end

function long.run(bench)
	local port, control = tostring(machine.free_port()), bench.dir .. "/control"
	local proxy = proxies.start("lunasip", { database = bench.database, dir = bench.dir,
		route = "default", db_mode = 1, control = control, workers = bench.workers,
		max_transactions = MAX_TRANSACTIONS })
	local most = peak(proxy, port)
	local rate, seconds = most * bench.percent / 100, bench.minutes * 60
	print(("%.0f calls/s are the peak; %.0f calls/s and %d registrations/s for %g minutes"):format(
		most, rate, REGISTRATIONS, bench.minutes))
	local calls = load.start(proxy.port, "call", { "--callee-port", port, "--registered",
		"--rate", tostring(rate), "--seconds", tostring(seconds), "--nap", "200" })
	local registrations = load.start(proxy.port, "register", { "--first", "1000", "--rate",
		tostring(REGISTRATIONS), "--seconds", tostring(seconds), "--nap", "200" })
	local samples, reloads = watch(bench, proxy, control, { calls, registrations })
	for name, g in pairs { calls = calls, registrations = registrations } do
		local r = load.finish(g)
		if r.trouble then bench.trouble(("long run, %s: %s"):format(name, r.trouble)) end
		print(("%s: %s done, %s failed, %s retransmissions, %s held back, p99 %s ms"):format(name,
			r.done, r.failed, r.retransmissions, r.held_back, r.p99_ms))
	end
	print(("%d reloads"):format(reloads))
	proxy.stop()
	judge(bench, samples, seconds)
end

return long
