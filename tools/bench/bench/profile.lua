-- Where the cycles of a session go: instructions by function and by room, counted by callgrind.
-- What the kernel does is not in it; compare.lua tells how much that is.
local figures = require "bench.figures"
local load = require "bench.load"
local machine = require "bench.machine"
local proxies = require "bench.proxies"
local task = require "bench.task"

local profile = {}

local WARMUP, SESSIONS = 300, 2000
local FUNCTIONS, ROOMS = 30, 14

local function run(command)
	local output, code = task.finish(task.start(command), 120)
	assert(code == 0, output)
	return output
end

-- "core/sip/msg.c" of a source, the library's name of what has none.
local function room_of(where)
	local room = where:match "core/(%w+)/" or where:match "%f[%w](db)/"
	if room then return room end
	local object = where:match "%[(.-)%]" or ""
	return object:match "([^/]+)%.so" or object:match "([^/]+)$" or "?"
end

local function add(sums, key, count)
	sums[key] = (sums[key] or 0) + tonumber((count:gsub(",", "")))
end

-- { { key, sum }, … }, the largest first.
local function sorted(sums)
	local list = {}
	for key, sum in pairs(sums) do list[#list + 1] = { key, sum } end
	table.sort(list, function(a, b) return a[2] > b[2] end)
	return list
end

-- callgrind's table of functions, "1,234 (12.3%)  file:function [object]".
local function read(report)
	local functions, rooms, total = {}, {}, 0
	for line in report:gmatch "[^\n]+" do
		local count, where = line:match "^%s*([%d,]+)%s+%b()%s+(%S.*)$"
		local name = where and where:match "^[^:]*:([^%[]*)"
		if where and where:find "PROGRAM TOTALS" then
			total = tonumber((count:gsub(",", "")))
		elseif name then
			local room = room_of(where)
			name = name:find "^0x" and "static ones" or name:gsub("%s+$", "")
			add(functions, ("`%s` | %s"):format(name, room), count)
			add(rooms, room, count)
		end
	end
	return sorted(functions), sorted(rooms), total
end

local function sessions_of(proxy, w, port, count, ...)
	local result = load.run(proxy.port, w.load, { "--window", "16", "--callee-port", port,
		"--users", "100", "--count", tostring(count), "--timeout", "60000", ... })
	assert(not result.trouble, result.trouble)
end

-- A dump in the middle of things says of the functions that still run what they took so far;
-- callgrind_annotate takes that for their own.
local function without_open_calls(path)
	local file = assert(io.open(path))
	local text = file:read("a"):gsub("calls=0 [^\n]*\n[^\n]*\n", "")
	file:close()
	file = assert(io.open(path, "w"))
	file:write(text)
	file:close()
	return path
end

-- What it is for `count` sessions alone: the counters are zeroed before and dumped after them.
local function measure(bench, w)
	bench.database:reset()
	local out = bench.dir .. "/callgrind." .. w.name
	local proxy = proxies.start("lunasip", { database = bench.database, dir = bench.dir,
		route = w.route, db_mode = w.db_mode or 0, workers = bench.workers,
		under = { "valgrind", "--tool=callgrind", "--callgrind-out-file=" .. out } })
	local port = tostring(machine.free_port())
	sessions_of(proxy, w, port, WARMUP)
	local pid = tostring(math.tointeger(proxy.pid))
	run { "callgrind_control", "-z", pid }
	sessions_of(proxy, w, port, SESSIONS, "--registered")
	run { "callgrind_control", "-d", pid }
	proxy.stop()
	return read(run { "callgrind_annotate", "--threshold=99.9", "--auto=no",
		without_open_calls(out .. ".1") })
end

local function show(title, list, most, total)
	local rows = { { title, "instructions a session", "%" } }
	for i = 1, math.min(most, #list) do
		rows[#rows + 1] = { list[i][1], figures.show(list[i][2] / SESSIONS),
			("%.1f"):format(100 * list[i][2] / total) }
	end
	figures.write(rows)
end

function profile.run(bench)
	for _, w in ipairs(bench.workloads) do
		bench.say("profile: %s", w.name)
		local functions, rooms, total = measure(bench, w)
		print(("%s: %s instructions"):format(w.title, figures.show(total / SESSIONS)))
		show("room or library", rooms, ROOMS, total)
		show("function | room", functions, FUNCTIONS, total)
	end
end

return profile
