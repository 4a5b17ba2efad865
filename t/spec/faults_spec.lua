-- The faults of the reference system that must not be here: the list at the end of
-- the semantics page (each was seen on the wire there).  All against the default route.
local testkit = require "lunasip.testkit"
local route = require "route"

local proxy, two_phones = route.default, route.two_phones

-- Registers with the credentials that change(line) makes of right ones; the answer, the phone,
-- and what it sent.
local function register_with(net, change, digest, options)
	local phone = net:phone "10"
	local o = { to = phone:aor(), call_id = "c", tag = "t" }
	for k, v in pairs(options or {}) do o[k] = v end
	local request = phone:send("REGISTER", "sip:127.0.0.1", o)
	local line = phone:credentials(request, phone:expect(401), digest)
	o.headers = { (change or function(l) return l end)(line) }
	phone:send("REGISTER", "sip:127.0.0.1", o)
	return phone:expect(), phone, o
end

-- The answer to a raw request of 10, changed by gsub(from, to).
local function answer(net, method, from, to)
	local phone = net:phone "10"
	local text, n = phone:build(method, "sip:127.0.0.1"):gsub(from, to)
	assert.is_true(n > 0, "nothing to change: " .. from)
	net:send(text, phone)
	return phone:take()
end

describe("the relay", function()
	it("sends no ACK of nobody to itself", function()
		local net = proxy()
		local x = net:phone "x"
		x:send("ACK", "11")
		x:send("ACK", "sip:127.0.0.1", { to_tag = "x", route = { "<sip:127.0.0.1;lr>" } })
		assert.same({}, net:seen { from = "proxy" })
	end)

	it("drops what would go back to itself, even from a careless script", function()
		local net = testkit.proxy { source = "return { request = function(req) req:t_relay() end }" }
		net:phone "x":send("ACK", "11")
		assert.same({}, net:seen { from = "proxy" })
	end)

	it("is closed to strangers", function()
		local net = proxy()
		for _, o in ipairs { {}, { route = { "<sip:127.0.0.1;lr>" } },
			{ route = { "<sip:127.0.0.1;lr>" }, to_tag = "x" } } do
			local phone = net:phone("x", { domain = "evil.example" })
			phone:send("INVITE", "sip:victim@192.0.2.99", o)
			phone:expect(407)
			assert.sip(net:take()).is.nothing()
		end
	end)

	it("takes our Request-URI with only our Route for what it is", function()
		local _, ten, eleven = two_phones()
		ten:call("11", { route = { "<sip:127.0.0.1;lr>" } })
		assert.same({}, eleven:incoming().invite:all "Route")
	end)
end)

