-- The stores that flows run on.
local uv = require "luv"
local loop = require "flow.loop"

local database = {}

local function sqlite(dir)
	return { kind = "sqlite", url = "sqlite:" .. dir .. "/lunasip.sqlite" }
end

local function memory()
	return { kind = "memory", url = "memory:" }
end

database.kinds = { memory = memory, sqlite = sqlite }

-- The stores a flow runs on; { memory = false } leaves one out.
function database.names(but)
	local names = {}
	for name in pairs(database.kinds) do
		if not but or but[name] ~= false then
			names[#names + 1] = name
		end
	end
	table.sort(names)
	return names
end

function database.new(kind, dir)
	return assert(database.kinds[kind], "no such store: " .. kind)(dir)
end

return database
