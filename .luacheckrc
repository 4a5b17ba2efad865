std = "lua54"
max_line_length = 100
self = false -- methods that do not look at their object

-- What the core gives to routes.
stds.lunasip = dofile "lua/lunasip/luacheck.lua"
files["lua/routes"] = { std = "lunasip" }
files["lua/lunasip/api.lua"] = { max_line_length = false } -- data
exclude_files = { "lua/lunasip/library" } -- stubs

files["tools/bench/routes"] = { std = "lunasip" }
files["t/spec"] = { std = "lua54+busted" }
files["t/flow"] = { std = "lua54+busted" }
files["t/kamailio"] = { std = "lua54+busted" }
files["t/galera"] = { std = "lua54+busted" }
files["t/chaos"] = { std = "lua54+busted" }
files["t/flow/lib"] = { std = "lua54" }
