-- The faults of the reference system that must not be here: the list at the end of
-- the semantics page (each was seen on the wire there).  All against the default route.
local testkit = require "lunasip.testkit"
local route = require "route"

local proxy, two_phones = route.default, route.two_phones

-- Registers with the credentials that change(line) makes of right ones; the answer.
local function register_with(net, change, digest, options)
	local phone = net:phone "10"
	local o = { ruri = "sip:127.0.0.1", to = phone:aor(), call_id = "c", tag = "t" }
	for k, v in pairs(options or {}) do o[k] = v end
	phone:request("REGISTER", o)
	local line = phone:credentials("REGISTER", o.ruri, phone:expect(401), digest)
	o.headers = { (change or function(l) return l end)(line) }
	phone:request("REGISTER", o)
	return phone:expect(), phone, o
end

-- The status of the answer to a raw request: 10's, changed by gsub(from, to).
local function answer(net, method, from, to, options)
	local phone = net:phone "10"
	local o = { ruri = "sip:127.0.0.1" }
	for k, v in pairs(options or {}) do o[k] = v end
	local text, n = phone:build(method, o):gsub(from, to)
	assert.is_true(n > 0, "nothing to change: " .. from)
	net:send(text, phone.address)
	local reply = phone:take()
	return reply and reply.status
end

describe("the relay", function()
	it("sends no ACK of nobody to itself", function()
		local net = proxy()
		net:phone "x":request("ACK", { ruri = "sip:11@127.0.0.1" })
		net:phone "x":request("ACK", { ruri = "sip:127.0.0.1", to_tag = "x",
			route = { "<sip:127.0.0.1;lr>" } })
		assert.equal(0, net:pending())
	end)

	it("drops what would go back to itself, even from a careless script", function()
		local net = testkit.proxy { source = "return { request = function(req) req:t_relay() end }" }
		net:phone "x":request("ACK", { ruri = "sip:11@127.0.0.1" })
		for _ = 1, 10 do
			local msg = net:take(net.address)
			if msg then net:send(msg.text, net.address) end
		end
		assert.is_nil(net:take(net.address))
	end)

	it("is closed to strangers", function()
		local net = proxy()
		for _, o in ipairs {
			{ ruri = "sip:victim@192.0.2.99" },
			{ ruri = "sip:victim@192.0.2.99", route = { "<sip:127.0.0.1;lr>" } },
			{ ruri = "sip:victim@192.0.2.99", route = { "<sip:127.0.0.1;lr>" }, to_tag = "x" },
		} do
			local phone = net:phone("x", { domain = "evil.example" })
			phone:request("INVITE", o)
			phone:expect(407)
			assert.equal(0, net:pending())
		end
	end)

	it("takes our Request-URI with only our Route for what it is", function()
		local _, ten, eleven = two_phones()
		ten:call("11", { route = { "<sip:127.0.0.1;lr>" } })
		local got = eleven:expect "INVITE"
		assert.same({}, got:all "Route")
	end)
end)

