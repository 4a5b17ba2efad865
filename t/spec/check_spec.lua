-- What a script is told when it is loaded: names that are none, with their line.
local lunasip = require "lunasip"

-- Loads a source whose first line is ours; what it is refused for, or nil.
local function load(source)
	local first = 'local lunasip = require "lunasip" local xlog = lunasip.xlog\n'
	local world, why = lunasip.sim { source = first .. source, name = "my.lua" }
	if world then world:close() end
	return why
end

-- The same for the body of a request handler, which is line 2.
local function body(text, more)
	return load(("return { request = function(req) %s\nend, %s }"):format(text, more or ""))
end

local function accepts(source)
	assert.is_nil(load(source))
end

describe("a method or field that is none", function()
	it("is told with its line and the nearest", function()
		assert.equal("my.lua:2: a request has no method or field 't_rely', did you mean 't_relay'?",
			body "req:t_rely()")
		assert.equal("my.lua:3: a request has no method or field 'rurl', did you mean 'ruri'?",
			body "local x =\nreq.rurl")
		assert.equal("my.lua:2: a request has no method or field 'rurl', did you mean 'ruri'?",
			body [[local x = req["rurl"] ]])
		assert.equal("my.lua:2: a request has no method or field 'zzzzzz'", body "req.zzzzzz = 1")
	end)

	it("is found behind a comment that a carriage return ends", function()
		assert.equal("my.lua:3: a request has no method or field 'rurl', did you mean 'ruri'?",
			body "local x = -- all\rreq.rurl")
		accepts "return { request = function(req) -- one\r\nlocal x = 'a\\\n\rb'\rend }"
	end)

	it("of replies and branches", function()
		assert.matches("my.lua:3: a reply has no method or field 'sttus', did you mean 'status'",
			body("", "reply = function(rpl) return rpl.sttus end"))
		assert.matches("my.lua:3: a branch has no method or field 't_relay'",
			body("", "branch = function(br) br:t_relay() end"))
		assert.matches("a request has no method or field 'status_code'",
			body("", "failure = function(req) return req.status_code end"))
		assert.matches("a request has no method or field 'branch_ruri'",
			body("", "reply = function(rpl) return rpl.request.branch_ruri end"))
	end)

	it("cannot be set, or called, when it is no such", function()
		assert.equal("my.lua:2: 'method' of a request cannot be set", body "req.method = 'BYE'")
		assert.equal("my.lua:2: 'ruri' of a request is a field, it cannot be called",
			body "return req:ruri()")
		assert.equal("my.lua:2: 'save' is called with a colon: req:save(…)",
			body "req.save('location')")
		assert.is_nil(body "req.save(req, 'location')")
		assert.is_nil(body "req.ruri, req.next_hop = 'sip:a@b', nil")
	end)

	it("is found through functions, variables and tables", function()
		assert.equal("my.lua:2: a request has no method or field 'bad'",
			load "local function f(_, r) r:bad() end return { request = function(req) f(1, req) end }")
		assert.equal("my.lua:2: a request has no method or field 'bad'",
			load "function f(r) r:bad() end\nreturn { request = function(req) f(req) end }")
		assert.equal("my.lua:2: a request has no method or field 'bad'",
			load [[local M = {} function M.f(r) r:bad() end function M:g(r) self.f(r) end
				return { request = function(req) M:g(req) end }]])
		assert.equal("my.lua:2: a request has no method or field 'bad'",
			load [[local by = { INVITE = function(r) r:bad() end }
				return { request = function(req) by[req.method](req) end }]])
		assert.equal("my.lua:3: a request has no method or field 'bad'",
			load("local state = {}\nlocal function f() state.req:bad() end\n"
				.. "return { request = function(req) state.req = req f() end }"))
		assert.equal("my.lua:2: a request has no method or field 'bad'",
			load [[local script = {} function script.request(req) req:bad() end return script]])
	end)

	it("is found in the handlers that a route sets", function()
		assert.matches("a reply has no method or field 'bad'",
			body "req:t_on_reply(function(rpl) rpl:bad() end)")
		assert.matches("a request has no method or field 'bad'",
			load [[local function retry(r) r:bad() end
				return { request = function(req) req:t_on_failure(retry) end }]])
		assert.matches("a branch has no method or field 'bad'",
			body "req:t_on_branch(function(br) br:bad() end)")
	end)

	it("all are told, in order", function()
		assert.equal("my.lua:2: a request has no method or field 'b1'\n"
			.. "my.lua:3: a request has no method or field 'b2'\n"
			.. "my.lua:4: a reply has no method or field 'b3'",
			body("req:b1()\nreq:b2()", "reply = function(rpl) rpl:b3() end"))
		assert.matches("\n… and 15 more$", body(("req:bad()\n"):rep(25)))
	end)
end)

