-- Loading scripts, their settings, and what a mistake in one may do.
local lunasip = require "lunasip"
local testkit = require "lunasip.testkit"
local route = require "route"

describe("loading", function()
	local function refused(source)
		local world, why = lunasip.sim { source = source, name = "my.lua" }
		assert.is_nil(world, "loaded: " .. source)
		return why
	end

	it("says file, line and reason", function()
		assert.matches("^my.lua:2: .*near '='", refused "\nreturn {request = = 1}")
		assert.equal("my.lua:3: oh no", refused "\n\nerror 'oh no'")
		assert.equal("my.lua:1: attempt to call a nil value (global 'foo')", refused "foo()")
		assert.matches("^my.lua:1: module 'nowhere' not found", refused "require 'nowhere'")
		assert.matches("^my.lua:2: table", refused "\nerror {}")
	end)

	it("wants a table with a request handler", function()
		assert.equal("my.lua: the script must return a table { request = … }, not nothing", refused "")
		assert.equal("my.lua: the script must return a table { request = … }, not number",
			refused "return 7")
		assert.equal("my.lua: no 'request' handler in the table it returns", refused "return {}")
		assert.equal("my.lua:2: handler 'request' must be a function, not a string",
			refused "return {\nrequest = 'x' }")
	end)

	it("knows misspelt handlers by their line", function()
		assert.equal("my.lua:4: unknown handler 'requst', did you mean 'request'?",
			refused "-- requst = 1\nlocal x = 1\nreturn {\n  requst = function() end,\n}")
		assert.equal("my.lua:1: unknown handler 'zzz'",
			refused "return { request = print, zzz = print }")
		assert.matches("^my.lua: unknown handler", refused "return { request = print, print }")
	end)

	it("ends a top level that does not", function()
		assert.matches("^my.lua:1: too many instructions", refused "while true do end")
		assert.matches("^my.lua:1: too many instructions",
			refused "while true do pcall(function() while true do end end) end")
	end)

	it("ends one that wants too much memory", function()
		assert.equal("my.lua: not enough memory",
			refused "local t = { ('x'):rep(1e6) } while true do t[#t + 1] = t[#t] .. t[#t] end")
	end)

	it("tells of files that cannot be read", function()
		local world, why = lunasip.sim { script = "/nowhere/at/all.lua" }
		assert.is_nil(world)
		assert.equal("/nowhere/at/all.lua: No such file or directory", why)
		assert.matches("directory", select(2, lunasip.sim { script = "/" }))
	end)

	it("finds modules beside the script", function()
		local dir = os.tmpname()
		os.remove(dir)
		assert(os.execute("mkdir " .. dir))
		local function write(name, text)
			local f = assert(io.open(dir .. "/" .. name, "w"))
			f:write(text)
			f:close()
		end
		write("mine.lua", "#!/usr/bin/env lunasip\nlocal m = require 'my_module'\n"
			.. "return { request = function(req) req:sl_send_reply(200, m) end }")
		write("my_module.lua", "return 'from my module'")
		local net = testkit.proxy { script = dir .. "/mine.lua" }
		os.execute("rm -r " .. dir)
		local phone = net:phone "10"
		phone:send("OPTIONS", "sip:127.0.0.1")
		assert.equal("from my module", phone:expect(200).reason)
	end)
end)

