-- The stores that flows run on.
local uv = require "luv"
local process = require "flow.process"

local database = {}

local HARNESS = "t/tools/mariadb.sh"
local BUILD = os.getenv "BUILD" or "build"

local kinds = {}

local function run(...)
	local code, output = process.run { ... }
	assert(code == 0, output)
	return output
end

-- A store: kind, url, sql(statements): runs them in its own client, returns what that prints.

function kinds.memory()
	return { kind = "memory", url = "memory:" }
end

function kinds.sqlite(dir)
	local path = dir .. "/lunasip.sqlite"
	return { kind = "sqlite", url = "sqlite:" .. path, sql = function(text)
		return run("sqlite3", "-bail", "-table", path, text)
	end }
end

-- One MariaDB for all tests of this process; it ends with it. What it leaves on the disk, the
-- next one takes away.
local server
local made = 0

local function sweep()
	for name in uv.fs_scandir_next, assert(uv.fs_scandir(BUILD .. "/flow")) do
		local pid = name:match "^mariadb-(%d+)$"
		if pid and not uv.fs_stat("/proc/" .. pid) then
			os.execute(("rm -rf %s/flow/%s"):format(BUILD, name))
		end
	end
end

local function start_server()
	sweep()
	local dir = ("%s/flow/mariadb-%d"):format(BUILD, process.pid)
	local url = run("sh", HARNESS, "start", dir, tostring(process.pid)):match "mysql://%S+"
	server = { dir = dir, url = url, socket = url:match "socket=(.+)$" }
end

local function signal(name)
	local file = assert(io.open(server.dir .. "/pid"))
	uv.kill(file:read "n", name)
	file:close()
end

-- An empty database of its own for each world.
function kinds.mysql()
	if not server then
		start_server()
	end
	made = made + 1
	local name = "flow_" .. made
	run("mariadb", "--no-defaults", "-u", "root", "-S", server.socket,
		"-e", "CREATE DATABASE " .. name)
	local socket = server.socket
	return { kind = "mysql", url = (server.url:gsub("/lunasip%?", "/" .. name .. "?")),
		sql = function(text)
			return run("mariadb", "--no-defaults", "-u", "root", "-S", socket, "-t", name, "-e", text)
		end,
		stop = function() signal "sigstop" end, -- it stands still …
		continue = function() signal "sigcont" end, -- … and goes on
		shut_down = function() run("sh", HARNESS, "stop", server.dir) end,
		start_up = function() run("sh", HARNESS, "start", server.dir, tostring(process.pid)) end }
end

-- The stores a flow runs on; { memory = false } leaves one out.
function database.names(but)
	local names = {}
	for name in pairs(kinds) do
		if not but or but[name] ~= false then
			names[#names + 1] = name
		end
	end
	table.sort(names)
	return names
end

function database.new(kind, dir)
	return assert(kinds[kind], "no such store: " .. kind)(dir)
end

return database
