-- The README's first edit of a route, made as it says.
local flow = require "flow"

local function read(path)
	local file = assert(io.open(path))
	local text = file:read "a"
	file:close()
	return text
end

describe("the README's first edit", function()
	after_each(flow.cleanup)

	it("keeps user 10 from calling numbers that begin with 00", function()
		local lines = read("README.md"):match "```lua\n(.-)```"
		local route, n = read("lua/routes/default.lua"):gsub("function request%(req%)\n", "%0" ..
			lines:gsub("%%", "%%%%"))
		assert.are.equal(1, n)
		local world = flow.world { store = "sqlite", text = route }
		local phone = flow.phone { world = world, user = "10", password = "abc10",
			host = world:host(10) }
		phone:request(phone:dialog(world:uri "0041215500000"), "INVITE")
		local reply = phone:final "INVITE"
		assert.are.equal(403, reply.status)
		assert.truthy(reply.start:find "Not from here")
		phone:request(phone:dialog(world:uri "11"), "INVITE")
		assert.are.equal(407, phone:final("INVITE").status)
	end)
end)
