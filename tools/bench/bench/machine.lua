-- The machine that it runs on: cores, memory of processes, free ports.
local uv = require "luv"

local machine = {}

local function read(path)
	local file = io.open(path)
	if not file then return nil end
	local text = file:read "a"
	file:close()
	return text
end

-- The cores that this process may use, "0-3,8" taken apart.
local function allowed()
	local list = {}
	local words = (read "/proc/self/status" or ""):match "Cpus_allowed_list:%s*(%S+)" or "0"
	for first, last in words:gmatch "(%d+)%-?(%d*)" do
		for core = tonumber(first), tonumber(last) or tonumber(first) do
			list[#list + 1] = core
		end
	end
	return list
end

-- One core is the proxy's, another the generator's and the database's; with a single one
-- nothing is pinned.
local cores = allowed()
machine.proxy_core = os.getenv "CPU_PROXY" or cores[2] and tostring(cores[1])
machine.load_core = os.getenv "CPU_LOAD" or cores[2] and tostring(cores[2])
machine.all_cores = table.concat(cores, ",")
machine.cores = #cores

-- Puts `taskset` in front of a command.
function machine.pinned(core, command)
	if not core then return command end
	local all = table.move(command, 1, #command, 4, { "taskset", "-c", core })
	all.env, all.cwd = command.env, command.cwd
	return all
end

function machine.has(program)
	return os.execute("command -v " .. program .. " >/dev/null 2>&1") == true
end

-- A UDP port of the loopback that nobody uses.
function machine.free_port()
	local socket = uv.new_udp()
	assert(socket:bind("127.0.0.1", 0))
	local port = socket:getsockname().port
	socket:close()
	return port
end

local function parents()
	local of = {}
	for name in uv.fs_scandir_next, assert(uv.fs_scandir "/proc") do
		local pid = tonumber(name)
		local stat = pid and read("/proc/" .. name .. "/stat")
		if stat then of[pid] = tonumber(stat:match ".*%) %S (%d+)") end
	end
	return of
end

-- The process and all that descend from it.
function machine.tree(pid)
	local list, seen, of = { pid }, { [pid] = true }, parents()
	local i = 1
	while list[i] do
		for child, parent in pairs(of) do
			if parent == list[i] and not seen[child] then
				seen[child] = true
				list[#list + 1] = child
			end
		end
		i = i + 1
	end
	return list
end

-- KiB of a process and its children: what they share counts once (proportional set size). Not
-- the pages of programs and libraries: how much these count depends on who else has them.
function machine.memory(pid)
	local sum = 0
	for _, p in ipairs(machine.tree(pid)) do
		local rollup = read("/proc/" .. p .. "/smaps_rollup") or ""
		for kib in rollup:gmatch "\nPss_[AS]%a+:%s*(%d+)" do sum = sum + tonumber(kib) end
	end
	return sum
end

function machine.describe()
	local model = (read "/proc/cpuinfo" or ""):match "model name%s*:%s*([^\n]+)" or "?"
	local kernel = (read "/proc/sys/kernel/osrelease" or "?"):gsub("%s", "")
	return ("%s, %d cores, Linux %s"):format(model, machine.cores, kernel)
end

return machine
