-- Two proxies, three nodes of a Galera cluster, each proxy with the nodes in another order.
-- Under registrations and calls a node is killed, a proxy is killed, a node stands still:
-- nothing that was answered 200 is lost, nothing that was removed comes back.
--
--   make test-galera                    GALERA_SEED=N: the same requests again
local flow = require "flow"
local churn = require "flow.churn"
local uv = require "luv"

local SEED = tonumber(os.getenv "GALERA_SEED") or os.time() % 1000000
local AORS, WINDOW = 100, 16
local NO_ANSWER_MS = 6000 -- then who answers 200 to another request has the last word
local REFUSED_MS = 1000   -- a phone's pause after a 503
local LOAD_MS = 7000      -- before and after each blow, in all

local ROUTE = [[
return {
	settings = {
		aliases = { "fleet.test" },
		db = { timeout = 3000 },
		usrloc = { %s, peers = { "udp:%s:5060", "udp:%s:5060" } },
	},
	request = function(req)
		if req.method == "REGISTER" then return req:save("location") end
		if req:loose_route() then return req:t_relay() end
		if not req:from_peer() and not req:proxy_authorize("", "subscriber") then
			return req:proxy_challenge("", "1")
		end
		req:record_route()
		if not req:lookup("location") then return req:sl_reply_error() end
		req:t_relay()
	end,
}
]]

local function now_ms() return uv.hrtime() / 1e6 end

local Fleet = {}
Fleet.__index = Fleet

-- may[user][c]: what that contact may be now: one value after a 200, more while in doubt.
local function new_fleet(settings, url_options)
	local self = setmetatable({ cseq = 0, waiting = {}, busy = {}, users = {}, may = {},
		answered = 0, refused = 0, silent = 0, lists = {}, gap = 0, last = {} }, Fleet)
	local first = flow.world { store = "memory", users = false, start = false }
	local second = flow.world { store = "memory", users = false, start = false }
	second.address = first:host(2)
	self.proxies = { first, second }
	self.cluster = flow.galera(first)
	first.store = self.cluster:store({ 1, 2, 3 }, url_options)
	second.store = self.cluster:store({ 2, 3, 1 }, url_options)
	first:lunactl("db", "init")
	for user, password in pairs { ["10"] = "abc10", ["11"] = "abc11" } do
		first:lunactl("--domain", "fleet.test", "subscriber", "add", user, password)
	end
	for _, world in ipairs(self.proxies) do
		world.script = world:write("fleet.lua",
			ROUTE:format(settings, first.address, second.address))
		world:write_script "{}"
		world.uri = function(_, user) return "sip:" .. user .. "@fleet.test" end
		world:start()
	end
	for i = 1, AORS do
		local user = "u" .. i
		self.users[i], self.may[user] = user, {}
		for c = 1, churn.CONTACTS do self.may[user][c] = { [false] = true } end
	end
	self.alice = flow.phone { world = first, user = "10", password = "abc10",
		host = first:host(10) }
	self.bob = flow.phone { world = second, user = "11", password = "abc11",
		host = first:host(11) }
	self:open_socket(first:host(20))
	return self
end

function Fleet:open_socket(host)
	self.host, self.socket = host, uv.new_udp()
	assert(self.socket:bind(host, 5060))
	self.socket:recv_start(function(_, data) if data then self:receive(data) end end)
	self.tick = uv.new_timer()
	self.tick:start(100, 100, function() self:look_at_clock() end)
	flow.at_cleanup(function()
		self.tick:close()
		self.socket:close()
	end)
end

-- Registrations.

