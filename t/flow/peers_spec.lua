-- Two proxies, one MariaDB (db_mode 3): register at one, be called through the other. A phone
-- behind a NAT hears nobody but the proxy it registered at.
local flow = require "flow"

-- Peers are believed by their address: what they send has been authenticated there.
local ROUTE = [[
local peers = { ["%s"] = true, ["%s"] = true }
return {
	settings = {
		aliases = { "fleet.test" },
		usrloc = { db_mode = 3, peers = { "udp:%s:5060", "udp:%s:5060" } },
	},
	request = function(req)
		if req.method == "REGISTER" then
			if not req:www_authorize("", "subscriber") then return req:www_challenge("", "1") end
			return req:save("location")
		end
		if req:loose_route() then return req:t_relay() end
		if not peers[req.source.ip] and not req:proxy_authorize("", "subscriber") then
			return req:proxy_challenge("", "1")
		end
		req:record_route()
		if not req:lookup("location") then return req:sl_reply_error() end
		req:t_relay()
	end,
}
]]

describe("two proxies with one database", function()
	local first, second, alice, bob
	before_each(function()
		first = flow.world { store = "mysql", users = {}, start = false }
		for user, password in pairs { ["10"] = "abc10", ["11"] = "abc11" } do
			first:lunactl("--domain", "fleet.test", "subscriber", "add", user, password)
		end
		second = flow.world { store = "memory", users = false, start = false }
		second.address, second.store = first:host(2), first.store
		for _, world in ipairs { first, second } do
			local a, b = first.address, second.address
			world.script = world:write("fleet.lua", ROUTE:format(a, b, a, b))
			world:write_script "{}"
			world.uri = function(_, user) return "sip:" .. user .. "@fleet.test" end
			world:start()
		end
		alice = flow.phone { world = first, user = "10", password = "abc10", host = first:host(10) }
		bob = flow.phone { world = second, user = "11", password = "abc11", host = first:host(11) }
	end)
	after_each(flow.cleanup)

	-- What the phone says of itself is the address behind its NAT.
	local function register_behind_nat(phone, inside)
		local outside = phone.host
		phone.host = inside or "10.1.2.3"
		assert.are.equal(200, phone:register().status)
		phone.host = outside
	end

	local function call()
		local dialog = alice:invite "11"
		local invite = bob:take "INVITE"
		return dialog, invite
	end

	it("reach a phone through the proxy that knows its NAT", function()
		register_behind_nat(bob)
		local dialog, invite = call()
		assert.are.equal(second.address, invite.source.ip)
		assert.are.equal("sip:11@10.1.2.3:5060", invite.ruri)
		bob:answer(invite)
		alice:confirm(dialog, alice:final "INVITE")
		assert.are.equal(second.address, bob:take("ACK").source.ip)
		alice:request(dialog, "BYE")
		bob:reply(bob:take "BYE", 200, "OK")
		assert.are.equal(200, alice:final("BYE").status)
	end)

	it("ring all phones of a user, wherever they are, once", function()
		local here = flow.phone { world = first, user = "11", password = "abc11",
			host = first:host(12) }
		register_behind_nat(bob)
		register_behind_nat(here, "10.1.2.4")
		local _, invite = call()
		assert.are.equal(second.address, invite.source.ip)
		local other = here:take "INVITE"
		assert.are.equal(first.address, other.source.ip)
		bob:reply(invite, 180, "Ringing")
		here:reply(other, 180, "Ringing")
		bob:got_none "INVITE"
		here:got_none "INVITE"
	end)

	it("do not hand a call to and fro", function()
		register_behind_nat(bob)
		-- A peer that is asked for a phone of ours alone has nobody.
		second:kill9()
		local peer = flow.phone { world = first, user = "11", host = second.address }
		peer.world = first
		local d = peer:dialog "sip:11@fleet.test"
		peer:request(d, "INVITE")
		assert.are.equal(404, peer:final("INVITE").status)
	end)

	it("reach it again when its proxy was killed and came back", function()
		register_behind_nat(bob)
		second:kill9()
		second:start()
		local _, invite = call()
		assert.are.equal(second.address, invite.source.ip)
	end)
end)
