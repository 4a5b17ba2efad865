-- The smoke check: every workload once, on SQLite and in memory; no time is judged.
local load = require "bench.load"
local proxies = require "bench.proxies"
local workloads = require "bench.workloads"

local short = {}

local SESSIONS = 300

local function check(bench, w)
	bench.database:reset()
	local proxy = proxies.start("lunasip", { database = bench.database, dir = bench.dir,
		route = w.route, db_mode = w.db_mode or 0 })
	local result = load.run(proxy.port, w.load, { "--users", "50", "--window", "16",
		"--count", tostring(SESSIONS), watch = { proxy = proxy.pid } })
	proxy.stop()
	if result.trouble then
		bench.trouble(("%s: %s"):format(w.name, result.trouble))
	else
		print(("ok: %-9s %d sessions, 0 failed, 0 violations"):format(w.name, result.done))
	end
end

function short.run(bench)
	for _, w in ipairs(workloads) do check(bench, w) end
	local us = load.floor(0.2)
	print(("ok: floor     %.1f us"):format(us))
end

return short