describe("settings", function()
	local function why(settings)
		local world, reason = lunasip.sim {
			source = "return { request = print,\nsettings = {\n" .. settings .. "} }",
			name = "my.lua",
		}
		return world and "fine" or reason
	end

	it("take what they know", function()
		assert.equal("fine", why [[
			listen = { "udp:127.0.0.1:5060", "udp:[::1]:5060 advertise a.example" },
			aliases = { "example.org", "example.org:5070", "[2001:db8::1]:5060" },
			store = "memory:", control = "", server = "x",
			usrloc = { db_mode = 3, timer_interval = 5, use_domain = true },
			registrar = { default_expires = 100, min_expires = 1, max_expires = 200,
				max_contacts = 3, replace_oldest = true, path = false },
			auth = { nonce_expire = 10, use_domain = true, calculate_ha1 = false,
				secret = "0123456789abcdef", max_nonces = 1000 },
			log = { level = "debug", colour = "never" }, rr = { enable_full_lr = false },
			tm = { t1 = 100, t2 = 200, t4 = 300, timer_c = 200, ring_max = 300,
				max_transactions = 10, max_memory = 1 },
			script = { instructions = 1000, memory = 1 }]])
	end)

	it("name what they do not", function()
		assert.equal("my.lua:3: settings.usrlok: unknown setting, did you mean 'usrloc'?",
			why "usrlok = {}")
		assert.equal("my.lua:4: settings.usrloc.db_mod: unknown setting, did you mean 'db_mode'?",
			why "usrloc = {\ndb_mod = 1 }")
		assert.equal("my.lua:3: settings.usrloc: must be a table", why "usrloc = 1")
		assert.matches("unknown setting", why "'udp:127.0.0.1:5060'")
	end)

	it("check types and ranges", function()
		local function is(reason, settings)
			assert.equal("my.lua:3: settings." .. reason, why(settings))
		end
		is("usrloc.db_mode: must be between 0 and 3, not 4", "usrloc = { db_mode = 4 }")
		is("usrloc.db_mode: must be between 0 and 3, not -1", "usrloc = { db_mode = -1 }")
		is("usrloc.db_mode: must be a whole number", "usrloc = { db_mode = 1.5 }")
		is("usrloc.db_mode: must be a number", "usrloc = { db_mode = '1' }")
		is("usrloc.use_domain: must be true or false", "usrloc = { use_domain = 1 }")
		is("auth.nonce_expire: must be between 1 and 86400 s, not 0", "auth = { nonce_expire = 0 }")
		is("auth.secret: must have 16 to 256 characters, not 5", "auth = { secret = 'short' }")
		is("log.level: must be one of 'error', 'warning', 'notice', 'info', 'debug'",
			"log = { level = 'loud' }")
		is("server: must not hold control characters", "server = 'a\\nb'")
		is("store: must not be a table", "store = {}")
		is("listen: must be a list of strings", "listen = { 5060 }")
		is("aliases: 'a b' is not host or host:port", "aliases = 'a b'")
		is("aliases: 'a:0' is not host or host:port", "aliases = { 'a:0' }")
		for bad, fault in pairs {
			["nonsense"] = "it must be udp:ADDR:PORT",
			["127.0.0.1:5060"] = "only udp is spoken (udp:ADDR:PORT)",
			["tcp:127.0.0.1:5060"] = "only udp is spoken (udp:ADDR:PORT)",
			["udp:127.0.0.1"] = "it has no port",
			["udp:[::1]"] = "it has no port",
			["udp:::1:5060"] = "an IPv6 address stands in brackets",
			["udp:127.0.0.1:99999"] = "a port is a number from 0 to 65535",
			["udp:127.0.0.1:"] = "a port is a number from 0 to 65535",
			["udp:a:1"] = "ADDR is an IP address, no name",
			["udp:127.0.0.1:5060 as x"] = "behind the address there may be only: advertise HOST",
			["udp:127.0.0.1:5060 advertise a b"] = "behind the address there may be only: advertise HOST",
		} do
			is(("listen: cannot listen on '%s': %s"):format(bad, fault), ("listen = { '%s' }"):format(bad))
		end
	end)

	it("must go together", function()
		assert.equal("my.lua:3: settings.registrar.min_expires: must not be greater than "
			.. "max_expires (10)", why "registrar = { min_expires = 60, max_expires = 10 }")
		assert.matches("registrar.default_expires: must be between min_expires",
			why "registrar = { default_expires = 10 }")
		assert.matches("tm.t2: must not be less than t1", why "tm = { t1 = 1000, t2 = 500 }")
		assert.matches("usrloc.cache_ttl: is for db_mode 1, not 3",
			why "usrloc = { db_mode = 3, cache_ttl = 5 }")
	end)
end)

-- What body answers, and the log.
local function run(body, options)
	local reply, net, phone = route.ask(body, options and options.method, nil, options)
	return reply, route.log(net), net, phone
end

