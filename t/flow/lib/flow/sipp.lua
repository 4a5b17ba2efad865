-- sipp's own scenarios, one side each.
local process = require "flow.process"

local sipp = {}

-- o: world, scenario "uac" | "uas", host, more (list of arguments).
function sipp.start(o)
	local stats = ("%s/sipp-%s.csv"):format(o.world.dir, o.scenario)
	local arguments = {
		"sipp", "-sn", o.scenario, "-i", o.host, "-p", "5060", "-nostdin", "-trace_stat",
		"-stf", stats, "-fd", "1", cwd = o.world.dir, env = { TERM = "dumb" },
	}
	table.move(o.more or {}, 1, #(o.more or {}), #arguments + 1, arguments)
	local self = process.start(arguments)
	self.stats_path = stats
	return self
end

-- The counters of a sipp that has ended: "SuccessfulCall(C)" and so on, as numbers.
function sipp.stats(self)
	local head, last
	for line in io.lines(self.stats_path) do
		head = head or line
		last = line
	end
	local names, stats = {}, {}
	for name in head:gmatch "([^;]*);?" do
		names[#names + 1] = name
	end
	local i = 0
	for value in last:gmatch "([^;]*);?" do
		i = i + 1
		stats[names[i] or i] = tonumber(value)
	end
	return stats
end

return sipp
