-- The benchmark (doc/performance.md). tools/bench/run starts it.
local HELP = [[
usage: tools/bench/run COMMAND
  tables    all workloads, then memory, start and a database that stands still
  compare   the first of these: CPU time of a session, against the floor and the peer
  memory | start | stall     the others
  workers   what two workers do beside one
  long      half an hour of calls, with reloads: memory must stay flat
  profile   instructions of a session by function (callgrind); the kernel's are not in it
  short     every workload once, without a peer, without judging times

From the environment (or behind `make bench`):
  ROUNDS=5 TIME=2             rounds, and seconds that each workload is measured in each
  WORKLOADS="call relay"      these only: options register call relay indialog through rush
  PEERS="kamailio"            whom to compare with: the first is the one of the ratios; none: "";
                              kamailio (memory manager tlsf, a cache of credentials),
                              kamailio-lean, kamailio-tuned (tlsf), kamailio-debian
  WORKERS=1                   of lunasip (and children of Kamailio), on one core; of a profile, too
  MINUTES=30 LOAD=60          of the long run, and its load in per cent of the peak
  CPU_PROXY=0 CPU_LOAD=1      cores: of the proxy; of the generator and the database
  BENCH_NET=host              no network namespace of its own
]]

local build = os.getenv "BUILD" or "build"
package.path = "tools/bench/?.lua;t/flow/lib/?.lua;" .. package.path

local database = require "bench.database"
local figures = require "bench.figures"
local machine = require "bench.machine"
local proxies = require "bench.proxies"
local task = require "bench.task"
local workloads = require "bench.workloads"

local commands = {
	tables = { "compare", "memory", "start", "stall" },
	compare = { "compare" },
	memory = { "memory" },
	start = { "start" },
	stall = { "stall" },
	workers = { "workers" },
	long = { "long" },
	profile = { "profile" },
	short = { "short" },
}

local name = arg[1]
local parts = commands[name]
if not parts or arg[2] then
	io.stderr:write(HELP)
	os.exit(2)
end

local function words(text)
	local list = {}
	for word in text:gmatch "%S+" do list[#list + 1] = word end
	return list
end

local troubles = {}

local bench = {
	rows = {},
	rounds = tonumber(os.getenv "ROUNDS") or 5,
	seconds = tonumber(os.getenv "TIME") or 2,
	workers = tonumber(os.getenv "WORKERS") or 1,
	minutes = tonumber(os.getenv "MINUTES") or 30,
	percent = tonumber(os.getenv "LOAD") or 60,
}

function bench.say(...)
	io.stderr:write("  ", string.format(...), "\n")
end

function bench.trouble(text)
	troubles[#troubles + 1] = text
	bench.say("TROUBLE: %s", text)
end

bench.few_rounds = math.min(bench.rounds, 3) -- of what takes minutes, and hardly differs

-- A row of the second table: what each proxy has, { NAME = { values } }.
function bench.row(title, values, goal, verdict)
	local row = { title }
	for _, proxy in ipairs(bench.proxies) do
		row[#row + 1] = figures.spread(values[proxy] or {})
	end
	table.move({ goal, verdict }, 1, 2, #row + 1, row)
	bench.rows[#bench.rows + 1] = row
end

local function print_rows()
	if #bench.rows == 0 then return end
	local head = { "memory and time" }
	table.move(bench.proxies, 1, #bench.proxies, 2, head)
	table.move({ "goal", "" }, 1, 2, #head + 1, head)
	table.insert(bench.rows, 1, head)
	print(("Median (range) of %d rounds"):format(bench.few_rounds))
	figures.write(bench.rows)
end

local function choose_workloads()
	local wanted = os.getenv "WORKLOADS"
	if not wanted then return workloads end
	local list = {}
	for _, word in ipairs(words(wanted)) do
		list[#list + 1] = assert(workloads[word], "no workload: " .. word)
	end
	return list
end

-- The peers that can be had, and lunasip behind them.
local function choose_proxies()
	local list = words(os.getenv "PEERS" or "kamailio")
	for _, peer in ipairs(list) do assert(proxies.exists(peer), "no peer: " .. peer) end
	if #list > 0 and not (proxies.has_kamailio() and bench.database.kind == "mysql") then
		print("NO PEER: Kamailio, its MySQL modules or MariaDB are not installed. lunasip and the "
			.. "floor are measured alone.\n")
		list = {}
	end
	bench.peer = list[1]
	list[#list + 1] = "lunasip"
	return list
end

local function choose_database()
	if name ~= "short" and database.has_mysql() then return database.mysql(bench.dir .. "/mariadb") end
	return database.sqlite(bench.dir)
end

local function make_dir()
	assert(os.execute("mkdir -p " .. build .. "/bench"))
	local pipe = assert(io.popen("cd " .. build .. "/bench && mktemp -d $PWD/run.XXXXXX"))
	local dir = pipe:read "l"
	pipe:close()
	return dir
end

local function main()
	bench.dir = make_dir()
	bench.database = choose_database()
	bench.workloads = choose_workloads()
	if name ~= "short" then
		print(machine.describe() .. (machine.proxy_core and "" or ": one core for all, no pinning"))
		bench.proxies = choose_proxies()
	end
	for _, part in ipairs(parts) do require("bench." .. part).run(bench) end
	print_rows()
end

local ok, why = xpcall(main, debug.traceback)
task.cleanup()
if bench.dir then os.execute("rm -rf " .. bench.dir) end
if not ok then io.stderr:write("tools/bench: ", tostring(why), "\n") end
for _, text in ipairs(troubles) do print("TROUBLE: " .. text) end
os.exit(ok and #troubles == 0)
