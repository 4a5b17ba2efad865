-- A new version of the script in a running proxy, in virtual time.
local testkit = require "lunasip.testkit"

-- A route whose version is seen: in its own answers, and in all that goes through its handlers.
local function version(name, o)
	o = o or {}
	return ([[
local name = %q
return {
	settings = { %s },
	request = function(req)
		%s
		if req.method == "OPTIONS" then return req:sl_send_reply(299, name) end
		if req.method == "INVITE" then req:record_route() end
		req.vars.began = name
		if not req:t_relay "192.0.2.99:5060" then req:sl_reply_error() end
	end,
	branch = function(b) b:append_hf("X-Branch: " .. name) end,
	reply = function(rpl) rpl:append_hf("X-Reply: " .. name .. " of " .. rpl.vars.began) end,
	%s
}]]):format(name, o.settings or "", o.body or "", o.more or "")
end

local function proxy(source, options)
	local o = { source = source, name = "route.lua", subscribers = { ["10"] = "abc10" } }
	for k, v in pairs(options or {}) do o[k] = v end
	local net = testkit.proxy(o)
	return net, net:phone "10", net:peer "192.0.2.99"
end


local function take_over(net, source)
	local ok, said = net.world:reload { source = source, name = "route.lua" }
	assert(ok, said)
	net:advance(0)
	return said
end

local function refused(net, source)
	local ok, why = net.world:reload { source = source, name = "route.lua" }
	assert.is_nil(ok)
	return why
end

-- Which version answers now.
local function serving(phone)
	phone:send("OPTIONS", "sip:127.0.0.1")
	return phone:expect(299).reason
end

local function numbers(net)
	local list = {}
	for i, generation in ipairs(net:stats().generations) do list[i] = generation.number end
	return list
end

describe("a reload", function()
	it("takes over with the next message", function()
		local net, phone = proxy(version "one")
		assert.equal("one", serving(phone))
		take_over(net, version "two")
		assert.equal("two", serving(phone))
		assert.same({ 2 }, numbers(net))
		assert.matches("generation 1 is gone", net:log())
	end)

	it("counts on where the last one stopped", function()
		local source = [[local xlog = require "lunasip".xlog
			return { request = function(req) xlog("id $mi") req:sl_send_reply(299, "x") end }]]
		local net, phone = proxy(source)
		for _ = 1, 3 do serving(phone) end
		take_over(net, source)
		serving(phone)
		assert.matches("id 4\n", net:log())
		assert.equal(4, net:stats().messages)
	end)

	it("begins with fresh variables", function()
		local source = [[local n = 0
			return { request = function(req) n = n + 1 req:sl_send_reply(299, tostring(n)) end }]]
		local net, phone = proxy(source)
		assert.same({ "1", "2" }, { serving(phone), serving(phone) })
		take_over(net, source)
		assert.equal("1", serving(phone))
	end)

	it("reads all modules of the script anew", function()
		local dir = os.tmpname()
		os.remove(dir)
		assert(os.execute("mkdir -p " .. dir .. "/part"))
		finally(function() os.execute("rm -r " .. dir) end)
		local function write(name, text)
			local f = assert(io.open(dir .. "/" .. name, "w"))
			f:write(text)
			f:close()
		end
		local function modules(text)
			write("one.lua", ("return %q .. require 'part'"):format(text))
			write("part/init.lua", ("return %q"):format(text))
			write("data.lua", ("return ... or %q"):format(text))
		end
		write("my.lua", ([[local text = require "one" .. dofile(%q) .. assert(loadfile(%q))()
			return { request = function(req) req:sl_send_reply(299, text) end }]]):format(
			dir .. "/data.lua", dir .. "/data.lua"))
		modules "a"
		local net = testkit.proxy { script = dir .. "/my.lua" }
		local phone = net:phone "10"
		assert.equal("aaaa", serving(phone))
		modules "b"
		assert.equal("aaaa", serving(phone))
		assert(net.world:reload())
		assert.equal("bbbb", serving(phone))
		net:advance(0)
		write("part/init.lua", "return = 1")
		local ok, why = net.world:reload()
		assert.is_nil(ok)
		assert.matches("part/init.lua:1: unexpected symbol near '='", why)
		write("one.lua", "\nerror 'boom'")
		assert.matches("one.lua:2: boom", select(2, net.world:reload()))
		os.remove(dir .. "/one.lua")
		assert.matches("my.lua:1: module 'one' not found", select(2, net.world:reload()))
		os.remove(dir .. "/my.lua")
		assert.equal(dir .. "/my.lua: No such file or directory", select(2, net.world:reload()))
		assert.equal("bbbb", serving(phone))
		assert.same({ 2 }, numbers(net))
	end)
end)