describe("a name that stands for nothing", function()
	it("is told when it is called, indexed, or made a handler", function()
		assert.equal("my.lua:2: nothing is called 'relya' here, did you mean 'relay'?",
			load [[local function relay(r) r:t_relay() end return { request = function(req) relya(req)
				relay(req) end }]])
		assert.equal("my.lua:2: nothing is called 'strin' here, did you mean 'string'?",
			body "return strin.format('x')")
		assert.equal("my.lua:2: nothing is called 'retry' here", body "req:t_on_failure(retry)")
	end)

	it("because its local comes later", function()
		assert.equal("my.lua:2: nothing is called 'late' here: the local of that name is in line 3",
			load("local function request(req) late(req) end\nlocal function late() end\n"
				.. "return { request = request, reply = late }"))
	end)

	it("of the module", function()
		assert.equal("my.lua:2: lunasip has no function 'xlgo', did you mean 'xlog'?",
			body "lunasip.xlgo('x')")
		assert.is_nil(body "if lunasip.sim then lunasip.sim {} end")
		assert.equal("my.lua:2: lunasip.db has no function 'qery', did you mean 'query'?",
			body "return lunasip.db.qery('SELECT 1')")
		assert.is_nil(body "local db = lunasip.db if db.exec then db.exec() end return db.query 'x'")
	end)

	it("of a location table, or of a handler", function()
		assert.equal("my.lua:2: there is no location table 'loction'", body "req:lookup 'loction'")
		assert.is_nil(body "req:lookup 'aliases' req:lookup() req:lookup(req.ruri_user)")
		assert.equal("my.lua:2: t_on_reply takes a function, not its name",
			body "req:t_on_reply 'onreply_route'")
	end)
end)

describe("a format of xlog", function()
	it("is read when it is constant", function()
		assert.equal("my.lua:2: unknown pseudo-variable '$rn', did you mean '$rm'?",
			body "xlog('L_ERR', 'a $rn')")
		assert.equal("my.lua:3: unknown pseudo-variable '$zz'",
			body "req:xlog('L_ERR',\n 'a' ..\n '$zz')")
		assert.equal("my.lua:2: unknown colour: $C takes two of s r g y b p c w x",
			body "lunasip.xlog '$Cqq'")
		assert.equal("my.lua:2: unknown pseudo-variable '$zz'",
			load "local f = '\\x24z\\122' return { request = function() xlog(f) end }")
		assert.equal("my.lua:3: unknown pseudo-variable '$zz'",
			body("", "reply = function(rpl) rpl:xlog [[$zz]] end"))
		assert.equal("my.lua:2: 'L_NOTCE' is no level: L_ERR, L_WARN, L_NOTICE, L_INFO, L_DBG",
			body "xlog('L_NOTCE', '$rm')")
	end)

	it("is let be when it is none, or not ours", function()
		assert.is_nil(body "xlog('L_ERR', '$' .. req.method) xlog(req.method)")
		assert.is_nil(body "local xlog = print xlog('$zz')")
		assert.is_nil(body "xlog('$ru $rU $hdr(X-Y) $(ci) $$ $Cbx')")
	end)
end)

