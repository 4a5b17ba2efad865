-- main: busted, for the specs of routes: what `lunactl test` runs, once a run.
--   main.lua [options of busted] SPEC…
-- Environment: LUNASIP_COVERAGE=1 reports at the end which lines the specs walked;
-- LUNASIP_USED=FILE: the files that the run came by are written there, one a line.
local lunasip = require "lunasip"

local used = {}

-- Scripts are loaded by the core, what specs require here.
local function note_files()
	local sim = lunasip.sim
	function lunasip.sim(options)
		if type(options) == "table" and type(options.script) == "string" then
			used[options.script] = true
		end
		return sim(options)
	end
	local search = package.searchers[2]
	package.searchers[2] = function(name)
		local loader, file = search(name)
		if type(loader) == "function" then used[file] = true end
		return loader, file
	end
end

local function write_files(path)
	local out = assert(io.open(path, "w"))
	for file in pairs(used) do out:write(file, "\n") end
	out:close()
end

local function report()
	local coverage = require "lunasip.coverage"
	local files = coverage.files(lunasip.coverage())
	print("\n" .. (#files > 0 and coverage.text(files) or "no script was walked"))
end

local function finish()
	if os.getenv "LUNASIP_USED" then write_files(os.getenv "LUNASIP_USED") end
	if os.getenv "LUNASIP_COVERAGE" then report() end
	return nil, true
end

-- busted loads this when it is ready to be listened to.
package.preload["lunasip.testkit.main.helper"] = function()
	note_files()
	if os.getenv "LUNASIP_COVERAGE" then lunasip.coverage(true) end
	require("busted").subscribe({ "exit" }, finish)
	return true
end

table.insert(arg, 1, "--helper=lunasip.testkit.main.helper")
require "busted.runner" { standalone = false }
