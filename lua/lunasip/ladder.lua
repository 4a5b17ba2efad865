-- ladder: what went over a network, as a diagram in text.
--
--     seconds   10                    proxy                    11
--               192.0.2.1             127.0.0.1                192.0.2.2
--       0.000   |------ INVITE 11 ----->|                        |
--       0.000   |                       |------ INVITE 11 ------>|
--
-- A trace is plain data: a list, in order of time, of
--     { at = ms, from = "ADDR:PORT", to = "ADDR:PORT", text = "INVITE …",
--       fate = nil | "dropped" | "unreachable", delay = ms, copies = n, again = true }
--     { at = ms, error = "route.lua:4: …" }       a routing script failed
--     { at = ms, note = "…" }
-- and trace.parties, a list of { address =, name = } from left to right.
local ladder = {}

local MARGIN = 15 -- of the first column
local WIDTH = 80  -- of the columns; what is said at the end of a line comes behind
local LINE = 100  -- that much at most
local MIN_GAP, MAX_GAP = 13, 27

local function reply_label(text, status, reason, width)
	local method = text:match "\r\n[Cc][Ss][Ee][Qq][ \t]*:[ \t]*%d+[ \t]+(%u+)"
	local of = method and method ~= "INVITE" and (" (%s)"):format(method) or ""
	local label = ("%s %s%s"):format(status, reason, of)
	if #label > width then label = status .. of end
	if #label > width or of ~= "" then return label end
	for word in reason:gmatch "%S+" do -- as many words as there is room for
		if #status + #word + 1 > width then break end
		status = status .. " " .. word
	end
	return status
end

-- What an arrow says in so many characters: "INVITE 11", "404 User Not Found", "200 OK (BYE)".
function ladder.label(text, width)
	width = width or math.maxinteger
	local start = text:match "^[^\r\n]*"
	local status, reason = start:match "^SIP/2.0 (%d%d%d) (.*)$"
	local method, uri = start:match "^(%S+) (%S+) SIP/2.0$"
	local label = start
	if status then
		label = reply_label(text, status, reason, width)
	elseif method then
		if method == "REGISTER" then uri = text:match "\r\n[Tt]o?[ \t]*:[^\r\n]*<([^>\r\n]*)>" or uri end
		local rest = uri:gsub("^%a+:", ""):gsub("[;?].*", "")
		label = method .. " " .. (rest:match "^([^@]*)@" or rest)
	end
	return (label:gsub("[^\32-\126]", "?"):sub(1, width))
end

local function columns_of(trace, from)
	local wanted, columns = {}, { n = 0 }
	for i = from, #trace do
		if trace[i].from then wanted[trace[i].from], wanted[trace[i].to] = true, true end
	end
	for _, party in ipairs(trace.parties) do
		if wanted[party.address] then
			columns.n = columns.n + 1
			columns[columns.n] = party
			columns[party.address] = columns.n
		end
	end
	columns.gap = math.max(MIN_GAP, math.min(MAX_GAP, (WIDTH - MARGIN) // math.max(1, columns.n - 1)))
	return columns
end

local function x_of(columns, i)
	return MARGIN + (i - 1) * columns.gap
end

-- text in the place of what stands in line from x on.
local function put(line, x, text)
	if #line < x - 1 then line = line .. (" "):rep(x - 1 - #line) end
	return line:sub(1, x - 1) .. text .. line:sub(x + #text)
end

local function rails(columns)
	local line = ""
	for i = 1, columns.n do line = put(line, x_of(columns, i), "|") end
	return line
end

local function heads(columns)
	local first, second = "    seconds", ""
	for i, party in ipairs(columns) do
		local x = math.max(MARGIN, x_of(columns, i) - 5)
		local address = party.address:gsub(":5060$", "")
		first = put(first, x, party.name:sub(1, columns.gap - 2))
		second = put(second, x, party.name ~= address and address:sub(1, columns.gap - 1) or "")
	end
	return (first:gsub("%s+$", "")), (second:gsub("%s+$", ""))
end

-- The arrow between two columns; a message that did not arrive ends in X.
local function arrow(columns, entry)
	local a, b = columns[entry.from], columns[entry.to]
	if a == b then
		return put(rails(columns), x_of(columns, a) + 1, "--. to itself: " .. ladder.label(entry.text))
	end
	local left, right = x_of(columns, math.min(a, b)) + 1, x_of(columns, math.max(a, b)) - 1
	local width = right - left + 1
	local label = ladder.label(entry.text, width - 6)
	local before = (width - #label - 2) // 2
	local text = ("-"):rep(before) .. " " .. label .. " " .. ("-"):rep(width - #label - 2 - before)
	local head = entry.fate and "X" or a < b and ">" or "<"
	if a < b then text = text:sub(1, -2) .. head else text = head .. text:sub(2) end
	return put(rails(columns), left, text)
end

local function remarks(entry)
	local words = {}
	if entry.fate then words[#words + 1] = entry.fate end
	if entry.again then words[#words + 1] = "again" end
	if (entry.copies or 1) > 1 then words[#words + 1] = entry.copies .. " times" end
	if (entry.delay or 0) > 0 then words[#words + 1] = ("+%.3f s"):format(entry.delay / 1000) end
	return #words > 0 and "  " .. table.concat(words, ", ") or ""
end

-- "request handler, INVITE a@b: route.lua:4: oh" without its beginning, and as much of it as fits.
local function complaint(text)
	text = text:match "^[^\n]*":gsub("^%a+ handler, %S+ %S+: ", "")
	return "! " .. (#text <= LINE - MARGIN - 2 and text or text:sub(1, LINE - MARGIN - 5) .. "...")
end

-- options: mark, one entry of the trace; last = how many entries, all without it.
function ladder.text(trace, options)
	options = options or {}
	local from = options.last and math.max(1, #trace - options.last + 1) or 1
	local columns = columns_of(trace, from)
	local lines = { heads(columns) }
	if from > 1 then lines[#lines + 1] = ("    … %d before"):format(from - 1) end
	for i = from, #trace do
		local entry = trace[i]
		local line
		if entry.from then
			line = arrow(columns, entry) .. remarks(entry)
		else
			line = put("", MARGIN, entry.error and complaint(entry.error) or entry.note)
		end
		lines[#lines + 1] = put(line, 1, ("%s%9.3f"):format(entry == options.mark and ">> " or "   ",
			entry.at / 1000))
	end
	return table.concat(lines, "\n") .. "\n"
end

return ladder
