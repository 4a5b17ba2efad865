-- blame: how the kit fails: at the author's line, with the ladder of what happened
-- so far, the message in question marked and shown, and what the script complained about.
local ladder = require "lunasip.ladder"

local blame = {}

local LAST = 40 -- rows of the ladder

local origins = setmetatable({}, { __mode = "k" })     -- message -> { net =, packet = }
local newest = setmetatable({}, { __mode = "v" })      -- the net that was made or turned last

function blame.know(message, net, packet)
	origins[message] = { net = net, packet = packet }
end

function blame.at_work(net)
	newest.net = net
end

-- The report: headline, ladder, message (or nil), script errors.
function blame.report(headline, message, net)
	local origin = origins[message] or {}
	net = net or origin.net or newest.net
	local parts = { headline }
	if net and #net.trace > 0 then
		parts[#parts + 1] = ladder.text(net.trace, { mark = origin.packet, last = LAST })
	end
	if message then parts[#parts + 1] = message.text:gsub("\r", "") end
	for _, text in ipairs(net and net.errors or {}) do
		parts[#parts + 1] = "the script failed:\n" .. text
	end
	return (table.concat(parts, "\n\n"):gsub("%s+$", ""))
end

local here = debug.getinfo(1, "S").source:match "^(.*testkit)" or "@"

-- Raises text, at the innermost line that is not the kit's own.
function blame.raise(text)
	local level = 2
	while true do
		local info = debug.getinfo(level, "S")
		if not info then break end
		if info.what ~= "C" and info.source:sub(1, #here) ~= here then break end
		level = level + 1
	end
	error(text, level)
end

-- Raises a report.
function blame.fail(headline, message, net)
	blame.raise(blame.report(headline, message, net))
end

-- The arguments of a call: raises what is wrong with them.
function blame.check(condition, text, ...)
	if not condition then blame.raise(text:format(...)) end
end

-- options may only have these keys.
function blame.keys(what, options, known)
	local bad = {}
	for key in pairs(options) do
		if not known[key] then bad[#bad + 1] = tostring(key) end
	end
	if #bad == 0 then return end
	local names = {}
	for name in pairs(known) do names[#names + 1] = name end
	table.sort(bad)
	table.sort(names)
	blame.raise(("%s does not know '%s'; it knows %s"):format(what, bad[1], table.concat(names, ", ")))
end

return blame
