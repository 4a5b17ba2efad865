-- What a route reads and writes of a message.
local route = require "route"
local ask = route.ask

describe("fields of a request", function()
	local function says(expression, expected, method, request)
		assert.equal(expected, (ask("say(req, " .. expression .. ")", method, request)))
	end

	it("are what was received", function()
		says("req.method", "MESSAGE")
		says("req.ruri", "sip:11@127.0.0.1")
		says("req.original_ruri", "sip:11@127.0.0.1")
		says("req.from", "sip:10@127.0.0.1")
		says("req.to", "sip:11@127.0.0.1")
		says("req.from_tag, req.to_tag", "x|nil", "MESSAGE", { tag = "x" })
		says("req.call_id, req.cseq", "c@d|77", "MESSAGE", { call_id = "c@d", cseq = 77 })
		says("req.max_forwards", "12", "MESSAGE", { max_forwards = 12 })
		says("req.body", "hello", "MESSAGE", { body = "hello" })
		says("req.source.ip, req.source.port", "192.0.2.1|5060")
		says("req.socket.ip, req.socket.port", "127.0.0.1|5060")
		says("req.next_hop, req.status, req.reason, req.auth_user, req.cancelled",
			"nil|nil|nil|nil|false")
	end)

	it("give users without escapes", function()
		says("req.ruri_user, req.from_user, req.to_user", "00|10|11", "MESSAGE",
			{ ruri = "sip:%30%30@127.0.0.1", to = "sip:11@127.0.0.1" })
		says("req.ruri_user", "nil", "MESSAGE", { ruri = "sip:127.0.0.1" })
	end)

	it("can be written: ruri and next_hop", function()
		says("(function() req.ruri = 'sip:12@192.0.2.9' return req.ruri, req.original_ruri end)()",
			"sip:12@192.0.2.9|sip:11@127.0.0.1")
		says("pcall(function() req.ruri = 'no uri' end)",
			"false|route.lua:1: not a URI: 'no uri'")
		says("(pcall(function() req.ruri = 'sip:a@b\\r\\nX: y' end))", "false")
		says("(function() req.next_hop = '192.0.2.9' return req.next_hop ~= nil end)()", "true")
		says("(function() req.next_hop = nil return req.next_hop end)()", "nil")
		says("(pcall(function() req.next_hop = 'no hop' end))", "false")
	end)

	it("cannot be written or misspelt", function()
		says("pcall(function() req.method = 'BYE' end)",
			"false|route.lua:1: 'method' of a request cannot be set")
		says("pcall(function() return req.rurl end)",
			"false|route.lua:1: a request has no method or field 'rurl', did you mean 'ruri'?")
		says("pcall(function() req:t_rely() end)",
			"false|route.lua:1: a request has no method or field 't_rely', did you mean 't_relay'?")
		says("pcall(function() req.zzzzzz = 1 end)",
			"false|route.lua:1: a request has no method or field 'zzzzzz'")
	end)
end)

describe("header fields", function()
	local lines = { headers = { "X-One: first", "x-one: second", "X-Fold: a\r\n b", "s: compact" } }

	local function says(expression, expected)
		assert.equal(expected, (ask("say(req, " .. expression .. ")", "MESSAGE", lines)))
	end

	it("are read by name, in any form", function()
		says("req:header 'X-One'", "first")
		says("req:header('X-ONE', 2)", "second")
		says("req:header('X-One', -1)", "second")
		says("req:header('X-One', 3)", "nil")
		says("req:header('X-One', -3)", "nil")
		says("req:header 'X-None'", "nil")
		says("req:header 'X-Fold'", "a b")
		says("req:header 'Subject'", "compact")
		says("table.concat(req:headers 'X-One', '+')", "first+second")
		says("#req:headers 'X-None'", "0")
		says("req:headers()[1].name, #req:headers() > 8", "Via|true")
	end)

	it("count from 1", function()
		says("pcall(req.header, req, 'X-One', 0)",
			"false|bad argument #3 to '?' (headers count from 1)")
	end)
end)

