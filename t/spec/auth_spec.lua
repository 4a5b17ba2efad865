-- www_authorize, proxy_authorize, challenges, check_to, check_from, consume_credentials.
local route = require "route"

-- A route that authorizes and says the outcome of body, else challenges.
local function proxy_of(kind, body, options)
	return route.proxy(([[
		local ok, why = req:%s_authorize("", "subscriber")
		req.vars.why = why
		if not ok and not req:header "X-Say" then return req:%s_challenge("", "1") end
		say(req, %s)]]):format(kind, kind, body or "ok, why"), options)
end

-- The answer to a MESSAGE of 10, who has answered a challenge.
local function message(net, options, phone)
	local o = {}
	for k, v in pairs(options or {}) do o[k] = v end
	local ruri = o.ruri or "11"
	o.ruri = nil
	return (phone or net:phone "10"):request("MESSAGE", ruri, o).response
end

-- A challenged MESSAGE: the phone, and the header line that answers the challenge.
local function challenged(net)
	local phone = net:phone "10"
	local request = phone:send("MESSAGE", "11", { call_id = "c" })
	return phone, phone:credentials(request, phone:expect(407))
end

describe("proxy_authorize", function()
	local net
	before_each(function() net = proxy_of "proxy" end)

	it("accepts a subscriber", function()
		assert.sip(message(net)).is.reply(299, "true|nil")
	end)

	it("challenges with 407, a realm, a nonce and qop", function()
		local phone = net:phone "10"
		phone:send("MESSAGE", "11")
		local value = phone:expect(407):header "Proxy-Authenticate"
		assert.matches('^Digest realm="127.0.0.1", nonce="%x+"', value)
		assert.matches('qop="auth"', value)
		local nonce = value:match 'nonce="(%x+)"'
		assert.equal(40, #nonce)
	end)

	it("says why not", function()
		local function says(reason, digest)
			local o = { headers = { "X-Say: 1" }, call_id = "c", tag = "t" }
			local phone = net:phone "10"
			local request = phone:send("MESSAGE", "11", { call_id = "c", tag = "t" })
			o.headers[2] = phone:credentials(request, phone:expect(407), digest)
			phone:send("MESSAGE", "11", o)
			assert.sip(phone:take()).is.reply(299, "false|" .. reason)
		end
		assert.sip(message(net, { headers = { "X-Say: 1" } })).is.reply(299, "false|none")
		says("password", { password = "wrong" })
		says("user", { username = "12" })
		says("nonce", { nonce = ("0"):rep(40) })
		says("replay", { uri = "sip:12@127.0.0.1" })
		local bad = { "X-Say: 1", 'Proxy-Authorization: Digest realm="127.0.0.1", nonce="x' }
		assert.sip(message(net, { headers = bad })).is.reply(299, "false|malformed")
	end)

	it("refuses the same credentials twice", function()
		local phone, line = challenged(net)
		local o = { call_id = "c", headers = { "X-Say: 1", line } }
		phone:send("MESSAGE", "11", o)
		assert.equal("true|nil", phone:expect(299).reason)
		phone:send("MESSAGE", "11", o)
		assert.equal("false|replay", phone:expect(299).reason)
	end)

	it("tells of a nonce that was right but is old, and the next challenge says stale", function()
		local phone, line = challenged(net)
		net:advance(301)
		phone:send("MESSAGE", "11", { call_id = "c", headers = { line } })
		assert.sip(phone:take()).has.header("Proxy-Authenticate", "stale=true")
	end)

	it("knows the realm it is given", function()
		local other = route.proxy [[
			if not req:proxy_authorize("example.org", "subscriber") then
				return req:proxy_challenge("example.org", "0") end
			say(req, "in")]]
		assert.sip(message(other)).is.reply(299) -- plain text passwords serve any realm
	end)

	it("takes as realm only domains of ours", function()
		local phone = net:phone "10"
		phone:send("MESSAGE", "11", { from = "sip:10@evil.example" })
		assert.matches('realm="127.0.0.1"', phone:expect(407):header "Proxy-Authenticate")
	end)

	it("finds an alias in the spelling of the settings", function()
		local other = proxy_of("proxy", nil, { settings = { aliases = "Example.org" } })
		local phone = other:phone "10"
		phone:send("MESSAGE", "11", { from = "sip:10@EXAMPLE.ORG" })
		assert.matches('realm="Example.org"', phone:expect(407):header "Proxy-Authenticate")
	end)

	it("writes its own names as it always does, whatever the phone wrote", function()
		local function realm(listen, host)
			local other = proxy_of("proxy", nil, { listen = { listen } })
			local phone = other:phone "10"
			phone:send("MESSAGE", "11", { from = "sip:10@" .. host })
			return phone:expect(407):header "Proxy-Authenticate":match 'realm="([^"]*)"'
		end
		assert.equal("[2001:db8::1]", realm("[2001:db8::1]:5060", "[2001:DB8:0:0:0:0:0:1]"))
		assert.equal("[2001:db8::1]", realm("[2001:db8::1]:5060", "[2001:db8::1]"))
	end)

	it("passes ACK, which nobody can challenge", function()
		local reply, other = route.ask([[
			xlog(tostring(req:proxy_authorize("", "subscriber")) .. tostring(req.auth_user))]],
			"ACK", { to_tag = "x" })
		assert.is_nil(reply)
		assert.matches("notice: truenil", other:log())
	end)

	it("fails closed when the database is gone", function()
		local phone, line = challenged(net)
		net:store { gone = true }
		phone:send("MESSAGE", "11", { call_id = "c", headers = { line } })
		local reply = phone:expect(503) -- not 407: another password would not help
		assert.matches("^%d+$", reply:header "Retry-After")
		net:store { gone = false }
		net:store { fail = 1 }
		phone:send("MESSAGE", "11", { call_id = "c",
			headers = { "X-Say: 1", line } })
		assert.equal("false|db", phone:expect(299).reason)
	end)

	it("waits for a slow database, and nobody waits with it", function()
		local phone, line = challenged(net)
		local other = net:phone "11"
		net:store { delay = 2 }
		phone:send("MESSAGE", "11", { call_id = "c", headers = { line } })
		assert.equal(1, net:stats().parked)
		other:send("MESSAGE", "10")
		other:expect(407)
		net:advance(2)
		assert.equal("true|nil", phone:expect(299).reason)
	end)

	it("answers malformed credentials with 400, not a challenge", function()
		local reply = message(net, { headers = { "Proxy-Authorization: Digest username=\"10\"," ..
			" realm=\"127.0.0.1\"" } })
		assert.equal(400, reply.status)
	end)
end)

describe("www_authorize", function()
	it("is about Authorization, and the realm is the host of To", function()
		local net = proxy_of "www"
		local phone = net:phone "10"
		local request = phone:send("REGISTER", "sip:127.0.0.1", { to = "sip:10@127.0.0.1",
			from = "sip:10@evil.example", call_id = "c" })
		local challenge = phone:expect(401)
		assert.matches('realm="127.0.0.1"', challenge:header "WWW-Authenticate")
		phone:send("REGISTER", "sip:127.0.0.1", { to = "sip:10@127.0.0.1", call_id = "c",
			headers = { phone:credentials(request, challenge) } })
		assert.equal("true|nil", phone:expect(299).reason)
	end)
end)

describe("www_authorize with a wrong password", function()
	it("says so, and the phone is asked again", function()
		local net = proxy_of "www"
		local phone = net:phone("10", { password = "wrong" })
		assert.sip(phone:register()).is.reply(401)
		phone:send("REGISTER", "sip:127.0.0.1", { headers = { "X-Say: 1" } })
		assert.equal("false|none", phone:expect(299).reason)
		local request = phone:send("REGISTER", "sip:127.0.0.1", { call_id = "c" })
		local line = phone:credentials(request, phone:expect(401))
		phone:send("REGISTER", "sip:127.0.0.1", { call_id = "c", headers = { "X-Say: 1", line } })
		assert.equal("false|password", phone:expect(299).reason)
	end)
end)

describe("a challenge", function()
	local function offers(arguments)
		local reply = route.ask("req:www_challenge(" .. arguments .. ")")
		return reply.status == 401 and reply:all "WWW-Authenticate"
	end

	it("takes qop as the documents do", function()
		assert.is_nil(offers '"", "0"'[1]:find "qop")
		assert.matches('qop="auth"', offers '"", "1"'[1])
		assert.matches('qop="auth"', offers '""'[1])
		assert.matches('realm="here"', offers '"here", "1"'[1])
	end)

	it("takes options", function()
		local values = offers '"", { qop = true, stale = true, algorithms = { "MD5", "SHA-256" } }'
		assert.equal(2, #values)
		assert.matches("SHA%-256", values[1]) -- the better one first, RFC 8760
		assert.matches("stale=true", values[2])
		assert.is_nil(offers '"", { qop = false }'[1]:find "qop")
	end)

	it("is checked", function()
		for _, bad in ipairs { '"", "2"', '"", { algorithms = { "SHA-1" } }',
			'"", { algorithms = {} }' } do
			assert.equal("false", (route.ask("say(req, (pcall(req.www_challenge, req, " .. bad .. ")))")))
		end
	end)

	it("goes out once", function()
		assert.equal("true|false|answered", (function()
			local _, net = route.ask [[
				local a = req:www_challenge("", "1")
				local b, c = req:www_challenge("", "1")
				xlog(("%s|%s|%s"):format(a, b, c))]]
			return net:log():match "notice: ([^\n]*)"
		end)())
	end)
end)

describe("check_from and check_to", function()
	local function says(expected, options, kind, body)
		local net = proxy_of(kind or "proxy", body or "req:check_from()")
		assert.equal(expected, message(net, options).reason)
	end

	it("hold after authorization, for the user who authorized", function()
		says "true"
		says("true", { from = "sip:1%30@127.0.0.1" })
		says("false|user", { from = "sip:11@127.0.0.1" })
		says("false|user", { from = "sip:010@127.0.0.1" })
		says("false|malformed", { from = "sip:127.0.0.1" })
		says("false|domain", { from = "sip:10@evil.example" })
		says("true", { to = "sip:10@127.0.0.1" }, "www", "req:check_to()")
		says("false|user", { to = "sip:11@127.0.0.1" }, "www", "req:check_to()")
	end)

	it("are never true without it", function()
		assert.equal("false|none", (route.ask "say(req, req:check_from())"))
		assert.equal("false|none", (route.ask("say(req, req:check_to())", "MESSAGE",
			{ to = "sip:10@127.0.0.1" })))
	end)
end)

describe("consume_credentials", function()
	it("removes the header that authorized, and no other", function()
		local net = route.proxy [[
			if not req:proxy_authorize("", "subscriber") then return req:proxy_challenge("", "1") end
			req:consume_credentials()
			req:t_relay "192.0.2.99:5060"]]
		local other = 'Proxy-Authorization: Digest username="x", realm="other", nonce="1", uri="sip:a",'
			.. ' response="0123456789abcdef0123456789abcdef"'
		message(net, { headers = { other } })
		local msg = net:take "192.0.2.99:5060"
		assert.same({ other:match ": (.*)" }, msg:all "Proxy-Authorization")
	end)

	it("has nothing to remove without authorization", function()
		assert.equal("false|none", (route.ask "say(req, req:consume_credentials())"))
	end)
end)
