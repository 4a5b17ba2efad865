-- A proxy at several addresses, IPv4 and IPv6, with the default route.
local route = require "route"

local V4, V6 = "127.0.0.1:5060", "[2001:db8::1]:5060"

-- 10 at an IPv4 address, 11 at an IPv6 one, registered at a proxy that has both.
local function phones()
	local net = route.default { listen = { V4, V6 }, domain = "127.0.0.1" }
	local ten, eleven = net:phone "10", net:phone("11", { address = "[2001:db8::b]:5060" })
	assert.sip(ten:register()).is.reply(200)
	assert.sip(eleven:register()).is.reply(200)
	return net, ten, eleven
end

local function assert_idle(net)
	net:advance(200)
	local s = net:stats()
	assert.same({ 0, 0, 0, 0, 0 }, { s.errors, s.coroutines, s.contexts, s.servers, s.clients })
end

describe("IPv4 and IPv6", function()
	it("each phone is answered from where it asked", function()
		local net = phones()
		for _, packet in ipairs(net:seen { from = "proxy" }) do
			local v6 = packet.to:find("[", 1, true) ~= nil
			assert.equal(v6 and V6 or V4, packet.from)
		end
		local sockets = {}
		for _, b in ipairs(net:bindings()) do sockets[b.username] = b.socket end
		assert.same({ ["10"] = "udp:" .. V4, ["11"] = "udp:" .. V6 }, sockets)
	end)

	it("a call goes from one to the other and ends, whoever hangs up", function()
		for _, who in ipairs { "caller", "callee" } do
			local net, ten, eleven = phones()
			local call = ten:call "11"
			local invite = eleven:incoming().invite
			assert.matches("^SIP/2.0/UDP %[2001:db8::1%]:5060;", invite:header "Via")
			local routes = invite:routes() -- RFC 5658: one for each side, its own first
			assert.equal(2, #routes)
			assert.matches("^<sip:%[2001:db8::1%];", routes[1])
			assert.matches("^<sip:127.0.0.1;", routes[2])
			eleven:incoming():answer()
			assert.equal("talking", call.state)
			local side = who == "caller" and call or eleven:incoming()
			assert.sip(side:bye()).is.reply(200)
			assert.equal("ended", call.state)
			assert.equal("ended", eleven:incoming().state)
			assert_idle(net)
		end
	end)

	it("a call is cancelled", function()
		local net, ten, eleven = phones()
		local call = ten:call "11"
		assert.sip(call:cancel()).is.reply(200)
		assert.sip(call).is.reply(487)
		assert.is_true(eleven:incoming().cancelled)
		assert_idle(net)
	end)

	it("says that it cannot reach the other kind when it has no address of it", function()
		local net = route.default { bindings = { ["12"] = "sip:12@[2001:db8::c]" } }
		assert.sip(net:registered "10":call "12").is.reply(478)
	end)

	it("all of its addresses are the proxy itself, however they are written", function()
		local net = phones()
		local phone = net:phone "10"
		for _, host in ipairs { "127.0.0.1", "[2001:db8::1]", "[2001:DB8:0::1]:5060" } do
			assert.sip(phone:request("MESSAGE", "sip:11@" .. host, { from = phone:aor() })).is.reply(200)
		end
	end)
end)

describe("two addresses of one kind", function()
	it("a phone is reached from where it registered", function()
		local net = route.default { listen = { V4, "127.0.0.2:5070" }, domain = "127.0.0.1" }
		local ten, eleven = net:phone "10", net:phone "11"
		ten:register()
		-- 11 registers at the second address.
		local o = { to = eleven:aor(), call_id = "c", tag = "t", expires = 600 }
		local function send()
			net:send(eleven:build("REGISTER", "sip:127.0.0.1", o), eleven, "127.0.0.2:5070")
			return eleven:take()
		end
		local challenge = send()
		o.headers = { eleven:credentials({ method = "REGISTER", ruri = "sip:127.0.0.1" }, challenge) }
		assert.equal(200, send().status)
		ten:call "11"
		local invite = eleven:incoming().invite
		assert.matches("^SIP/2.0/UDP 127.0.0.2:5070;", invite:header "Via")
		assert.equal(2, #invite:routes())
	end)
end)
