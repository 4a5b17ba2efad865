-- net: the virtual world around a proxy: it carries messages, turns the clock, and
-- writes down what went over the wire.
local blame = require "lunasip.testkit.blame"
local ladder = require "lunasip.ladder"
local rules = require "lunasip.testkit.rules"
local sip = require "lunasip.sip"

local Net = {}
Net.__index = Net

local HELD_MS = 1000           -- the longest that reorder() holds a message back
local STEPS_PER_MOMENT = 20000 -- more without time passing: it never comes to rest
local RUN_S = 3600             -- the longest that run() lets pass unless told

local function milliseconds(seconds)
	return math.floor(seconds * 1000 + 0.5)
end

-- world: of lunasip.sim; own: the addresses it listens on.
function Net.new(world, own, seed)
	local net = setmetatable({
		world = world,
		address = own[1],
		addresses = own,
		own = {},
		ms = world:now(),
		trace = { parties = {} }, -- plain data, see lunasip/ladder.lua
		errors = {},              -- what the script complained about: tracebacks
		inbox = {},               -- messages that nobody took yet
		queue = {},               -- what is to happen: { at =, run = }
		rules = {},
		held = {},
		names = {},               -- of addresses
		peers = {},               -- by address
		known = {},               -- parties by address
		logged = {},
		parses = setmetatable({}, { __mode = "k" }),
		chance = (seed * 0x9E3779B97F4A7C15) ~ 0x2545F4914F6CDD1D,
		n_phones = 0,
		serial = 0,
	}, Net)
	if net.chance == 0 then net.chance = 1 end
	for _, address in ipairs(own) do
		net.own[address] = true
		net.names[address] = "proxy"
	end
	blame.at_work(net)
	return net
end

-- A number from 0 to 1, by the seed.
function Net:random()
	local x = self.chance
	x = x ~ (x << 13)
	x = x ~ (x >> 7)
	x = x ~ (x << 17)
	self.chance = x
	return (x >> 11) / (1 << 53)
end

function Net:unique(prefix)
	self.serial = self.serial + 1
	return prefix .. self.serial
end

-- ---- What is to happen

-- f happens when so many seconds have passed; cancel() of the result prevents it.
function Net:after(seconds, f)
	local event = { at = self.ms + milliseconds(seconds), run = f }
	local queue = self.queue
	local i = #queue + 1
	while i > 1 and queue[i - 1].at > event.at do i = i - 1 end
	table.insert(queue, i, event)
	function event.cancel() event.run = nil end
	return event
end

-- The next thing to happen that was not cancelled.
local function first(net)
	local queue = net.queue
	while queue[1] and not queue[1].run do table.remove(queue, 1) end
	return queue[1]
end

