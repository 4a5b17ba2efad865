-- ladder_svg: what went over a network, as a picture (SVG). The data are those of
-- lunasip.ladder. A yellow bar is the arrival of a message at the proxy, as in the documents.
local ladder = require "lunasip.ladder"

local svg = {}

local ROW, NOTE_ROW = 30, 34 -- heights
local TOP, BOTTOM = 70, 24
local TIMES = 84             -- width of the column of times
local GAP, MIN_GAP = 270, 200
local BAR = 5                -- half the width of a yellow bar
local LOOP = 46              -- how far a message to oneself goes out

local STYLE = [[
text { font-family: "DejaVu Sans", Verdana, sans-serif; font-size: 12px; fill: #222 }
.time { font-size: 10px; fill: #767676; text-anchor: end }
.name { font-size: 15px; font-weight: bold; text-anchor: middle }
.address { font-size: 10px; fill: #555; text-anchor: middle }
.label, .aside, .note { paint-order: stroke; stroke: #fff; stroke-width: 3px }
.label { text-anchor: middle }
.note { font-weight: bold; fill: #333; stroke: #eef1f4 }
.rail { stroke: #9a9a9a; stroke-width: 1.5 }
.bar { fill: #ffd52e; stroke: #b08d00; stroke-width: 0.8 }
.band { fill: #eef1f4 }
.arrow { fill: none; stroke-width: 1.6 }
.request { stroke: #187a2f } .reply { stroke: #0b7285 } .refusal { stroke: #c92a2a }
.lost { stroke-dasharray: 5 4 }
]]

local HEADS = { { "request", "#187a2f" }, { "reply", "#0b7285" }, { "refusal", "#c92a2a" } }

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\""] = "&quot;" }

-- What came over the network need not be text.
local function escape(text)
	if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
	return (text:gsub("[^%C\n]", "?"):gsub("[&<>\"]", ENTITIES))
end

local Picture = {}
Picture.__index = Picture

function Picture:add(format, ...)
	self[#self + 1] = format:format(...)
end

function Picture:text(class, x, y, text)
	self:add('<text class="%s" x="%g" y="%g">%s</text>', class, x, y, escape(text))
end

local function kind_of(entry)
	local status = tonumber(entry.text:match "^SIP/2.0 (%d%d%d)")
	if not status then return "request" end
	return status < 400 and "reply" or "refusal"
end

-- What a pointer that rests on an arrow is told.
local function title_of(entry)
	local lines = { entry.text:match "^[^\r\n]*", ("%s -> %s"):format(entry.from, entry.to) }
	for _, name in ipairs { "Call%-ID", "CSeq" } do
		lines[#lines + 1] = entry.text:match("\n(" .. name .. ":[^\r\n]*)")
	end
	return table.concat(lines, "\n")
end

local function remark(entry)
	if entry.fate then return " — " .. entry.fate end
	return entry.again and " — again" or ""
end

-- A label ends before the next rail.
local function label_of(entry, width)
	local label, more = ladder.label(entry.text), remark(entry)
	local most = math.max(4, math.floor(width / 7) - utf8.len(more))
	if #label > most then return escape(label:sub(1, most - 1)) .. "…" .. more end
	return escape(label) .. more
end

function Picture:bar(x, y)
	self:add('<rect class="bar" x="%g" y="%g" width="%g" height="14"/>', x - BAR, y - 7, 2 * BAR)
end

function Picture:line(x1, x2, y, entry, kind)
	self:add('<path class="arrow %s%s" d="M%g %gH%g" marker-end="url(#%s)"/>', kind,
		entry.fate and " lost" or "", x1, y, x2, entry.fate and "cross-" .. kind or kind)
end

-- Out to the right and back, a little below.
function Picture:loop(x, y, kind)
	self:add('<path class="arrow %s" d="M%g %gh%gq10 0 10 6.5t-10 6.5h-%g" marker-end="url(#%s)"/>',
		kind, x + BAR, y - 6, LOOP - 10, LOOP - 12, kind)
end

function Picture:message(entry, y)
	local a, b, kind = self.x[entry.from], self.x[entry.to], kind_of(entry)
	self:add('<g><title>%s</title>', escape(title_of(entry)))
	if a == b then
		self:loop(a, y, kind)
		self:add('<text class="aside" x="%g" y="%g">%s</text>', a + LOOP + 14, y + 5,
			escape(ladder.label(entry.text)) .. remark(entry))
	else
		local side = a < b and 1 or -1
		self:line(a + side, b - side * (b == self.proxy and BAR + 1 or 1), y, entry, kind)
		self:add('<text class="label" x="%g" y="%g">%s</text>', (a + b) / 2, y - 6,
			label_of(entry, math.abs(a - b) - 16))
	end
	if b == self.proxy and not entry.fate then self:bar(b, a == b and y + 2 or y) end
	self:add '</g>'
end

function Picture:band(y)
	self:add('<rect class="band" x="0" y="%g" width="%g" height="22"/>', y - 15, self.width)
end

function Picture:note(entry, y)
	local note = entry.error and entry.error:match "^[^\n]*" or entry.note
	local most = (self.width - 40) // 8
	if #note > most then note = note:sub(1, most - 3) .. "..." end
	self:text("note", TIMES - 50, y, note)
end

local function new(trace)
	local wanted, columns = {}, {}
	for _, e in ipairs(trace) do
		if e.from then wanted[e.from], wanted[e.to] = true, true end
	end
	for _, party in ipairs(trace.parties) do
		if wanted[party.address] then columns[#columns + 1] = party end
	end
	local self = setmetatable({ columns = columns, x = {} }, Picture)
	local gap = #columns > 4 and MIN_GAP or GAP
	for i, party in ipairs(columns) do
		local x = TIMES + 70 + (i - 1) * gap
		self.x[party.address] = x
		if party.name == "proxy" then self.proxy = x end
		self.width = x
	end
	self.width = (self.width or TIMES) + (self.proxy == self.width and 220 or 90)
	return self
end

local function height_of(trace)
	local height = TOP + BOTTOM
	for _, e in ipairs(trace) do height = height + (e.from and ROW or NOTE_ROW) end
	return height
end

local function marker(id, colour, path)
	return ('<marker id="%s" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
		.. 'markerHeight="7" orient="auto"><path d="%s" fill="%s" stroke="%s"/></marker>')
		:format(id, path, colour, colour)
end

function Picture:frame(height, title)
	self:add('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">',
		self.width, height, self.width, height)
	self:add('<title>%s</title><style>%s</style><defs>', escape(title), STYLE)
	for _, head in ipairs(HEADS) do
		local kind, colour = table.unpack(head)
		self:add("%s", marker(kind, colour, "M0 0L10 5L0 10z"))
		self:add("%s", marker("cross-" .. kind, colour, "M1 1L9 9M9 1L1 9"))
	end
	self:add('</defs><rect width="100%%" height="100%%" fill="#fff"/>')
end

function Picture:rails(height)
	for _, party in ipairs(self.columns) do
		local x = self.x[party.address]
		self:add('<path class="rail" d="M%g %gV%g"/>', x, TOP - 22, height - BOTTOM / 2)
		self:text("name", x, 24, party.name)
		local address = party.address:gsub(":5060$", "")
		if address ~= party.name then self:text("address", x, 40, address) end
	end
end

-- options: title. Returns the text of an SVG file.
function svg.draw(trace, options)
	local self, height = new(trace), height_of(trace)
	self:frame(height, options and options.title or "SIP messages")
	local rows, y = {}, TOP
	for i, entry in ipairs(trace) do -- bands lie under the rails
		rows[i] = y + (entry.from and ROW or NOTE_ROW) - 12
		if not entry.from then self:band(rows[i]) end
		y = y + (entry.from and ROW or NOTE_ROW)
	end
	self:rails(height)
	for i, entry in ipairs(trace) do
		if entry.from then
			self:text("time", TIMES - 14, rows[i] + 4, ("%.3f"):format(entry.at / 1000))
			self:message(entry, rows[i])
		else
			self:note(entry, rows[i])
		end
	end
	self:add "</svg>"
	return table.concat(self, "\n") .. "\n"
end

return svg
