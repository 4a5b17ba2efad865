-- The daemon as its operator sees it: flags, errors in one line, signals, control socket.
local uv = require "luv"
local flow = require "flow"

local LUNASIP = os.getenv "LUNASIP"

describe("lunasip", function()
	local world
	before_each(function()
		world = flow.world { store = "sqlite", start = false }
	end)
	after_each(flow.cleanup)

	local function run(...)
		local code, output = flow.run { LUNASIP, ... }
		return code, output
	end

	local function listen(port)
		return ("udp:%s:%d"):format(world.address, port or 5060)
	end

	-- One line that begins with our name and says what is wrong.
	local function fails(status, pattern, ...)
		local code, output = run(...)
		assert.are.equal(status, code, output)
		local line = ("\n" .. output):match "\n(lunasip: [^\n]*)"
		assert.truthy(line and line:find(pattern), output)
		return output
	end

	local function one_line(status, pattern, ...)
		local output = fails(status, pattern, ...)
		local _, lines = output:gsub("lunasip: ", "")
		assert.are.equal(1, lines, output)
	end

	local function fails_in_one_line(pattern, ...)
		one_line(1, pattern, ...)
	end

	it("explains itself", function()
		local code, output = run "--help"
		assert.are.equal(0, code)
		for _, word in ipairs { "-l", "-d", "-c", "-v", "-s", "memory:", "sqlite:", "mysql:" } do
			assert.truthy(output:find(word, 1, true), word)
		end
		code, output = run "--version"
		assert.are.equal(0, code)
		assert.truthy(output:find "^lunasip %d+%.%d+")
	end)

	it("refuses flags it does not know, and nothing, and too much", function()
		fails(2, "%-x", "-x")
		fails(2, "%-%-nonsense", "--nonsense")
		fails(2, "%-l needs", "-l")
		fails(2, "no script")
		fails(2, "more than one", "a.lua", "b.lua")
	end)

	it("checks a script", function()
		local code, output = run("-c", "lua/routes/default.lua")
		assert.are.equal(0, code, output)
	end)

	it("says where a script is wrong", function()
		local function broken(text)
			return world:write("broken.lua", text)
		end
		fails_in_one_line("broken.lua:2:", "-c", broken "return {\n  request = = 1 }")
		fails_in_one_line("broken.lua:2:", "-c", broken "\nerror 'boom'")
		fails_in_one_line("broken.lua", "-c", broken "return { reqest = function() end }")
		fails_in_one_line("broken.lua",
			"-c", broken "return { request = function() end, settings = { lisen = {} } }")
		fails_in_one_line("missing.lua", "-c", world.dir .. "/missing.lua")
	end)

	it("refuses addresses that are none", function()
		for _, text in ipairs { "nonsense", "udp:127.0.0.1", "udp:127.0.0.1:99999", "sctp:127.0.0.1:5060",
			"udp:300.0.0.1:5060" } do
			one_line(2, text:gsub("%p", "%%%0"), "-l", text, world.path)
		end
	end)

	it("says that a port is taken", function()
		local other = uv.new_udp()
		assert(other:bind(world.address, 5060))
		fails_in_one_line(world.address .. ":5060.*in use", "-l", listen(), "-d", "memory:", world.path)
		other:close()
	end)

	it("says that a database is not there, and keeps its password", function()
		fails_in_one_line("no/such/dir", "-l", listen(), "-d", "sqlite:/no/such/dir/x.sqlite", world.path)
		one_line(2, "such", "-l", listen(), "-d", "such:thing", world.path)
		for _, flag in ipairs { "-l", "-c" } do
			local value = flag == "-l" and listen() or "-v"
			one_line(2, "mysql://u:%*%*%*@h:x/d: the port", flag, value, "-d", "mysql://u:geheim@h:x/d",
				world.path)
			one_line(2, "mysql:/u:%*%*%*@h/d: .* must look like", flag, value, "-d", "mysql:/u:geheim@h/d",
				world.path)
			one_line(2, "sqlite: needs the path", flag, value, "-d", "sqlite:", world.path)
		end
		local _, output = run("-l", listen(), "-d", "mysql://joe:geheim@127.0.0.1:1/lunasip", world.path)
		assert.truthy(output:find "^lunasip: ", output)
		assert.falsy(output:find "geheim", output)
	end)

	it("tells how to make the tables of an empty database", function()
		fails_in_one_line("db init", "-l", listen(), "-d", "sqlite:" .. world.dir .. "/empty.sqlite",
			world.path)
	end)

	it("starts without a table of aliases, and says so", function()
		world.store.sql "DROP TABLE aliases"
		world:start()
		assert.truthy(world.proxy.output:find("warning: no aliases: there is no table aliases", 1, true))
		world:stop()
	end)

	-- As when the machine gives it no time for a moment: the kernel keeps what comes.
	it("loses nothing of a burst that comes while it stands still", function()
		local N, PAD = 150, ("x"):rep(700)
		world:start()
		local socket, replies = uv.new_udp(), 0
		assert(socket:bind(world:host(10), 5060))
		socket:recv_buffer_size(1 << 20)
		socket:recv_start(function(_, data)
			if data and data:find "^SIP/2.0 200" then replies = replies + 1 end
		end)
		world.proxy:kill "sigstop"
		for i = 1, N do
			assert(socket:try_send(table.concat({ "OPTIONS sip:" .. world.address .. " SIP/2.0",
				("Via: SIP/2.0/UDP %s;branch=z9hG4bKburst%d"):format(world:host(10), i),
				"From: <sip:10@" .. world.address .. ">;tag=a", "To: <sip:" .. world.address .. ">",
				"Call-ID: burst" .. i, "CSeq: 1 OPTIONS", "Max-Forwards: 70", "X-Pad: " .. PAD,
				"Content-Length: 0", "", "" }, "\r\n"), world.address, 5060))
		end
		world.proxy:kill "sigcont"
		flow.wait(function() return "all answers, there are " .. replies end, function()
			return replies == N
		end)
		socket:close()
		world:stop()
	end)

	it("hides the password from ps", function()
		world.store.url = "memory://joe:geheim@nowhere"
		local file = assert(io.open(world.path))
		file:close()
		local lunasip = flow.process.start { LUNASIP, "-l", listen(), "-d",
			"mysql://joe:geheim@127.0.0.1:1/x?connect_timeout=5", world.path }
		local line = io.open(("/proc/%d/cmdline"):format(lunasip.pid)):read "a"
		flow.wait("a clean command line", function()
			local f = io.open(("/proc/%d/cmdline"):format(lunasip.pid))
			line = f and f:read "a" or ""
			return not line:find "geheim"
		end)
	end)

	local function read(pid, name)
		local file = io.open(("/proc/%d/%s"):format(pid, name))
		local text = file and file:read "a" or ""
		if file then
			file:close()
		end
		return text
	end

	-- Sanitizers bring a malloc of their own.
	it("has a thread of its malloc, which gives back what is free also at rest", function()
		world:start()
		local pid, names = world.proxy.pid, {}
		for task in uv.fs_scandir_next, uv.fs_scandir(("/proc/%d/task"):format(pid)) do
			names[read(pid, ("task/%s/comm"):format(task))] = true
		end
		assert.are.equal(read(pid, "maps"):find "libjemalloc" and true, names["jemalloc_bg_thd\n"])
		world:stop()
	end)

	it("listens on every address when told 0.0.0.0, and on a free port when told 0", function()
		world.proxy = flow.process.start { LUNASIP, "-l", "udp:0.0.0.0:0", "-d", "memory:", world.path }
		local port = world.proxy:expect "listening on udp:127%.0%.0%.1:(%d+)"
		assert.truthy(tonumber(port) > 0)
		world.proxy:expect " ready: "
		world:stop()
	end)

	it("stops at SIGINT as at SIGTERM, and not at SIGHUP", function()
		world:start()
		world.proxy:kill "sighup"
		world.proxy:expect "reload: generation 2 is in service"
		assert.are.equal(0, (world.proxy:stop "sigint"))
	end)

	it("answers questions on its control socket, to its owner only", function()
		world:start()
		assert.are.equal(tonumber("600", 8), uv.fs_stat(world.control).mode & tonumber("777", 8))
		local stats = world:stats()
		assert.are.equal(0, stats["transactions.server"])
		assert.are.equal(0, stats.coroutines)
		world:stop()
		assert.is_nil(uv.fs_stat(world.control))
	end)

	it("takes over the control socket of a dead proxy, not of a living one", function()
		world:start()
		fails_in_one_line("another lunasip", "-l", listen(5070), "-d", "memory:", "-s", world.control,
			world.path)
		world:kill9()
		world:start()
		world:stop()
	end)
end)