describe("an error in a handler", function()
	it("is answered 500 and logged with file, line and traceback", function()
		local reply, log, net = run "\n\nlocal t = nil\nreturn t.x"
		assert.equal(500, reply.status)
		assert.matches("error: script: request handler, MESSAGE call%-%d+: "
			.. "route.lua:4: attempt to index a nil value", log)
		assert.matches("stack traceback:", log)
		net:advance(60)
		local s = net:stats()
		assert.same({ 1, 0, 0, 0, 0 }, { s.errors, s.coroutines, s.alive, s.contexts, s.servers })
	end)

	it("touches no other message", function()
		local _, _, net, phone = run [[if req.method == "MESSAGE" then error "x" end say(req, "fine")]]
		phone:send("OPTIONS", "sip:127.0.0.1")
		assert.equal("fine", phone:expect(299).reason)
		assert.equal(1, net:stats().errors)
	end)

	it("is caught by the script's own pcall", function()
		assert.matches("false|route.lua:1: mine", (run "say(req, pcall(error, 'route.lua:1: mine'))"))
	end)

	it("may be any value", function()
		local _, log = run "error { 1 }"
		assert.matches("request handler, MESSAGE call%-%d+: table: ", log)
		_, log = run "error()"
		assert.matches(": nil", log)
	end)

	it("cannot forge log lines", function()
		local _, log = run [[error("a\nerror: forged\27[31m")]]
		assert.is_nil(log:find("\27", 1, true))
	end)

	it("after the answer changes nothing", function()
		local reply, log = run [[req:sl_send_reply(200, "OK") error "late"]]
		assert.equal(200, reply.status)
		assert.matches("late", log)
	end)

	it("after t_relay leaves the call alone", function()
		local reply, log, net = run [[req:t_relay "192.0.2.99:5060" error "late"]]
		assert.is_nil(reply)
		assert.matches("late", log)
		assert.equal("MESSAGE", net:take "192.0.2.99:5060".method)
	end)

	it("in a reply handler forwards the reply as it came", function()
		local net = route.proxy([[req:t_relay "192.0.2.99:5060"]], {
			more = [[reply = function(rpl) rpl:append_hf "X-A: b" error "in reply" end]] })
		local phone, far = net:phone "10", net:peer "192.0.2.99"
		phone:send("MESSAGE", "11")
		far:reply(far:expect "MESSAGE", 200)
		assert.is_nil(phone:expect(200):header "X-A")
		assert.matches("reply handler, MESSAGE .*in reply", net:log())
	end)

	it("in a branch handler keeps the branch here", function()
		local net = route.proxy([[if not req:t_relay "192.0.2.99:5060" then req:sl_reply_error() end]],
			{ more = [[branch = function() error "in branch" end]] })
		local phone = net:phone "10"
		phone:send("MESSAGE", "11")
		assert.is_nil(net:take "192.0.2.99:5060")
		assert.is_true(phone:take().status >= 400)
	end)

	it("in a failure handler lets the failure go upstream", function()
		local net = route.proxy([[req:t_relay "192.0.2.99:5060"]],
			{ more = [[failure = function() error "in failure" end]] })
		local phone, far = net:phone "10", net:peer "192.0.2.99"
		phone:send("MESSAGE", "11")
		far:reply(far:expect "MESSAGE", 404)
		phone:expect(404)
		assert.matches("failure handler, MESSAGE .*in failure", net:log())
	end)
end)

