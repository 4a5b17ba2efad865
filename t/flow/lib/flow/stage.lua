-- The stage for an experiment of the documents: a proxy with one of their scripts, a fresh
-- database with their two subscribers, and their phones. What was seen there is kept, act by
-- act; `show`, when given, is told what a terminal would show.
local loop = require "flow.loop"
local trace = require "lunasip.trace"
local world = require "flow.world"
local new_phone = require("flow.phone").new

local Stage = {}
Stage.__index = Stage

local stage = {}

-- As the documents make them (4.2.1); their table wants a phplib_id too.
local SUBSCRIBERS = [[
insert into subscriber (username, password) values ('10', 'abc10');
insert into subscriber (username, password) values ('11', 'abc11');]]
local LOCATIONS = "select username, contact, user_agent from location"

local function nothing() end

-- o: store "sqlite" | "mysql"; show = function(text); colour = true: of the console;
-- after = function(act), when it has ended.
function stage.new(o)
	return setmetatable({ store = o.store, show = o.show or nothing, colour = o.colour,
		after = o.after or nothing, acts = {} }, Stage)
end

local function read(path)
	local file = assert(io.open(path, "rb"))
	local text = file:read "a"
	file:close()
	return text
end

-- What the proxy printed since the last time.
function Stage:look()
	local output = self.world.proxy.output
	self.act.console = self.act.console .. output:sub(self.looked + 1)
	self.show(output:sub(self.looked + 1))
	self.looked = #output
end

-- What happens from here on. Nothing is under way when it is called.
function Stage:step(text)
	loop.pass(50) -- the console comes through a pipe
	self:look()
	self.show(("=== %s\n"):format(text))
	local file = assert(io.open(self.trace, "ab"))
	file:write("=== ", text, "\n")
	file:close()
end

-- Starts the proxy, for the first time in this act or again.
function Stage:start()
	self.world:start()
	self.looked = 0
	self:look()
end

-- A new act. o: script, a name in lua/routes/documents; db_mode; title; edit: a function that
-- changes the script's text.
function Stage:open(o)
	self:close()
	local path = ("lua/routes/documents/%s.lua"):format(o.script)
	local text = o.edit and o.edit(read(path))
	self.world = world.new { store = self.store, script = path, text = text, users = false,
		start = false }
	self.trace = self.world.dir .. "/trace"
	-- One worker: its log tells one story, message after message.
	self.world:write_script(([[{ workers = 1, usrloc = { db_mode = %d },
		log = { trace = %q, colour = %q } }]]):format(o.db_mode or 2, self.trace,
		self.colour and "always" or "never"))
	self.world:lunactl("db", "init")
	self.world.store.sql(SUBSCRIBERS)
	self.act = { title = o.title, script = path, console = "", names = {
		[self.world.address] = "proxy" } }
	table.insert(self.acts, self.act)
	self.show(("\n##### %s (%s)\n"):format(o.title, path))
	self:start()
	self.ten, self.eleven = self:phone("10", 10), self:phone("11", 11)
end

-- A phone of the documents, at the n-th address.
function Stage:phone(user, n, name)
	local phone = new_phone { world = self.world, user = user, password = "abc" .. user,
		host = self.world:host(n), user_agent = "Grandstream BT110 1.0.8.33", via = "" }
	self.act.names[phone.host] = name or user
	return phone
end

-- The proxy ends, cleanly or by kill -9.
function Stage:stop(killed)
	self:step(killed and "the proxy is killed (kill -9)" or "the proxy is stopped")
	if killed then
		self.world:kill9()
	else
		self.world:stop()
	end
	self:look()
end

-- The location table, as its own client shows it.
function Stage:locations()
	self:look()
	local rows = self.world.store.sql(LOCATIONS)
	self.show(("> %s;\n%s"):format(LOCATIONS, rows == "" and "Empty set\n" or rows))
	return rows
end

local function name_parties(act)
	for _, party in ipairs(act.trace.parties) do
		party.name = act.names[party.address:match "^(.*):"] or party.name
	end
end

-- The datagrams, and "10 > proxy REGISTER" for each of them.
local function read_wire(act)
	act.messages, act.wire = {}, {}
	for _, m in ipairs(act.trace) do
		if m.text then
			local what = m.text:match "^SIP/2.0 (%d+)" or m.text:match "^%u+"
			local from, to = m.from:match "^(.*):", m.to:match "^(.*):"
			table.insert(act.messages, m)
			table.insert(act.wire, ("%s > %s %s"):format(act.names[from], act.names[to], what))
		end
	end
end

-- The lines of xlog: of a message printed whole only the line above it.
local function printed_of(act)
	local lines = {}
	for line in act.console:gmatch "notice: ([^\n]*)" do
		line = line:gsub("\27%[[%d;]*m", "")
		if not line:find "^listening " and not line:find "^lunasip " and not line:find "^stop"
			and not line:find "^every message " then
			lines[#lines + 1] = line
		end
	end
	return lines
end

-- Ends the act; what was seen in it stays: messages, wire, printed, trace (plain data) and
-- recorded (the file's text).
function Stage:close()
	if not self.world then return end
	if self.world.proxy:running() then self.world:stop() end
	self:look()
	self.act.recorded = read(self.trace)
	self.act.trace = assert(trace.parse(self.act.recorded))
	name_parties(self.act)
	read_wire(self.act)
	self.act.printed = printed_of(self.act)
	self.after(self.act)
	self.world = nil
	loop.cleanup()
end

return stage
