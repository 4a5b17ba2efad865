-- What the benchmark measures: lua/routes/default.lua as it is, with the settings of the run.
local route = dofile "lua/routes/default.lua"
route.settings = dofile "tools/bench/routes/settings.lua"
return route
