-- t_relay and the handlers around it; routes; branches.
local route = require "route"

local function far_of(net, n)
	return net:peer(("192.0.2.%d"):format(n or 99))
end

local to_far = [[if not req:t_relay "192.0.2.99:5060" then req:sl_reply_error() end]]

describe("t_relay", function()
	it("sends to the Request-URI, and 100 back for INVITE", function()
		local net = route.proxy "req:t_relay()"
		local phone, far = net:phone "10", far_of(net)
		phone:send("INVITE", "sip:11@192.0.2.99")
		assert.equal("sip:11@192.0.2.99", far:expect("INVITE").ruri)
		assert.equal(100, phone:take(true).status)
		phone:send("MESSAGE", "sip:11@192.0.2.99")
		far:expect "MESSAGE"
		assert.is_nil(phone:take(true))
	end)

	it("sends to the next hop it is given, whatever the Request-URI", function()
		for _, hop in ipairs { "192.0.2.99", "192.0.2.99:5060", "sip:192.0.2.99;lr" } do
			local net = route.proxy(("req:t_relay %q"):format(hop))
			net:phone "10":send("MESSAGE", "sip:11@nowhere.example")
			assert.equal("sip:11@nowhere.example", net:take "192.0.2.99:5060".ruri)
		end
		assert.matches("not an address, host or SIP URI",
			(route.ask "say(req, pcall(req.t_relay, req, 'no hop'))"))
	end)

	it("returns true, or false and why; sl_reply_error answers that", function()
		local function says(expected, status, request, body)
			local reply, net = route.ask(body or [[
				local ok, why = req:t_relay()
				xlog(tostring(ok) .. "|" .. tostring(why))
				if not ok then req:sl_reply_error() end]], "MESSAGE", request)
			assert.matches(expected, net:log():match "notice: ([^\n]*)")
			assert.equal(status, reply and reply.status)
		end
		says("^true|nil$", nil, { ruri = "sip:11@192.0.2.99" })
		says("^false|", 483, { ruri = "sip:11@192.0.2.99", max_forwards = 0 })
		says("^false|", 478, { ruri = "sip:11@nowhere.example" })
		says("^false|", 416, { ruri = "tel:+123", to = "sip:a@b" })
	end)

	it("resolves names, and the route waits for it", function()
		local net = route.proxy "req:t_relay()"
		net:host("far.example", "192.0.2.99")
		net:resolver { delay = 0.5 }
		net:phone "10":send("MESSAGE", "sip:11@far.example")
		assert.equal(1, net:stats().parked)
		net:advance(0.5)
		assert.equal("sip:11@far.example", net:take "192.0.2.99:5060".ruri)
	end)

	it("absorbs retransmissions", function()
		local net = route.proxy(to_far)
		local phone, far = net:phone "10", far_of(net)
		local text = phone:build("INVITE", "11")
		for _ = 1, 3 do net:send(text, phone.address) end
		far:expect "INVITE"
		assert.is_nil(far:take())
		assert.equal(1, net:stats().messages)
	end)

	it("of a cancelled call is refused", function()
		local net = route.proxy([[
			req:lookup "location"
			local ok, why = req:t_relay "192.0.2.99:5060"
			xlog(tostring(ok) .. tostring(req.cancelled))]],
			{ settings = { usrloc = { db_mode = 3 } } })
		net:store { delay = 1 }
		local phone = net:phone "10"
		local invite = phone:send("INVITE", "11")
		phone:cancel(invite)
		local a, b = phone:take(), phone:take()
		assert.same({ [200] = true, [487] = true }, { [a.status] = true, [b.status] = true })
		net:advance(1)
		assert.is_nil(net:take "192.0.2.99:5060")
		assert.matches("notice: falsetrue", net:log())
	end)
end)

