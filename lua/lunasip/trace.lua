-- trace: reads what `log.trace` records (doc/running.md): the datagrams of a proxy, in order,
-- as the plain data that lunasip.ladder draws.
--
-- A record is a head line, the bytes, and a line end:
--
--     #N FROM -> TO DATE TIME n bytes
--
-- The time may also be "+0.012s", seconds since the first. A line "=== TEXT" between records
-- says what happens from there on, "=== proxy ADDR:PORT" which address is the proxy's.
local trace = {}

-- Milliseconds, comparable within one trace.
local function milliseconds(text)
	local since = text:match "^%+([%d.]+)s$"
	if since then return tonumber(since) * 1000 end
	local year, month, day, hour, min, sec = text:match
		"^(%d+)-(%d+)-(%d+) (%d+):(%d+):(%d+%.?%d*)$"
	if not year then return nil end
	local whole = os.time { year = year, month = month, day = day, hour = hour, min = min, sec = 0 }
	return (whole + tonumber(sec)) * 1000
end

local function head(line)
	local from, to, time, n = line:match "^#%d+ (%S+) %-> (%S+) (.-) (%d+) bytes$"
	local at = time and milliseconds(time)
	if at then return from, to, at, math.tointeger(n) end
end

-- The user of a request's Contact; baresip writes "10-0x55aa" for 10, which From tells.
local function user_of(text)
	local contact = text:match "\nContact:[^\n<]*<?sips?:([^@\r\n>]+)@"
	local from = text:match "\nFrom:[^\n<]*<?sips?:([^@\r\n>]+)@"
	return contact and from and contact:sub(1, #from + 1) == from .. "-" and from or contact
end

-- Who is who: how often each address has a part in a message, and its name, the user of the
-- first Contact of a request it sent. In order of appearance.
local function count(entries)
	local times, names, order = {}, {}, {}
	for _, e in ipairs(entries) do
		for _, address in ipairs { e.from, e.to ~= e.from and e.to or nil } do
			if not times[address] then order[#order + 1] = address end
			times[address] = (times[address] or 0) + 1
		end
		if e.text and not e.text:find "^SIP/" then
			names[e.from] = names[e.from] or user_of(e.text)
		end
	end
	return times, names, order
end

-- Of a trace that does not say it: who has a part in every message; of two, who was asked first.
local function guess(entries, times, order)
	local proxy
	for _, e in ipairs(entries) do
		proxy = proxy or e.text and not e.text:find "^SIP/" and e.to
	end
	proxy = proxy or order[1]
	for _, address in ipairs(order) do
		if times[address] > times[proxy] then proxy = address end
	end
	return proxy and { [proxy] = true } or {}
end

-- The first phone, the proxy, the others: calls go from left to right.
local function parties_of(entries, ours)
	local times, names, order = count(entries)
	if not next(ours) then ours = guess(entries, times, order) end
	local parties, proxies = {}, {}
	for _, address in ipairs(order) do
		local list = ours[address] and proxies or parties
		list[#list + 1] = { address = address,
			name = ours[address] and "proxy" or names[address] or address }
	end
	for i = #proxies, 1, -1 do
		table.insert(parties, math.min(2, #parties + 1), proxies[i])
	end
	return parties
end

-- The entries of a trace's text (lunasip.ladder says what they are), at in ms since the first.
-- Or nil and what is wrong.
function trace.parse(text)
	local entries, ours, at, first, now = {}, {}, 1, nil, 0
	while at <= #text do
		local stop = text:find("\n", at, true) or #text + 1
		local line = text:sub(at, stop - 1)
		local from, to, time, n = head(line)
		if from then
			if stop + n > #text then break end -- it is still being written
			first = first or time
			now = time - first
			entries[#entries + 1] = { at = now, from = from, to = to,
				text = text:sub(stop + 1, stop + n) }
			stop = stop + n
		elseif line:find "^=== proxy %S+:%d+$" then
			ours[line:match "%S+$"] = true
		elseif line:find "^===" then
			entries[#entries + 1] = { at = now, note = line:match "^===%s*(.*)$" }
		elseif line:find "%S" then
			return nil, ("not a record of a trace: %s"):format(line:sub(1, 60):gsub("%c", "?"))
		end
		at = stop + 1
	end
	entries.parties = parties_of(entries, ours)
	return entries
end

-- The same of a file.
function trace.read(path)
	local file, why = io.open(path, "rb")
	if not file then return nil, why end
	local text = file:read "a"
	file:close()
	if not text then return nil, path .. ": not a file" end
	local entries, reason = trace.parse(text)
	return entries, reason and path .. ": " .. reason
end

return trace
