-- lua/routes/default.lua: what it does, and what it keeps strangers from.
local route = require "route"

local proxy, two_phones = route.default, route.two_phones

-- A call up to the ACK: caller's INVITE and 200, callee's INVITE.
local function connect(ten, eleven)
	local _, invite = ten:call "11"
	local got = eleven:expect "INVITE"
	eleven:respond(got, 180)
	ten:expect(180)
	eleven:respond(got, 200)
	local ok = ten:expect(200)
	ten:ack(invite, ok)
	eleven:expect "ACK"
	return invite, ok, got
end

-- Nothing is left of what happened.
local function assert_idle(net)
	net:advance(64)
	local s = net:stats()
	assert.same({ 0, 0, 0, 0, 0, 0 },
		{ s.errors, s.coroutines, s.alive, s.contexts, s.servers, s.clients })
end

describe("registering", function()
	it("asks who it is, and keeps the location", function()
		local net = proxy()
		local phone = net:phone "10"
		assert.equal(200, phone:register().status)
		assert.equal("10", net.world:bindings()[1].username)
		assert_idle(net)
	end)

	it("asks with 401 and qop", function()
		local phone = proxy():phone "10"
		phone:request("REGISTER", { ruri = "sip:127.0.0.1", to = phone:aor() })
		local challenge = phone:expect(401):header "WWW-Authenticate"
		assert.matches('realm="127.0.0.1"', challenge)
		assert.matches('qop="auth"', challenge)
	end)

	it("refuses a wrong password, and keeps nothing", function()
		local net = proxy()
		local phone = net:phone("11", { password = "wrong" })
		assert.equal(401, phone:register().status)
		assert.same({}, net.world:bindings())
	end)

	it("refuses to register somebody else", function()
		local net = proxy()
		local reply = net:phone "10":register { to = "sip:11@127.0.0.1" }
		assert.equal(403, reply.status)
		assert.same({}, net.world:bindings())
	end)

	it("works with a Route that names only us, as baresip and linphone put it", function()
		local net = proxy()
		assert.equal(200, net:phone "10":register { route = { "<sip:127.0.0.1;lr>" } }.status)
		local phone = net:phone "11"
		phone:request("REGISTER", { ruri = "sip:127.0.0.1", to = phone:aor(),
			route = { "<sip:127.0.0.1:5060;transport=udp;lr>" } })
		phone:expect(401)
	end)

	it("ends with Expires 0", function()
		local net, ten = two_phones()
		assert.equal(200, ten:register { expires = 0 }.status)
		assert.equal(1, #net.world:bindings())
	end)
end)

describe("calling", function()
	it("rings, talks and hangs up from either side", function()
		for _, by_callee in ipairs { false, true } do
			local net, ten, eleven = two_phones()
			local invite, ok, got = connect(ten, eleven)
			local one, other = ten, eleven
			if by_callee then one, other = eleven, ten end
			one:in_dialog("BYE", by_callee and got or invite, ok, by_callee)
			other:respond(other:expect "BYE", 200)
			one:expect(200)
			assert_idle(net)
		end
	end)

	it("re-INVITEs inside the dialog", function()
		local _, ten, eleven = two_phones()
		local invite, ok = connect(ten, eleven)
		ten:in_dialog("INVITE", invite, ok)
		eleven:respond(eleven:expect "INVITE", 200)
		ten:expect(200)
	end)

	it("stays on the path, and hides the credentials from the callee", function()
		local _, ten, eleven = two_phones()
		ten:call "11"
		local got = eleven:expect "INVITE"
		assert.matches("<sip:127.0.0.1;lr=on;ftag=", got:header "Record-Route")
		assert.is_nil(got:header "Proxy-Authorization")
	end)

	it("can be cancelled while it rings", function()
		local net, ten, eleven = two_phones()
		local _, invite = ten:call "11"
		local got = eleven:expect "INVITE"
		eleven:respond(got, 180)
		ten:expect(180)
		ten:cancel(invite)
		ten:expect(200)
		eleven:respond(eleven:expect "CANCEL", 200)
		eleven:respond(got, 487)
		eleven:expect "ACK"
		ten:ack(invite, ten:expect(487))
		assert_idle(net)
	end)

	it("finds the callee busy", function()
		local net, ten, eleven = two_phones()
		local _, invite = ten:call "11"
		eleven:respond(eleven:expect "INVITE", 486)
		eleven:expect "ACK"
		ten:ack(invite, ten:expect(486))
		assert_idle(net)
	end)

	it("answers 404 for users it does not know", function()
		local net, ten = two_phones()
		local reply = ten:call "12"
		assert.same({ 404, "User Not Found" }, { reply.status, reply.reason })
		assert.matches("User is not found: 12", net:log())
	end)

	it("asks a wrong password again, and lets it nowhere", function()
		local net = two_phones()
		local reply = net:phone("10", { password = "wrong" }):call "11"
		assert.equal(407, reply.status)
	end)

	it("refuses a From that is not who authorized", function()
		local net = two_phones()
		local phone = net:phone "10"
		local reply = phone:call("11", { from = "sip:11@127.0.0.1" })
		assert.same({ 403, "Forbidden, Use From=ID" }, { reply.status, reply.reason })
	end)

	it("rings all bindings; who answers first ends the others", function()
		local net, ten, eleven = two_phones()
		local second = net:phone "11"
		assert.equal(200, second:register().status)
		ten:call "11"
		local a, b = eleven:expect "INVITE", second:expect "INVITE"
		second:respond(b, 180)
		eleven:respond(a, 180)
		ten:expect(180)
		ten:expect(180)
		eleven:respond(a, 200)
		ten:expect(200)
		second:expect "CANCEL"
	end)

	it("follows aliases", function()
		local _, ten, eleven = two_phones {
			bindings = { aliases = { { username = "boss", contact = "sip:11@127.0.0.1" } } } }
		ten:call "boss"
		eleven:expect "INVITE"
	end)

	it("follows an alias away from here", function()
		local net, ten = two_phones {
			bindings = { aliases = { { username = "boss", contact = "sip:b@192.0.2.99" } } } }
		ten:call "boss"
		assert.equal("sip:b@192.0.2.99", net:take "192.0.2.99:5060".ruri)
	end)

	it("says 500, not 404, when the store gives no answer", function()
		local net = proxy { settings = { usrloc = { db_mode = 3 } } }
		local phone = net:phone "10"
		phone:request("MESSAGE", { ruri = "sip:11@127.0.0.1", tag = "t", call_id = "c" })
		local line = phone:credentials("MESSAGE", "sip:11@127.0.0.1", phone:expect(407))
		net.world:store { delay = 10 }
		phone:request("MESSAGE", { ruri = "sip:11@127.0.0.1", tag = "t", call_id = "c",
			headers = { line } })
		net:advance(0.01) -- the subscriber is there
		net.world:store { delay = 10, gone = true }
		net:advance(1)
		phone:expect(500)
	end)
end)

describe("other requests", function()
	it("are authenticated whatever their method", function()
		local _, ten, eleven = two_phones()
		for _, method in ipairs { "MESSAGE", "SUBSCRIBE", "OPTIONS", "FOO" } do
			ten:request(method, { ruri = "sip:11@127.0.0.1" })
			assert.equal(407, ten:expect().status, method)
			assert.is_nil(eleven:take())
			ten:transact(method, { ruri = "sip:11@127.0.0.1" })
			eleven:expect(method)
		end
	end)

	it("OPTIONS to the proxy itself is answered 200", function()
		local phone = proxy():phone "10"
		for _, ruri in ipairs { "sip:127.0.0.1", "sip:127.0.0.1:5060;transport=udp" } do
			phone:request("OPTIONS", { ruri = ruri })
			phone:expect(200)
		end
	end)

	it("without hops left are answered 483", function()
		local phone = proxy():phone "10"
		phone:request("MESSAGE", { ruri = "sip:11@127.0.0.1", max_forwards = 0 })
		phone:expect(483)
	end)

	it("of a dialog that we do not know are authenticated like any other", function()
		local _, ten, eleven = two_phones()
		for _, ruri in ipairs { "sip:a@192.0.2.99", "sip:11@127.0.0.1" } do
			ten:request("BYE", { ruri = ruri, to_tag = "x" })
			ten:expect(407)
		end
		ten:transact("BYE", { ruri = "sip:11@127.0.0.1", to_tag = "x" })
		eleven:expect "BYE"
	end)

	it("of a dialog for a name of ours find the phone", function()
		local _, ten, eleven = two_phones()
		local invite, ok = connect(ten, eleven)
		local o = { to_tag = ok:param("To", "tag"), call_id = invite:header "Call-ID",
			route = ten:routes(ok, true) }
		o.ruri = "sip:11@127.0.0.1"
		ten:request("BYE", o)
		eleven:expect "BYE"
		o.ruri = "sip:12@127.0.0.1"
		ten:request("BYE", o)
		ten:expect(404)
	end)
end)

describe("strangers", function()
	local function refused(method, options, status)
		local net = two_phones()
		net:forget()
		local stranger = net:phone("mallory", { domain = "evil.example" })
		stranger:request(method, options)
		assert.equal(status or 407, stranger:expect().status)
		assert.equal(0, net:pending(), "something was relayed")
	end

	it("do not relay to a foreign Request-URI", function()
		for _, method in ipairs { "INVITE", "MESSAGE", "REGISTER", "OPTIONS" } do
			refused(method, { ruri = "sip:victim@192.0.2.99" })
		end
	end)

	it("do not relay along a Route they bring", function()
		refused("INVITE", { ruri = "sip:victim@192.0.2.99", route = { "<sip:127.0.0.1;lr>" } })
		refused("INVITE", { ruri = "sip:11@127.0.0.1", route = { "<sip:192.0.2.99;lr>" } })
		refused("MESSAGE", { ruri = "sip:11@127.0.0.1",
			route = { "<sip:127.0.0.1;lr>", "<sip:192.0.2.99;lr>" } })
	end)

	it("do not relay as if in a dialog, with a To tag and a Route they made up", function()
		for _, ruri in ipairs { "sip:victim@192.0.2.99", "sip:11@127.0.0.1" } do
			for _, made_up in ipairs { "<sip:127.0.0.1;lr=on>", "<sip:127.0.0.1;lr=on;ftag=x>" } do
				refused("INVITE", { ruri = ruri, route = { made_up }, to_tag = "x", tag = "x" })
				refused("BYE", { ruri = ruri, route = { made_up }, to_tag = "x", tag = "x" })
			end
		end
	end)

	it("do not relay with the Route of somebody else's dialog", function()
		local net, ten, eleven = two_phones()
		local _, ok = connect(ten, eleven)
		local stranger = net:phone "mallory"
		stranger:request("INVITE", { ruri = "sip:victim@192.0.2.99", to_tag = "x",
			route = ten:routes(ok, true) })
		stranger:expect(407)
		assert.equal(0, net:pending())
	end)

	it("do not pass as one of ours", function()
		refused("INVITE", { ruri = "sip:11@127.0.0.1", from = "sip:10@127.0.0.1" })
		refused("MESSAGE", { ruri = "sip:11@127.0.0.1", from = "sip:10@127.0.0.1" })
	end)

	it("do not ring our phones", function()
		refused("INVITE", { ruri = "sip:11@127.0.0.1" })
	end)

	it("cannot use the name of one domain and the password of another", function()
		local net = two_phones()
		local phone = net:phone "10"
		local reply = phone:call("11", { from = "sip:10@evil.example" })
		assert.equal(403, reply.status)
	end)

	it("cannot make us send stray ACKs, to ourselves or to others", function()
		local net, _, eleven = two_phones()
		local stranger = net:phone "mallory"
		for _, o in ipairs {
			{ ruri = "sip:127.0.0.1" }, { ruri = "sip:12@127.0.0.1" }, { ruri = "sip:11@127.0.0.1" },
			{ ruri = "sip:victim@192.0.2.99" }, { ruri = "sip:127.0.0.1", to_tag = "x" },
			{ ruri = "sip:12@127.0.0.1", to_tag = "x" }, { ruri = "sip:11@127.0.0.1", to_tag = "x" },
			{ ruri = "sip:victim@192.0.2.99", to_tag = "x" },
			{ ruri = "sip:127.0.0.1", route = { "<sip:127.0.0.1;lr>" } },
			{ ruri = "sip:127.0.0.1", route = { "<sip:127.0.0.1;lr>" }, to_tag = "x" },
		} do
			stranger:request("ACK", o)
		end
		assert.equal(0, net:pending())
		assert.is_nil(eleven:take())
		assert_idle(net)
	end)
end)

describe("the debug loop", function()
	local function looping()
		local f = assert(io.open "lua/routes/default.lua")
		local source, n = f:read "a":gsub("local self_loop = false", "local self_loop = true")
		f:close()
		assert.equal(1, n)
		return proxy { script = false, source = source }
	end

	-- Carries what the proxy sends itself.
	local function spin(net)
		local n = 0
		for msg in function() return net:take(net.address) end do
			net:send(msg.text, net.address)
			n = n + 1
			assert.is_true(n < 50, "it loops for ever")
		end
		return n
	end

	it("sends each request once through the proxy, and shows its own replies", function()
		local net = looping()
		local phone = net:phone "10"
		phone:request("REGISTER", { ruri = "sip:127.0.0.1", to = phone:aor() })
		assert.is_nil(phone:take())
		assert.equal(2, spin(net)) -- the request, and its 401
		local challenge = phone:expect(401)
		local log = net:log()
		assert.matches("\nP%-hint: Self%-Looped\n", log)
		assert.matches("notice: 401 %(Unauthorized%) concerning REGISTER", log)
		assert.is_not_nil(challenge)
	end)

	it("still registers and calls", function()
		local net = looping()
		local ten, eleven = net:phone "10", net:phone "11"
		local function transact(phone, method, o)
			o.tag, o.call_id = net:unique "t", net:unique "c"
			local request = phone:request(method, o)
			spin(net)
			local challenge = phone:expect()
			if method == "INVITE" then
				phone:ack(request, challenge)
				spin(net)
			end
			o.headers = { phone:credentials(method, o.ruri, challenge) }
			request = phone:request(method, o)
			spin(net)
			return request
		end
		for _, phone in ipairs { ten, eleven } do
			transact(phone, "REGISTER", { ruri = "sip:127.0.0.1", to = phone:aor() })
			phone:expect(200)
		end
		transact(ten, "INVITE", { ruri = "sip:11@127.0.0.1" })
		local got = eleven:expect "INVITE"
		assert.equal(3, #got:all "Via")
		eleven:respond(got, 180)
		spin(net)
		ten:expect(180)
	end)

	it("is off as it comes", function()
		local net = proxy()
		net:phone "10":request("MESSAGE", { ruri = "sip:11@127.0.0.1" })
		assert.is_nil(net:take(net.address))
	end)
end)

describe("the log", function()
	it("shows requests on green and replies on cyan", function()
		local net, ten, eleven = two_phones()
		net.world:colour(true)
		ten:call "11"
		local log = net:log()
		assert.matches("INVITE from 192.0.2.1 at ", log)
		assert.matches("\27[0;34;42mINVITE sip:11@127.0.0.1 SIP/2.0\n", log, 1, true)
		eleven:respond(eleven:expect "INVITE", 180, { reason = "Ringing" })
		log = net:log()
		assert.matches("180 (Ringing) concerning INVITE\n\27[0;34;46mSIP/2.0 180 Ringing\n", log, 1,
			true)
	end)
end)