describe("authentication", function()
	it("lets nobody in with an empty password", function()
		local net = proxy { subscribers = { ["10"] = "" } }
		assert.equal(401, (register_with(net, nil, { password = "" })).status)
		assert.same({}, net:bindings())
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
		phone:send("REGISTER", "sip:127.0.0.1", o)
		phone:expect(401)
		assert.equal(1, #net:bindings())
	end)

	it("gives a nonce for one call, not for all", function()
		local net = proxy()
		local ten = net:phone "10"
		local one = ten:send("REGISTER", "sip:127.0.0.1", { to = ten:aor(), call_id = "one" })
		local line = ten:credentials(one, ten:expect(401))
		ten:send("REGISTER", "sip:127.0.0.1", { to = ten:aor(), call_id = "two",
			headers = { line } })
		ten:expect(401)
	end)

	it("has other nonces after each start, and at each time", function()
		local function nonce(seed, advance)
			local net = proxy { seed = seed }
			net:advance(advance or 0)
			local phone = net:phone "10"
			phone:send("REGISTER", "sip:127.0.0.1", { to = phone:aor(), call_id = "c" })
			return phone:expect(401):header "WWW-Authenticate":match 'nonce="(%x+)"'
		end
		assert.not_equal(nonce(1):sub(9), nonce(2):sub(9))
		assert.not_equal(nonce(1), nonce(1, 1))
	end)

	it("has To tags that nobody foresees", function()
		local net, seen = proxy(), {}
		for _ = 1, 5 do
			local phone = net:phone "10"
			phone:send("REGISTER", "sip:127.0.0.1", { to = phone:aor() })
			local tag = phone:expect(401):param("To", "tag")
			assert.is_nil(seen[tag])
			seen[tag] = true
		end
	end)

	it("takes no realm from strangers", function()
		local net = proxy()
		local phone = net:phone "10"
		phone:send("REGISTER", "sip:127.0.0.1", { to = "sip:10@other.example" })
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
		return phone:register(options).response, net
	end

	it("takes an Expires beyond 32 bits for long, not for zero", function()
		local reply, net = register { expires = "4294967296" }
		assert.equal(1, #net:bindings())
		assert.equal(200, reply.status)
		assert.is_true(tonumber(reply:header "Contact":match "expires=(%d+)") > 0)
	end)

	it("refuses short expires and says the least", function()
		local reply, net = register { expires = 10 }
		assert.same({ 423, "60" }, { reply.status, reply:header "Min-Expires" })
		assert.same({}, net:bindings())
	end)

	it("stores nothing but SIP URIs", function()
		for _, contact in ipairs { "<tel:+123>", "<mailto:a@b>", "<>", "<sip:a@>", "<http://a>" } do
			local reply, net = register { contact = contact }
			assert.equal(400, reply.status, contact)
			assert.same({}, net:bindings())
		end
	end)

	it("compares contacts as URIs", function()
		local net = proxy()
		local phone = net:phone "10"
		for _, contact in ipairs { "<sip:10@example.org:5060>", "<SIP:10@EXAMPLE.org:5060>",
			"<sip:%31%30@example.org:5060>" } do
			assert.equal(200, phone:register({ contact = contact }).status)
		end
		assert.equal(1, #net:bindings())
	end)
end)

-- 10 calls 11, whose two devices do this; the call.
local function fork(a_does, b_does)
	local net, ten, a = two_phones()
	local b = net:registered "11"
	a:will(a_does)
	b:will(b_does)
	return ten:call "11", a, b
end

describe("forking", function()
	it("prefers answers as RFC 3261 16.7 says, not the lowest number", function()
		assert.sip(fork(486, 603)).is.reply(603)
		assert.sip(fork(503, 486)).is.reply(486)
		assert.sip(fork(500, 486)).is.reply(486)
	end)

	it("ends the others at a 6xx", function()
		local call, a = fork("ring", 603)
		assert.is_true(a:incoming().cancelled)
		assert.sip(call).is.reply(603)
	end)

	it("merges challenges", function()
		local function ask(realm)
			local line = ('Proxy-Authenticate: Digest realm="%s", nonce="1"'):format(realm)
			return function(call) call:reply(407, { headers = { line } }) end
		end
		local call = fork(ask "a", ask "b")
		assert.sip(call).is.reply(407)
		assert.equal(2, #call.response:all "Proxy-Authenticate")
	end)

	it("tells the caller when a callee rings for ever, and cancels it", function()
		local net, ten, eleven = two_phones()
		local call = ten:call "11"
		net:advance(186)
		assert.is_true(eleven:incoming().cancelled)
		assert.is_true(call.status == 408 or call.status == 487)
	end)

	it("hears of a closed port at once", function()
		local net, ten, eleven = two_phones()
		net:unreachable(eleven)
		assert.is_true(ten:call "11".status >= 500)
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
		assert.sip(net:take()).is.nothing()
	end)
end)

describe("malformed requests", function()
	it("are answered 400, not relayed and not taken for something else", function()
		local net = proxy()
		local function bad(from, to)
			assert.sip(answer(net, "OPTIONS", from, to)).is.reply(400)
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
		local net, ten, eleven = two_phones()
		local o = { tag = "t", call_id = "c", body = "hello" }
		local request = ten:send("MESSAGE", "11", o)
		o.headers = { ten:credentials(request, ten:expect(407)) }
		net:send(ten:build("MESSAGE", "11", o) .. "EVIL sip:x SIP/2.0\r\n\r\n", ten)
		assert.equal("hello", eleven:expect("MESSAGE").body)
	end)
end)

describe("the log", function()
	it("shows what was received, whatever is sent on", function()
		local net, ten = two_phones()
		ten:call "11"
		local log = net:log()
		assert.matches("\nMax%-Forwards: 70\n", log)
		assert.is_nil(log:find "Max%-Forwards: 69")
		assert.matches("\nProxy%-Authorization: ", log)
	end)
end)
