-- The event loop that all of a flow test stands on. Tests read from top to bottom: they say
-- what they wait for, and the loop turns until it is so.
local uv = require "luv"

local loop = {}

-- Sanitized programs are slower; nothing waits longer than it must.
local PATIENCE_MS = os.getenv "SAN" == "" and 10000 or 30000

local closers = {} -- called by cleanup, last first

-- Turns the loop until predicate() is true and returns what it returned; after timeout_ms it
-- raises. `what` is a text, or a function that makes one when it is needed.
function loop.wait(what, predicate, timeout_ms)
	local late = false
	local alarm, tick = uv.new_timer(), uv.new_timer()
	alarm:start(timeout_ms or PATIENCE_MS, 0, function() late = true end)
	tick:start(20, 20, function() end) -- predicates may look at files
	local result = predicate()
	while not result and not late do
		uv.run "once"
		result = predicate()
	end
	alarm:close()
	tick:close()
	if not result then
		error("in vain waited for " .. (type(what) == "function" and what() or what), 2)
	end
	return result
end

-- Lets so much time go by: only to see that something does NOT happen.
function loop.pass(ms)
	local over = false
	local alarm = uv.new_timer()
	alarm:start(ms, 0, function() over = true end)
	while not over do
		uv.run "once"
	end
	alarm:close()
end

function loop.at_cleanup(close)
	table.insert(closers, close)
end

function loop.cleanup()
	while #closers > 0 do
		table.remove(closers)()
	end
	uv.run "nowait"
end

function loop.close(handle)
	if not handle:is_closing() then
		handle:close()
	end
end

return loop
