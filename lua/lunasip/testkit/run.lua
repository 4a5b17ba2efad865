-- run: what `lunactl test` does: finds specs, and runs busted over them, once or at each save.
local run = {}

-- Here, so that a child finds the same modules as we do.
local here = debug.getinfo(1, "S").source:match "^@(.*)run%.lua$"

local function quoted(word)
	return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function lines_of(command)
	local pipe, list = assert(io.popen(command)), {}
	for line in pipe:lines() do list[#list + 1] = line end
	pipe:close()
	return list
end

-- Specs among words: files as they are, folders by what is in them, all that end in _spec.lua.
-- The list, or nil and why.
function run.specs(words)
	local specs = {}
	for _, word in ipairs(#words > 0 and words or { "." }) do
		local found = lines_of(("find %s -name '.?*' -prune -o -type f %s -print 2>/dev/null | sort")
			:format(quoted(word:gsub("^%-", "./-")), word:find "%.lua$" and "" or "-name '*_spec.lua'"))
		if #found == 0 then return nil, word .. ": no spec there (*_spec.lua)" end
		for _, path in ipairs(found) do specs[#specs + 1] = path:gsub("^%./", "") end
	end
	return specs
end

-- The folders of the specs, and lib/ in them, are where they require from.
local function search_path(specs)
	local path, seen = {}, {}
	for _, spec in ipairs(specs) do
		local folder = spec:match "^(.*/)[^/]*$" or "./"
		if not seen[folder] then
			seen[folder] = true
			path[#path + 1] = folder .. "?.lua;" .. folder .. "lib/?.lua"
		end
	end
	return table.concat(path, ";") .. ";" .. package.path
end

local function environment(o, specs, used)
	return {
		LUA_PATH = search_path(specs),
		LUA_CPATH = package.cpath,
		LUNASIP_COVERAGE = o.coverage and "1" or nil,
		LUNASIP_USED = used,
	}
end

local function command(specs)
	return { os.getenv "LUA" or "lua5.4", here .. "main.lua", table.unpack(specs) }
end

-- Once; the exit code for the shell.
function run.once(o, specs)
	local words = { "exec", "env" }
	for name, value in pairs(environment(o, specs)) do
		words[#words + 1] = quoted(name .. "=" .. value)
	end
	for _, word in ipairs(command(specs)) do words[#words + 1] = quoted(word) end
	local _, _, code = os.execute(table.concat(words, " "))
	return code == 0 and 0 or 1
end

local function list_of(path)
	local list = {}
	local file = io.open(path)
	for line in file and file:lines() or function() end do list[#list + 1] = line end
	if file then file:close() end
	return list
end

local function environment_list(uv, o, specs, used)
	local all, list = uv.os_environ(), {}
	for name, value in pairs(environment(o, specs, used)) do all[name] = value end
	for name, value in pairs(all) do list[#list + 1] = name .. "=" .. value end
	return list
end

-- At each save the specs of words, which may have become more; never returns.
function run.watch(o, words)
	local uv = require "luv"
	local used, specs = os.tmpname(), run.specs(words)
	require("lunasip.testkit.watch").run {
		command = function()
			specs = run.specs(words) or specs
			return command(specs), environment_list(uv, o, specs, used)
		end,
		files = specs,
		used = function() return list_of(used) end,
		between = uv.guess_handle(1) == "tty" and "\27[2J\27[H" or "\n",
	}
end

return run
