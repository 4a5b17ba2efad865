-- The world of one flow test: a directory, a net of addresses, a database with subscribers,
-- and the proxy under test. Each test process has a /24 of its own in 127/8, so that all of
-- them can use the port 5060 side by side.
local uv = require "luv"
local loop = require "flow.loop"
local process = require "flow.process"
local database = require "flow.database"

local World = {}
World.__index = World

local world = {}

local BUILD = os.getenv "BUILD" or "build"
local LUNASIP = os.getenv "LUNASIP" or BUILD .. "/lunasip"
local LUNACTL = "tools/lunactl"
-- It loads lunasip.so, which may be a sanitized one.
local LUNACTL_ENV = { LD_PRELOAD = os.getenv "PRELOAD" }
local USERS = { ["10"] = "abc10", ["11"] = "abc11" }

local made = 0

-- o: store "memory" | "sqlite" | "mysql"; users: name -> password, or false: the database has
-- no tables yet; script: path of a route;
-- settings: Lua text of a table that is laid over the script's; start = false: not yet.
function world.new(o)
	made = made + 1
	local pid = process.pid
	assert(os.execute("mkdir -p " .. BUILD .. "/flow"))
	local self = setmetatable({
		net = ("127.%d.%d."):format(16 + pid // 250 % 200, 1 + pid % 250),
		dir = ("%s/flow/%d-%d"):format(uv.fs_realpath(BUILD), pid, made),
		script = o.script or "lua/routes/default.lua",
	}, World)
	assert(os.execute(("rm -rf %s && mkdir -p %s"):format(self.dir, self.dir)))
	loop.at_cleanup(function()
		self:show_log()
		os.execute("rm -rf " .. self.dir)
	end)
	self.address = self:host(1)
	self.control = self.dir .. "/control"
	if o.route then -- its %s is the address of a callee
		self.script = self:write("given.lua", o.route:format(self:host(o.callee)))
	end
	if o.text then
		self.script = self:write("given.lua", o.text)
	end
	self.store = database.new(o.store or "sqlite", self.dir)
	self:write_script(o.settings or "{}")
	if o.users ~= false then
		self:add_users(o.users or USERS)
	end
	if o.start ~= false then
		self:start()
	end
	return self
end

-- FLOW_LOG=1 shows what the proxy said, as comments between the results.
function World:show_log()
	if os.getenv "FLOW_LOG" and self.proxy then
		io.stderr:write((("\n" .. self.proxy.output):gsub("\n", "\n# | ")), "\n")
	end
end

function World:host(n)
	return self.net .. n
end

function World:uri(user)
	return "sip:" .. user .. "@" .. self.address
end

function World:write(name, text)
	local path = self.dir .. "/" .. name
	local file = assert(io.open(path, "wb"))
	file:write(text)
	file:close()
	return path
end

-- The route under test with other settings: tables are merged, values replaced.
function World:write_script(settings)
	self.path = self:write("route.lua", ([[
local script = dofile(%q)
local function lay(over, under)
	for key, value in pairs(over) do
		if type(value) == "table" and type(under[key]) == "table" and #value == 0 then
			lay(value, under[key])
		else
			under[key] = value
		end
	end
end
script.settings = script.settings or {}
lay(%s, script.settings)
return script
]]):format(uv.fs_realpath(self.script), settings))
end

function World:lunactl(...)
	local code, output = process.run {
		env = LUNACTL_ENV, LUNACTL, "-d", self.store.url, ... }
	assert(code == 0, ("lunactl %s: %s"):format(table.concat({ ... }, " "), output))
	return output
end

function World:add_users(users)
	if self.store.kind == "memory" then
		return
	end
	self:lunactl("db", "init")
	for name, password in pairs(users) do
		self:lunactl("--domain", self.address, "subscriber", "add", name, password)
	end
end

function World:start()
	local arguments = {
		LUNASIP, "-l", ("udp:%s:5060"):format(self.address), "-d", self.store.url,
		"-s", self.control, self.path,
	}
	table.move(self.flags or {}, 1, #(self.flags or {}), #arguments + 1, arguments)
	self.proxy = process.start(arguments)
	self.proxy:expect " ready: "
	-- Every proxy has to stop cleanly: sanitizers look for leaks then.
	local proxy = self.proxy
	loop.at_cleanup(function()
		if self.proxy == proxy and proxy:running() then
			self:stop()
		end
	end)
end

function World:kill9()
	self.proxy:stop "sigkill"
end

-- A clean stop: exit status 0.
function World:stop()
	local code, signal = self.proxy:stop "sigterm"
	assert(code == 0, ("lunasip ended with %s, signal %s:\n%s"):format(code, signal,
		self.proxy.output))
end

-- What the control socket answers to a line.
function World:ask(line)
	local pipe, answer, over = uv.new_pipe(), "", false
	pipe:connect(self.control, function(err)
		assert(not err, err)
		pipe:write(line .. "\n")
		pipe:read_start(function(_, data)
			answer = answer .. (data or "")
			over = not data
		end)
	end)
	loop.wait("an answer on the control socket", function() return over end)
	loop.close(pipe)
	return answer
end

-- The counters of the running proxy, numbers by name.
function World:stats()
	local output = self:ask "stats"
	local stats = {}
	for key, value in output:gmatch "([%w_.]+)%s+(%d+)" do
		stats[key] = tonumber(value)
	end
	return stats
end

-- Waits until nothing is under way any more; transactions may rest for 64*T1.
function World:wait_idle(timeout_ms)
	local stats
	loop.wait(function()
		local text = {}
		for key, value in pairs(stats) do
			text[#text + 1] = key .. " " .. value
		end
		table.sort(text)
		return "an idle proxy:\n" .. table.concat(text, "\n")
	end, function()
		loop.pass(300)
		stats = self:stats()
		return stats["transactions.server"] == 0 and stats["transactions.client"] == 0
			and stats.coroutines == 0 and stats.contexts == 0
	end, timeout_ms or 45000)
	return stats
end

-- The rows of the location table for a user, as lunactl shows them.
function World:location(user)
	local json = require "dkjson"
	local code, output = process.run {
		env = LUNACTL_ENV, LUNACTL, "-d", self.store.url, "--json", "location", "show", user,
	}
	if code ~= 0 then
		return {}
	end
	return assert(json.decode(output))
end

return world