describe("append_hf", function()
	local function relayed(line)
		local net = route.proxy("req:append_hf(" .. line .. ") req:t_relay '192.0.2.99:5060'")
		net:phone "10":send("MESSAGE", "11")
		return net:take "192.0.2.99:5060", net
	end

	it("adds a line when the message is sent", function()
		assert.equal("b", relayed [["X-A: b\r\n"]]:header "X-A")
		assert.equal("b", relayed [["X-A: b"]]:header "X-A")
	end)

	it("shows nothing of it before", function()
		assert.equal("true|nil|false|no match",
			(ask "say(req, req:append_hf 'X-A: b', req:header 'X-A', req:search 'X-A')"))
	end)

	it("refuses injections and what is the proxy's own", function()
		for _, bad in ipairs { [["X: a\r\nY: b\r\n"]], [["X: a\nY: b"]], [["X: a\0b"]], [["no line"]],
			[["a b: c"]], [[": c"]], [["Via: x"]], [["i: x"]], [["Content-Length: 3"]], [["Route: x"]],
			[["X: " .. ("y"):rep(20000)]] } do
			local msg, net = relayed(bad)
			assert.is_nil(msg, bad)
			assert.matches("route.lua:1: ", net:log())
		end
	end)
end)

describe("remove_hf", function()
	local headers = { headers = { "X-One: a", "X-Two: b", "x-one: c", "s: d" } }

	it("takes all of that name away, in any form", function()
		local net = route.proxy [[
			req:remove_hf "X-ONE" req:remove_hf "Subject" req:t_relay "192.0.2.99:5060"]]
		net:phone "10":send("MESSAGE", "11", { headers = headers.headers })
		local msg = net:take "192.0.2.99:5060"
		assert.same({ nil, "b", nil }, { msg:header "X-One", msg:header "X-Two", msg:header "s" })
	end)

	it("tells how many", function()
		local function says(name, expected)
			assert.equal(expected, (ask(("say(req, req:remove_hf '%s')"):format(name), "MESSAGE",
				headers)))
		end
		says("X-One", "true|2")
		says("X-None", "false|none")
	end)

	it("leaves what routing stands on", function()
		assert.equal("false", (ask "say(req, (pcall(req.remove_hf, req, 'v')))"))
	end)
end)

describe("search", function()
	local headers = { headers = { "P-hint: Self-Looped" } }

	local function says(pattern, expected)
		assert.equal(expected, (ask(("say(req, req:search [[%s]])"):format(pattern), "MESSAGE",
			headers)))
	end

	it("matches lines of the received message, in any case", function()
		says("^p-HINT: [Ss]elf-[L1]ooped$", "true")
		says("^hint", "false|no match")
		says([[^MESSAGE sip:\d+@]], "true")
	end)

	it("gives up on patterns without end", function()
		local body = { body = ("a"):rep(5000) .. "!", headers = {} }
		assert.equal("nil|too complex", (ask("say(req, req:search [[(a|aa)+[^!]$]])", "MESSAGE", body)))
	end)

	it("takes little time for a long line, however often the pattern may begin in it", function()
		local function cost(pattern, body)
			local before = os.clock()
			local said = ask(("say(req, req:search [[%s]])"):format(pattern), "MESSAGE",
				{ body = body })
			assert.is_true(os.clock() - before < 1, pattern)
			return said
		end
		local line = ("x"):rep(60000) .. "\ny"
		assert.equal("nil|too complex", cost("x.*y", line))
		assert.equal("nil|too complex", cost("x[^\n]*+y", line))
		assert.equal("nil|too complex", cost("\\s+$x", (" "):rep(60000) .. "x"))
		assert.equal("nil|too complex",
			cost("friendly.*scanner", ("friendly"):rep(7000) .. "\nscanner"))
		assert.equal("true", cost("friendly.*scanner", ("-"):rep(60000) .. "friendly-scanner"))
	end)

	it("raises on malformed patterns", function()
		assert.matches("malformed pattern at character 2", (ask "say(req, pcall(req.search, req, '('))"))
	end)

	it("keeps a bounded number of patterns", function()
		assert.equal("true|true", (ask [[
			for i = 1, 2000 do req:search("x" .. i) end
			say(req, req:search "^MESSAGE", req:search "^MESSAGE")]]))
	end)
end)

