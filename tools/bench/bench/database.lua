-- What the proxies know their users from: users u00000 … u99999 with passwords p00000 …
local uv = require "luv"
local machine = require "bench.machine"
local task = require "bench.task"

local database = { USERS = 100000, HOSTS = 200 }
database.__index = database

local HARNESS = "t/tools/mariadb.sh"

-- As Debian sets it up (a commit is on the disk before it is answered), with room for the rows.
local MARIADB_OPTIONS = "--innodb-flush-log-at-trx-commit=1 --innodb-use-native-aio=1"
	.. " --innodb-buffer-pool-size=256M --innodb-log-file-size=256M --max-connections=200"

local function run(command)
	local output, code = task.finish(task.start(command), 120)
	assert(code == 0, output)
	return output
end

local function init(self)
	run { "tools/lunactl", "-d", self.url, "db", "init" }
	return self
end

function database.has_mysql()
	local path = "PATH=$PATH:/usr/sbin:/usr/libexec; "
	return os.execute(path .. "command -v mariadbd >/dev/null 2>&1") and machine.has "mariadb"
end

-- A MariaDB server of its own in `dir`, on the generator's core.
function database.mysql(dir)
	local self = setmetatable({ kind = "mysql", dir = dir }, database)
	local owner = tostring(math.tointeger(uv.os_getpid()))
	task.at_cleanup(function() os.execute(("sh %s stop %s"):format(HARNESS, dir)) end)
	self.url = run(machine.pinned(machine.load_core, { "sh", HARNESS, "start", dir, owner,
		env = { MARIADB_OPTIONS = MARIADB_OPTIONS } })):match "mysql://%S+"
	self.socket = self.url:match "socket=(.+)$"
	local file = assert(io.open(dir .. "/pid"))
	self.pid = file:read "n"
	file:close()
	init(self)
	self:sql([[INSERT INTO subscriber (username, domain, password, ha1)
		SELECT u, '127.0.0.1', p, MD5(CONCAT(u, ':127.0.0.1:', p)) FROM
		(SELECT CONCAT('u', LPAD(seq, 5, '0')) u, CONCAT('p', LPAD(seq, 5, '0')) p
		FROM seq_0_to_]] .. database.USERS - 1 .. ") users")
	return self
end

function database.sqlite(dir)
	local self = setmetatable({ kind = "sqlite", path = dir .. "/lunasip.sqlite" }, database)
	self.url = "sqlite:" .. self.path
	init(self)
	self:sql(([[WITH RECURSIVE s(seq) AS (SELECT 0 UNION ALL SELECT seq + 1 FROM s WHERE seq < %d)
		INSERT INTO subscriber (username, domain, password)
		SELECT printf('u%%05d', seq), '127.0.0.1', printf('p%%05d', seq) FROM s]])
		:format(database.USERS - 1))
	return self
end

function database:sql(text)
	if self.kind == "sqlite" then return run { "sqlite3", "-bail", self.path, text } end
	return run { "mariadb", "--no-defaults", "-u", "root", "-S", self.socket, "-N", "lunasip",
		"-e", text }
end

-- Nobody is registered.
function database:reset()
	self:sql(self.kind == "sqlite" and "DELETE FROM location" or "TRUNCATE location")
end

-- The first n users are, at the phones that the load generator plays behind `port`.
function database:fill(n, port, proxy_port)
	self:reset()
	self:sql(([[INSERT INTO location (ruid, username, contact, expires, callid, cseq, user_agent,
		socket, last_modified, methods)
		SELECT CONCAT('bench-', seq), CONCAT('u', LPAD(seq, 5, '0')),
		CONCAT('sip:u', LPAD(seq, 5, '0'), '@127.2.0.', seq MOD %d + 1, ':%d'),
		DATE_ADD(NOW(), INTERVAL 1 DAY), CONCAT('call-', seq, '@phone'), 2, 'phone',
		'udp:127.0.0.1:%d', NOW(), NULL FROM seq_0_to_%d]])
		:format(database.HOSTS, port, proxy_port, n - 1))
	self:sql "SELECT SUM(LENGTH(contact)) FROM location" -- into the server's memory
end

function database:stop() uv.kill(self.pid, "sigstop") end
function database:continue() uv.kill(self.pid, "sigcont") end

return database
