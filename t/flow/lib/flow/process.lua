-- A program that runs beside the test: its output is kept, it is gone when the test is over.
local uv = require "luv"
local loop = require "flow.loop"

local Process = {}
Process.__index = Process

local process = { pid = math.tointeger(uv.os_getpid()) }

local function collect(self, pipe)
	pipe:read_start(function(_, data)
		if data then
			self.output = self.output .. data
		else
			self.open_pipes = self.open_pipes - 1
			loop.close(pipe)
		end
	end)
end

local function environment(extra)
	local all = uv.os_environ()
	all.LD_PRELOAD = nil -- the test's own, not the program's
	for name, value in pairs(extra or {}) do
		all[name] = value
	end
	local list = {}
	for name, value in pairs(all) do
		list[#list + 1] = name .. "=" .. value
	end
	return list
end

-- process.start { "sipp", "-sn", "uas", env = { … }, cwd = "…" }
function process.start(o)
	local self = setmetatable({ name = o[1], output = "", seen = 1, open_pipes = 2 }, Process)
	local stdin, out, err = uv.new_pipe(), uv.new_pipe(), uv.new_pipe()
	local handle, pid = uv.spawn(o[1], {
		args = table.pack(table.unpack(o, 2)),
		env = environment(o.env),
		cwd = o.cwd,
		stdio = { stdin, out, err },
	}, function(code, signal)
		self.code, self.signal = code, signal
		loop.close(self.handle)
	end)
	assert(handle, ("cannot start %s: %s"):format(o[1], pid))
	self.handle, self.pid, self.stdin = handle, pid, stdin
	collect(self, out)
	collect(self, err)
	loop.at_cleanup(function() self:stop "sigkill" end)
	return self
end

-- Runs to the end. Returns exit code, output.
function process.run(o)
	local self = process.start(o)
	loop.close(self.stdin)
	self:wait(o.timeout_ms)
	return self.code, self.output
end

function Process:running()
	return self.code == nil
end

-- Waits for its end; returns exit code, signal.
function Process:wait(timeout_ms)
	loop.wait(function() return self.name .. " to end; it said:\n" .. self.output end, function()
		return self.code and self.open_pipes == 0
	end, timeout_ms)
	return self.code, self.signal
end

-- Waits until it says something that matches, behind what was expected before.
function Process:expect(pattern, timeout_ms)
	local first, last
	loop.wait(function()
		return ("%s to say %q; it said:\n%s"):format(self.name, pattern, self.output:sub(self.seen))
	end, function()
		first, last = self.output:find(pattern, self.seen)
		return first or not self:running()
	end, timeout_ms)
	if not first then
		error(("%s ended (%s) and did not say %q:\n%s"):format(self.name, self.code, pattern,
			self.output), 2)
	end
	local text = self.output:sub(first, last)
	self.seen = last + 1
	return text:match(pattern)
end

function Process:write(text)
	self.stdin:write(text)
end

function Process:kill(signal)
	if self:running() then
		self.handle:kill(signal)
	end
end

function Process:stop(signal)
	self:kill(signal or "sigterm")
	self:wait()
	loop.close(self.stdin)
	return self.code, self.signal
end

return process
