-- A Galera cluster of three nodes (t/tools/galera.sh) in the net of a world.
local uv = require "luv"
local loop = require "flow.loop"
local process = require "flow.process"

local Galera = {}
Galera.__index = Galera

local galera = {}

local HARNESS = "t/tools/galera.sh"
local START_MS = 180000

function galera.start(world)
	local self = setmetatable({ dir = world.dir .. "/galera", hosts = {} }, Galera)
	for n = 1, 3 do
		self.hosts[n] = world:host(30 + n)
	end
	loop.at_cleanup(function() process.run { "sh", HARNESS, "stop", self.dir } end)
	local code, output = process.run { timeout_ms = START_MS, "sh", HARNESS, "start", self.dir,
		self.hosts[1], self.hosts[2], self.hosts[3], tostring(process.pid) }
	assert(code == 0, output)
	return self
end

-- The store of a proxy that asks the nodes in this order.
function Galera:store(order, options)
	local hosts = {}
	for i, n in ipairs(order) do
		hosts[i] = self.hosts[n]
	end
	return { kind = "mysql", url = ("mysql://lunasip:geheim@%s/lunasip?%s"):format(
		table.concat(hosts, ","), options or "timeout=2&connect_timeout=1") }
end

local function client(self, n)
	return { "mariadb", "--no-defaults", "-u", "lunasip", "-pgeheim", "-h", self.hosts[n],
		"-N", "-B", "-n", "lunasip" }
end

-- What a node answers, in columns set apart by tabs.
function Galera:sql(n, text)
	local command = client(self, n)
	table.insert(command, "-e")
	table.insert(command, "SET wsrep_sync_wait = 1; " .. text)
	local code, output = process.run(command)
	assert(code == 0, output)
	return output
end

-- A client of a node that waits for statements: write() and expect() of flow.process.
function Galera:session(n)
	return process.start(client(self, n))
end

function Galera:signal(n, name)
	local file = assert(io.open(("%s/%d/pid"):format(self.dir, n)))
	local pid = file:read "n"
	file:close()
	uv.kill(pid, name)
end

-- Starts a node again; the returned process ends when it is whole. fresh: without its data.
function Galera:node(n, fresh)
	return process.start { "sh", HARNESS, "node", self.dir, tostring(n), fresh and "fresh" }
end

-- How many nodes it knows of.
function Galera:size(n)
	return tonumber(self:sql(n, "SHOW STATUS LIKE 'wsrep_cluster_size'"):match "%d+")
end

-- How many connections, but the one that asks.
function Galera:connections(n)
	return tonumber(self:sql(n, [[SELECT COUNT(*) FROM information_schema.processlist
		WHERE user = 'lunasip' AND id <> CONNECTION_ID()]]))
end

return galera