describe("reply handlers", function()
	local more = [[reply = function(rpl) rpl:append_hf("X-Seen: " .. rpl.status .. rpl.reason) end]]

	local function exchange(body, options, statuses)
		local net = route.proxy(body, options)
		local phone, far = net:phone "10", far_of(net)
		phone:send("INVITE", "11")
		local invite = far:expect "INVITE"
		local seen = {}
		for _, status in ipairs(statuses or { 180, 200 }) do
			far:reply(invite, status, { reason = "R" })
			local msg = phone:take()
			seen[#seen + 1] = msg and (msg:header "X-Seen" or "-") or "nothing"
		end
		return seen, net
	end

	it("of the script see each reply and may edit it", function()
		assert.same({ "180R", "200R" }, (exchange(to_far, { more = more })))
	end)

	it("see 100 too, which goes no further", function()
		local _, net = exchange(to_far, { more = "reply = function() xlog '$rs' end" }, { 100, 180 })
		assert.matches("notice: 100\nnotice: 180\n", net:log())
	end)

	it("are per message with t_on_reply", function()
		local own = [[req:t_on_reply(function(rpl) rpl:append_hf "X-Seen: own" end) ]]
		assert.same({ "own", "own" }, (exchange(own .. to_far, { more = more })))
		assert.same({ "-", "-" }, (exchange("req:t_on_reply(nil) " .. to_far, { more = more })))
		assert.same({ "own", "own" }, (exchange(to_far .. " " .. own, { more = more })))
	end)

	it("are functions", function()
		for _, bad in ipairs { "req, 1", "req, '1'", "req" } do
			assert.matches("t_on_reply takes a function, or nil for none",
				(route.ask(("say(req, pcall(req.t_on_reply, %s))"):format(bad))))
		end
	end)

	it("do not see what the proxy answers itself", function()
		local _, net = route.ask("say(req, 'x')", "MESSAGE", nil,
			{ more = "reply = function() xlog 'seen' end" })
		assert.is_nil(net:log():find "seen")
	end)

	it("read the reply", function()
		local _, net = exchange(to_far, { more = [[reply = function(rpl)
			xlog(table.concat({ rpl.status, rpl.reason, rpl.method, rpl.from, rpl.to_tag, rpl.cseq,
				rpl.source.ip, rpl:header "Contact", rpl.branch_ruri,
				tostring(rpl:search "^SIP/2.0 180") }, "|")) end]] }, { 180 })
		assert.matches("180|R|INVITE|sip:10@127.0.0.1|to%-%d+|1|192.0.2.99|<sip:peer@192.0.2.99:5060>|"
			.. "sip:11@127.0.0.1|true", net:log())
	end)
end)

describe("failure handlers", function()
	local function failing(status, body, more)
		local net = route.proxy(body, { more = more })
		local phone, far = net:phone "10", far_of(net)
		local invite = phone:send("INVITE", "11")
		far:reply(far:expect "INVITE", status, { reason = "R" })
		far:expect "ACK"
		return net, phone, invite
	end

	it("see the best failure and may leave it", function()
		local net, phone = failing(486, to_far,
			[[failure = function(req) xlog(req.status .. req.reason .. req.method) end]])
		phone:expect(486)
		assert.matches("notice: 486RINVITE", net:log())
	end)

	it("may try somewhere else", function()
		local net, phone = failing(486, to_far, [[failure = function(req)
			req.ruri = "sip:voicemail@192.0.2.98" req.next_hop = nil
			req:t_relay() end]])
		local other = far_of(net, 98)
		local invite = other:expect "INVITE"
		assert.equal("sip:voicemail@192.0.2.98", invite.ruri)
		assert.is_nil(phone:take())
		other:reply(invite, 200)
		phone:expect(200)
	end)

	it("may answer something else", function()
		local _, phone = failing(486, to_far,
			[[failure = function(req) req:sl_send_reply(480, "Later") end]])
		assert.equal("Later", phone:expect(480).reason)
		assert.is_nil(phone:take())
	end)

	it("may wait", function()
		local net = route.proxy(to_far, { settings = { usrloc = { db_mode = 3 } }, more = [[
			failure = function(req) xlog("found " .. tostring(req:lookup "location")) end]] })
		local phone, far = net:phone "10", far_of(net)
		net:store { delay = 1 }
		phone:send("INVITE", "11")
		far:reply(far:expect "INVITE", 404)
		assert.is_nil(phone:take())
		net:advance(1)
		phone:expect(404)
		assert.matches("found false", net:log())
	end)

	it("run once unless they arm themselves again", function()
		local function count(rearm)
			local net = route.proxy("req:t_on_failure(F) " .. to_far, { more = ([[
				failure = (function() F = function(req) xlog "failed" %s
					req.vars.n = (req.vars.n or 97) - 1
					req:t_relay("192.0.2." .. req.vars.n .. ":5060") end end)()]]):format(
				rearm and "req:t_on_failure(F)" or "") })
			local phone = net:phone "10"
			phone:send("INVITE", "11")
			for _, n in ipairs { 99, 96, 95 } do
				local far = far_of(net, n)
				local invite = far:take()
				if invite then far:reply(invite, 404) end
			end
			return select(2, net:log():gsub("failed", ""))
		end
		assert.equal(1, count(false))
		assert.equal(3, count(true))
	end)

	-- What was read from its bytes goes while it waits, and is read again.
	it("find the request as it was, also that of another call", function()
		local look = [[local function look(req, as)
			xlog(table.concat({ as, req.ruri, req.method, req.from_user, req.auth_user or "-",
				req:header "X-Long", req.body, req.status or "-" }, " ")) end ]]
		local net = route.proxy([[
			if req.method == "OPTIONS" then LOOK(CALL, "other") return req:sl_send_reply(200, "OK") end
			if not req:proxy_authorize("", "subscriber") then return req:proxy_challenge() end
			req:consume_credentials() CALL = req
			req.ruri = "sip:else@192.0.2.99" req:t_relay()]], { more = ([[
			reply = function(rpl) LOOK(rpl.request, rpl.status) end,
			failure = (function() %s LOOK = look return function(req)
				look(req, "failure") req:t_relay "192.0.2.98:5060" end end)()]]):format(look) })
		local phone, far, other = net:phone "10", far_of(net), far_of(net, 98)
		phone:call("11", { headers = { "X-Long: a value" }, body = "v=0" })
		local invite = far:expect "INVITE"
		net:log()
		for _, status in ipairs { 180, 183 } do
			far:reply(invite, status)
			phone:send("OPTIONS", "sip:192.0.2.1")
		end
		far:reply(invite, 486)
		local again = other:expect "INVITE"
		assert.equal(invite.ruri, again.ruri)
		assert.equal("a value", again:header "X-Long")
		assert.is_nil(again:header "Proxy-Authorization")
		assert.equal("v=0", again.body)
		local log = net:log()
		for _, as in ipairs { "180", "other", "183", "failure" } do
			assert.matches("notice: " .. as .. " sip:else@192.0.2.99 INVITE 10 10 a value v=0", log)
		end
	end)

	it("are not asked when the caller gave up", function()
		local net = route.proxy(to_far, { more = "failure = function() xlog 'failed' end" })
		local phone, far = net:phone "10", far_of(net)
		local invite = phone:send("INVITE", "11")
		local got = far:expect "INVITE"
		far:reply(got, 180)
		phone:expect(180)
		phone:cancel(invite)
		far:expect "CANCEL"
		far:reply(got, 487)
		assert.is_nil(net:log():find "failed")
	end)
end)

describe("branch handlers", function()
	local two = [[req.ruri = "sip:a@192.0.2.98" req:append_branch "sip:b@192.0.2.99" req:t_relay()]]

	it("edit their own copy", function()
		local net = route.proxy(two, { more = [[branch = function(b)
			b:append_hf("X-B: " .. b.ruri .. b.method .. b.request.original_ruri) end]] })
		net:phone "10":send("INVITE", "11")
		assert.equal("sip:a@192.0.2.98INVITEsip:11@127.0.0.1",
			far_of(net, 98):expect("INVITE"):header "X-B")
		assert.equal("sip:b@192.0.2.99INVITEsip:11@127.0.0.1",
			far_of(net, 99):expect("INVITE"):header "X-B")
	end)

	it("may send it elsewhere, or not at all", function()
		local net = route.proxy(two, { more = [[branch = function(b)
			if b.ruri:find "^sip:a" then return false end
			b.ruri = "sip:c@192.0.2.99" end]] })
		net:phone "10":send("INVITE", "11")
		assert.is_nil(far_of(net, 98):take())
		assert.equal("sip:c@192.0.2.99", far_of(net, 99):expect("INVITE").ruri)
	end)
end)

describe("append_branch", function()
	it("adds targets", function()
		assert.equal("true|false", (route.ask [[
			say(req, req:append_branch("sip:a@b", { q = 0.5 }), (req:append_branch "no uri"))]]))
		assert.equal("false",
			(route.ask "say(req, (pcall(req.append_branch, req, 'sip:a@b', { q = 2 })))"))
	end)

	it("has an end", function()
		assert.matches("^false|", (route.ask [[
			for i = 1, 100 do req:append_branch("sip:a" .. i .. "@b") end
			say(req, req:append_branch "sip:x@y")]]))
	end)
end)

describe("record_route and loose_route", function()
	it("puts us first, once", function()
		local reply, net = route.ask [[
			xlog(tostring(req:record_route()) .. tostring(req:record_route()))
			req:t_relay "192.0.2.99:5060"]]
		assert.is_nil(reply)
		local msg = net:take "192.0.2.99:5060"
		assert.matches("^<sip:127.0.0.1;lr=on;ftag=from%-%d+;[^>]*>$", msg:header "Record-Route")
		assert.equal(1, #msg:all "Record-Route")
		assert.matches("notice: truefalse", net:log())
	end)

	local function loose(options)
		options.ruri = options.ruri or "sip:11@192.0.2.99"
		return (route.ask("say(req, req:loose_route(), req.ruri)", "MESSAGE", options))
	end

	it("is false without Route, and for one that names only us outside dialogs", function()
		assert.equal("false|sip:11@192.0.2.99", loose {})
		assert.equal("false|sip:11@192.0.2.99", loose { route = { "<sip:127.0.0.1;lr>" } })
		assert.equal("false|sip:11@192.0.2.99",
			loose { route = { "<sip:127.0.0.1:5060;transport=udp;lr>" } })
	end)

	it("is true where Route leads on, and in dialogs it led through us", function()
		assert.equal("true|sip:11@192.0.2.99", loose { route = { "<sip:192.0.2.5;lr>" } })
		assert.equal("true|sip:11@192.0.2.99",
			loose { route = { "<sip:127.0.0.1;lr>", "<sip:192.0.2.5;lr>" } })
		assert.equal("true|sip:11@192.0.2.99", loose { route = { "<sip:127.0.0.1;lr>" }, to_tag = "x" })
	end)
end)

describe("in_dialog", function()
	it("is true where our own Record-Route comes back", function()
		local net = route.proxy [[
			req:loose_route()
			if req:has_totag() then return say(req, req:in_dialog()) end
			req:record_route() req:t_relay "192.0.2.99:5060"]]
		local phone, far = net:phone "10", far_of(net)
		local invite = phone:send("INVITE", "11")
		far:reply(far:expect "INVITE", 200)
		local ok = phone:expect(200)
		phone:within("BYE", invite, ok)
		assert.equal("true", phone:expect(299).reason)
		phone:send("BYE", "11", { to_tag = "x", call_id = "other",
			route = ok:routes(true) })
		assert.equal("false", phone:expect(299).reason)
	end)
end)

describe("is_myself", function()
	it("knows our addresses with any of our ports, without, and with a transport", function()
		local function says(expected, uri)
			assert.equal(expected, (route.ask(("say(req, req:is_myself '%s')"):format(uri), "MESSAGE",
				nil, { settings = { aliases = { "example.org" } } })), uri)
		end
		says("true", "sip:127.0.0.1")
		says("true", "sip:10@127.0.0.1:5060")
		says("true", "sip:10@127.0.0.1;transport=tcp")
		says("true", "sip:10@EXAMPLE.org")
		says("false", "sip:10@127.0.0.1:5070")
		says("false", "sip:10@example.com")
		says("false", "tel:+1")
		says("false", "nonsense")
		assert.equal("true", (route.ask "say(req, req:is_myself())"))
	end)
end)

describe("mf_process_maxfwd_header", function()
	it("says how far a request may go that does not say it itself", function()
		local net = route.proxy [[
			if req.method == "INFO" then req:mf_process_maxfwd_header(10) end
			req:t_relay "192.0.2.99:5060"]]
		local phone, far = net:phone "10", net:peer "192.0.2.99"
		for method, hops in pairs { INFO = "10", MESSAGE = "70" } do
			local text = phone:build(method, "11"):gsub("Max%-Forwards: 70\r\n", "")
			net:send(text, phone)
			assert.equal(hops, far:expect(method):header "Max-Forwards")
		end
	end)

	it("refuses what has no hop left", function()
		local function says(expected, n)
			assert.equal(expected, (route.ask("say(req, req:mf_process_maxfwd_header(10))", "MESSAGE",
				{ max_forwards = n })))
		end
		says("true", 1)
		says("false|too many hops", 0)
		assert.equal("false", (route.ask "say(req, (pcall(req.mf_process_maxfwd_header, req, 0)))"))
	end)
end)

describe("has_totag", function()
	it("tells requests inside dialogs", function()
		assert.equal("false", (route.ask "say(req, req:has_totag())"))
		assert.equal("true", (route.ask("say(req, req:has_totag())", "MESSAGE", { to_tag = "x" })))
	end)
end)