describe("authentication", function()
	it("lets nobody in with an empty password", function()
		local net = proxy { subscribers = { ["10"] = "" } }
		assert.equal(401, (register_with(net, nil, { password = "" })).status)
		assert.same({}, net.world:bindings())
	end)

	it("compares the digest uri with the Request-URI", function()
		assert.equal(401, (register_with(proxy(), nil, { uri = "sip:127.0.0.9" })).status)
	end)

	it("knows which algorithm it computes", function()
		local reply = register_with(proxy(), function(l)
			return (l:gsub("algorithm=MD5", "algorithm=SHA-256"))
		end)
		assert.not_equal(200, reply.status)
	end)

	it("counts nc: credentials serve once", function()
		local net = proxy()
		local reply, phone, o = register_with(net)
		assert.equal(200, reply.status)
		o.contact = "<sip:thief@192.0.2.66>"
		phone:request("REGISTER", o)
		phone:expect(401)
		assert.equal(1, #net.world:bindings())
	end)

	it("gives a nonce for one call, not for all", function()
		local net = proxy()
		local ten = net:phone "10"
		ten:request("REGISTER", { ruri = "sip:127.0.0.1", to = ten:aor(), call_id = "one" })
		local line = ten:credentials("REGISTER", "sip:127.0.0.1", ten:expect(401))
		ten:request("REGISTER", { ruri = "sip:127.0.0.1", to = ten:aor(), call_id = "two",
			headers = { line } })
		ten:expect(401)
	end)

	it("has other nonces after each start, and at each time", function()
		local function nonce(seed, advance)
			local net = proxy { seed = seed }
			net:advance(advance or 0)
			local phone = net:phone "10"
			phone:request("REGISTER", { ruri = "sip:127.0.0.1", to = phone:aor(), call_id = "c" })
			return phone:expect(401):header "WWW-Authenticate":match 'nonce="(%x+)"'
		end
		assert.not_equal(nonce(1):sub(9), nonce(2):sub(9))
		assert.not_equal(nonce(1), nonce(1, 1))
	end)

	it("has To tags that nobody foresees", function()
		local net, seen = proxy(), {}
		for _ = 1, 5 do
			local phone = net:phone "10"
			phone:request("REGISTER", { ruri = "sip:127.0.0.1", to = phone:aor() })
			local tag = phone:expect(401):param("To", "tag")
			assert.is_nil(seen[tag])
			seen[tag] = true
		end
	end)

	it("takes no realm from strangers", function()
		local net = proxy()
		local phone = net:phone "10"
		phone:request("REGISTER", { ruri = "sip:127.0.0.1", to = "sip:10@other.example" })
		assert.matches('realm="127.0.0.1"', phone:expect(401):header "WWW-Authenticate")
		local reply = register_with(net, nil, nil, { to = "sip:10@other.example" })
		assert.equal(403, reply.status)
	end)

	it("looks at all Authorization headers", function()
		local reply = register_with(proxy(), function(line)
			return 'Authorization: Digest username="10", realm="other.example", nonce="1",'
				.. ' uri="sip:127.0.0.1", response="0123456789abcdef0123456789abcdef"\r\n' .. line
		end)
		assert.equal(200, reply.status)
	end)
end)

describe("the registrar", function()
	local function register(options)
		local net = proxy()
		local phone = net:phone "10"
		return phone:register(options), net
	end

	it("takes an Expires beyond 32 bits for long, not for zero", function()
		local reply, net = register { expires = "4294967296" }
		assert.equal(1, #net.world:bindings())
		assert.equal(200, reply.status)
		assert.is_true(tonumber(reply:header "Contact":match "expires=(%d+)") > 0)
	end)

	it("refuses short expires and says the least", function()
		local reply, net = register { expires = 10 }
		assert.same({ 423, "60" }, { reply.status, reply:header "Min-Expires" })
		assert.same({}, net.world:bindings())
	end)

	it("stores nothing but SIP URIs", function()
		for _, contact in ipairs { "<tel:+123>", "<mailto:a@b>", "<>", "<sip:a@>", "<http://a>" } do
			local reply, net = register { contact = contact }
			assert.equal(400, reply.status, contact)
			assert.same({}, net.world:bindings())
		end
	end)

	it("compares contacts as URIs", function()
		local net = proxy()
		local phone = net:phone "10"
		for _, contact in ipairs { "<sip:10@example.org:5060>", "<SIP:10@EXAMPLE.org:5060>",
			"<sip:%31%30@example.org:5060>" } do
			assert.equal(200, phone:register({ contact = contact }).status)
		end
		assert.equal(1, #net.world:bindings())
	end)
end)

-- Two devices of 11 ring; each answers with its status (false: not at all).
local function fork(a_status, b_status, headers)
	local net, ten, a = two_phones()
	local b = net:phone "11"
	assert.equal(200, b:register().status)
	ten:call "11"
	for _, one in ipairs { { a, a_status, 1 }, { b, b_status, 2 } } do
		local got = one[1]:expect "INVITE"
		if one[2] then one[1]:respond(got, one[2], { headers = { (headers or {})[one[3]] } }) end
	end
	return net, ten, a, b
end

describe("forking", function()
	it("prefers answers as RFC 3261 16.7 says, not the lowest number", function()
		local _, ten = fork(486, 603)
		ten:expect(603)
		_, ten = fork(503, 486)
		assert.not_equal(503, ten:expect().status)
		_, ten = fork(500, 486)
		ten:expect(486)
	end)

	it("ends the others at a 6xx", function()
		local net, ten, a = two_phones()
		local b = net:phone "11"
		b:register()
		ten:call "11"
		local got = a:expect "INVITE"
		b:respond(b:expect "INVITE", 603)
		a:respond(got, 180) -- from now on a CANCEL is allowed
		a:expect "CANCEL"
		a:respond(got, 487)
		ten:expect(603)
	end)

	it("merges challenges", function()
		local _, ten = fork(407, 407, { 'Proxy-Authenticate: Digest realm="a", nonce="1"',
			'Proxy-Authenticate: Digest realm="b", nonce="2"' })
		assert.equal(2, #ten:expect(407):all "Proxy-Authenticate")
	end)

	it("tells the caller when a callee rings for ever, and cancels it", function()
		local net, ten, eleven = two_phones()
		ten:call "11"
		local got = eleven:expect "INVITE"
		eleven:respond(got, 180)
		ten:expect(180)
		net:advance(186)
		eleven:expect "CANCEL"
		eleven:respond(got, 487)
		local final = ten:expect()
		assert.is_true(final.status == 408 or final.status == 487)
	end)

	it("hears of a closed port at once", function()
		local net, ten, eleven = two_phones()
		ten:call "11"
		net.world:unreachable(eleven:expect("INVITE").packet)
		assert.is_true(ten:expect().status >= 500)
		assert.equal(0, net:now())
	end)
end)

describe("responses", function()
	it("of nobody go nowhere", function()
		local net = proxy()
		local function send(vias)
			local lines = {}
			for _, via in ipairs(vias) do lines[#lines + 1] = "Via: SIP/2.0/UDP " .. via end
			for _, line in ipairs { "From: <sip:a@b>;tag=1", "To: <sip:c@d>;tag=2", "Call-ID: x",
				"CSeq: 1 INVITE" } do lines[#lines + 1] = line end
			net:send(testkit.sip.build("SIP/2.0 200 OK", lines), "192.0.2.66:5060")
		end
		send { "192.0.2.55;branch=z9hG4bK1", "192.0.2.99;branch=z9hG4bK2" }
		send { "127.0.0.1:5060;branch=z9hG4bK1", "192.0.2.99;branch=z9hG4bK2" }
		send { "127.0.0.1:5060;branch=z9hG4bK1" }
		assert.equal(0, net:pending())
	end)
end)

describe("malformed requests", function()
	it("are answered 400, not relayed and not taken for something else", function()
		local net = proxy()
		local function bad(from, to, options)
			assert.equal(400, answer(net, "OPTIONS", from, to, options), from)
		end
		bad("Content%-Length: 0", "Content-Length: 100")
		bad("(From: <[^>]*>);tag=[^\r]*", "%1")
		bad("CSeq: 1 OPTIONS", "CSeq: 1 INVITE")
		bad("(From: [^\r]*\r\n)", "%1%1")
		bad("(To: [^\r]*\r\n)", "%1%1")
		bad("(Call%-ID: [^\r]*\r\n)", "")
		bad("OPTIONS sip:127.0.0.1 ", "OPTIONS sip:127.0.0.1:99999 ")
	end)

	it("with a body that is too long: what Content-Length leaves out is not relayed", function()
		local _, ten, eleven = two_phones()
		local o = { ruri = "sip:11@127.0.0.1", tag = "t", call_id = "c", body = "hello" }
		ten:request("MESSAGE", o)
		o.headers = { ten:credentials("MESSAGE", o.ruri, ten:expect(407)) }
		local text = ten:build("MESSAGE", o) .. "EVIL sip:x SIP/2.0\r\n\r\n"
		ten.net:send(text, ten.address)
		assert.equal("hello", eleven:expect("MESSAGE").body)
	end)
end)

describe("the log", function()
	it("shows what was received, whatever is sent on", function()
		local net, ten, eleven = two_phones()
		ten:call "11"
		eleven:expect "INVITE"
		local log = net:log()
		assert.matches("\nMax%-Forwards: 70\n", log)
		assert.is_nil(log:find "Max%-Forwards: 69")
		assert.matches("\nProxy%-Authorization: ", log)
	end)
end)