function Fleet:send(op, lines)
	local text = { "REGISTER sip:fleet.test SIP/2.0",
		("Via: SIP/2.0/UDP %s:5060;branch=z9hG4bK%d-%d"):format(self.host, SEED, op.cseq),
		"Max-Forwards: 70", "From: <sip:" .. op.user .. "@fleet.test>;tag=" .. op.cseq,
		"To: <sip:" .. op.user .. "@fleet.test>", "Call-ID: call-" .. op.user,
		("CSeq: %d REGISTER"):format(op.cseq) }
	table.move(lines, 1, #lines, #text + 1, text)
	op.sent = now_ms()
	self.waiting[op.cseq] = op
	self.socket:try_send(table.concat(text, "\r\n") .. "\r\nContent-Length: 0\r\n\r\n",
		self.proxies[op.proxy].address, 5060)
end

function Fleet:send_next()
	local user
	repeat user = self.users[math.random(AORS)] until not self.busy[user]
	self.cseq = self.cseq + 1
	local op = churn.random_op(user, self.cseq)
	op.proxy = math.random(2)
	self.busy[user] = op
	self:send(op, churn.contacts_of(op))
end

function Fleet:done(op)
	self.busy[op.user] = nil
	if self.loading then self:send_next() end
end

function Fleet:accepted(op)
	self.answered = self.answered + 1
	local now, last = now_ms(), self.last[op.proxy]
	self.gap = math.max(self.gap, last and now - last or 0)
	self.last[op.proxy] = now
	for c, value in pairs(op.changes) do self.may[op.user][c] = { [value] = true } end
	self:done(op)
end

function Fleet:doubtful(op, rest_ms)
	for c, value in pairs(op.changes) do self.may[op.user][c][value] = true end
	op.free_at = now_ms() + rest_ms
	self.resting = self.resting or {}
	self.resting[op] = true
end

function Fleet:receive(data)
	local status = assert(tonumber(data:match "^SIP/2.0 (%d+)"))
	local cseq = tonumber(data:match "\nCSeq: (%d+)")
	local op = self.waiting[cseq]
	if status < 200 or not op then return end
	self.waiting[cseq] = nil
	op.status = status
	if op.list then
		self.lists[op.user] = status == 200 and data
	elseif status == 200 then
		self:accepted(op)
	else
		assert(status == 503, data)
		self.refused = self.refused + 1
		self:doubtful(op, REFUSED_MS)
	end
end

function Fleet:look_at_clock()
	local now = now_ms()
	for cseq, op in pairs(self.waiting) do
		if now - op.sent > NO_ANSWER_MS and not op.list then
			self.waiting[cseq] = nil
			self.silent = self.silent + 1
			self:doubtful(op, 0)
		end
	end
	for op in pairs(self.resting or {}) do
		if now >= op.free_at then
			self.resting[op] = nil
			self:done(op)
		end
	end
end

-- REGISTERs, WINDOW of them at a time, and calls one after the other, for so long.
function Fleet:load(ms, blow)
	local until_ms = now_ms() + ms
	self.loading, self.last = true, {}
	for _ = 1, WINDOW do self:send_next() end
	self:calls(ms / 3)
	blow()
	repeat self:calls(200) until now_ms() > until_ms
	self.loading = false
	flow.wait("the last answers", function() return not next(self.busy) end, 15000)
end

-- Calls.

-- bob says the address behind his NAT of himself: only his proxy can reach him.
function Fleet:register_bob()
	local outside = self.bob.host
	self.bob.host = "10.1.2.3"
	local reply = self.bob:register()
	self.bob.host = outside
	assert.are.equal(200, reply.status)
end

-- alice calls at her proxy; whether bob has heard of it (through his), or why not.
function Fleet:call()
	local began = now_ms()
	local dialog = self.alice:dialog "sip:11@fleet.test"
	dialog.branch = self.alice:request(dialog, "INVITE")
	local reply = self.alice:final("INVITE", 15000)
	if reply.status == 407 then
		self.alice:ack_negative(dialog, reply, dialog.branch)
		dialog.branch = self.alice:request(dialog, "INVITE",
			{ self.alice:credentials_for(dialog, reply) })
		flow.wait("an end of the call", function()
			for _, m in ipairs(self.bob.inbox) do if m.method == "INVITE" then return true end end
			for _, m in ipairs(self.alice.inbox) do if (m.status or 0) >= 200 then return true end end
		end, 15000)
		if #self.bob.inbox > 0 then
			local invite = self.bob:take "INVITE"
			assert.are.equal(self.proxies[2].address, invite.source.ip)
			self.bob:reply(invite, 486, "Busy Here")
		end
		reply = self.alice:final("INVITE", 15000)
	end
	self.alice:ack_negative(dialog, reply, dialog.branch)
	self.alice.inbox, self.bob.inbox = {}, {}
	return reply.status, now_ms() - began
end

function Fleet:calls(ms)
	local until_ms = now_ms() + ms
	repeat
		local status, took = self:call()
		if status == 486 then
			self.reached = self.reached + 1
			self.slowest_call = math.max(self.slowest_call, took)
		else
			assert.are.equal(503, status)
			self.unreached = self.unreached + 1
		end
		flow.pass(50)
	until now_ms() > until_ms
end

-- What is left.

-- found[user][c] = CSeq, from a node.
function Fleet:read_rows(n)
	local found, count = {}, 0
	for user, contact, cseq in self.cluster:sql(n, [[SELECT username, contact, cseq FROM location
			WHERE username LIKE 'u%']]):gmatch "(u%d+)\t(%S+)\t(%d+)\n" do
		local c = tonumber(contact:match ":(%d+)$") - 5000
		assert.are.equal(churn.uri(user, c), contact)
		found[user] = found[user] or {}
		assert(not found[user][c], "twice the contact " .. contact)
		found[user][c], count = tonumber(cseq), count + 1
	end
	return found, count
end

function Fleet:check_rows(found)
	for _, user in ipairs(self.users) do
		for c = 1, churn.CONTACTS do
			local is, may = found[user] and found[user][c] or false, self.may[user][c]
			if not may[is] then
				local texts = {}
				for value in pairs(may) do texts[#texts + 1] = tostring(value) end
				error(("%s is %s; it may be %s"):format(churn.uri(user, c), is,
					table.concat(texts, " or ")))
			end
			self.may[user][c] = { [is] = true }
		end
	end
end

-- What each proxy tells a phone is what the rows say.
function Fleet:check_answers(found, proxy)
	for _, user in ipairs(self.users) do
		self.cseq = self.cseq + 1
		local op = { user = user, list = true, cseq = self.cseq, proxy = proxy }
		self.lists[user] = nil
		self:send(op, {})
		flow.wait("a list", function() return self.lists[user] ~= nil end)
		assert(self.lists[user], "no list for " .. user)
		for c = 1, churn.CONTACTS do
			local is = self.lists[user]:find(churn.uri(user, c), 1, true) ~= nil
			assert.are.equal((found[user] and found[user][c] or false) ~= false, is, churn.uri(user, c))
		end
	end
end

function Fleet:check()
	local found, count = self:read_rows(1)
	self:check_rows(found)
	for n = 2, 3 do
		assert.are.same(found, (self:read_rows(n)))
	end
	if self.cache_ms > 0 then -- who asks first after trouble is told what was known before
		for proxy = 1, 2 do pcall(self.check_answers, self, found, proxy) end
		flow.pass(self.cache_ms)
	end
	for proxy = 1, 2 do self:check_answers(found, proxy) end
	return count
end

-- The node where most connections are.
function Fleet:busiest()
	local best, most = 1, -1
	for n = 1, 3 do
		local count = self.cluster:connections(n)
		if count > most then best, most = n, count end
	end
	return best
end

-- Blows, and how things are mended. Each returns what it says of itself.

local blows = {}

function blows.none() return "nothing happens" end

local function kill_node(fleet, fresh)
	local n = fleet:busiest()
	fleet.cluster:signal(n, "sigkill")
	fleet:calls(LOAD_MS / 3)
	local node = fleet.cluster:node(n, fresh)
	return "a node is killed" .. (fresh and ", its disk is lost" or ""), function()
		assert.are.equal(0, (node:wait(180000)), node.output)
	end
end

blows["kill a node"] = function(fleet) return kill_node(fleet) end

blows["lose a node with its disk"] = function(fleet) return kill_node(fleet, true) end

blows["stop a node"] = function(fleet)
	local n = fleet:busiest()
	fleet.cluster:signal(n, "sigstop")
	fleet:calls(LOAD_MS / 2)
	fleet.cluster:signal(n, "sigcont")
	return "a node stands still", function()
		flow.wait("the node to be back", function()
			return fleet.cluster:size(n % 3 + 1) == 3 and pcall(fleet.read_rows, fleet, n)
		end, 30000)
	end
end

blows["kill a proxy"] = function(fleet)
	local world = fleet.proxies[2]
	uv.kill(world.proxy.pid, "sigkill")
	world:kill9()
	for _, op in pairs(fleet.waiting) do -- they will hear nothing from it
		if op.proxy == 2 then op.sent = math.min(op.sent, now_ms() - NO_ANSWER_MS + REFUSED_MS) end
	end
	world:start()
	return "a proxy is killed", function() end
end

function Fleet:round(name)
	self.answered, self.refused, self.silent, self.gap = 0, 0, 0, 0
	self.reached, self.unreached, self.slowest_call = 0, 0, 0
	local text, mend
	self:load(LOAD_MS, function() text, mend = blows[name](self) end)
	if mend then mend() end
	local rows = self:check()
	print(("# %s: %d answered 200, %d 503, %d never; longest pause %d ms; "
		.. "%d calls, slowest %d ms, %d 503; %d rows"):format(text, self.answered, self.refused,
		self.silent, self.gap // 1, self.reached, self.slowest_call // 1, self.unreached, rows))
end

local ROUNDS = { "none", "kill a node", "kill a proxy", "stop a node",
	"lose a node with its disk" }

for _, mode in ipairs { { "db_mode = 3", 0 }, { "db_mode = 1, cache_ttl = 1", 1100 } } do
	local settings, cache_ms = mode[1], mode[2]
	describe(("two proxies with a cluster, %s, seed %d,"):format(settings, SEED), function()
		local fleet
		after_each(flow.cleanup)

		it("lose nothing and go on", function()
			math.randomseed(SEED)
			fleet = new_fleet(settings)
			fleet.cache_ms = cache_ms
			fleet:register_bob()
			for _, name in ipairs(ROUNDS) do
				local ok, why = pcall(fleet.round, fleet, name)
				if not ok then
					error(("%s, GALERA_SEED=%d: %s"):format(name, SEED, tostring(why)), 0)
				end
			end
		end)
	end)
end

describe("a node that lags behind", function()
	local fleet, node
	after_each(flow.cleanup)

	local function say(text, answer)
		node:write(text .. "\n")
		node:expect(answer)
	end

	-- A REGISTER of one contact at a proxy; the status of its answer.
	local function register(proxy, expires)
		fleet.cseq = fleet.cseq + 1
		local op = { user = "u1", cseq = fleet.cseq, proxy = proxy, changes = {} }
		fleet:send(op, { ("Contact: <%s>;expires=%d"):format(churn.uri("u1", 1), expires) })
		flow.wait("an answer", function() return op.status end)
		return op.status
	end

	local function unregister(proxy)
		local tries, status = 0
		repeat
			status, tries = register(proxy, 0), tries + 1
		until status == 200 or tries == 6
		return status
	end

	local function everywhere()
		local found = {}
		for n = 1, 3 do found[n] = (fleet:read_rows(n)).u1 or false end
		assert.are.same(found[1], found[2])
		assert.are.same(found[1], found[3])
		return found[1]
	end

	it("is waited for by who reads what was written elsewhere", function()
		fleet = new_fleet "db_mode = 3"
		node = fleet.cluster:session(1)
		assert.are.equal(404, (fleet:call()))
		say("FLUSH TABLES WITH READ LOCK; SELECT 'locked';", "locked")
		fleet:register_bob()
		local dialog = fleet.alice:invite "11"
		fleet.alice:got_none(404)
		say("UNLOCK TABLES; SELECT 'unlocked';", "unlocked")
		fleet.bob:reply(fleet.bob:take "INVITE", 486, "Busy Here")
		fleet.alice:ack_negative(dialog, fleet.alice:final "INVITE", dialog.branch)
	end)

	-- Proxy 1 is at node 1, whose commits hang; it goes on with node 2.
	it("does not bring back what was written again elsewhere, and removed", function()
		fleet = new_fleet("db_mode = 3", "timeout=1&connect_timeout=1")
		node = fleet.cluster:session(1)
		say("BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT; SELECT 'blocked';", "blocked")
		assert.are.equal(200, register(1, 3600))
		assert.truthy(fleet:read_rows(2).u1)
		assert.are.equal(200, register(2, 0))
		say("BACKUP STAGE END; SELECT 'unblocked';", "unblocked")
		assert.is_false(everywhere())
	end)

	it("does not bring back what nobody knew of when it was removed", function()
		fleet = new_fleet("db_mode = 3", "timeout=4&connect_timeout=1")
		node = fleet.cluster:session(1)
		say("BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT; SELECT 'blocked';", "blocked")
		assert.are.equal(503, register(1, 3600))
		assert.are.equal(200, unregister(1)) -- when node 1 was given up, and that settled
		assert.is_nil(fleet:read_rows(2).u1)
		say("BACKUP STAGE END; SELECT 'unblocked';", "unblocked")
		assert.is_false(everywhere())
	end)
end)
