-- Runs the load generator and the floor, and reads what they say.
local machine = require "bench.machine"
local task = require "bench.task"

local load = {}

local BUILD = os.getenv "BUILD" or "build"

local function values(line)
	local all = {}
	for key, value in line:gmatch "(%S+)=(%S+)" do all[key] = tonumber(value) or value end
	return all
end

-- o: a list of arguments, with watch = { name = pid }. Returns the process.
function load.start(port, workload, o)
	local command = { BUILD .. "/bench/load", "--proxy", "127.0.0.1:" .. port }
	table.move(o, 1, #o, #command + 1, command)
	for name, pid in pairs(o.watch or {}) do
		table.insert(command, "--watch")
		table.insert(command, name .. "=" .. pid)
	end
	table.insert(command, workload)
	return task.start(machine.pinned(machine.load_core, command))
end

-- Its result as a table; .trouble says what went wrong, if anything did.
function load.finish(p, seconds)
	local output, code = task.finish(p, seconds or 200)
	local result = values(output:match "[^\n]*done=[^\n]*" or "")
	if code > 1 or not result.done then
		result.trouble = output
	elseif code ~= 0 or result.done == 0 then
		result.trouble = ("%d done, %d failed, %d violations:%s"):format(result.done,
			result.failed, result.violations, output:match " seconds.*" or "")
	end
	return result
end

-- Waits until it says so.
function load.await(p, text)
	task.wait(function() return ("%q of: %s"):format(text, p.output) end, 150, function()
		return p.output:find(text, 1, true) or not p:running()
	end)
end

function load.run(port, workload, o)
	return load.finish(load.start(port, workload, o))
end

-- Waits until the proxy answers; raises when it does not.
function load.probe(port, seconds, proxy)
	local p = load.start(port, "probe", { "--seconds", tostring(seconds) })
	task.wait("an answer", seconds + 10, function() return p.code or not proxy:running() end)
	if not p.code then
		p:stop "sigkill"
	end
	if not proxy:running() or p.code ~= 0 then
		error(proxy.name .. " does not answer; it said:\n" .. proxy.output, 0)
	end
end

-- Microseconds of CPU that a packet costs, received and sent back.
function load.floor(seconds)
	local command = { BUILD .. "/bench/floor", "--seconds", tostring(seconds) }
	if machine.proxy_core then
		table.move({ "--cpu", machine.proxy_core, "--client-cpu", machine.load_core }, 1, 4,
			#command + 1, command)
	end
	local output = task.finish(task.start(command), seconds + 20)
	return assert(values(output).floor_us, output)
end

return load