describe("flags and variables", function()
	it("live with the message", function()
		assert.equal("false|true|false", (ask [[
			local a = req:isflagset(3) req:setflag(3)
			local b = req:isflagset(3) req:resetflag(3)
			say(req, a, b, req:isflagset(3))]]))
		assert.equal("nil|7", (ask "local a = req.vars.x req.vars.x = 7 say(req, a, req.vars.x)"))
		assert.equal("false", (ask "say(req, (pcall(req.setflag, req, 32)))"))
	end)

	it("are seen by its other handlers, and by no other message", function()
		local net = route.proxy([[
			if req.vars.n then return say(req, "leaked") end
			req.vars.n = 5 req:setflag(1) req:t_relay "192.0.2.99:5060"]], {
			more = [[reply = function(rpl)
				rpl:append_hf("X-N: " .. rpl.vars.n .. tostring(rpl:isflagset(1))
					.. rpl.request.ruri) end]] })
		local phone, far = net:phone "10", net:peer "192.0.2.99"
		for _ = 1, 2 do
			phone:send("MESSAGE", "11")
			far:reply(far:expect "MESSAGE", 200)
			assert.equal("5truesip:11@127.0.0.1", phone:expect(200):header "X-N")
		end
	end)
end)

describe("a stale handle", function()
	it("raises and never crashes", function()
		local net = route.proxy [[
			if old then return say(req, pcall(function() return old.method end)) end
			old = req
			req:sl_send_reply(200, "OK")]]
		local phone = net:phone "10"
		phone:send("MESSAGE", "11")
		phone:expect(200)
		net:advance(60)
		phone:send("MESSAGE", "11")
		assert.equal("false|route.lua:1: this message has ended", phone:expect(299).reason)
	end)

	it("of a reply ends with its handler", function()
		local net = route.proxy([[
			if old then return say(req, pcall(function() return old.status end)) end
			req:t_relay "192.0.2.99:5060"]], { more = "reply = function(rpl) old = rpl end" })
		local phone, far = net:phone "10", net:peer "192.0.2.99"
		phone:send("MESSAGE", "11")
		far:reply(far:expect "MESSAGE", 200)
		phone:expect(200)
		phone:send("MESSAGE", "11")
		assert.matches("this reply has ended", phone:expect(299).reason)
	end)
end)

describe("replies", function()
	it("carry code, reason and header lines", function()
		local reply = ask [[req:sl_send_reply(302, "Gone that way", { "Contact: <sip:a@b>", "X-Y: z" })]]
		assert.same({ 302, "Gone that way", "<sip:a@b>", "z" },
			{ reply.status, reply.reason, reply:header "Contact", reply:header "X-Y" })
		assert.is_truthy(reply:param("To", "tag"))
	end)

	it("go out once", function()
		local reply, net, phone = ask [[
			local a = table.pack(req:sl_send_reply(200, "OK"))
			local b = table.pack(req:sl_send_reply(404, "Not Found"))
			xlog("L_NOTICE", ("%s %s %s\n"):format(a[1], b[1], b[2]))]]
		assert.equal(200, reply.status)
		assert.is_nil(phone:take())
		assert.matches("true false answered", net:log())
	end)

	it("are checked", function()
		for _, bad in ipairs { "99, 'x'", "700, 'x'", "200, 'a\\r\\nb'", "200, 'x', 'no line'",
			"200, ('x'):rep(300)" } do
			assert.equal("false", (ask(("say(req, (pcall(req.sl_send_reply, req, %s)))"):format(bad))))
		end
	end)

	it("of errors say what the last primitive refused", function()
		assert.equal(500, (ask "req:sl_reply_error()").status)
		assert.equal(404, (ask "req:lookup 'location' req:sl_reply_error()").status)
		local reply = ask("if not req:mf_process_maxfwd_header(10) then req:sl_reply_error() end",
			"MESSAGE", { max_forwards = 0 })
		assert.equal(483, reply.status)
	end)
end)

describe("lunasip.uri", function()
	local uri = require "lunasip".uri

	it("takes a URI apart", function()
		assert.same({
			scheme = "sip", user = "a%20b", password = "c", host = "example.org", port = 5070,
			params = { transport = "udp", lr = true }, headers = "X=y",
		}, uri "sip:a%20b:c@example.org:5070;Transport=udp;lr?X=y")
		assert.same({ scheme = "tel", opaque = "+123" }, uri "tel:+123")
		assert.same({ nil, "malformed" }, { uri "nonsense" })
	end)
end)
