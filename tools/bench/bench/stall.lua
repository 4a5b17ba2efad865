-- mariadbd stands still for 3 s while OPTIONS, requests in dialogs and registrations of users
-- whom the proxy does not know yet go on. Only these need the database.
local figures = require "bench.figures"
local load = require "bench.load"
local proxies = require "bench.proxies"
local task = require "bench.task"

local stall = {}

local SECONDS, BEFORE, STALL = 10, 2, 3

-- p99 of OPTIONS and of INFO, in ms.
local function measure(bench, name, seconds)
	bench.database:reset()
	local proxy = proxies.start(name, { database = bench.database, dir = bench.dir,
		route = "default", db_mode = 1, workers = name ~= "lunasip" and 2 or nil })
	local function run(workload, ...)
		return load.start(proxy.port, workload, { "--seconds", tostring(SECONDS), "--nap", "200", ... })
	end
	local info = run("info", "--rate", "200", "--window", "50", "--users", "100")
	local options = run("options", "--rate", "200")
	local strangers = run("register", "--rate", "50", "--registered", "--first", "2000",
		"--users", "10000")
	task.pause(BEFORE)
	if seconds > 0 then
		bench.database:stop()
		task.pause(seconds)
		bench.database:continue()
	end
	local result = { info = load.finish(info), options = load.finish(options) }
	load.finish(strangers) -- some may be refused: they need what is not there
	proxy.stop()
	for workload, r in pairs(result) do
		if r.trouble then bench.trouble(("%s, stall, %s: %s"):format(name, workload, r.trouble)) end
	end
	return result.options.p99_ms, result.info.p99_ms
end

function stall.run(bench)
	if bench.database.kind ~= "mysql" then
		print "No MariaDB: what happens when it stands still is not measured.\n"
		return
	end
	local calm = { options = {}, info = {} }
	local still = { options = {}, info = {} }
	for round = 1, bench.few_rounds do
		for _, name in ipairs(bench.proxies) do
			bench.say("round %d of %d: stall, %s", round, bench.few_rounds, name)
			for seconds, to in pairs { [0] = calm, [STALL] = still } do
				local options, info = measure(bench, name, seconds)
				figures.add(to.options, name, options)
				figures.add(to.info, name, info)
			end
		end
	end
	for _, what in ipairs { { "options", "OPTIONS" }, { "info", "INFO in dialogs" } } do
		local key, title = what[1], what[2]
		bench.row("p99 of " .. title .. ", ms", calm[key], "", "")
		-- Unchanged: others make such times on a busy machine too, so twice is no change.
		bench.row("the same while mariadbd stands still for 3 s", still[key], "unchanged (≤ 2 ×)",
			figures.verdict(figures.ratio(still[key].lunasip, calm[key].lunasip), 2))
	end
end

return stall
