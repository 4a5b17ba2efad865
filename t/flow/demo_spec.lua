-- make demo-N: what one sees of an experiment.
local flow = require "flow"

local BUILD = os.getenv "BUILD" or "build"
local LUA = os.getenv "LUA" or "lua5.4"

local function demo(n)
	return flow.run { LUA, "tools/demo", n, timeout_ms = 60000 }
end

local function size(path)
	local file = assert(io.open(path))
	local n = file:seek "end"
	file:close()
	return n
end

describe("a demo", function()
	after_each(flow.cleanup)

	it("shows the console and the ladder, and keeps both", function()
		local code, output = demo "3"
		assert.are.equal(0, code, output)
		for _, text in ipairs { "=== phone 10 registers with its password\n",
			" notice: 401 (Unauthorized) concerning REGISTER\nSIP/2.0 401 Unauthorized\nVia: ",
			"|<-- 200 OK (REGISTER) ", "to itself: REGISTER" } do
			assert.truthy(output:find(text, 1, true), text)
		end
		assert.is_nil(output:find "\27") -- no terminal, no colours
		for _, name in ipairs { "3.trace", "3.svg" } do
			assert.is_true(size(BUILD .. "/demo/" .. name) > 1000)
		end
	end)

	it("has two acts where the documents compare", function()
		local code, output = demo "8"
		assert.are.equal(0, code, output)
		assert.are.equal(2, select(2, output:gsub("##### What went over the wire", "")))
		assert.is_true(size(BUILD .. "/demo/8b.svg") > 1000)
	end)

	it("that is none lists all", function()
		local code, output = demo "10"
		assert.are.equal(2, code)
		for n = 1, 9 do assert.truthy(output:find(("\n  %d  "):format(n))) end
	end)
end)
