-- Two workers beside one. Generator, database and proxy share the cores, so sessions a second
-- would tell of them all. What counts is the thread that is full first: a machine with cores
-- enough has 1 / (CPU time of the busiest thread for a session) sessions a second.
--
-- That holds for threads that are full, so one and two of them get more to do at a time than one
-- can serve: who runs out of work sleeps, and pays for it. How often they did is told.
local figures = require "bench.figures"
local load = require "bench.load"
local machine = require "bench.machine"
local proxies = require "bench.proxies"

local workers = {}

local MORE = 8 -- sessions under way, for each of the other measurements

local function measure(bench, w, n)
	bench.database:reset()
	local proxy = proxies.start("lunasip", { database = bench.database, dir = bench.dir,
		route = w.route, db_mode = w.db_mode or 0, workers = n, core = machine.all_cores })
	local result = load.run(proxy.port, w.load, { "--window", tostring(MORE * w.window),
		"--warmup", tostring(w.warmup), "--seconds", tostring(bench.seconds),
		watch = { proxy = proxy.pid } })
	proxy.stop()
	if result.trouble then
		bench.trouble(("%d workers, %s: %s"):format(n, w.name, result.trouble))
		return {}
	end
	return result
end

function workers.run(bench)
	local rows = { { "one session", "1 worker", "2 workers, all threads",
		"2 workers, the busiest thread", "its sleeps", "one ÷ busiest of two", "goal", "" } }
	for _, w in ipairs(bench.workloads) do
		local one, two = {}, {}
		for round = 1, bench.rounds do
			bench.say("round %d of %d: workers, %s", round, bench.rounds, w.name)
			table.insert(one, measure(bench, w, 1))
			table.insert(two, measure(bench, w, 2))
		end
		local single = figures.column(one, "proxy_busiest_us")
		local busiest = figures.column(two, "proxy_busiest_us")
		local ratio = figures.ratio(single, busiest)
		rows[#rows + 1] = { w.title, figures.spread(single),
			figures.spread(figures.column(two, "proxy_us")), figures.spread(busiest),
			figures.spread(figures.column(two, "proxy_busiest_sleeps")),
			figures.show(ratio), "≥ 1.8", figures.verdict(ratio, 1.8, true) }
	end
	print(("CPU microseconds for one session, median (range) of %d rounds of %g s"):format(
		bench.rounds, bench.seconds))
	figures.write(rows)
end

return workers