-- Takes what the core has logged; the script's errors are told apart.
local function listen(net)
	local text = net.world:log()
	if text == "" then return end
	net.logged[#net.logged + 1] = text
	local at = text:find("error: script: ", 1, true)
	while at do
		local report = {}
		for line in text:sub(at):gmatch "([^\n]*)\n" do
			local rest = line:match "^error: (.*)"
			if not rest or (#report > 0 and rest:find "^script: ") then break end
			report[#report + 1] = rest
		end
		report = table.concat(report, "\n"):gsub("^script: ", "")
		net.errors[#net.errors + 1] = report
		net.untold = net.untold or report
		net.trace[#net.trace + 1] = { at = net.ms, error = report }
		at = text:find("error: script: ", at + 1, true)
	end
end

-- A packet as a message, or nil; with from, to and at (seconds).
function Net:parsed(packet)
	local msg = self.parses[packet]
	if msg == nil then
		local ok, parsed = pcall(sip.parse, packet.text)
		msg = ok and parsed
		if msg then
			msg.from, msg.to, msg.at = packet.from, packet.to, packet.at / 1000
			blame.know(msg, self, packet)
		end
		self.parses[packet] = msg
	end
	return msg or nil
end

local function deliver(net, packet)
	if net.own[packet.to] then
		net.world:send(packet.text, packet.from, packet.to)
		return
	end
	local msg = net:parsed(packet)
	local peer = net.peers[packet.to]
	if not msg then
		error(("what was sent from %s to %s is no SIP message:\n%s"):format(packet.from, packet.to,
			packet.text))
	end
	if peer then peer:receive(msg) else net.inbox[#net.inbox + 1] = msg end
end

-- ---- The network

local function set_party(net, address)
	if net.known[address] then return end
	net.known[address] = true
	local name = net.names[address] or address:gsub(":5060$", "")
	table.insert(net.trace.parties, { address = address, name = name })
end

local function note_packet(net, packet)
	set_party(net, packet.from)
	set_party(net, packet.to)
	net.trace[#net.trace + 1] = packet
	local key = packet.from .. packet.to .. packet.text
	packet.again = net.known[key]
	net.known[key] = true
end

local function unreachable(net, packet)
	if not net.own[packet.from] then return end
	local quoted = { text = packet.text, to = packet.to, socket = packet.socket }
	net:after(0, function() net.world:unreachable(quoted) end)
end

-- Lets a packet travel: from now on, or from when it is let go.
local function travel(net, packet)
	for _ = 1, packet.copies or 1 do
		net:after((packet.delay or 0) / 1000, function() deliver(net, packet) end)
	end
end

-- A packet is on the wire.
local function carry(net, packet)
	packet.at = net.ms
	note_packet(net, packet)
	rules.judge(net, packet)
	if packet.fate == "unreachable" then return unreachable(net, packet) end
	if packet.fate then return end
	local pair = packet.from .. ">" .. packet.to
	local held = net.held[pair]
	if packet.overtaken and not held then
		net.held[pair] = packet
		net:after(HELD_MS / 1000, function()
			if net.held[pair] ~= packet then return end
			net.held[pair] = nil
			travel(net, packet)
		end)
		return
	end
	travel(net, packet)
	if held then
		net.held[pair] = nil
		held.delay = math.max(held.delay or 0, packet.delay or 0)
		travel(net, held)
	end
end

-- Never arrives.
function Net:drop(what)
	return rules.add(self, what, function(packet) packet.fate = "dropped" end)
end

-- An ICMP error comes back.
function Net:unreachable(what)
	return rules.add(self, what, function(packet) packet.fate = "unreachable" end)
end

-- Comes later: by so many seconds, or { from, to } by chance.
function Net:delay(seconds, what)
	local least, most = seconds, seconds
	if type(seconds) == "table" then least, most = seconds[1], seconds[2] end
	blame.check(type(least) == "number" and type(most) == "number" and least >= 0 and most >= least,
		"a delay is seconds, or { least, most }")
	return rules.add(self, what, function(packet)
		local delay = least == most and least or least + self:random() * (most - least)
		packet.delay = (packet.delay or 0) + milliseconds(delay)
	end)
end

-- Comes twice.
function Net:duplicate(what)
	return rules.add(self, what, function(packet) packet.copies = (packet.copies or 1) + 1 end)
end

-- Is overtaken by the next message on the same way (or comes a second later).
function Net:reorder(what)
	return rules.add(self, what, function(packet) packet.overtaken = true end)
end

-- The network is whole again: all rules end.
function Net:heal()
	self.rules = {}
end

-- ---- The clock

local function move_clock(net, ms)
	net.world:advance(ms - net.ms)
	net.ms = ms
end

-- What the core has to say since we last looked.
local function collect(net)
	listen(net)
	for packet in function() return net.world:take() end do carry(net, packet) end
end

local function never_rests(net)
	blame.fail(("%d messages and timers, and no time passes: this never comes to rest")
		:format(STEPS_PER_MOMENT), nil, net)
end

local function turn_until(net, limit, over)
	local steps = 0
	collect(net)
	while not (over and over()) do
		local event = first(net)
		if event and event.at <= net.ms then
			table.remove(net.queue, 1)
			event.run()
		else
			local next_ms = net.world:next()
			local due = math.min(event and event.at or math.maxinteger,
				next_ms and net.ms + next_ms or math.maxinteger)
			if due > limit then
				if net.ms < limit then move_clock(net, limit) end
				return
			end
			if due > net.ms then steps = 0 end
			move_clock(net, due)
		end
		collect(net)
		steps = steps + 1
		if steps > STEPS_PER_MOMENT then never_rests(net) end
	end
end

-- Raises what the script complained about, once.
local function tell_errors(net)
	local report = net.untold
	net.untold = nil
	if report and not net.allow_errors then
		blame.fail("the routing script failed: " .. report:match "^[^\n]*", nil, net)
	end
end

-- All that happens up to limit_ms; less when over() becomes true.  Inside of what
-- happens (a phone that reacts) this does nothing: it is at work already.
function Net:turn(limit_ms, over)
	if self.turning then return end
	self.turning = true
	blame.at_work(self)
	local ok, why = pcall(turn_until, self, limit_ms or self.ms, over)
	self.turning = false
	if not ok then error(why, 0) end
	tell_errors(self)
end

local function check_outside(net)
	blame.check(not net.turning, "the clock cannot be turned by what happens in it: use net:after()")
end

-- Time passes; what is due happens on the way, in order.
function Net:advance(seconds)
	check_outside(self)
	blame.check(type(seconds) == "number" and seconds >= 0, "advance() takes seconds, 0 or more")
	self:turn(self.ms + milliseconds(seconds))
end

-- Nothing is under way: no message, no transaction, nobody waits.
function Net:idle()
	if first(self) then return false end
	local s = self.world:stats()
	return s.parked + s.contexts + s.servers + s.clients == 0
end

-- Time passes until condition() is true, or, without one, until nothing is under way; when
-- that takes more than limit seconds (an hour), it raises.
function Net:run(condition, limit)
	check_outside(self)
	local over = condition or function() return self:idle() end
	limit = limit or RUN_S
	self:turn(self.ms + milliseconds(limit), over)
	if not over() then
		local what = condition and "the condition is not true" or "there is something under way"
		blame.fail(("run(): after %g s %s yet"):format(limit, what), nil, self)
	end
end

-- Seconds since the world began.
function Net:now()
	return self.ms / 1000
end

-- ---- Messages

local function check_address(what, address)
	local holds = type(address) == "string"
		and (address:find "^[%d.]+:%d+$" or address:find "^%[[%x:.]+%]:%d+$")
	blame.check(holds, "%s must be \"ADDRESS:PORT\" or a phone, not %s", what, tostring(address))
end

-- Where the proxy is reached from there: its first address of the same kind.
function Net:address_for(from)
	local ipv6 = from:sub(1, 1) == "["
	for _, address in ipairs(self.addresses) do
		if (address:sub(1, 1) == "[") == ipv6 then return address end
	end
	return self.address
end

-- Anything, from an address or phone, to the proxy or elsewhere.
function Net:send(text, from, to)
	from = type(from) == "table" and from.address or from
	to = type(to) == "table" and to.address or to or self:address_for(from)
	blame.check(type(text) == "string", "send() takes the text of a message")
	check_address("from", from)
	check_address("to", to)
	carry(self, { text = text, from = from, to = to })
	self:turn()
end

-- The oldest message that nobody has taken, at an address or phone, or anywhere; else nil.
function Net:take(where)
	local address = type(where) == "table" and where.address or where
	for i, msg in ipairs(self.inbox) do
		if not address or msg.to == address or msg.to == address .. ":5060" then
			return table.remove(self.inbox, i)
		end
	end
end

-- How many messages wait to be taken, anywhere.
function Net:pending()
	return #self.inbox
end

-- Nothing that was received so far interests us.
function Net:forget()
	self.inbox = {}
end

-- The messages that went over the wire so far (also those that got lost) and that a rule
-- matches (testkit/rules.lua).
function Net:seen(what)
	local matches, messages = rules.matcher(self, what), {}
	for _, entry in ipairs(self.trace) do
		if entry.from and matches(entry) then messages[#messages + 1] = self:parsed(entry) or nil end
	end
	return messages
end

-- When they were sent, in seconds.
function Net:times(what)
	local times = {}
	for i, msg in ipairs(self:seen(what)) do times[i] = msg.at end
	return times
end

-- All of it as text, byte by byte.
function Net:transcript(what)
	local matches, parts = rules.matcher(self, what), {}
	for _, entry in ipairs(self.trace) do
		if entry.from and matches(entry) then
			parts[#parts + 1] = ("%.3f %s > %s%s\n%s\n"):format(entry.at / 1000, entry.from, entry.to,
				entry.fate and " " .. entry.fate or "", entry.text)
		end
	end
	return table.concat(parts)
end

-- A diagram of it; options as of lunasip.ladder.
function Net:ladder(options)
	return ladder.text(self.trace, options)
end

-- Words of the author for the diagram.
function Net:note(text)
	table.insert(self.trace, { at = self.ms, note = tostring(text) })
end

-- ---- The rest of the world

-- What was logged since the last call.
function Net:log()
	listen(self)
	local text = table.concat(self.logged)
	self.logged = {}
	return text
end

-- The store from now on: delay = seconds for each answer; fail = n: that many of the next
-- operations fail; gone = true, false, or for so many seconds; begun = true: what waits has begun,
-- and will happen even if its request has long been refused.
function Net:store(how)
	blame.keys("store()", how, { begun = true, delay = true, fail = true, gone = true })
	self.world:store { delay = how.delay and milliseconds(how.delay), fail = how.fail,
		gone = how.gone, begun = how.begun }
	if type(how.gone) == "number" then
		self:after(how.gone, function() self.world:store { gone = false } end)
	end
end

-- The resolver from now on: delay = seconds for each answer.
function Net:resolver(how)
	blame.keys("resolver()", how, { delay = true })
	self.world:resolver { delay = milliseconds(how.delay or 0) }
end

-- A name and one of its addresses.
function Net:host(name, address)
	self.world:host(name, address)
end

-- What stands in the store: rows of "location" or "aliases".
function Net:bindings(name)
	return self.world:bindings(name)
end

-- Counters: messages, errors, parked, contexts, servers, clients …
function Net:stats()
	return self.world:stats()
end

-- xlog writes colours, or not.
function Net:colour(on)
	self.world:colour(on)
end

-- Ends the world; again does nothing.
function Net:close()
	if self.closed then return end
	self.closed = true
	self.world:close()
end

return Net
