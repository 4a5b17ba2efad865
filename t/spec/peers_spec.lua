-- Two proxies that share a database (usrloc.peers) with lua/routes/default.lua, each in a world
-- of its own; what one sends to the other is carried over by hand.
local route = require "route"

local A, B = "192.0.2.201:5060", "192.0.2.202:5060"
local SECRET = "the fleet's own secret"

local function proxy(address, options)
	local o = { address = address, aliases = { "fleet.test" },
		settings = { usrloc = { peers = { "udp:" .. A, "udp:" .. B } }, auth = { secret = SECRET } } }
	for k, v in pairs(options or {}) do o[k] = v end
	return route.default(o)
end

-- A row that the other one wrote.
local function at(address, user)
	return { username = user, contact = ("sip:%s@10.0.0.7:5060"):format(user),
		received = "sip:192.0.2.150:5060", socket = "udp:" .. address }
end

-- Ten registered at a, eleven at b; each knows of both.
local function fleet(of_b)
	local a = proxy(A, { bindings = { at(B, "11") } })
	local b = proxy(B, of_b or { bindings = { at(A, "10") } })
	return a, b, a:registered "10", b:registered "11"
end

-- Brings over what they have for each other, until there is nothing left.
local function carry(a, b)
	local moved
	repeat
		moved = false
		for from, to in pairs { [a] = b, [b] = a } do
			local msg = from:take(to.address)
			if msg then
				to:send(msg.text, from.address)
				moved = true
			end
		end
	until not moved
end

-- What a sends to b for a call from ten to eleven.
local function invite(a, ten, whom)
	ten:call(whom or "11")
	return (assert(a:take(B)))
end

describe("two proxies with one database", function()
	it("call through each other, and are on the path until the end", function()
		for _, who in ipairs { "caller", "callee" } do
			local a, b, ten, eleven = fleet()
			eleven:will "answer"
			local call = ten:call "11"
			carry(a, b)
			assert.equal("talking", call.state)
			local theirs = eleven:incoming()
			assert.same({ B, A }, { theirs.invite.from, theirs.invite:all("Via")[2]:match "UDP (%S-);" })
			assert.equal(2, #theirs.invite:all "Record-Route")
			local one, other = call, theirs
			if who == "callee" then one, other = theirs, call end
			local bye = one:bye()
			carry(a, b)
			assert.sip(bye).is.reply(200)
			assert.equal("ended", other.state)
			for _, net in ipairs { a, b } do
				net:run()
				assert.same({ 0, 0 }, { net:stats().errors, net:stats().contexts })
			end
		end
	end)

	it("cancel through each other", function()
		local a, b, ten, eleven = fleet()
		local call = ten:call "11"
		carry(a, b)
		assert.equal("ringing", call.state)
		call:cancel()
		carry(a, b)
		assert.sip(call).is.reply(487)
		assert.is_true(eleven:incoming().cancelled)
	end)

	it("ask a caller once, where he is known", function()
		local a, b, ten, eleven = fleet()
		local sent = invite(a, ten)
		assert.sip(sent).has.no.header "Proxy-Authorization"
		b:send(sent.text, A)
		assert.equal("ringing", eleven:incoming().state)
		carry(a, b)
		assert.equal(0, #b:seen { status = 407 })
	end)

	it("know a name of the fleet; an address is replaced by the peer's", function()
		local a, b, ten, eleven = fleet()
		assert.equal("sip:11@fleet.test", invite(a, ten).ruri)
		local sent = invite(a, ten, "sip:11@192.0.2.201:5060;user=phone")
		assert.equal("sip:11@192.0.2.202:5060", sent.ruri)
		b:send(sent.text, A)
		assert.equal("ringing", eleven:incoming().state)
	end)

	it("end a call that each believes to be the other's", function()
		local a, b = proxy(A, { bindings = { at(B, "11") } }), proxy(B, { bindings = { at(A, "11") } })
		local call = a:registered "10":call "11"
		carry(a, b)
		assert.sip(call).is.reply(404)
	end)

	it("ask for a registration, whoever brings it", function()
		local b = proxy(B)
		b:phone("10", { address = A }):send("REGISTER", "sip:fleet.test", { to = "sip:10@fleet.test" })
		assert.sip(b:take(A)).is.reply(401)
	end)
end)

describe("strangers", function()
	-- What b answers to a's INVITE, as somebody changed it.
	local function asked(change, from, of_b)
		local a, b, ten = fleet(of_b)
		local text = change and change(invite(a, ten).text) or invite(a, ten).text
		b:send(text, from or A)
		return #b:seen { status = 407 } == 1
	end

	it("are asked though they have the address of a peer", function()
		assert.is_false(asked())
		assert.is_true(asked(function(text) return (text:gsub("Record%-Route:[^\n]*\n", "")) end))
		assert.is_true(asked(function(text) return (text:gsub(";dialog=%x+", "")) end))
		assert.is_true(asked(function(text) return (text:gsub(";dialog=%x%x%x", ";dialog=fff")) end))
	end)

	it("are asked though they have the proof of a call", function()
		assert.is_true(asked(nil, "192.0.2.203:5060"))
		assert.is_true(asked(nil, "192.0.2.201:5070"))
		assert.is_true(asked(function(text) return (text:gsub("Call%-ID: ", "%0x")) end))
		assert.is_true(asked(function(text) return (text:gsub("From: <sip:10", "From: <sip:1")) end))
	end)

	it("are asked where there are no peers, or with another secret", function()
		local alone = { aliases = { "fleet.test" }, settings = { auth = { secret = SECRET } } }
		assert.is_true(asked(nil, nil, alone))
		alone.settings = { usrloc = { peers = { "udp:" .. A } }, auth = { secret = SECRET .. "?" } }
		assert.is_true(asked(nil, nil, alone))
	end)
end)

describe("from_peer", function()
	it("says who sent it, and never that we did", function()
		local body = "say(req, req:from_peer())"
		assert.equal("false", (route.ask(body)))
		assert.equal("false", (route.ask(body, nil, nil,
			{ settings = { usrloc = { peers = { "udp:192.0.2.1:5060" } } } })))
		local net = route.proxy([[
			if req.ruri_user == "11" then
				req:record_route()
				req.ruri = "sip:12@127.0.0.1"
				return req:t_relay "127.0.0.1:5060"
			end
			say(req, req:from_peer())]],
			{ settings = { usrloc = { peers = { "udp:127.0.0.1:5060" } } } })
		local phone = net:phone "10"
		phone:send("MESSAGE", "11")
		assert.equal("false", phone:expect(299).reason)
	end)
end)
