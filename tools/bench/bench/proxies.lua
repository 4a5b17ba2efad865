-- The proxies that are compared, and how each is started.
--
-- All know the users of the database, and relay a MESSAGE unasked where the route is "message".
-- What they are started with: database, dir, route, db_mode; and, if wanted, port, core, workers,
-- log, control (a path), max_transactions, under (a program and its arguments that run it),
-- no_cache: passwords are asked for each time.
local machine = require "bench.machine"
local task = require "bench.task"
local load = require "bench.load"

local proxies = {}

local BUILD = os.getenv "BUILD" or "build"

local commands = {}

function commands.lunasip(o)
	local command = { BUILD .. "/lunasip", "-l", "udp:127.0.0.1:" .. o.port, "-d", o.database.url,
		"-w", tostring(o.workers or 1),
		env = { BENCH_DB_MODE = tostring(o.db_mode), BENCH_LOG = o.log,
			BENCH_CREDENTIALS = o.no_cache and "0" or nil,
			BENCH_MAX_TRANSACTIONS = o.max_transactions } }
	if o.control then table.move({ "-s", o.control }, 1, 2, #command + 1, command) end
	table.insert(command, ("tools/bench/routes/%s.lua"):format(o.route))
	return command
end

-- kind: what is different from how Debian starts it.
local function kamailio(o, kind)
	local command = { "kamailio", "-DD", "-E", "-f", "tools/bench/kamailio.cfg", "-Y", o.dir,
		"-P", o.dir .. "/kamailio.pid", "-w", o.dir, "-l", "udp:127.0.0.1:" .. o.port,
		"-A", "CHILDREN=" .. (o.workers or 1), "-A", "DB_MODE=" .. o.db_mode,
		"-A", 'DB_URL="mysql://root@localhost/lunasip"',
		env = { MYSQL_UNIX_PORT = o.database.socket } }
	table.move(kind, 1, #kind, #command + 1, command)
	return command
end

local DEBIAN = { "-m", "64", "-M", "8" }
local TUNED = { "-m", "4096", "-M", "16", "-x", "tlsf", "-X", "tlsf" }
local CACHED = { "-A", "CREDENTIAL_CACHE", table.unpack(TUNED) }
local LEAN = { "-A", "LEAN", table.unpack(CACHED) }

commands["kamailio-debian"] = function(o) return kamailio(o, DEBIAN) end
commands["kamailio-tuned"] = function(o) return kamailio(o, TUNED) end
commands["kamailio"] = function(o) return kamailio(o, o.no_cache and TUNED or CACHED) end
commands["kamailio-lean"] = function(o) return kamailio(o, LEAN) end

function proxies.exists(name) return commands[name] ~= nil end

function proxies.has_kamailio()
	return os.execute("PATH=$PATH:/usr/sbin; command -v kamailio >/dev/null 2>&1"
		.. " && ls /usr/lib/*/kamailio/modules/db_mysql.so >/dev/null 2>&1") == true
end

-- Starts it on its core (o.core: on others).
function proxies.launch(name, o)
	o.port = o.port or machine.free_port()
	local command = commands[name](o)
	if o.under then
		local under = table.move(o.under, 1, #o.under, 1, { env = command.env })
		command = table.move(command, 1, #command, #under + 1, under)
	end
	local process = task.start(machine.pinned(o.core or machine.proxy_core, command))
	process.name = name
	local self = { name = name, port = o.port, pid = process.pid, process = process }
	function self.stop()
		if not self.stopped then task.stop(process) end
		self.stopped = true
	end
	task.at_cleanup(self.stop)
	return self
end

-- The same, and waits until it answers.
function proxies.start(name, o)
	local self = proxies.launch(name, o)
	load.probe(self.port, 20, self.process)
	return self
end

return proxies
