-- doc/testing-routes.md, done as it says: files are written, commands run, their output looked at.
local build = os.getenv "BUILD" or "build"

local function output_of(command)
	local pipe = assert(io.popen(command))
	local text = pipe:read "a"
	pipe:close()
	return text
end

local here = output_of "pwd":gsub("\n", "")

-- The fenced blocks of a page: { kind =, text =, caption = the line above, line = }.
local function blocks(path)
	local list, block, caption, n = {}, nil, "", 0
	for line in io.lines(path) do
		n = n + 1
		local fence = line:match "^```(%a*)"
		if fence and not block then
			block = { kind = fence, text = "", caption = caption, line = n }
		elseif fence then
			list[#list + 1], block = block, nil
		elseif block then
			block.text = block.text .. line .. "\n"
		elseif line ~= "" then
			caption = line
		end
	end
	return list
end

describe("doc/testing-routes.md", function()
	local dir, output

	local function read(path)
		local file = assert(io.open(dir .. "/" .. path))
		local text = file:read "a"
		file:close()
		return text
	end

	local function write(path, text)
		local file = assert(io.open(dir .. "/" .. path, "w"))
		file:write(text)
		file:close()
	end

	-- Nothing is built here: that is done.
	local function sh(command)
		if command:find "^make" or command:find "^tools/setup" then return "" end
		return output_of(("cd %s && unset BUILD; { %s; } 2>&1"):format(dir, command))
	end

	-- Until it waits for a save.
	local function watch(command)
		local pipe = io.popen(("cd %s && unset BUILD; echo $$; exec %s 2>&1"):format(dir, command))
		local pid, text = pipe:read "n", ""
		for line in pipe:lines() do
			text = text .. line .. "\n"
			if line:find "waiting for a save" then break end
		end
		os.execute("kill " .. pid)
		pipe:close()
		return text
	end

	local kinds = {}

	-- A file, whole or a part to put in.
	function kinds.lua(block)
		local path, where = block.caption:match "[Ii]n `([^`]+)`, behind `([^`]+)`:$"
		if not path then
			path = assert(block.caption:match "`([^`]+)`:$", "which file?")
			return write(path, block.text)
		end
		local text, n = read(path):gsub(where:gsub("%p", "%%%0") .. "\n", function(line)
			return line .. block.text
		end)
		assert.equal(1, n, where)
		write(path, text)
	end

	function kinds.sh(block)
		output = ""
		for command in block.text:gmatch "[^\n]+" do
			command = command:gsub("%s+#.*$", "")
			output = output .. (command:find "%-%-watch" and watch or sh)(command)
		end
	end

	-- Each line of it was said, in this order.
	function kinds.text(block)
		local at = 1
		for line in block.text:gmatch "[^\n]+" do
			local _, last = output:find(line, at, true)
			assert.truthy(last, ("not said: %s\nbut:\n%s"):format(line, output))
			at = last + 1
		end
	end

	setup(function()
		dir = os.tmpname()
		os.remove(dir)
		local built = output_of(("cd %s && pwd"):format(build)):gsub("\n", "")
		assert(os.execute(("mkdir %s && cd %s && ln -s %s/tools %s/lua . && ln -s %s build"):format(dir,
			dir, here, here, built)))
	end)
	teardown(function() os.execute("rm -r " .. dir) end)

	for _, block in ipairs(blocks "doc/testing-routes.md") do
		it(("line %d: %s"):format(block.line, block.text:match "[^\n]*"), function()
			assert(kinds[block.kind], "a block of what?")(block)
		end)
	end

	it("has watched and seen green", function()
		assert.matches("5 successes", watch "tools/lunactl test --watch mine/bad_days_spec.lua")
	end)
end)
