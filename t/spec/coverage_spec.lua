-- Which lines of scripts the specs walked.
local coverage = require "lunasip.coverage"
local lunasip = require "lunasip"
local build = os.getenv "BUILD" or "build"

local function lines_of(source)
	local list = {}
	for line in pairs(assert(coverage.lines(source, "=source"))) do list[#list + 1] = line end
	table.sort(list)
	return table.concat(list, " ")
end

describe("the lines that can be walked", function()
	it("are those with instructions", function()
		assert.equal("1 3 5", lines_of "local a = 1\n-- nothing\nlocal b = a +\n 2\nreturn b")
		assert.equal("3 4 6 8", lines_of [[
			local function f(x)
				-- why
				if x then
					f()
				else
					f(x)
				end
			end]])
	end)

	it("are not those that nothing leads to", function()
		assert.equal("2", lines_of "while true do\nif x then return end\nend\nx = 1")
		assert.equal("1 2 4 6 7",
			lines_of "function f(x)\nif x then\n\nreturn 1\nelse\nreturn 2 end\nend")
	end)

	it("are found in loops, calls, tables and constants of any kind", function()
		assert.equal("2 3 4 5 6 7 8 9 10 11 12", lines_of(table.concat({
			"local function g(...)", "for i = 1, 2, 1 do", "print(i, 0x7fffffffff, 1e300) end",
			"for k in pairs {} do", "print(k, ('x'):rep(50)) end", "while ... do",
			"print(...) end", "repeat print() until", "... == nil", "return select(2, ...)", "end",
			"return { g = g, [1] = not g, ['" .. ("y"):rep(300) .. "'] = nil }" }, "\n")))
	end)

	it("are not there when it is no Lua", function()
		assert.is_nil(coverage.lines("return return", "=x"))
	end)
end)

describe("lunactl test --coverage", function()
	local dir

	local function write(name, text)
		local file = assert(io.open(dir .. "/" .. name, "w"))
		file:write(text)
		file:close()
	end

	before_each(function()
		dir = os.tmpname()
		os.remove(dir)
		assert(os.execute("mkdir " .. dir))
	end)
	after_each(function() os.execute("rm -r " .. dir) end)

	local function test(arguments)
		local pipe = assert(io.popen(("BUILD=%s tools/lunactl test %s 2>&1"):format(build, arguments)))
		local output = pipe:read "a"
		local _, _, code = pipe:close()
		return output, code
	end

	it("tells which lines no spec walked, modules of the script too", function()
		write("more.lua",
			"local M = {}\nfunction M.no(req)\n\treq:sl_send_reply(403, \"No\")\nend\nreturn M")
		write("my.lua", [[
local more = require "more"
return { request = function(req)
	if req.ruri_user == "11" then
		return more.no(req)
	end
	req:t_relay()
end }
]])
		write("my_spec.lua", ([[
local testkit = require "lunasip.testkit"
it("refuses", function()
	local net = testkit.proxy { script = "%s/my.lua", subscribers = { ["10"] = "x" } }
	assert.sip(net:phone "10":request("MESSAGE", "11")).is.reply(403)
end)
]]):format(dir))
		local output, code = test("--coverage " .. dir)
		assert.equal(0, code, output)
		assert.truthy(output:find((
			"\n100.0 %%  5 of 5 lines  %s/more.lua\n 83.3 %%  5 of 6 lines  %s/my.lua\n"
			.. "  %s/my.lua:6: req:t_relay()\n"):format(dir, dir, dir), 1, true), output)
		output = test(dir)
		assert.is_nil(output:find("lines  ", 1, true))
	end)

	it("fails with file, line and cause when the script has a mistake", function()
		write("my.lua", "return { request = function(req)\n\treq:t_rely()\nend }")
		write("my_spec.lua", ([[
local testkit = require "lunasip.testkit"
it("relays", function()
	testkit.proxy { script = "%s/my.lua" }
end)
]]):format(dir))
		local output, code = test(dir .. "/my_spec.lua")
		assert.equal(1, code)
		assert.truthy(output:find(dir .. "/my.lua:2: a request has no method or field 't_rely', "
			.. "did you mean 't_relay'?", 1, true), output)
	end)

	it("says when there is nothing to test", function()
		local output, code = test(dir)
		assert.equal(("lunactl: %s: no spec there (*_spec.lua)\n"):format(dir), output)
		assert.equal(2, code)
	end)

	it("finds all of our default route walked", function()
		local output, code = test "--coverage t/spec/default_spec.lua"
		assert.equal(0, code, output)
		assert.matches("\n100.0 %%  %d+ of %d+ lines  lua/routes/default.lua\n", output)
	end)

	it("is switched on for good, and counts", function()
		lunasip.coverage(true)
		local world = assert(lunasip.sim { name = "counted.lua",
			source = "local n = 0\nfor i = 1, 3 do\nn = n + i\nend\nreturn { request = function() end }" })
		world:close()
		local lines = lunasip.coverage()["counted.lua"]
		assert.equal(3, lines[3])
		assert.is_nil(lines[4])
	end)
end)
