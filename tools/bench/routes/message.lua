-- lua/routes/default.lua but for one line: a MESSAGE is relayed without its sender being asked.
local file = assert(io.open "lua/routes/default.lua")
local text, lines = file:read "a":gsub("not authenticate%(req%)",
	"req.method ~= 'MESSAGE' and %0")
file:close()
assert(lines == 1, "it authenticates in another line")

local route = assert(load(text, "@message.lua"))()
route.settings = dofile "tools/bench/routes/settings.lua"
return route
