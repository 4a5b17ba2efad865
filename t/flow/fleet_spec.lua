-- Two proxies with lua/routes/default.lua and one database, db_mode 3 and 1 with a cache: what
-- registers at one is called through the other, and one may die.
local flow = require "flow"

local PHONES = 20   -- that keep registering while a proxy is killed
local ANSWERS = 150 -- 200s before that

local MODES = { "db_mode = 3", "db_mode = 1, cache_ttl = 1" }

local first, second

local function fleet(store, mode)
	first = flow.world { store = store, users = {}, start = false }
	second = flow.world { store = "memory", users = false, start = false }
	second.address, second.store = first:host(2), first.store
	local rows = {}
	for i = 1, PHONES do rows[i] = ("('u%d', 'fleet.test', 'secret')"):format(i) end
	first.store.sql("INSERT INTO subscriber (username, domain, password) VALUES "
		.. table.concat(rows, ", "))
	for _, world in ipairs { first, second } do
		world:write_script(([[{ aliases = { "fleet.test" }, usrloc = { %s,
			peers = { "udp:%s:5060", "udp:%s:5060" } } }]]):format(mode, first.address, second.address))
		world.uri = function(_, user) return "sip:" .. user .. "@fleet.test" end
		world:start()
	end
end

local function phone(world, i)
	return flow.phone { world = world, user = "u" .. i, password = "secret",
		host = first:host(100 + i) }
end

-- What the phone says of itself is the address behind its NAT.
local function register_behind_nat(p, inside)
	local outside = p.host
	p.host = inside
	assert.are.equal(200, p:register().status)
	p.host = outside
end

-- A whole call; each side hears its own proxy only, and the callee hangs up.
local function talk(caller, callee, contact)
	local dialog = caller:invite(callee.user)
	local invite = callee:take "INVITE"
	assert.are.equal(callee.world.address, invite.source.ip)
	assert.are.equal(contact, invite.ruri)
	callee:answer(invite)
	local answer = caller:final "INVITE"
	assert.are.same({ 200, caller.world.address }, { answer.status, answer.source.ip })
	caller:confirm(dialog, answer)
	assert.are.equal(callee.world.address, callee:take("ACK").source.ip)
	callee:request(callee:dialog_of(invite), "BYE")
	local bye = caller:take "BYE"
	assert.are.equal(caller.world.address, bye.source.ip)
	caller:reply(bye, 200, "OK")
	assert.are.equal(200, callee:final("BYE").status)
end

-- Registers again and again (until p.leaving), a step for each message that has come. p.granted
-- is the CSeq of the last 200, p.sent of the request that has no answer yet.
local function keep_registering(p)
	for _, m in ipairs(p.inbox) do
		local d = p.registration
		if m.status == 401 then
			p:request(d, "REGISTER", { p:credentials_for(d, m), "Expires: 600" })
			p.sent = d.cseq
		else
			assert.are.equal(200, m.status)
			p.granted, p.sent = d.cseq, nil
			p.answers = p.answers + 1
			p.done = p.leaving or p:request(d, "REGISTER", { "Expires: 600" }) == nil
		end
	end
	p.inbox = {}
end

local function begin_registering(p)
	local d = p:dialog(p:uri())
	d.target = "sip:" .. p.world.address
	p.registration, p.answers = d, 0
	p:request(d, "REGISTER", { "Expires: 600" })
end

-- By user: the row's CSeq and socket.
local function rows()
	local found = {}
	local text = first.store.sql "SELECT username, cseq, socket FROM location"
	for user, cseq, socket in text:gmatch "| *(u%d+) *| *(%d+) *| *udp:(%S+):5060 *|" do
		assert(not found[user], "two rows of " .. user)
		found[user] = { cseq = tonumber(cseq), socket = socket }
	end
	return found
end

local function answers(phones)
	local n = 0
	for _, p in ipairs(phones) do
		keep_registering(p)
		n = n + p.answers
	end
	return n
end

-- All 20 register, half of them at each, until a proxy dies amid it.
local function killed_under_load()
	local phones = {}
	for i = 1, PHONES do
		phones[i] = phone(i % 2 == 0 and first or second, i)
		begin_registering(phones[i])
	end
	flow.wait("answers", function() return answers(phones) >= ANSWERS end)
	first:kill9()
	answers(phones) -- what it had sent until then counts
	return phones
end

local function assert_nothing_lost(phones)
	local found = rows()
	for _, p in ipairs(phones) do
		if p.world == first and p.granted then
			local cseq = found[p.user].cseq
			assert(cseq == p.granted or cseq == p.sent,
				("%s: %d was answered 200, %d is there"):format(p.user, p.granted, cseq))
		end
	end
end

-- Those of the living proxy end what they were at; the others come over to it.
local function come_over(phones)
	for _, p in ipairs(phones) do
		p.leaving = true
		if p.world == first then
			p.world, p.inbox = second, {}
			assert.are.equal(200, p:register().status)
		else
			flow.wait("the last 200", function()
				keep_registering(p)
				return p.done
			end)
		end
	end
end

local function contact(p) return p:contact():match "<(.+)>" end

for _, store in ipairs(flow.stores { memory = false }) do
	for _, mode in ipairs(MODES) do
		describe(("two default.lua, one %s, %s:"):format(store, mode), function()
			before_each(function() fleet(store, mode) end)
			after_each(flow.cleanup)

			it("phones behind NATs call each other", function()
				local alice, bob = phone(first, 1), phone(second, 2)
				register_behind_nat(alice, "10.1.2.3")
				register_behind_nat(bob, "10.1.2.3")
				talk(alice, bob, "sip:u2@10.1.2.3:5060")
				talk(bob, alice, "sip:u1@10.1.2.3:5060")
			end)

			it("a phone that moves from one to the other is followed", function()
				local alice, bob = phone(first, 1), phone(first, 2)
				assert.are.equal(200, alice:register().status)
				assert.are.equal(200, bob:register().status)
				talk(alice, bob, contact(bob))
				bob.world = second
				assert.are.equal(200, bob:register().status)
				flow.wait("the call to come through the other", function()
					local d = alice:invite "u2"
					local invite = bob:take "INVITE"
					bob:reply(invite, 486, "Busy Here")
					local reply = alice:final "INVITE"
					assert.are.equal(486, reply.status)
					alice:ack_negative(d, reply, d.branch)
					bob:take "ACK"
					return invite.source.ip == second.address
				end)
			end)

			if store == "mysql" and mode:find "cache" then
				it("the database stands still: who is known is called", function()
					local alice, bob = phone(first, 1), phone(second, 2)
					assert.are.equal(200, alice:register().status)
					assert.are.equal(200, bob:register().status)
					talk(alice, bob, contact(bob))
					first.store.stop()
					local ok, why = pcall(flow.wait, "a call by what was known", function()
						talk(alice, bob, contact(bob))
						return first:stats()["location.stale"] > 0
					end)
					first.store.continue()
					assert(ok, why)
				end)
			end

			it("one is killed: nothing answered 200 is lost, its phones come over", function()
				local phones = killed_under_load()
				assert_nothing_lost(phones)
				come_over(phones)
				for user, row in pairs(rows()) do
					assert.are.same({ user, second.address }, { user, row.socket })
				end
				talk(phones[1], phones[2], contact(phones[2]))
				talk(phones[2], phones[3], contact(phones[3]))
				first:start()
				local late = phone(first, PHONES + 1)
				late.user = "u1"
				talk(late, phones[2], contact(phones[2]))
			end)
		end)
	end
end
