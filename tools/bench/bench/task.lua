-- Programs that the benchmark runs. Whatever happens, ^C included, none stays behind.
local uv = require "luv"
local loop = require "flow.loop"
local process = require "flow.process"

local task = {}

local interrupted = false

for _, name in ipairs { "sigint", "sigterm", "sighup" } do
	local handler = uv.new_signal()
	handler:unref()
	handler:start(name, function() interrupted = true end)
end

-- Turns the loop until predicate() is true; raises when it is late, or when the user is tired.
function task.wait(what, seconds, predicate)
	return loop.wait(what, function()
		if interrupted then error("interrupted", 0) end
		return predicate()
	end, seconds * 1000)
end

function task.pause(seconds)
	local due = uv.hrtime() + seconds * 1e9
	task.wait("time to pass", seconds + 10, function() return uv.hrtime() >= due end)
end

-- Starts a program, { "name", "argument", …, env = { … } }; it gets a SIGTERM when this
-- process dies.
function task.start(command)
	local all = table.move(command, 1, #command, 4, { "setpriv", "--pdeathsig", "TERM" })
	all.env = command.env
	local p = process.start(all)
	p.name = command[1]
	return p
end

-- Waits for its end; returns what it said, and the exit code.
function task.finish(p, seconds)
	task.wait(function() return p.name .. " to end; it said:\n" .. p.output end, seconds,
		function() return p.code and p.open_pipes == 0 end)
	loop.close(p.stdin)
	return p.output, p.code
end

-- Asks it to stop, waits, and makes it stop. Not task.wait: this happens after ^C too.
function task.stop(p)
	p:kill "sigterm"
	local stopped = pcall(loop.wait, "it to stop", function() return p.code end, 15000)
	if not stopped then p:stop "sigkill" end
	loop.close(p.stdin)
end

task.at_cleanup = loop.at_cleanup
task.cleanup = loop.cleanup

function task.seconds() return uv.hrtime() / 1e9 end

return task