describe("budgets", function()
	it("end a loop with 500, file and line", function()
		local reply, log = run "\nwhile true do end"
		assert.equal(500, reply.status)
		assert.matches("route.lua:2: too many instructions", log)
	end)

	it("cannot be caught", function()
		local reply, log = run "while true do pcall(function() while true do end end) end"
		assert.equal(500, reply.status)
		assert.matches("too many instructions", log)
		reply = run [[
			local co = coroutine.wrap(function() while true do pcall(function() end) end end)
			while true do pcall(co) end]]
		assert.equal(500, reply.status)
	end)

	it("count what runs in coroutines, however many and short", function()
		local began = os.clock()
		local reply, log = run [[
			while true do coroutine.wrap(function() for _ = 1, 900 do end end)() end]]
		assert.equal(500, reply.status)
		assert.matches("too many instructions", log)
		local many = os.clock() - began
		began = os.clock()
		run "while true do end"
		assert.is_true(many < 10 * (os.clock() - began) + 0.1)
	end)

	it("are new for each message", function()
		local _, _, net, phone = run([[for _ = 1, 60000 do end say(req, "done")]],
			{ settings = { script = { instructions = 200000 } } })
		for _ = 1, 5 do
			phone:send("MESSAGE", "11")
			assert.equal("done", phone:expect(299).reason)
		end
		assert.equal(0, net:stats().errors)
	end)

	it("of memory end one message, not the proxy", function()
		local reply, log, net, phone = run([[
			if req.method == "OPTIONS" then return say(req, "fine") end
			local t = {} while true do t[#t + 1] = ("x"):rep(100000) .. #t end]],
			{ settings = { script = { memory = 2 } } })
		assert.equal(500, reply.status)
		assert.matches("not enough memory", log)
		phone:send("OPTIONS", "sip:127.0.0.1")
		assert.equal("fine", phone:expect(299).reason)
		assert.is_true(net:stats().memory_bytes < 2 << 20)
	end)
end)

describe("coroutines", function()
	it("of the script's own work", function()
		assert.equal("6", (run [[
			local n = 0
			for i in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do n = n + i end
			say(req, n)]]))
	end)

	it("must not swallow a handler", function()
		local reply, log = run "coroutine.yield()"
		assert.equal(500, reply.status)
		assert.matches("a handler must not yield", log)
		assert.matches("route.lua:1", log)
	end)

	it("cannot hold primitives that wait", function()
		assert.matches("lookup may have to wait, and cannot inside a coroutine", (run [[
			say(req, pcall(coroutine.wrap(function() req:lookup "location" end)))]]))
		assert.matches("t_relay may have to wait", (run [[
			say(req, pcall(table.sort, { 1, 2 }, function() req:t_relay() end))]]))
	end)

	it("may park inside pcall", function()
		local net = route.proxy [[say(req, pcall(req.lookup, req, "location"))]]
		net:store { delay = 0.1 }
		local phone = net:phone "10"
		phone:send("MESSAGE", "11")
		assert.equal("true|false|none", phone:expect(299).reason)
	end)

	it("park, and others go on meanwhile", function()
		local net = route.proxy([[
			if req.method == "OPTIONS" then return say(req, "at once") end
			say(req, req:lookup "location")]], { settings = { usrloc = { db_mode = 3 } } })
		local phone = net:phone "10"
		net:store { delay = 2 }
		for _ = 1, 3 do phone:send("MESSAGE", "11") end
		assert.is_nil(phone:take())
		assert.equal(3, net:stats().parked)
		phone:send("OPTIONS", "sip:127.0.0.1")
		assert.equal("at once", phone:expect(299).reason)
		net:advance(2)
		for _ = 1, 3 do assert.equal("false|none", phone:expect(299).reason) end
		local s = net:stats()
		assert.same({ 0, 0 }, { s.parked, s.coroutines })
	end)

	-- Otherwise the answer of an earlier wait would be taken for this one's.
	it("that wait are resumed by their answer only", function()
		local net = route.proxy([[
			if req.method == "KICK" then return say(req, coroutine.resume(kept)) end
			if req.method == "CLOSE" then return say(req, coroutine.close(kept)) end
			kept = coroutine.running()
			local ok, why = req:proxy_authorize("", "subscriber")
			if why == "none" then return req:proxy_challenge("", "1") end
			say(req, ok, why, req.auth_user)]])
		local ten = net:phone "10"
		local o = { call_id = "c", tag = "t" }
		local function credentials(digest)
			local request = ten:send("MESSAGE", "11", o)
			return ten:credentials(request, ten:expect(407), digest)
		end
		local right, wrong = credentials(), credentials { password = "wrong" }
		ten:send("MESSAGE", "11", { call_id = "c", tag = "t", headers = { right } })
		assert.equal("true|nil|10", ten:expect(299).reason)
		net:store { delay = 1 }
		local function hands_off(method, said)
			net:advance(400) -- what is kept of the subscriber is old: the store is asked
			ten:send("MESSAGE", "11", { headers = { wrong }, call_id = "c", tag = "t" })
			ten:send(method, "11")
			assert.matches(said, ten:expect(299).reason)
			net:advance(1)
			ten:expect(500)
		end
		hands_off("KICK", "^false|.*it cannot be resumed")
		hands_off("CLOSE", "^true$")
		local s = net:stats()
		assert.same({ 0, 0 }, { s.parked, s.coroutines })
	end)

	it("that wait when the world ends are no harm", function()
		for _, body in ipairs { "req:lookup 'location'", "req:t_relay 'far.example'",
			"req:proxy_authorize('', 'subscriber')" } do
			local net = route.proxy(body .. " xlog 'went on'",
				{ settings = { usrloc = { db_mode = 3 } } })
			local phone = net:phone "10"
			phone:send("INVITE", "11")
			net:store { delay = 2 }
			net:resolver { delay = 2 }
			for _ = 1, 3 do phone:send("INVITE", "11") end
			net:close()
			assert.is_false((pcall(net.advance, net, 1)))
		end
	end)

	it("are not there for reply and branch handlers", function()
		for _, kind in ipairs { "reply", "branch" } do
			local net = route.proxy([[if not req:t_relay "192.0.2.99:5060" then req:sl_reply_error() end]],
				{ more = kind .. [[ = function(o) o.request:lookup "location" end]] })
			local phone, far = net:phone "10", net:peer "192.0.2.99"
			phone:send("MESSAGE", "11")
			local msg = far:take()
			if msg then far:reply(msg, 200) end
			assert.matches("lookup may have to wait, and a " .. kind .. " handler must not", net:log())
		end
	end)
end)

describe("clock and chance", function()
	it("are the world's", function()
		local reply, _, net, phone = run "say(req, os.time(), os.date('!%H:%M:%S'))"
		local first = math.tointeger(reply:match "^%d+")
		assert.matches("|00:00:00$", reply)
		net:advance(100)
		phone:send("MESSAGE", "11")
		assert.equal((first + 100) .. "|00:01:40", phone:expect(299).reason)
	end)

	it("repeat with the seed", function()
		local function chance(seed)
			return (run("say(req, math.random(1 << 40))", { seed = seed }))
		end
		assert.equal(chance(7), chance(7))
		assert.not_equal(chance(7), chance(8))
	end)
end)
