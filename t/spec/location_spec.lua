-- save and lookup.
local route = require "route"


-- A route that registers, and looks up and relays all else.
local registrar = [[
	if req.method == "REGISTER" then req.vars.saved = req:save "location" return end
	local found, why = req:lookup "location"
	if not found then return say(req, found, why) end
	if not req:t_relay() then req:sl_reply_error() end]]

local function register(net, user, options)
	local phone = net:phone(user)
	local o = { to = phone:aor(), headers = { "Expires: 600" } }
	for k, v in pairs(options or {}) do o[k] = v end
	phone:send("REGISTER", "sip:127.0.0.1", o)
	return phone:take(), phone
end

describe("save", function()
	it("answers 200 with the bindings", function()
		local reply = register(route.proxy(registrar), "10")
		assert.equal(200, reply.status)
		assert.equal("<sip:10@192.0.2.1:5060>;expires=600", reply:header "Contact")
	end)

	it("returns true, or what it refused and has already answered", function()
		local function says(expected, options)
			local net = route.proxy [[
				local a, b = req:save "location"
				xlog(tostring(a) .. "|" .. tostring(b) .. "|" .. tostring(req:sl_reply_error()))]]
			register(net, "10", options)
			assert.equal(expected, net:log():match "notice: ([^\n]*)")
		end
		says "true|nil|false"
		says("false|Interval Too Brief|false", { headers = { "Expires: 5" } })
	end)

	it("says nil when the store fails, and nothing was saved", function()
		local net = route.proxy 'local a = req:save "location" xlog(tostring(a))'
		net:store { gone = true }
		local reply = register(net, "10")
		assert.equal(503, reply.status)
		assert.matches("notice: nil", net:log())
		net:store { gone = false }
		assert.same({}, net:bindings())
	end)

	it("is for REGISTER and known tables", function()
		assert.matches("save is for REGISTER", (route.ask "say(req, pcall(req.save, req))"))
		assert.matches("there is no location table 'locations'",
			(route.ask "say(req, pcall(req.save, req, 'locations'))"))
	end)

	it("is stateful: a retransmission gets the same answer and is not seen", function()
		local net = route.proxy(registrar)
		local phone = net:phone "10"
		local text = phone:build("REGISTER", "sip:127.0.0.1", { to = phone:aor() })
		net:send(text, phone.address)
		net:send(text, phone.address)
		assert.equal(phone:expect(200).text, phone:expect(200).text)
		assert.equal(1, net:stats().messages)
	end)

	it("writes before it answers (db_mode 1)", function()
		local net = route.proxy(registrar)
		register(net, "10")
		assert.equal("sip:10@192.0.2.1:5060", net:bindings()[1].contact)
	end)
end)

