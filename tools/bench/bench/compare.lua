-- The first table: CPU time of a session, all proxies and the floor in turn, round by round.
local figures = require "bench.figures"
local load = require "bench.load"
local proxies = require "bench.proxies"

local compare = {}

-- One workload on one proxy, started anew with nobody registered. {}: it went wrong.
local function measure(bench, name, w)
	bench.database:reset()
	local proxy = proxies.start(name, { database = bench.database, dir = bench.dir,
		route = w.route, db_mode = w.db_mode or 0, workers = bench.workers })
	local result = load.run(proxy.port, w.load, { "--window", tostring(w.window),
		"--warmup", tostring(w.warmup), "--seconds", tostring(bench.seconds),
		watch = { proxy = proxy.pid, database = bench.database.pid } })
	proxy.stop()
	if result.trouble then
		bench.trouble(("%s, %s: %s"):format(name, w.name, result.trouble))
		return {}
	end
	return result
end

local function rounds_of(bench)
	local all = { floor = {} }
	for round = 1, bench.rounds do
		all.floor[round] = load.floor(1)
		for _, w in ipairs(bench.workloads) do
			all[w.name] = all[w.name] or {}
			for _, name in ipairs(bench.proxies) do
				bench.say("round %d of %d: %s, %s", round, bench.rounds, w.name, name)
				local list = all[w.name][name] or {}
				all[w.name][name] = list
				list[#list + 1] = measure(bench, name, w)
			end
		end
	end
	return all
end

local function floors(all, packets)
	local list = {}
	for i, us in ipairs(all.floor) do list[i] = us * packets end
	return list
end

local function cpu_row(bench, all, w)
	local floor, ours = floors(all, w.packets), figures.column(all[w.name].lunasip, "proxy_us")
	local row = { w.title, ("%d+%d"):format(w.packets, w.packets), figures.spread(floor) }
	for _, name in ipairs(bench.proxies) do
		row[#row + 1] = figures.spread(figures.column(all[w.name][name], "proxy_us"))
	end
	if bench.peer then
		local theirs = figures.column(all[w.name][bench.peer], "proxy_us")
		row[#row + 1] = figures.show(figures.ratio(ours, theirs))
	end
	local to_floor = figures.ratio(ours, floor)
	row[#row + 1] = figures.show(to_floor)
	row[#row + 1] = ("≤ %.1f × floor"):format(w.goal)
	row[#row + 1] = figures.verdict(to_floor, w.goal)
	return row
end

local function print_cpu(bench, all)
	local head = { "one session", "packets in+out", "floor" }
	table.move(bench.proxies, 1, #bench.proxies, #head + 1, head)
	if bench.peer then head[#head + 1] = "÷ " .. bench.peer end
	table.move({ "÷ floor", "goal", "" }, 1, 3, #head + 1, head)
	local rows = { head }
	for _, w in ipairs(bench.workloads) do
		if w.goal then rows[#rows + 1] = cpu_row(bench, all, w) end
	end
	if #rows == 1 then return end
	print(("CPU microseconds of the proxy for one session, median (range) of %d rounds of %g s")
		:format(bench.rounds, bench.seconds))
	figures.write(rows)
end

-- How sure one can be of the rest: the proxy should be near 100 % of its core.
local function print_rates(bench, all)
	local rows = { { "workload", "proxy", "sessions/s", "proxy's core %", "of it in the kernel %",
		"generator's core %", "p99 ms", "retransmissions", "stolen %" } }
	for _, w in ipairs(bench.workloads) do
		for _, name in ipairs(bench.proxies) do
			local rounds = all[w.name][name]
			local function median(key) return figures.median(figures.column(rounds, key)) end
			local busy = {}
			for i, r in ipairs(rounds) do busy[i] = r.proxy_s and 100 * r.proxy_s / r.seconds or false end
			rows[#rows + 1] = { w.name, name, figures.spread(figures.column(rounds, "per_s")),
				("%.0f"):format(figures.median(busy) or 0),
				("%.0f"):format(median "proxy_kernel_percent" or 0),
				("%.0f"):format(median "load_percent" or 0),
				figures.show(median "p99_ms"), ("%.0f"):format(median "retransmissions" or 0),
				("%.1f"):format(median "stolen_percent" or 0) }
		end
	end
	print "What they did in that time"
	figures.write(rows)
end

local function print_durable(bench, all, w)
	local ours, theirs = all[w.name].lunasip, bench.peer and all[w.name][bench.peer] or {}
	local function row(what, key, goal, verdict)
		local us, them = figures.column(ours, key), figures.column(theirs, key)
		return { what, figures.spread(them), figures.spread(us), figures.show(figures.ratio(us, them)),
			goal, verdict(figures.ratio(us, them)) }
	end
	print(("REGISTER, write-through, %d at a time: each is on the disk before its 200"):format(
		w.window))
	figures.write {
		{ "", bench.peer or "(no peer)", "lunasip", "ratio", "goal", "" },
		row("registrations a second", "per_s", "≥ 10 ×", function(r)
			return figures.verdict(r, 10, true)
		end),
		row("CPU µs of the database for each", "database_us", "less", function(r)
			return figures.verdict(r, 0.999)
		end),
		row("CPU µs of the proxy for each", "proxy_us", "", function() return "" end),
	}
end

function compare.run(bench)
	local all = rounds_of(bench)
	print_cpu(bench, all)
	for _, w in ipairs(bench.workloads) do
		if w.durable and bench.database.pid then print_durable(bench, all, w) end
	end
	print_rates(bench, all)
end

return compare