describe("what may be right", function()
	it("in pcall, or in a function given away", function()
		assert.is_nil(body "return pcall(function() return req.later_version end)")
		assert.is_nil(load [[local function has(r) return r.new end
			return { request = function(req) if pcall(has, req) then return has(req) end end }]])
		assert.is_nil(load [[local function try(f, ...) return pcall(f, ...) end
			return { request = function(req) try(function() return req.new end) end }]])
		assert.is_nil(body "pcall(function() nowhere() end)")
	end)

	it("when other things come to the same place", function()
		accepts [[local function user(m) return m.user end
			return { request = function(req)
				return user(req.vars), user(lunasip.uri(req.ruri)), user(req) end }]]
		accepts [[local function status(m) return m.status, m.ruri_user end
			return { request = status, reply = function(rpl) return status(rpl.request) end }]]
		accepts [[local function f(r) return r.branch_ruri, r.ruri end
			return { request = function(req) f(req) end, reply = function(rpl) f(rpl) end }]]
		accepts [[local x = {}
			return { request = function(req) x = req or x; x = { foo = print }; x.foo() end }]]
		accepts [[local t = setmetatable({}, { __index = function() return print end })
			return { request = function(req) t.req = req; t.req.foo() end }]]
	end)

	it("with other variables of the same names", function()
		accepts [[return { request = function(req) local req = { foo = 1 } return req.foo end }]]
		accepts [[return { request = function(req) for req in pairs {} do req:foo() end end }]]
		accepts [[return { request = function(req)
			do local req = req.vars; req.x = 1 end req.ruri = "sip:a@b" end }]]
		accepts [[local function each(req) return req.anything end
			return { request = function(req) table.sort({}, each) end }]]
		accepts [[local xlog = function() end return { request = function(req) xlog("$zz") end }]]
		accepts [[return { request = function(rpl) rpl:t_relay() end,
			reply = function(req) return req.status end }]]
	end)

	it("in code that never runs", function()
		accepts "local function unused(req) req:foo() nowhere() end return { request = print }"
	end)

	it("with globals that exist, sometimes", function()
		accepts [[return { request = function() if jit then jit.on() end count = (count or 0) + 1 end }]]
		accepts [[function helper() end return { request = function() helper() end }]]
		accepts [[return { request = function() setup() end, reply = function() setup = print end }]]
		accepts [[_G["made" .. "up"] = print return { request = function() madeup() end }]]
		accepts [[local unpack = table.unpack or unpack return { request = function() unpack {} end }]]
	end)

	it("in all of the syntax", function()
		accepts [==[
			local a <const>, b <close> = 0x1p4, nil --[[ req:foo() ]] --[=[ ]] ]=]
			local s = "req:foo() \" \z
				\u{20AC} \065 \x41" .. 'x' .. [[
			]]
			goto done
			do local function f(...) local x, y = ... return ... end f(1, .5, 3e-2, 0xA.8p-1) end
			::done::
			repeat local last = s until last ~= 1 and not (2 // 1 >> 1 << 2 & 3 | 4 ~ 5 == ~6)
			while a < 0 do break end
			for i = 1, 2, 1 do ; end
			for k, v in pairs { 1; 2, x = 3, ["y"] = 4, [5] = 6 } do s = #s .. k .. -v ^ 2 end
			local t = { f = function(self) return self end }
			t.f(t):f { 1 }.x, t["f"] = nil, 2
			return { request = function(req) (req):t_relay() req.vars.a, req.vars.b = 1, 2 end, }]==]
	end)
end)