describe("lookup", function()
	it("sends the request to the binding", function()
		local net = route.proxy(registrar)
		local _, phone = register(net, "11")
		net:phone "10":send("MESSAGE", "11")
		assert.equal("sip:11@192.0.2.1:5060", phone:expect("MESSAGE").ruri)
	end)

	it("refuses whom it does not know", function()
		assert.equal("false|none", (route.ask "say(req, req:lookup 'location')"))
		assert.equal("false|none", (route.ask "say(req, req:lookup 'aliases')"))
		assert.equal("false|user", (route.ask("say(req, req:lookup 'location')", "MESSAGE",
			{ ruri = "sip:127.0.0.1" })))
		assert.equal("false|user", (route.ask("say(req, req:lookup 'location')", "MESSAGE",
			{ ruri = "tel:+123", to = "sip:a@b" })))
	end)

	it("refuses whose bindings are no SIP URIs, as if he had none", function()
		assert.equal("false|none|sip:11@127.0.0.1", (route.ask([[
			local ok, why = req:lookup "location"
			say(req, ok, why, req.ruri)]], "MESSAGE", nil, { bindings = { ["11"] = "nonsense" } })))
	end)

	it("says nil when the store gives no answer (db_mode 3)", function()
		local net = route.proxy("say(req, req:lookup 'location')",
			{ settings = { usrloc = { db_mode = 3 } } })
		net:store { fail = 1 }
		local phone = net:phone "10"
		phone:send("MESSAGE", "11")
		assert.equal("nil|db", phone:expect(299).reason)
	end)

	describe("with a cache_ttl", function()
		local function cached()
			local net = route.proxy(registrar,
				{ settings = { usrloc = { cache_ttl = 10 }, db = { timeout = 3000 } } })
			local _, phone = register(net, "11")
			return net, phone, net:phone "10"
		end

		it("finds a phone without asking, until the ttl is over", function()
			local net, eleven, ten = cached()
			net:store { gone = true }
			net:advance(9)
			ten:send("MESSAGE", "11")
			eleven:expect "MESSAGE"
			net:store { gone = false, delay = 0.5 }
			net:advance(1)
			ten:send("MESSAGE", "11")
			assert.sip(eleven:take()).is.nothing()
			net:advance(0.5)
			eleven:expect "MESSAGE"
		end)

		it("waits once for a database that stands still, then calls whom it knows", function()
			local net, eleven, ten = cached()
			net:advance(10)
			net:store { delay = 60 }
			ten:send("MESSAGE", "11")
			net:advance(0.4)
			assert.sip(eleven:take()).is.nothing()
			net:advance(0.1)
			eleven:expect "MESSAGE"
			ten:send("MESSAGE", "11")
			eleven:expect "MESSAGE"
		end)
	end)

	it("forks to all bindings", function()
		local net = route.proxy(registrar)
		local _, a = register(net, "11")
		local _, b = register(net, "11")
		net:phone "10":send("INVITE", "11")
		assert.equal(a:contact(), "<" .. a:expect("INVITE").ruri .. ">")
		assert.equal(b:contact(), "<" .. b:expect("INVITE").ruri .. ">")
	end)

	it("takes escapes in the user part for what they mean", function()
		local net = route.proxy(registrar)
		local _, phone = register(net, "11")
		net:phone "10":send("MESSAGE", "sip:%31%31@127.0.0.1")
		phone:expect "MESSAGE"
	end)

	it("forgets bindings that ran out", function()
		local net = route.proxy(registrar)
		register(net, "11")
		net:advance(601)
		local phone = net:phone "10"
		phone:send("MESSAGE", "11")
		assert.equal("false|none", phone:expect(299).reason)
	end)

	it("follows the Path a phone registered with", function()
		local net = route.proxy(registrar)
		register(net, "11", { headers = { "Path: <sip:192.0.2.77;lr>", "Supported: path" } })
		net:phone "10":send("MESSAGE", "11")
		local msg = net:take "192.0.2.77:5060"
		assert.same({ "sip:11@192.0.2.1:5060", "<sip:192.0.2.77;lr>" },
			{ msg.ruri, msg:header "Route" })
	end)

	it("sends to where the phone was seen, not where it says it is", function()
		local net = route.proxy(registrar)
		local phone = net:phone "11"
		phone:send("REGISTER", "sip:127.0.0.1", { to = phone:aor(),
			via = "10.0.0.5:5060", contact = "<sip:11@10.0.0.5:5060>" })
		phone:expect(200)
		net:phone "10":send("MESSAGE", "11")
		assert.equal("sip:11@10.0.0.5:5060", phone:expect("MESSAGE").ruri)
	end)

	it("of aliases rewrites to another address, and does not expire", function()
		local net = route.proxy([[
			req:lookup "aliases"
			say(req, req.ruri)]],
			{ aliases = { boss = "sip:10@127.0.0.1" } })
		net:advance(1e5) -- more than a day
		local phone = net:phone "10"
		phone:send("MESSAGE", "sip:boss@127.0.0.1")
		assert.equal("sip:10@127.0.0.1", phone:expect(299).reason)
	end)
end)
