-- trace: reads what `log.trace` records (doc/running.md): the datagrams of a proxy, in order.
--
-- A record is a head line, the bytes, and a line end:
--
--     #N FROM -> TO DATE TIME n bytes
--
-- The time may also be "+0.012s", seconds since the first. A line "=== TEXT" before a record
-- says what happens from there on.
local trace = {}

-- Seconds, comparable within one trace.
local function seconds(text)
	local since = text:match "^%+([%d.]+)s$"
	if since then return tonumber(since) end
	local year, month, day, hour, min, sec = text:match
		"^(%d+)-(%d+)-(%d+) (%d+):(%d+):(%d+%.?%d*)$"
	if not year then return nil end
	local whole = os.time { year = year, month = month, day = day, hour = hour, min = min,
		sec = sec // 1 | 0 }
	return whole + tonumber(sec) % 1
end

local function head(line)
	local from, to, time, n = line:match "^#%d+ (%S+) %-> (%S+) (.-) (%d+) bytes$"
	local at = time and seconds(time)
	if at then return from, to, at, math.tointeger(n) end
end

-- The messages of a trace's text: a list of { from =, to =, at =, text =, step = }, at in
-- seconds since the first; step: the "===" line before it, or nil. Or nil and what is wrong.
function trace.parse(text)
	local messages, at, first, step = {}, 1, nil, nil
	while at <= #text do
		local stop = text:find("\n", at, true) or #text + 1
		local line = text:sub(at, stop - 1)
		local from, to, time, n = head(line)
		if from then
			if stop + n > #text + 1 then break end -- still being written
			first = first or time
			messages[#messages + 1] = { from = from, to = to, at = time - first,
				text = text:sub(stop + 1, stop + n), step = step }
			step = nil
			stop = stop + n
		elseif line:find "^===" then
			step = line:match "^===%s*(.*)$"
		elseif line:find "%S" then
			return nil, ("not a record of a trace: %s"):format(line:sub(1, 60))
		end
		at = stop + 1
	end
	return messages
end

-- The same of a file.
function trace.read(path)
	local file, why = io.open(path, "rb")
	if not file then return nil, why end
	local text = file:read "a"
	file:close()
	if not text then return nil, path .. ": not a file" end
	return trace.parse(text)
end

return trace
