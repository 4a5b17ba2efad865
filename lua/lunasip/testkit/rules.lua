-- rules: what the network does to which messages: drop, delay, duplicate, reorder,
-- unreachable.  A rule is chosen by
--     nil                   all messages
--     a phone or peer       all messages to it
--     function(msg)         those for which it returns true; msg has from, to, text …
--     a table, all of which must hold:
--         from, to, party   a phone, a peer, "proxy", or an address ("192.0.2.1")
--         method            of a request; with status: of the request it answers
--         status            of a reply: 200, or a list
--         call_id
--         nth               only the n-th of them (or a list), counted since the rule was made
--         times             only the first n
--         chance            0 to 1: by the seed
local blame = require "lunasip.testkit.blame"

local rules = {}

local known = { from = true, to = true, party = true, method = true, status = true,
	call_id = true, nth = true, times = true, chance = true }

-- x (a value or a list) says value.
local function says(x, value)
	if type(x) ~= "table" then return x == value end
	for _, one in ipairs(x) do
		if one == value then return true end
	end
	return false
end

-- The address belongs to whom the rule names.
local function is_at(net, whom, address)
	if type(whom) == "table" then return whom.address == address end
	if whom == "proxy" then return net.own[address] ~= nil end
	return address == whom or address == whom .. ":5060" or net.names[address] == whom
end

local function fits(net, what, packet)
	if what.from and not is_at(net, what.from, packet.from) then return false end
	if what.to and not is_at(net, what.to, packet.to) then return false end
	if what.party and not is_at(net, what.party, packet.from)
		and not is_at(net, what.party, packet.to) then return false end
	if not (what.method or what.status or what.call_id) then return true end
	local msg = net:parsed(packet)
	if not msg then return false end
	if what.status and not says(what.status, msg.status) then return false end
	if what.method and not says(what.method, what.status and msg.cseq_method or msg.method) then
		return false
	end
	return not what.call_id or msg:header "Call-ID" == what.call_id
end

-- A function(packet) that tells whether a message is meant.
function rules.matcher(net, what)
	if what == nil then return function() return true end end
	if type(what) == "function" then
		return function(packet)
			local msg = net:parsed(packet)
			return msg and what(msg)
		end
	end
	blame.check(type(what) == "table", "a rule is a phone, a function or a table, not a %s",
		type(what))
	if what.address then what = { to = what } end
	blame.keys("a rule", what, known)
	local count = 0
	return function(packet)
		if not fits(net, what, packet) then return false end
		count = count + 1
		if what.nth and not says(what.nth, count) then return false end
		if what.times and count > what.times then return false end
		return not what.chance or net:random() < what.chance
	end
end

-- One more rule: effect(packet) happens to what it matches; stop() ends it.
function rules.add(net, what, effect)
	local rule = { matches = rules.matcher(net, what), effect = effect }
	function rule.stop() rule.effect = nil end
	net.rules[#net.rules + 1] = rule
	return rule
end

-- What becomes of a packet: its fate, delay and copies.
function rules.judge(net, packet)
	for _, rule in ipairs(net.rules) do
		if rule.effect and not packet.fate and rule.matches(packet) then rule.effect(packet) end
	end
end

return rules
