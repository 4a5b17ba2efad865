-- lua/routes/default.lua: what it does, and what it keeps strangers from.
local route = require "route"
local testkit = require "lunasip.testkit"

local proxy, two_phones = route.default, route.two_phones

-- Two phones that talk.
local function talking(options)
	local net, ten, eleven = two_phones(options)
	eleven:will "answer"
	local call = ten:call "11"
	assert.equal("talking", call.state)
	return net, ten, eleven, call
end

-- Nothing is left of what happened.
local function assert_idle(net)
	net:run()
	local s = net:stats()
	assert.same({ 0, 0, 0, 0, 0, 0 },
		{ s.errors, s.coroutines, s.alive, s.contexts, s.servers, s.clients })
end

describe("registering", function()
	it("asks who it is, and keeps the location", function()
		local net = proxy()
		assert.sip(net:phone "10":register()).is.reply(200)
		assert.equal("10", net:bindings()[1].username)
		assert_idle(net)
	end)

	it("asks with 401 and qop", function()
		local phone = proxy():phone "10"
		phone:send("REGISTER", "sip:127.0.0.1", { to = phone:aor() })
		local challenge = phone:expect(401)
		assert.sip(challenge).has.header("WWW-Authenticate", 'realm="127.0.0.1"')
		assert.sip(challenge).has.header("WWW-Authenticate", 'qop="auth"')
	end)

	it("refuses a wrong password, and keeps nothing", function()
		local net = proxy()
		assert.sip(net:phone("11", { password = "wrong" }):register()).is.reply(401)
		assert.same({}, net:bindings())
	end)

	it("refuses to register somebody else", function()
		local net = proxy()
		assert.sip(net:phone "10":register { to = "sip:11@127.0.0.1" }).is.reply(403)
		assert.same({}, net:bindings())
	end)

	it("works with a Route that names only us, as baresip and linphone put it", function()
		local net = proxy()
		for _, user in ipairs { "10", "11" } do
			for _, route_set in ipairs { "<sip:127.0.0.1;lr>",
				"<sip:127.0.0.1:5060;transport=udp;lr>" } do
				assert.sip(net:phone(user):register { route = { route_set } }).is.reply(200)
			end
		end
	end)

	it("ends with Expires 0", function()
		local net, ten = two_phones()
		assert.sip(ten:unregister()).is.reply(200)
		assert.equal(1, #net:bindings())
	end)
end)

describe("calling", function()
	it("rings, talks and hangs up from either side", function()
		for _, who in ipairs { "caller", "callee" } do
			local net, _, eleven, call = talking()
			local theirs = eleven:incoming()
			local one, other = call, theirs
			if who == "callee" then one, other = theirs, call end
			assert.sip(one:bye()).is.reply(200)
			assert.equal("ended", other.state)
			assert_idle(net)
		end
	end)

	it("re-INVITEs inside the dialog, from either side", function()
		local _, _, eleven, call = talking()
		assert.sip(call:reinvite()).is.reply(200)
		assert.equal(1, #eleven:incoming().reinvites)
		assert.sip(eleven:incoming():reinvite()).is.reply(200)
		assert.equal(1, #call.reinvites)
	end)

	it("stays on the path, and hides the credentials from the callee", function()
		local _, ten, eleven = two_phones()
		ten:call "11"
		local invite = eleven:incoming().invite
		assert.sip(invite).has.header("Record-Route", "<sip:127.0.0.1;lr=on;ftag=")
		assert.sip(invite).has.no.header "Proxy-Authorization"
	end)

	it("can be cancelled while it rings", function()
		local net, ten, eleven = two_phones()
		local call = ten:call "11"
		assert.equal("ringing", call.state)
		assert.sip(call:cancel()).is.reply(200)
		assert.sip(call).is.reply(487)
		assert.is_true(eleven:incoming().cancelled)
		assert_idle(net)
	end)

	it("finds the callee busy", function()
		local net, ten, eleven = two_phones()
		eleven:will "busy"
		assert.sip(ten:call "11").is.reply(486)
		assert_idle(net)
	end)

	it("answers 404 for users it does not know", function()
		local net, ten = two_phones()
		assert.sip(ten:call "12").is.reply(404, "User Not Found")
		assert.matches("User is not found: 12", net:log())
	end)

	it("asks a wrong password again, and lets it nowhere", function()
		local net, _, eleven = two_phones()
		assert.sip(net:phone("10", { password = "wrong" }):call "11").is.reply(407)
		assert.same({}, eleven.calls)
	end)

	it("refuses a From that is not who authorized", function()
		local net = two_phones()
		local call = net:phone "10":call("11", { from = "sip:11@127.0.0.1" })
		assert.sip(call).is.reply(403, "Forbidden, Use From=ID")
	end)

	it("rings all bindings; who answers first ends the others", function()
		local net, ten, eleven = two_phones()
		local second = net:registered "11"
		local call = ten:call "11"
		assert.equal("ringing", second:incoming().state)
		eleven:incoming():answer()
		assert.equal("talking", call.state)
		assert.is_true(second:incoming().cancelled)
	end)

	it("follows aliases", function()
		local _, ten, eleven = two_phones { aliases = { boss = "sip:11@127.0.0.1" } }
		ten:call "boss"
		assert.equal("ringing", eleven:incoming().state)
	end)

	it("follows no alias of a name that somebody else has abroad", function()
		local net, ten, eleven = two_phones { aliases = { sales = "sip:11@127.0.0.1" } }
		ten:call "sip:sales@192.0.2.99"
		assert.same({}, eleven.calls)
		assert.sip(net:take "192.0.2.99").is.request("INVITE", "sip:sales@192.0.2.99")
	end)

	it("knows its aliases in each db_mode", function()
		for mode = 0, 3 do
			local _, ten, eleven = two_phones { aliases = { boss = "sip:11@127.0.0.1" },
				settings = { usrloc = { db_mode = mode } } }
			ten:call "boss"
			assert.equal("ringing", eleven:incoming().state)
		end
	end)

	it("does not pass on what a phone asserts of itself", function()
		local _, ten, eleven = two_phones()
		local headers = { "P-Asserted-Identity: <sip:boss@127.0.0.1>",
			"P-Preferred-Identity: <sip:boss@127.0.0.1>" }
		local call = ten:call("11", { headers = headers })
		local invite = eleven:incoming().invite
		assert.same({}, invite:all "P-Asserted-Identity")
		assert.same({}, invite:all "P-Preferred-Identity")
		assert.is_not_nil(call)
	end)

	it("follows an alias away from here", function()
		local net, ten = two_phones { aliases = { boss = "sip:b@192.0.2.99" } }
		ten:call "boss"
		assert.sip(net:take "192.0.2.99").is.request("INVITE", "sip:b@192.0.2.99")
	end)

	it("says why when it cannot be relayed", function()
		local _, ten = two_phones { aliases = { boss = "sip:b@nowhere.example" } }
		assert.sip(ten:call "boss").is.reply(478)
	end)

	it("rings nobody when it does not know whether an alias leads elsewhere", function()
		local net, ten, eleven = two_phones { settings = { usrloc = { db_mode = 3 } } }
		net:store { fail = 1 }
		assert.sip(ten:call "11").is.reply(503)
		assert.same({}, eleven.calls)
	end)

	it("says 503, not 404, when the store gives no answer", function()
		local net = proxy { settings = { usrloc = { db_mode = 3 } } }
		net:store { delay = 0.01 }
		local call = net:phone "10":call "11"
		net:advance(0.01) -- the subscriber is there
		net:store { gone = true }
		net:run()
		assert.sip(call).is.reply(503)
	end)
end)

describe("other requests", function()
	it("are authenticated whatever their method", function()
		local net, ten, eleven = two_phones()
		net:forget()
		for _, method in ipairs { "MESSAGE", "SUBSCRIBE", "OPTIONS", "FOO" } do
			ten:send(method, "11")
			ten:expect(407)
			assert.sip(eleven:take()).is.nothing()
			assert.sip(ten:request(method, "11")).is.reply(200)
			eleven:expect(method)
		end
	end)

	it("REGISTER with a Route beyond us is not for our registrar", function()
		for _, routes in ipairs { { "<sip:127.0.0.1;lr>, <sip:192.0.2.99;lr>" },
			{ "<sip:127.0.0.1;lr>", "<sip:192.0.2.99;lr>" }, { "<sip:192.0.2.99;lr>" } } do
			local net = proxy()
			local phone = net:phone "10"
			local exchange = phone:request("REGISTER", "sip:127.0.0.1",
				{ to = phone:aor(), route = routes })
			assert.is_nil(exchange.response)
			local relayed = net:take "192.0.2.99"
			assert.sip(relayed).is.request("REGISTER", "sip:127.0.0.1")
			assert.same({ "<sip:192.0.2.99;lr>" }, relayed:all "Route")
			assert.same({}, net:bindings())
		end
	end)

	it("REGISTER with our own Route is for our registrar", function()
		local net = proxy()
		local phone = net:phone "10"
		assert.sip(phone:request("REGISTER", "sip:127.0.0.1",
			{ to = phone:aor(), route = { "<sip:127.0.0.1;lr>" } })).is.reply(200)
		assert.equal(1, #net:bindings())
	end)

	it("without Content-Length have the rest of the datagram as their body", function()
		local net, ten, eleven = two_phones()
		local function send(o)
			local text = ten:build("MESSAGE", "11", o):gsub("Content%-Length: %d+\r\n", "")
			net:send(text, ten)
			return testkit.sip.parse(text)
		end
		local o = { call_id = "c", tag = "t", body = "hello\r\n\r\nthere" }
		o.headers = { ten:credentials(send(o), ten:expect(407)) }
		send(o)
		assert.equal(o.body, eleven:expect "MESSAGE".body)
		ten:expect(200)
	end)

	it("OPTIONS to the proxy itself is answered 200", function()
		local phone = proxy():phone "10"
		for _, ruri in ipairs { "sip:127.0.0.1", "sip:127.0.0.1:5060;transport=udp" } do
			phone:send("OPTIONS", ruri)
			phone:expect(200)
		end
	end)

	it("without hops left are answered 483", function()
		local phone = proxy():phone "10"
		assert.sip(phone:request("MESSAGE", "11", { max_forwards = 0 })).is.reply(483)
	end)

	it("of a dialog that we do not know are authenticated like any other", function()
		local _, ten, eleven = two_phones()
		for _, ruri in ipairs { "sip:a@192.0.2.99", "sip:11@127.0.0.1" } do
			ten:send("BYE", ruri, { to_tag = "x" })
			ten:expect(407)
		end
		ten:request("BYE", "11", { to_tag = "x" })
		eleven:expect "BYE"
	end)

	it("of a dialog for a name of ours find the phone", function()
		local net, ten, eleven, call = talking()
		local o = { tag = call.dialog.tag, to = call.dialog.remote_uri,
			to_tag = call.dialog.remote_tag, call_id = call.invite:header "Call-ID",
			route = call.dialog.routes }
		net:forget()
		ten:send("BYE", "11", o)
		eleven:expect "BYE"
		ten:expect(200)
		ten:send("BYE", "12", o)
		ten:expect(404)
	end)
end)

describe("strangers", function()
	local function refused(method, ruri, options)
		local net = two_phones()
		net:forget()
		local stranger = net:phone("mallory", { domain = "evil.example" })
		stranger:send(method, ruri, options)
		assert.sip(stranger:take()).is.reply(407)
		assert.sip(net:take()).is.nothing() -- nothing was relayed
	end

	it("do not relay to a foreign Request-URI", function()
		for _, method in ipairs { "INVITE", "MESSAGE", "REGISTER", "OPTIONS" } do
			refused(method, "sip:victim@192.0.2.99")
		end
	end)

	it("do not relay along a Route they bring", function()
		refused("INVITE", "sip:victim@192.0.2.99", { route = { "<sip:127.0.0.1;lr>" } })
		refused("INVITE", "sip:11@127.0.0.1", { route = { "<sip:192.0.2.99;lr>" } })
		refused("MESSAGE", "sip:11@127.0.0.1",
			{ route = { "<sip:127.0.0.1;lr>", "<sip:192.0.2.99;lr>" } })
	end)

	it("do not relay as if in a dialog, with a To tag and a Route they made up", function()
		for _, ruri in ipairs { "sip:victim@192.0.2.99", "sip:11@127.0.0.1" } do
			for _, made_up in ipairs { "<sip:127.0.0.1;lr=on>", "<sip:127.0.0.1;lr=on;ftag=x>" } do
				refused("INVITE", ruri, { route = { made_up }, to_tag = "x", tag = "x" })
				refused("BYE", ruri, { route = { made_up }, to_tag = "x", tag = "x" })
			end
		end
	end)

	it("do not relay with the Route of somebody else's dialog", function()
		local net, _, _, call = talking()
		net:forget()
		local stranger = net:phone "mallory"
		stranger:send("INVITE", "sip:victim@192.0.2.99",
			{ to_tag = "x", route = call.dialog.routes })
		stranger:expect(407)
		assert.sip(net:take()).is.nothing()
	end)

	it("who were called do not make of that a way to anybody, under any name, for ever", function()
		local net, ten = two_phones()
		local far = net:phone("f", { domain = "203.0.113.5", address = "203.0.113.5:5060" })
		ten:call "sip:f@203.0.113.5"
		local invite = far:incoming().invite
		local function asked(ruri, from, tag)
			net:forget()
			far:send("MESSAGE", ruri, { from = from, to = "sip:10@127.0.0.1", to_tag = tag,
				call_id = invite:header "Call-ID", route = invite:routes() })
			local reply = far:take()
			return reply ~= nil and reply.status == 407
		end
		local tag = invite:param("From", "tag")
		assert.is_true(asked("sip:0900123@198.51.100.7", "sip:anybody@x.example", tag))
		assert.is_true(asked("sip:11@127.0.0.1", "sip:10@127.0.0.1", tag))
		assert.is_true(asked("sip:10@127.0.0.1", "sip:f@203.0.113.5", "made-up"))
		assert.is_false(asked("sip:10@127.0.0.1", "sip:f@203.0.113.5", tag))
		net:advance(86401)
		assert.is_true(asked("sip:10@127.0.0.1", "sip:f@203.0.113.5", tag))
	end)

	it("do not pass as one of ours", function()
		refused("INVITE", "sip:11@127.0.0.1", { from = "sip:10@127.0.0.1" })
		refused("MESSAGE", "sip:11@127.0.0.1", { from = "sip:10@127.0.0.1" })
	end)

	it("do not ring our phones", function()
		refused("INVITE", "sip:11@127.0.0.1")
	end)

	it("cannot use the name of one domain and the password of another", function()
		local net = two_phones()
		assert.sip(net:phone "10":call("11", { from = "sip:10@evil.example" })).is.reply(403)
	end)

	it("cannot make us send stray ACKs, to ourselves or to others", function()
		local net = two_phones()
		net:forget()
		local stranger = net:phone "mallory"
		local before = #net:seen { from = "proxy" }
		for _, ruri in ipairs { "sip:127.0.0.1", "sip:12@127.0.0.1", "sip:11@127.0.0.1",
			"sip:victim@192.0.2.99" } do
			for _, to_tag in ipairs { false, "x" } do
				for _, routes in ipairs { {}, { "<sip:127.0.0.1;lr>" } } do
					stranger:send("ACK", ruri, { to_tag = to_tag or nil, route = routes })
				end
			end
		end
		assert.equal(before, #net:seen { from = "proxy" })
		assert_idle(net)
	end)
end)

describe("the debug loop", function()
	local function looping()
		local f = assert(io.open "lua/routes/default.lua")
		local source, n = f:read "a":gsub("local self_loop = false", "local self_loop = true")
		f:close()
		assert.equal(1, n)
		return proxy { script = false, source = source, name = "lua/routes/default.lua" }
	end

	it("sends each request once through the proxy, and shows its own replies", function()
		local net = looping()
		local phone = net:phone "10"
		phone:send("REGISTER", "sip:127.0.0.1", { to = phone:aor() })
		phone:expect(401)
		assert.equal(2, #net:seen { from = "proxy", to = "proxy" }) -- the request, and its 401
		local log = net:log()
		assert.matches("\nP%-hint: Self%-Looped\n", log)
		assert.matches("notice: 401 %(Unauthorized%) concerning REGISTER", log)
	end)

	it("still registers and calls", function()
		local net = looping()
		local ten, eleven = net:registered("10", "11")
		local call = ten:call "11"
		assert.equal(3, #eleven:incoming().invite:all "Via")
		eleven:incoming():answer()
		assert.equal("talking", call.state)
		assert.sip(call:bye()).is.reply(200)
	end)

	it("is off as it comes", function()
		local net = two_phones()
		assert.equal(0, #net:seen { from = "proxy", to = "proxy" })
	end)
end)

describe("the log", function()
	it("shows requests on green and replies on cyan", function()
		local net, ten = two_phones()
		net:colour(true)
		ten:call "11"
		local log = net:log()
		assert.matches("INVITE from 192.0.2.1 at ", log)
		assert.matches("\27[0;34;42mINVITE sip:11@127.0.0.1 SIP/2.0\n", log, 1, true)
		assert.matches("180 (Ringing) concerning INVITE\n\27[0;34;46mSIP/2.0 180 Ringing\n", log, 1,
			true)
	end)
end)
