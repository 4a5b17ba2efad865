-- lunactl test --watch: from a save to red or green.
local uv = require "luv"
local flow = require "flow"

local BUILD = os.getenv "BUILD" or "build"
local LUA = os.getenv "LUA" or "lua5.4"
-- In a sanitized build programs are slower.
local PATIENCE_MS = os.getenv "SAN" == "" and 1000 or 10000

local ROUTE = [[
local more = require "more"
return { request = function(req) req:sl_send_reply(more.status) end }
]]
local SPEC = [[
local testkit = require "lunasip.testkit"
it("is refused", function()
	local net = testkit.proxy { script = "%s/my.lua", subscribers = { ["10"] = "x" } }
	assert.sip(net:phone "10":request("MESSAGE", "11")).is.reply(403)
end)
]]

local dir

local function write(name, text)
	local path = dir .. "/" .. name
	local file = assert(io.open(path .. ".new", "w"))
	file:write(text)
	file:close()
	assert(os.rename(path .. ".new", path)) -- as editors do
end

local function watch(...)
	return flow.process.start { LUA, "tools/lunactl", "test", "--watch", ...,
		env = { BUILD = BUILD, LD_PRELOAD = os.getenv "PRELOAD" } }
end

local function result(process, what)
	process:expect(what)
	process:expect "waiting for a save"
end

-- Saves, and waits for what comes of it; in milliseconds.
local function time_to(process, what, name, text)
	local began = uv.hrtime()
	write(name, text)
	process:expect(what)
	return (uv.hrtime() - began) / 1e6
end

describe("lunactl test --watch", function()
	before_each(function()
		dir = os.tmpname()
		os.remove(dir)
		assert(uv.fs_mkdir(dir, 448))
		assert(uv.fs_mkdir(dir .. "/specs", 448))
		write("my.lua", ROUTE)
		write("more.lua", "return { status = 403 }")
		write("specs/my_spec.lua", SPEC:format(dir))
	end)
	after_each(function()
		flow.cleanup()
		os.execute("rm -r " .. dir)
	end)

	it("sees a save of route, module and spec, and tells within a second", function()
		local process = watch(dir .. "/specs")
		result(process, "1 success / 0 failures")
		local slowest = 0
		local function step(what, name, text)
			slowest = math.max(slowest, time_to(process, what, name, text))
			process:expect "waiting for a save"
		end
		step("0 successes / 1 failure", "my.lua", "return { request = function(req) req:t_relay() end }")
		step("1 success / 0 failures", "my.lua", ROUTE)
		step("0 successes / 1 failure", "more.lua", "return { status = 404 }")
		step("1 success / 0 failures", "more.lua", "return { status = 403 }")
		step("2 successes / 0 failures", "specs/more_spec.lua", SPEC:format(dir))
		step("my.lua:1: a request has no method or field 'bad'", "my.lua",
			"return { request = function(req) req:bad() end }")
		step("2 successes / 0 failures", "my.lua", ROUTE)
		assert.is_true(slowest < PATIENCE_MS, slowest .. " ms")
	end)

	it("ends a run that a save has made stale", function()
		write("specs/my_spec.lua", "print 'begun' io.stdout:flush() while true do end")
		local process = watch(dir .. "/specs/my_spec.lua")
		process:expect "begun"
		write("specs/my_spec.lua", SPEC:format(dir))
		result(process, "1 success / 0 failures")
	end)
end)
