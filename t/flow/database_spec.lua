-- What the database is to scripts, subscribers and operators, on the stores that have SQL.
local flow = require "flow"
local uv = require "luv"

local QUERY = [[
local db = require "lunasip".db

-- Answers with what the last of the statements gave.
local function request(req)
	assert(db.query("CREATE TABLE IF NOT EXISTS price (prefix VARCHAR(20), cents REAL, note TEXT)"))
	local _, changed = assert(db.query("INSERT INTO price VALUES (?, ?, ?), ('44', 2, ?)",
		"49", 1.5, nil, "it's ?"))
	local rows = assert(db.query("SELECT prefix, cents, note FROM price WHERE cents < ? ORDER BY 1",
		3))
	local none, why = db.query("SELECT nonsense FROM price")
	local text = ("%d changed;%d rows;%s %s %s;%s %s %s;%s %s"):format(changed, #rows,
		rows[1].prefix, rows[1].cents, rows[1].note, rows[2].prefix, rows[2].cents, rows[2].note,
		none, why:find "nonsense" and "says why")
	req:sl_send_reply(299, text)
end

return { request = request }
]]

local function read(path)
	local file = assert(io.open(path, "rb"))
	local text = file:read "a"
	file:close()
	return text
end

for _, store in ipairs(flow.stores { memory = false }) do
	describe("the database, store " .. store .. ",", function()
		local world, phone

		local function start(o)
			o.store = store
			world = flow.world(o)
			phone = flow.phone { world = world, user = "10", password = "abc10",
				host = world:host(10) }
		end
		after_each(flow.cleanup)

		it("answers a script's queries", function()
			start { text = QUERY }
			local d = phone:dialog(world:uri "11")
			phone:request(d, "MESSAGE")
			local line = phone:final("MESSAGE").start
			assert.are.equal("SIP/2.0 299 2 changed;2 rows;44 2.0 it's ?;49 1.5 nil;nil says why",
				line)
		end)

		it("is asked once for a subscriber, and again when lunactl changes him", function()
			start { settings = "{ usrloc = { db_mode = 0 } }" }
			for _ = 1, 5 do assert.are.equal(200, phone:register().status) end
			assert.are.equal(1, world:stats()["auth.asked"])

			world:lunactl("--domain", world.address, "-s", world.control, "subscriber", "set", "10",
				"changed")
			phone.password = "changed"
			assert.are.equal(200, phone:register().status)
			phone.password = "abc10"
			assert.are.equal(401, phone:register().status)
			phone.password = "changed"
			world:lunactl("-s", world.control, "subscriber", "rm", "10")
			assert.are.equal(401, phone:register().status)
			world:lunactl("--domain", world.address, "-s", world.control, "subscriber", "add", "10",
				"changed")
			assert.are.equal(200, phone:register().status)
		end)

		it("is asked again before a password is refused, whoever changed it", function()
			start { settings = "{ usrloc = { db_mode = 0 } }" }
			assert.are.equal(200, phone:register().status)
			flow.pass(1100)
			world:lunactl("--domain", world.address, "subscriber", "set", "10", "changed")
			phone.password = "changed"
			assert.are.equal(200, phone:register().status)
		end)

		it("has every registration that was answered, when many come at once", function()
			start { text = [[
				return { settings = { usrloc = { db_mode = 1 } },
					request = function(req) req:save("location") end }]] }
			local users = 300
			for i = 1, users do
				local d = phone:dialog(world:uri("u" .. i))
				d.target = "sip:" .. world.address
				phone:request(d, "REGISTER", { "Expires: 600" })
				if i % 50 == 0 then -- as many as fit into the socket
					for _ = 1, 50 do assert.are.equal(200, phone:final("REGISTER").status) end
				end
			end
			world:kill9()
			local rows = world:lunactl("location", "list")
			for i = 1, users do
				assert.truthy(rows:find("\nu" .. i .. "  ", 1, true), "u" .. i .. " is lost")
			end
		end)
	end)
end

describe("a password in a URL", function()
	local world, listener
	after_each(function()
		if listener then listener:close() end
		listener = nil
		flow.cleanup()
	end)

	-- The arguments of a process that waits for a server which never says a word.
	local function arguments_of(program)
		local address = world:host(77)
		listener = uv.new_tcp()
		assert(listener:bind(address, 3306))
		listener:listen(8, function() end)
		local p = flow.process.start(program("mysql://joe:very%40secret@" .. address .. "/x"))
		local text
		flow.wait("the password to be hidden", function()
			text = read("/proc/" .. p.pid .. "/cmdline")
			return text:find("***", 1, true) or not p:running()
		end)
		assert.truthy(p:running(), p.output)
		p:stop "sigkill"
		assert.is_nil(p.output:find("secret", 1, true))
		return text
	end

	it("is not in the list of processes, nor what lunactl was told to set", function()
		world = flow.world { store = "memory", start = false }
		local text = arguments_of(function(url)
			return { (os.getenv "BUILD" or "build") .. "/lunasip", "-d", url, world.path }
		end)
		assert.is_nil(text:find("secret", 1, true))
		listener:close()
		text = arguments_of(function(url)
			return { "tools/lunactl", "-d", url, "subscriber", "set", "10", "unguessable",
				env = { LD_PRELOAD = os.getenv "PRELOAD" } }
		end)
		assert.is_nil(text:find("secret", 1, true))
		assert.is_nil(text:find("unguessable", 1, true))
		assert.truthy(text:find("subscriber", 1, true))
	end)
end)
