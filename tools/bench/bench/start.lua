-- A start with 100,000 rows in the location table of MariaDB.
local figures = require "bench.figures"
local load = require "bench.load"
local machine = require "bench.machine"
local proxies = require "bench.proxies"
local task = require "bench.task"

local start = {}

local ROWS, LAST = 100000, 100

-- Seconds to the first answer, and until all rows are loaded. Kamailio answers when they are.
local function measure(bench, name)
	local phones, port = machine.free_port(), machine.free_port()
	bench.database:fill(ROWS, phones, port)
	local began = task.seconds()
	local proxy = proxies.launch(name, { database = bench.database, dir = bench.dir, port = port,
		route = "message", db_mode = 1, log = "notice" })
	local probe, answered, loaded = load.start(port, "probe", { "--seconds", "20" }), nil, nil
	task.wait(name .. " to load its rows", 60, function()
		answered = answered or probe.code and task.seconds() - began
		loaded = loaded or name ~= "lunasip" and answered
			or proxy.process.output:find("all " .. ROWS .. " rows are loaded") and task.seconds() - began
		return answered and loaded
	end)
	local result = load.run(port, "message", { "--registered", "--callee-port", tostring(phones),
		"--first", tostring(ROWS - LAST), "--users", tostring(LAST), "--count", tostring(LAST) })
	proxy.stop()
	if probe.code ~= 0 or result.trouble then
		bench.trouble(("%s, start: %s"):format(name, result.trouble or "no answer"))
	end
	return answered * 1000, loaded * 1000
end

function start.run(bench)
	if bench.database.kind ~= "mysql" then
		print "No MariaDB: the start with 100,000 rows is not measured.\n"
		return
	end
	local first, all = {}, {}
	for round = 1, bench.few_rounds do
		for _, name in ipairs(bench.proxies) do
			bench.say("round %d of %d: start, %s", round, bench.few_rounds, name)
			local answered, loaded = measure(bench, name)
			figures.add(first, name, answered)
			figures.add(all, name, loaded)
		end
	end
	bench.database:reset()
	bench.row("start with 100,000 rows: first answer, ms", first, "at once (≤ 100)",
		figures.verdict(figures.median(first.lunasip), 100))
	bench.row("start with 100,000 rows: all loaded, ms", all, "≤ 500",
		figures.verdict(figures.median(all.lunasip), 500))
end

return start
