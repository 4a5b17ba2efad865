-- lua/lunasip/api.lua, the gate that holds it against the core, and what is made of it.
local build = os.getenv "BUILD" or "build"
local LUA = os.getenv "LUA" or "lua5.4"

local function read(path)
	local file = assert(io.open(path))
	local text = file:read "a"
	file:close()
	return text
end

local function run(command)
	local pipe = assert(io.popen(command .. " 2>&1"))
	local output = pipe:read "a"
	local _, _, code = pipe:close()
	return output, code
end

-- What the gate says of api.lua with its text changed.
local function gate(old, new)
	local path = os.tmpname()
	local text = read "lua/lunasip/api.lua"
	if old then
		local n
		text, n = text:gsub(old:gsub("%p", "%%%0"), function() return new end)
		assert(n > 0, "not in api.lua: " .. old)
	end
	local file = assert(io.open(path, "w"))
	file:write(text)
	file:close()
	local output, code = run(("BUILD=%s LUA=%s %s tools/check-api %s"):format(build, LUA, LUA, path))
	os.remove(path)
	return output, code
end

describe("the gate", function()
	it("is content", function()
		local output, code = gate()
		assert.equal("check-api: what routes can do is all written down\n", output)
		assert.equal(0, code)
	end)

	it("names what is bound and has no entry, and the entry that binds nothing", function()
		local output, code = gate('name = "has_totag"', 'name = "has_a_totag"')
		assert.equal(1, code)
		assert.matches("check%-api: request method has_totag has no entry\n", output)
		assert.matches("check%-api: request method has_a_totag is not bound by the core\n", output)
		assert.matches("check%-api: doc/api.md is stale: make doc\n", output)
		assert.matches("check%-api: lua/lunasip/library/lunasip.lua is stale: make doc\n", output)
	end)

	it("knows fields, functions, variables, handlers and settings as well", function()
		assert.matches("request field original_ruri has no entry",
			(gate('name = "original_ruri"', 'name = "first_ruri"')))
		assert.matches("branch field ruri: it may be set",
			(gate('name = "ruri", of = { "branch" }, group = "where", type = "string", set = true',
				'name = "ruri", of = { "branch" }, group = "where", type = "string"')))
		assert.matches("lunasip.db function query has no entry", (gate('name = "query"', 'name = "ask"')))
		assert.matches("xlog variable mF has no entry", (gate('{ { "mF" }', '{ { "mG" }')))
		assert.matches("handler failure has no entry",
			(gate('name = "failure", arg', 'name = "fail", arg')))
		assert.matches("there is no setting tm.t9", (gate('["tm.t1"]', '["tm.t9"]')))
		assert.matches("store method close has no entry", (gate('name = "close"', 'name = "end"')))
		assert.matches('t_relay: the core never says "Loop Detekted"',
			(gate('"Loop Detected"', '"Loop Detekted"')))
	end)
end)

describe("each example", function()
	local api = require "lunasip.api"
	local lunasip = require "lunasip"

	for _, list in ipairs { api.members, api.module, api.db } do
		for _, entry in ipairs(list) do
			if entry.example then
				it(("of %s is right"):format(entry.name), function()
					local world, why = lunasip.sim { name = "example.lua",
						source = ("return { request = function(req) %s end }"):format(entry.example) }
					assert.is_nil(why)
					world:close()
				end)
			end
		end
	end
end)

describe("the stubs for editors", function()
	local stubs = read "lua/lunasip/library/lunasip.lua"

	it("are Lua, and tell what a handler gets", function()
		assert(load(stubs))
		assert.matches("\n%-%-%-@field request fun%(req: lunasip.Request%)", stubs)
		assert.matches("\n%-%-%-@overload fun%(self: lunasip.Request, format: string%)\n"
			.. "function Request:xlog%(level, format%) end", stubs)
		assert.matches("\n%-%-%-@param realm%? string [^\n]*\n%-%-%-@param table%? string", stubs)
		assert.matches('\n%-%-%-@field db_mode%? integer', stubs)
	end)
end)

describe("the standard for luacheck", function()
	local function luacheck(source)
		local path = os.tmpname()
		local rc, file = path .. ".rc", assert(io.open(path, "w"))
		file:write(source)
		file:close()
		file = assert(io.open(rc, "w"))
		file:write 'stds.lunasip = dofile "lua/lunasip/luacheck.lua" std = "lunasip"'
		file:close()
		local output = run(("command -v luacheck >/dev/null || exit 0; "
			.. "luacheck --formatter plain --config %s %s"):format(rc, path))
		os.remove(path)
		os.remove(rc)
		return (output:gsub("[^\n]-:%d+:%d+: ", ""))
	end

	it("lets a route be, and names what blocks or ends the proxy", function()
		if run "luacheck --version":find "not found" then return pending "luacheck is not here" end
		assert.equal("", luacheck(read "lua/routes/default.lua"))
		assert.equal("",
			luacheck 'package.path = "x;" .. package.path return os.time() + #string.rep("", 2)')
		assert.equal("accessing undefined field 'exit' of global 'os'\n", luacheck "os.exit(1)")
		assert.equal("accessing undefined field 'popen' of global 'io'\n", luacheck 'return io.popen "x"')
		assert.equal("setting non-standard global variable 'count'\n", luacheck "count = 1")
	end)
end)