describe("modules of the script's own folder", function()
	local dir

	local function write(name, text)
		local f = assert(io.open(dir .. "/" .. name, "w"))
		f:write(text)
		f:close()
	end

	local function main(text)
		write("main.lua", text)
		local world, why = lunasip.sim { script = dir .. "/main.lua" }
		if world then world:close() end
		return why and why:gsub("[^\n]*/", "")
	end

	before_each(function()
		dir = os.tmpname()
		os.remove(dir)
		assert(os.execute("mkdir -p " .. dir .. "/sub"))
	end)
	after_each(function() os.execute("rm -r " .. dir) end)

	it("are looked at too", function()
		write("auth.lua", "local M = {}\nfunction M.check(req)\n\treq:proxy_authorise()\nend\nreturn M")
		write("sub/init.lua", "local M = {}\nfunction M.f(req) req:bad() nowhere() end\nreturn M")
		write("answer.lua", "return function(req)\n return req:sl_send_repl(200) end")
		assert.equal("auth.lua:3: a request has no method or field 'proxy_authorise', "
			.. "did you mean 'proxy_authorize'?",
			main [[local auth = require "auth"
				return { request = function(req) auth.check(req) end }]])
		assert.equal("init.lua:2: a request has no method or field 'bad'\n"
			.. "init.lua:2: nothing is called 'nowhere' here",
			main [[return { request = function(req) require("sub").f(req) end }]])
		assert.matches("^answer.lua:2: .*did you mean 'sl_send_reply'",
			main [[return { request = require "answer" }]])
	end)

	it("may serve other scripts too", function()
		write("log.lua", "local M = {}\nfunction M.log(m, is_reply)\n"
			.. "if is_reply then return m.branch_ruri end end\nreturn M")
		assert.is_nil(main [[local log = require "log"
			return { request = function(req) log.log(req) end }]])
		write("log.lua", "local M = {} function M.log(m) return m.user end return M")
		assert.is_nil(main [[local log = require "log"
			return { request = function(req) log.log(req) log.log(req.vars) end }]])
		assert.is_nil(main [[package.path = "/elsewhere/?.lua;" .. package.path
			local log = require "log" return { request = function(req) log.log(req) end }]])
	end)

	it("may be broken, as long as nobody loads them", function()
		write("broken.lua", "local M = { function")
		assert.is_nil(main [[return { request = function()
			local b = require "broken" b.x() nowhere() end }]])
	end)

	it("may require each other", function()
		write("a.lua", "local M = {} function M.f(r) return require('b').f(r) end return M")
		write("b.lua", "local a = require 'a' return { f = function(r) local _ = a.f return r.bad end }")
		assert.equal("b.lua:1: a request has no method or field 'bad'",
			main [[local a = require "a"
				return { request = function(req) a.f(req) end }]])
	end)
end)

describe("the check", function()
	it("is part of lunasip -c", function()
		local path = os.tmpname()
		local f = assert(io.open(path, "w"))
		f:write "return {\n\trequest = function(req)\n\t\treq:t_rely()\n\tend,\n}\n"
		f:close()
		local lunasip_c = (os.getenv "BUILD" or "build") .. "/lunasip -c "
		local pipe = assert(io.popen(lunasip_c .. path .. " 2>&1"))
		local said = pipe:read "a"
		local _, _, code = pipe:close()
		os.remove(path)
		assert.equal("lunasip: " .. path .. ":3: a request has no method or field 't_rely', "
			.. "did you mean 't_relay'?\n", said)
		assert.equal(1, code)
	end)

	it("finds nothing wrong with our routes", function()
		for path in io.popen "ls lua/routes/*.lua lua/routes/*/*.lua":lines() do
			local world, why = lunasip.sim { script = path }
			assert.is_nil(why)
			world:close()
		end
	end)

	it("is quick, also with much to look at", function()
		local rows = {}
		for i = 1, 5000 do
			rows[i] = ("{ prefix = '%d', relay = function(r) return r.ruri end },"):format(i)
		end
		local started = os.clock()
		accepts("local rows = {" .. table.concat(rows, "\n") .. "}\n"
			.. "return { request = function(req) for i = 1, #rows do rows[i].relay(req) end end }")
		assert.is_true(os.clock() - started < 1)
	end)
end)
