-- coverage: of which lines of a script a run walked which.
--
-- lunasip.coverage() (the core) says how often each line was walked; which lines could be
-- walked stands in the compiled chunk: all those of instructions that can be reached. So the
-- `end` of a function that always returns before does not count.
local coverage = {}

-- Chunks as string.dump writes them (Lua 5.4)

local HEADER = "^\27Lua\x54\0\x19\x93\r\n\x1a\n\4\8\8................." -- of 64-bit machines
local ABSOLUTE = -128 -- the line stands in a table of its own

-- Instructions that the next one does not simply follow, by number.
local KINDS = {
	[6] = "skip",                                    -- LFALSESKIP
	[56] = "jump",                                   -- JMP
	[69] = "return", [70] = "return", [71] = "return", [72] = "return", -- TAILCALL, RETURN…
	[73] = "loop", [74] = "prepare",                 -- FORLOOP, FORPREP
	[75] = "prepare in", [77] = "loop",              -- TFORPREP, TFORLOOP
}
for op = 57, 67 do KINDS[op] = "test" end -- EQ … TESTSET: the next, or the one after it

local Reader = {}
Reader.__index = Reader

function Reader:byte()
	self.at = self.at + 1
	return self.bytes:byte(self.at - 1)
end

-- 7 bits a byte, the last one marked.
function Reader:size()
	local n = 0
	repeat
		local b = self:byte()
		n = n << 7 | b & 0x7f
	until b & 0x80 ~= 0
	return n
end

function Reader:skip(n)
	self.at = self.at + n
end

function Reader:text()
	local n = self:size()
	if n > 0 then self:skip(n - 1) end
end

function Reader:constant()
	local kind = self:byte()
	if kind == 0x03 or kind == 0x13 then
		self:skip(8)
	elseif kind == 0x04 or kind == 0x14 then
		self:text()
	end
end

function Reader:list(read)
	local list = {}
	for i = 1, self:size() do list[i] = read(self) end
	return list
end

function Reader:instruction()
	local word = string.unpack("<I4", self.bytes, self.at)
	self:skip(4)
	return word
end

function Reader:upvalue() self:skip(3) end

function Reader:line_step()
	local b = self:byte()
	return b < 128 and b or b - 256
end

function Reader:absolute()
	local pc = self:size()
	return { pc, self:size() }
end

function Reader:local_variable()
	self:text()
	self:size()
	self:size()
end

function Reader:prototype()
	self:text()
	local p = { line = self:size() }
	self:size()
	self:skip(1) -- parameters
	p.is_vararg = self:byte() ~= 0
	self:skip(1) -- stack
	p.code = self:list(self.instruction)
	self:list(self.constant)
	self:list(self.upvalue)
	p.nested = self:list(self.prototype)
	p.steps = self:list(self.line_step)
	p.absolute = self:list(self.absolute)
	self:list(self.local_variable)
	self:list(self.text)
	return p
end

-- The indices (from 1) of what may run after instruction i.
local function successors(word, i)
	local kind = KINDS[word & 0x7f]
	local far, jump = word >> 15, (word >> 7) - 0xffffff
	if kind == "return" then return end
	if kind == "jump" then return i + jump + 1 end
	if kind == "skip" then return i + 2 end
	if kind == "test" then return i + 1, i + 2 end
	if kind == "loop" then return i + 1, i + 1 - far end
	if kind == "prepare" then return i + 1, i + far + 2 end
	if kind == "prepare in" then return i + far + 1 end
	return i + 1
end

local function reachable(p)
	local seen, todo = {}, { 1 }
	while #todo > 0 do
		local i = table.remove(todo)
		if p.code[i] and not seen[i] then
			seen[i] = true
			for _, next in ipairs { successors(p.code[i], i) } do todo[#todo + 1] = next end
		end
	end
	return seen
end

local function add_lines(p, lines)
	local seen, line, absolutes = reachable(p), p.line, {}
	for _, a in ipairs(p.absolute) do absolutes[a[1] + 1] = a[2] end
	for i, step in ipairs(p.steps) do
		line = step == ABSOLUTE and absolutes[i] or line + step
		-- The first instruction of a vararg function only takes its arguments.
		if seen[i] and not (i == 1 and p.is_vararg) then lines[line] = true end
	end
	for _, nested in ipairs(p.nested) do add_lines(nested, lines) end
end

-- The lines of a source that can be walked: { [line] = true }.
function coverage.lines(text, name)
	local chunk, why = load(text, name)
	if not chunk then return nil, why end
	local bytes, lines = string.dump(chunk), {}
	local _, last = bytes:find(HEADER)
	if not last then return nil, "another Lua than 5.4 on 64 bits" end
	add_lines(setmetatable({ bytes = bytes, at = last + 1 }, Reader):prototype(), lines)
	return lines
end

-- Reports

local function read(path)
	local file = io.open(path)
	local text = file and file:read "a"
	if file then file:close() end
	return text
end

-- { path =, total =, walked =, missing = { list of lines }, text = { lines } } of one file.
function coverage.of(path, times)
	local source = read(path)
	local lines = source and coverage.lines(source:gsub("^#[^\n]*", ""), "@" .. path)
	if not lines then return nil end
	local file = { path = path, total = 0, walked = 0, missing = {}, text = {} }
	for line in (source .. "\n"):gmatch "(.-)\n" do file.text[#file.text + 1] = line end
	for line = 1, #file.text do
		if lines[line] then
			file.total = file.total + 1
			if times[line] then
				file.walked = file.walked + 1
			else
				file.missing[#file.missing + 1] = line
			end
		end
	end
	return file
end

-- All files of lunasip.coverage(), by path.
function coverage.files(walked)
	local paths, files = {}, {}
	for path in pairs(walked) do paths[#paths + 1] = path end
	table.sort(paths)
	for _, path in ipairs(paths) do files[#files + 1] = coverage.of(path, walked[path]) end
	return files
end

-- A line a file, and under it each line of it that nobody walked.
function coverage.text(files)
	local out = {}
	for _, f in ipairs(files) do
		out[#out + 1] = ("%5.1f %%  %d of %d lines  %s"):format(
			f.total == 0 and 100 or 100 * f.walked / f.total, f.walked, f.total, f.path)
		for _, line in ipairs(f.missing) do
			out[#out + 1] = ("  %s:%d: %s"):format(f.path, line, (f.text[line]:gsub("^%s+", "")))
		end
	end
	return table.concat(out, "\n")
end

return coverage
