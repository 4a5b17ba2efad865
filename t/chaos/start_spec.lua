-- A start with many bindings: it is ready at once and serves from the database what it has
-- not loaded yet.
--
--   make bench-start        with 1,000,000 bindings; here with 60,000
local flow = require "flow"
local uv = require "luv"

local ROWS = tonumber(os.getenv "START_ROWS") or 60000
local SLOW = os.getenv "SAN" ~= "" and 4 or 1

local ROUTE = [[
return {
	request = function(req)
		if req.method == "REGISTER" then return req:save("location") end
		if req:lookup("location") then return req:t_relay() end
		req:sl_reply_error()
	end,
}
]]

local COLUMNS = [[INSERT INTO location (ruid, username, domain, contact, expires, q, callid, cseq,
	last_modified, flags, cflags, user_agent, socket, methods, reg_id) ]]
local ROW = [['', %s, '2099-01-01 00:00:00', -1, 'call', 1, '2026-01-01 00:00:00', 0, 0,
	'Grandstream BT110 1.0.8.33', 'udp:10.0.0.1:5060', 5951, 0 FROM ]]

-- Bindings of u1 … uN, all of one phone.
local function fill(store, host, n)
	if store.kind == "mysql" then
		local contact = ("CONCAT('sip:u', seq, '@%s:5060')"):format(host)
		for first = 1, n, 100000 do -- a client that takes long is given up
			store.sql(COLUMNS .. "SELECT CONCAT('r', seq), CONCAT('u', seq), " .. ROW:format(contact)
				.. ("seq_%d_to_%d"):format(first, math.min(n, first + 99999)))
		end
		return
	end
	local contact = ("'sip:u' || seq || '@%s:5060'"):format(host)
	store.sql(("WITH RECURSIVE s(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM s WHERE seq < %d) ")
		:format(n) .. COLUMNS .. "SELECT 'r' || seq, 'u' || seq, " .. ROW:format(contact) .. "s")
end

local function now_ms() return uv.hrtime() / 1e6 end

describe(("a start with %d bindings,"):format(ROWS), function()
	after_each(flow.cleanup)
	for _, store in ipairs(flow.stores { memory = false }) do
		it("store " .. store .. ", serves calls while it loads", function()
			local world = flow.world { store = store, text = ROUTE, users = {}, start = false }
			local callee = flow.phone { world = world, user = "x", host = world:host(11) }
			local caller = flow.phone { world = world, user = "y", host = world:host(10) }
			fill(world.store, callee.host, ROWS)

			local began = now_ms()
			world:start()
			local ready, calls, longest = now_ms() - began, 0, 0
			local function loaded() return world.proxy.output:find "all %d+ rows are loaded" end
			-- First one whom nobody has loaded yet, then anybody.
			repeat
				local user = "u" .. (calls == 0 and ROWS or math.random(ROWS))
				local at = now_ms()
				local call = caller:begin(user)
				local invite = callee:take "INVITE"
				longest = math.max(longest, now_ms() - at)
				assert.truthy(invite.ruri:find("sip:" .. user .. "@", 1, true))
				callee:reply(invite, 486, "Busy Here")
				caller:ack_negative(call, caller:final "INVITE", call.branch)
				calls = calls + 1
			until loaded()
			local seconds = world.proxy:expect("all " .. ROWS .. " rows are loaded, in ([%d.]+ s)", 60000)
			assert.are.equal(ROWS, world:stats()["location.bindings"])
			assert.is_true(longest < 1000 * SLOW, "a call waited " .. longest .. " ms")
			print(("# %s: %d bindings: serving after %.0f ms, all loaded in %s; meanwhile %d calls, "
				.. "each at its phone within %.1f ms"):format(store, ROWS, ready, seconds, calls, longest))
		end)
	end
end)
