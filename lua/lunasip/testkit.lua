-- testkit: a proxy with your script in a virtual world, and phones that talk to it.
--
--     local testkit = require "lunasip.testkit"
--
--     it("connects a call", function()
--         local net = testkit.proxy { script = "my.lua",
--             subscribers = { ["10"] = "abc10", ["11"] = "abc11" } }
--         local ten, eleven = net:registered("10", "11")
--         eleven:will "answer"
--         local call = ten:call "11"
--         assert.equal("talking", call.state)
--         call:bye()
--     end)
--
-- The proxy is the daemon's own code; network, clock, chance and store are virtual: nothing is
-- opened, and time passes by net:advance(seconds) and net:run() only.  All times are seconds.
-- What can happen now happens at once; equal seeds, equal bytes.
--
--   testkit/net.lua        the world: network, clock, store, what went over the wire
--   testkit/phone.lua      phones: register, call, what they will do when called
--   testkit/call.lua       a call: answer, bye, cancel, re-INVITE, its state
--   testkit/exchange.lua   any other request of a phone, and what came of it
--   testkit/peer.lua       addresses that do nothing by themselves; raw messages
--   testkit/rules.lua      how to say which messages the network loses, delays …
--   testkit/assertions.lua assert.sip(message).is.reply(407)
--   sip.lua, ladder.lua    messages as tables; the diagram
local lunasip = require "lunasip"
local sip = require "lunasip.sip"
local blame = require "lunasip.testkit.blame"
local Net = require "lunasip.testkit.net"
local Peer = require "lunasip.testkit.peer"
local Phone = require "lunasip.testkit.phone"

local testkit = { sip = sip }

if pcall(require, "luassert") then require "lunasip.testkit.assertions" end

local function sorted_keys(t)
	local keys = {}
	for key in pairs(t) do
		if type(key) == "string" then keys[#keys + 1] = key end
	end
	table.sort(keys)
	return keys
end

-- { user = password } and rows, as rows in one order.
local function subscriber_rows(subscribers, domain)
	local rows = { table.unpack(subscribers) }
	for _, user in ipairs(sorted_keys(subscribers)) do
		rows[#rows + 1] = { username = user, domain = domain, password = subscribers[user] }
	end
	return rows
end

-- { user = URI or list of URIs } and rows, as rows in one order.
local function binding_rows(bindings)
	local rows = { table.unpack(bindings) }
	for _, user in ipairs(sorted_keys(bindings)) do
		local contacts = bindings[user]
		for _, contact in ipairs(type(contacts) == "table" and contacts or { contacts }) do
			rows[#rows + 1] = { username = user, contact = contact }
		end
	end
	return rows
end

-- aliases: names of this proxy are its list, users that lead elsewhere its fields.
local function split_aliases(aliases)
	local names, users = {}, {}
	for key, value in pairs(aliases) do
		if math.type(key) == "integer" and type(value) == "string" then
			names[key] = value
		elseif type(key) == "string" then
			users[key] = value
		else
			users[#users + 1] = value
		end
	end
	return names, users
end

local function with_aliases(settings, names)
	if #names == 0 then return settings end
	local all = {}
	for key, value in pairs(settings or {}) do all[key] = value end
	local own = all.aliases or {}
	all.aliases = { table.unpack(type(own) == "string" and { own } or own) }
	for _, name in ipairs(names) do table.insert(all.aliases, name) end
	return all
end

local known = {
	script = true, source = true, name = true, address = true, listen = true, domain = true,
	subscribers = true, bindings = true, aliases = true, settings = true, hosts = true, seed = true,
	allow_errors = true,
}

local open = {} -- nets of the spec that runs, for busted to close

-- A proxy from a script; raises what `lunasip -c` would say.
--   script = PATH, or source = TEXT with name = "route.lua"
--   subscribers = { ["10"] = password, … }
--   bindings = { ["11"] = "sip:11@192.0.2.50" or a list of URIs }, or rows of the location table
--   aliases = { "example.org", boss = "sip:11@example.org" }: other names of this proxy; and users
--     that lead elsewhere (lookup "aliases")
--   settings = { … }: win over the script's own
--   address = "127.0.0.1:5060", or listen = a list of them
--   domain: of the phones; else the first alias, else the address
--   hosts = { ["far.example"] = "192.0.2.99" }: what names resolve to
--   seed = a number (1): equal seeds, equal runs
--   allow_errors = true: errors in the script do not raise here; they are in net.errors
function testkit.proxy(options)
	blame.keys("testkit.proxy", options, known)
	local listen = options.listen or { options.address or "127.0.0.1:5060" }
	local names, users = split_aliases(options.aliases or {})
	local domain = options.domain or names[1] or listen[1]:match "^(.*):%d+$"
	local seed = options.seed or 1
	local world, why = lunasip.sim {
		script = options.script,
		source = options.source,
		name = options.name,
		listen = listen,
		settings = with_aliases(options.settings, names),
		subscribers = subscriber_rows(options.subscribers or {}, domain),
		bindings = { location = binding_rows(options.bindings or {}), aliases = binding_rows(users) },
		seed = seed,
	}
	if not world then blame.raise(why) end
	local net = Net.new(world, listen, seed)
	net.domain, net.passwords, net.devices = domain, options.subscribers or {}, {}
	net.allow_errors = options.allow_errors
	for _, name in ipairs(sorted_keys(options.hosts or {})) do net:host(name, options.hosts[name]) end
	open[#open + 1] = net
	return net
end

-- A phone of a user; o: password, domain, address when they are not the usual ones.
function Net:phone(user, o)
	return Phone.new(self, user, o)
end

-- Phones of these users, registered.
function Net:registered(...)
	local phones = {}
	for i, user in ipairs { ... } do
		phones[i] = self:phone(user)
		local exchange = phones[i]:register()
		if exchange.status ~= 200 then
			blame.fail(("%s could not register"):format(user), exchange.response, self)
		end
	end
	return table.unpack(phones)
end

-- An address that does nothing by itself; o: user, domain, of its From and Contact.
function Net:peer(address, o)
	o = o or {}
	blame.keys("net:peer()", o, { user = true, domain = true })
	local host = address:gsub(":%d+$", "")
	local fields = { user = o.user or "peer", domain = o.domain or self.domain }
	return Peer.init(Peer, fields, self, address, o.user or host)
end

-- Worlds that a spec of busted opened end with it; those of before_each and setup when nobody
-- has them any more.
local busted = package.loaded.busted
if type(busted) == "table" and busted.subscribe then
	busted.subscribe({ "test", "start" }, function()
		open = {}
		return nil, true
	end)
	busted.subscribe({ "test", "end" }, function()
		for _, net in ipairs(open) do net:close() end
		open = {}
		return nil, true
	end)
end

return testkit