describe("what is in flight", function()
	it("a call that rings is answered by its old handlers, the next one by the new ones", function()
		local net, caller, callee = proxy(version "one")
		local invite = caller:send("INVITE", "sip:99@far.example")
		local there = callee:expect "INVITE"
		assert.equal("one", there:header "X-Branch")
		callee:reply(there, 180)
		assert.equal("one of one", caller:expect(180):header "X-Reply")
		take_over(net, version "two")
		assert.equal("two", serving(caller))
		assert.same({ 1, 2 }, numbers(net))
		callee:reply(there, 183)
		assert.equal("one of one", caller:expect(183):header "X-Reply")
		callee:reply(there, 200)
		local ok = caller:expect(200)
		assert.equal("one of one", ok:header "X-Reply")
		callee:reply(there, 200) -- repeated: the same in every byte
		assert.equal(ok.text, caller:expect(200).text)
		caller:ack(invite, ok)
		callee:expect "ACK"

		caller:within("BYE", invite, ok)
		local bye = callee:expect "BYE"
		assert.equal("two", bye:header "X-Branch")
		callee:reply(bye, 200)
		assert.equal("two of two", caller:expect(200):header "X-Reply")
		caller:send("INVITE", "sip:99@far.example")
		there = callee:expect "INVITE"
		assert.equal("two", there:header "X-Branch")
		callee:reply(there, 180)
		assert.equal("two of two", caller:expect(180):header "X-Reply")

		assert.same({ 1, 2 }, numbers(net))
		net:advance(33) -- Timers L and M of the first call
		assert.same({ 2 }, numbers(net))
		assert.matches("generation 1 is gone", net:log())
	end)

	it("keeps functions, variables and failure handlers of its own", function()
		local more = [[failure = function(req)
			req:append_hf("X-Failure: " .. name .. " " .. req.vars.n)
			req.vars.n = req.vars.n + 1
			if req.vars.n < 4 then req:t_on_failure(req.vars.again) end
			req.ruri = "sip:next@192.0.2.99:5060"
			req:append_branch(("sip:n%d@192.0.2.99:5060"):format(req.vars.n))
			req:t_relay()
		end]]
		local body = [[req.vars.n = 1 req.vars.again = function(r)
			req:append_hf("X-Again: " .. name) r.ruri = "sip:again@192.0.2.99:5060" r:t_relay() end]]
		local net, caller, callee = proxy(version("one", { more = more, body = body }))
		caller:send("INVITE", "sip:99@far.example")
		local there = callee:expect "INVITE"
		take_over(net, version "two")
		take_over(net, version "three")
		callee:reply(there, 486)
		callee:expect "ACK"
		there = callee:expect "INVITE"
		assert.equal("one 1", there:header "X-Failure")
		local second = callee:expect "INVITE"
		for _, invite in ipairs { there, second } do
			callee:reply(invite, 486)
			callee:expect "ACK"
		end
		there = callee:expect "INVITE"
		assert.equal("sip:again@192.0.2.99:5060", there.ruri)
		assert.equal("one", there:header "X-Again")
		callee:reply(there, 603)
		assert.equal("one of one", caller:expect(603):header "X-Reply")
		net:advance(40)
		assert.same({ 3 }, numbers(net))
	end)

	it("a route that waits for the store goes on where it was", function()
		local source = [[return { request = function(req)
			if req.method == "OPTIONS" then return req:sl_send_reply(299, "%s") end
			local found, why = req:lookup "location"
			req:sl_send_reply(298, "%s " .. why)
		end }]]
		local net, phone = proxy(source:format("one", "one"), { settings = { usrloc = { db_mode = 3 } } })
		net.world:store { delay = 2000 }
		for _ = 1, 3 do phone:send("MESSAGE", "sip:11@127.0.0.1") end
		assert.equal(3, net:stats().parked)
		take_over(net, source:format("two", "two"))
		assert.equal("two", serving(phone))
		assert.equal(3, net:stats().parked)
		assert.equal(3, net:stats().generations[1].parked)
		net:advance(2)
		for _ = 1, 3 do assert.equal("one none", phone:expect(298).reason) end
		net:advance(0)
		assert.same({ 2 }, numbers(net))
		assert.equal(0, net:stats().parked)
	end)

	it("may end in any order, also when the world does", function()
		local net, caller, callee = proxy(version "one")
		local calls = {}
		for i = 1, 5 do
			caller:send("INVITE", "sip:99@far.example")
			calls[i] = callee:expect "INVITE"
			take_over(net, version("v" .. i))
		end
		assert.same({ 1, 2, 3, 4, 5, 6 }, numbers(net))
		callee:reply(calls[3], 404)
		callee:reply(calls[1], 404)
		net:advance(0)
		assert.same({ 2, 4, 5, 6 }, numbers(net))
		net:close()
	end)

	it("a cancelled call whose route still waits is no harm", function()
		local source = [[return { request = function(req)
			req:lookup "location" req:sl_send_reply(404, "Not Found") end }]]
		local net, phone = proxy(source,
			{ settings = { usrloc = { db_mode = 3 }, db = { timeout = 30000 } } })
		net.world:store { delay = 60000 }
		local invite = phone:send("INVITE", "sip:11@127.0.0.1")
		net:advance(1)
		take_over(net, source)
		phone:cancel(invite)
		net:advance(28)
		assert.same({ 1, 2 }, numbers(net))
		net:advance(72)
		assert.same({ 2 }, numbers(net))
	end)
end)

