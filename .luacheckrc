std = "lua54"
max_line_length = 100
self = false -- methods that do not look at their object

-- What the core gives to routes.
files["lua/routes"] = { std = "lua54+lunasip" }
stds.lunasip = { read_globals = { "xlog" } }

files["t/spec"] = { std = "lua54+busted" }
files["t/flow"] = { std = "lua54+busted" }
files["t/flow/lib"] = { std = "lua54" }