describe("a broken version", function()
	local broken = {
		["route.lua:2: unexpected symbol near '='"] = "\nreturn { request = = 1 }",
		["route.lua:2: unexpected symbol near <eof>"] = "\nreturn { request = function() end,",
		["route.lua:2: boom"] = "\nerror 'boom'",
		["route.lua:2: xxxxxxx"] = "\nerror(('x'):rep(100000))",
		["route.lua:2: attempt to index a nil value"] = "\nlocal x = nil_table.x",
		["route.lua:2: .*answer"] = "\nreturn { request = function(req) req:answer() end }",
		["route.lua:2: too many instructions: an endless loop%?"] = "\nwhile true do end",
		["route.lua:2: too many"] = "\nwhile true do pcall(function() while true do end end) end",
		["route.lua: not enough memory"] = "\nlocal t = {}\n"
			.. "while true do t[#t + 1] = ('x'):rep(1e7) .. #t end",
		["must return a table"] = "\n",
		["no 'request' handler"] = "\nreturn {}",
		["route.lua:2: handler 'request' must be a function"] = "\nreturn { request = 1 }",
		["route.lua:3: unknown handler 'rply', did you mean 'reply'"]
			= "\nreturn { request = function() end,\n rply = function() end }",
		["route.lua:2: settings.usrloc.db_mod: unknown setting, did you mean 'db_mode'"]
			= "\nreturn { request = function() end, settings = { usrloc = { db_mod = 1 } } }",
		["route.lua:2: settings.tm.t1: must be between 10 and 10000 ms, not 1"]
			= "\nreturn { request = function() end, settings = { tm = { t1 = 1 } } }",
		["settings.script.memory: the script alone needs more"]
			= "\nlocal t = {} for i = 1, 40000 do t[i] = { i } end\n"
				.. "return { request = function() return t end, settings = { script = { memory = 1 } } }",
		["os.exit would end the proxy"] = "\nos.exit(0)",
		["__gc: a route has no finalizers"] = "\nsetmetatable({}, { __gc = function() end })",
		["debug.sethook: the hook is the proxy's own"] = "\ndebug.sethook() while true do end",
		["route.lua:2: too many inst"] = "\nerror(setmetatable({}, { __tostring = function()\n"
			.. "while true do end end }))",
	}

	it("changes nothing, and says where it is wrong", function()
		local net, phone = proxy(version("one", { settings = "server = 'first'" }))
		for pattern, source in pairs(broken) do
			local why = refused(net, source)
			assert.matches(pattern:find "inst$" and "too many instructions" or pattern, why)
			assert.equal("one", serving(phone))
		end
		assert.same({ 1 }, numbers(net))
		phone:send("OPTIONS", "sip:127.0.0.1")
		assert.equal("first", phone:expect(299):header "Server")
	end)

	it("100 reloads in a row, each third broken: no call notices, memory is as before", function()
		local net, caller, callee = proxy(version "v0", { settings = { tm = { t1 = 100 } } })
		local wrong = {}
		for _, source in pairs(broken) do wrong[#wrong + 1] = source end
		local current, good, before = "v0", 0, nil
		for i = 1, 100 do
			local invite = caller:send("INVITE", "sip:99@far.example")
			local there = callee:expect "INVITE"
			callee:reply(there, 180)
			caller:expect(180)
			if i % 3 == 0 then
				-- The endless and the greedy take their time: now and then only.
				refused(net, i % 30 == 0 and wrong[i % #wrong + 1] or "return { request = = 1 }")
				assert.equal(current, serving(caller))
			else
				take_over(net, version("v" .. i))
			end
			callee:reply(there, 200)
			local ok = caller:expect(200)
			assert.equal(current .. " of " .. current, ok:header "X-Reply")
			caller:ack(invite, ok)
			callee:expect "ACK"
			if i % 3 ~= 0 then
				current, good = "v" .. i, good + 1
			end
			net:advance(1)
			if i == 20 then before = net:stats().memory_bytes end
		end
		assert.is_true(#numbers(net) < 9, "generations live on")
		assert.equal(good + 1, net:stats().generations[#numbers(net)].number)
		assert.is_true(net:stats().memory_bytes < before * 1.2)
		net:advance(40)
		assert.same({ good + 1 }, numbers(net))
		assert.equal(0, net:stats().errors)
	end)
end)

describe("a generation", function()
	it("too many are refused until one has gone", function()
		local settings = "script = { generations = 3 }"
		local net, caller, callee = proxy(version("one", { settings = settings }))
		local calls = {}
		for i = 1, 2 do
			caller:send("INVITE", "sip:99@far.example")
			calls[i] = callee:expect "INVITE"
			take_over(net, version("next", { settings = settings }))
			net:advance(5)
		end
		assert.equal("3 generations are alive already (script.generations): the oldest, 1, took over "
			.. "10 s ago and still has 1 transactions", refused(net, version "last"))
		assert.equal("next", serving(caller))
		callee:reply(calls[1], 486)
		net:advance(0)
		net:forget()
		take_over(net, version("last", { settings = settings }))
		assert.equal("last", serving(caller))
		assert.same({ 2, 4 }, numbers(net))
	end)

	it("that hangs on is told of, once", function()
		local net, caller, callee = proxy(version("one", { settings = "tm = { ring_max = 7200 }" }))
		caller:send("INVITE", "sip:99@far.example")
		local there = callee:expect "INVITE"
		net:advance(10)
		take_over(net, version("two"))
		net:log()
		for _ = 1, 6 do
			callee:reply(there, 180)
			net:advance(100)
		end
		assert.is_nil(net:log():find "hangs on")
		for _ = 1, 10 do
			callee:reply(there, 180)
			net:advance(100)
		end
		local log = net:log()
		assert.matches("generation 1 hangs on: it took over %d+ s ago and still has 1 transactions, "
			.. "0 routes that wait", log)
		assert.equal(1, select(2, log:gsub("hangs on", "")))
		callee:reply(there, 486)
		net:advance(100)
		assert.same({ 2 }, numbers(net))
	end)

	it("is told of with its age and what it has", function()
		local net, caller, callee = proxy(version "one")
		for _ = 1, 3 do
			caller:send("INVITE", "sip:99@far.example")
			callee:expect "INVITE"
		end
		net:advance(5)
		take_over(net, version "two")
		net:advance(2)
		serving(caller)
		assert.same({
			{ number = 1, age = 7, messages = 3, transactions = 3, parked = 0 },
			{ number = 2, age = 2, messages = 1, transactions = 0, parked = 0 },
		}, net:stats().generations)
	end)
end)

describe("settings", function()
	local function with(settings, body)
		return version("x", { settings = settings, body = body })
	end

	it("that need not wait are in force at once", function()
		local body = [[if req.method == "INFO" then
			return req:sl_send_reply(299, tostring(req:is_myself "sip:new.example"))
		elseif req.method == "REGISTER" then return req:save "location" end]]
		local net, phone, far = proxy(with("", body))
		local function is_myself()
			phone:send("INFO", "sip:127.0.0.1")
			return phone:expect(299).reason
		end
		local function register(expires)
			phone:send("REGISTER", "sip:127.0.0.1", { to = phone:aor(),
				headers = { "Expires: " .. expires } })
			return phone:take()
		end
		assert.equal("false", is_myself())
		assert.equal(200, register(100).status)
		assert.equal("", take_over(net, with([[
			aliases = { "new.example" }, server = "new", registrar = { min_expires = 200 },
			rr = { enable_full_lr = false }, tm = { t1 = 100, t2 = 200 }]], body)))
		assert.equal("true", is_myself())
		local reply = register(100)
		assert.same({ 423, "200", "new" },
			{ reply.status, reply:header "Min-Expires", reply:header "Server" })
		phone:send("INVITE", "sip:99@far.example")
		local first = far:expect "INVITE"
		assert.matches(";lr;", first:header "Record-Route")
		net:advance(0.1)
		assert.equal("INVITE", far:expect().method)
		net:advance(0.2)
		assert.equal("INVITE", far:expect().method)
		take_over(net, with("", body))
		assert.equal("false", is_myself())
		assert.equal(200, register(100).status)
	end)

	it("of a budget are each generation's own", function()
		local body = "for _ = 1, 60000 do end"
		local net, phone = proxy(with("script = { instructions = 10000 }", body),
			{ allow_errors = true })
		phone:send("OPTIONS", "sip:127.0.0.1")
		phone:expect(500)
		take_over(net, with("", body))
		assert.equal("x", serving(phone))
	end)

	it("of the location: how often it is written", function()
		local body = [[if req.method == "REGISTER" then return req:save "location" end]]
		local function settings(interval)
			return with(("usrloc = { db_mode = 2, timer_interval = %d }"):format(interval), body)
		end
		local net, phone = proxy(settings(1000))
		local function register()
			phone:send("REGISTER", "sip:127.0.0.1", { to = phone:aor() })
			phone:expect(200)
		end
		register()
		net:advance(500)
		assert.equal(0, #net.world:bindings())
		for _ = 1, 30 do -- as often as one likes: the same interval does not begin anew
			take_over(net, settings(1000))
			net:advance(10)
		end
		net:advance(201)
		assert.equal(1, #net.world:bindings())
		take_over(net, settings(5))
		net:advance(1)
		phone.cseq = phone.cseq + 10
		register()
		net:advance(5)
		assert.equal(1, #net.world:bindings())
	end)

	it("of the nonces: how long they are good", function()
		local body = [[if req.method == "MESSAGE" then
			local ok, why = req:proxy_authorize("", "subscriber")
			if not ok then return req:proxy_challenge("", "1") end
			return req:sl_send_reply(200, "OK") end]]
		local net, phone = proxy(with("auth = { nonce_expire = 100 }", body))
		local o, request = { call_id = "one", tag = "t" }, nil
		local function message(challenge, nc)
			o.headers = challenge and { phone:credentials(request, challenge, { nc = nc }) }
			request = phone:send("MESSAGE", "11", o)
			return phone:take()
		end
		local challenge = message()
		assert.equal(200, message(challenge, "00000001").status)
		net:advance(50)
		take_over(net, with("auth = { nonce_expire = 100 }", body))
		assert.equal(200, message(challenge, "00000002").status)
		assert.equal(407, message(challenge, "00000002").status) -- its use is remembered
		take_over(net, with("auth = { nonce_expire = 20 }", body))
		local stale = message(challenge, "00000003")
		assert.equal(407, stale.status)
		assert.matches("stale=true", stale:header "Proxy-Authenticate")
	end)

	it("that wait for a restart are named, and not in force", function()
		local body = [[if req.method == "REGISTER" then return req:save "location" end]]
		local net, phone = proxy(with("", body))
		local other = with([[
			listen = { "udp:127.0.0.1:5070" }, store = "sqlite:x", control = "/x",
			usrloc = { db_mode = 3, use_domain = true, timer_interval = 10 },
			auth = { secret = "0123456789abcdef" }]], body)
		assert.equal("listen, store, control, usrloc.db_mode, usrloc.use_domain, auth.secret",
			take_over(net, other))
		phone:send("REGISTER", "sip:127.0.0.1", { to = phone:aor() })
		phone:expect(200)
		assert.equal("10", net.world:bindings()[1].username)
		assert.is_nil(net.world:bindings()[1].domain)
		assert.equal("listen, store, control, usrloc.db_mode, usrloc.use_domain, auth.secret",
			take_over(net, other))
		assert.equal("", take_over(net, with("", body)))
	end)

	it("given from outside still win", function()
		local net = proxy(with("server = 'a'"), { settings = { server = "flag",
			usrloc = { db_mode = 1 } } })
		local phone = net:phone "11"
		assert.equal("", take_over(net, with("server = 'b', usrloc = { db_mode = 3 }")))
		phone:send("OPTIONS", "sip:127.0.0.1")
		assert.equal("flag", phone:expect(299):header "Server")
	end)
end)

describe("a budget cannot be slipped", function()
	local function answer(body)
		local net, phone = proxy(version("x", { body = body }), { allow_errors = true })
		phone:send("OPTIONS", "sip:127.0.0.1")
		local reply = phone:take()
		local log = net:log()
		phone:send("INFO", "sip:127.0.0.1")
		return reply, log, net
	end

	local loops = {
		"while true do end",
		"while true do pcall(function() while true do end end) end",
		"table.sort({ 1, 2, 3 }, function() while true do end end)",
		"while true do pcall(table.sort, { 1, 2, 3 }, function() while true do end end) end",
		"('x'):gsub('.', function() while true do end end)",
		"coroutine.wrap(function() while true do end end)()",
		[[local co = coroutine.create(function()
			while true do pcall(function() while true do end end) end end)
		while true do coroutine.resume(co) end]],
		"return #setmetatable({}, { __len = function() while true do end end })",
		"tostring(setmetatable({}, { __tostring = function() while true do end end }))",
		"error(setmetatable({}, { __tostring = function() while true do end end }))",
		[[local x <close> = setmetatable({}, { __close = function() while true do end end })
		while true do end]],
		[[local x <close> = setmetatable({}, { __close = function() while true do end end })
		table.sort({ 1, 2, 3 }, function() while true do end end)]],
		[[local x <close> = setmetatable({}, { __close = function() while true do end end })
		error "first"]],
	}

	-- A coroutine serves one request after the other: what stopped one must stop the next.
	it("by any loop, however often it comes", function()
		for _, loop in ipairs(loops) do
			local net, phone = proxy(version("x", { body = "if req.method == 'INFO' then\n" .. loop
				.. "\nend" }), { allow_errors = true })
			for _ = 1, 3 do
				phone:send("INFO", "11")
				phone:expect(500)
				local log = net:log()
				assert.truthy(log:find "too many instructions: an endless loop%?"
					or log:find ": first" or log:find "an error whose text cannot be made", log)
				assert.equal("x", serving(phone))
			end
			assert.equal(3, net:stats().errors)
		end
	end)

	it("and it says where", function()
		local _, log = answer("\nwhile true do end")
		assert.matches("request handler, OPTIONS call%-%d+: route.lua:6: too many instructions", log)
		_, log = answer("\ntable.sort({ 1, 2, 3 }, function()\nwhile true do end end)")
		assert.matches("route.lua:7: too many instructions", log)
	end)

	it("by the library", function()
		for body, why in pairs {
			["os.exit(1)"] = "os.exit would end the proxy",
			["debug.sethook()"] = "debug.sethook",
			["setmetatable({}, { __gc = print })"] = "__gc",
			["debug.setmetatable({}, { __gc = print })"] = "__gc",
		} do
			local reply, log = answer(body)
			assert.equal(500, reply.status)
			assert.matches(why, log)
		end
	end)

	it("and metatables work as ever", function()
		local reply = answer [[
			local t = setmetatable({}, { __index = function(_, k) return k .. "!" end })
			assert(getmetatable(t).__index and t.a == "a!")
			assert(not pcall(setmetatable, 1, {}) and setmetatable({}, nil))]]
		assert.equal("x", reply.reason)
	end)
end)
