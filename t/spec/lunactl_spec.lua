-- tools/lunactl on a SQLite database.
local build = os.getenv "BUILD" or "build"

local dir, url

-- Runs lunactl; its output, what it complained about, its exit code.
local function lunactl(arguments, input)
	local err = os.tmpname()
	local command = ("printf '%%s' '%s' | BUILD=%s tools/lunactl %s 2>%s"):format(input or "", build,
		arguments, err)
	local pipe = assert(io.popen(command))
	local out = pipe:read "a"
	local _, _, code = pipe:close()
	local f = assert(io.open(err))
	local complaint = f:read "a"
	f:close()
	os.remove(err)
	return out, complaint, code
end

local function on_store(arguments, input)
	return lunactl(("-d '%s' %s"):format(url, arguments), input)
end

before_each(function()
	dir = os.tmpname()
	os.remove(dir)
	assert(os.execute("mkdir " .. dir))
	url = "sqlite:" .. dir .. "/db.sqlite"
	on_store "db init"
end)

after_each(function() os.execute("rm -r " .. dir) end)

describe("lunactl subscriber", function()
	it("keeps hashes, not passwords", function()
		local out, _, code = on_store "subscriber add 10 abc10 --domain 192.168.1.15"
		assert.same({ "added 10@192.168.1.15\n", 0 }, { out, code })
		local lunasip = require "lunasip"
		local store = assert(lunasip.store(url))
		assert.same({ { username = "10", domain = "192.168.1.15",
			ha1 = lunasip.ha1("MD5", "10", "192.168.1.15", "abc10"),
			ha1b = lunasip.ha1("MD5", "10@192.168.1.15", "192.168.1.15", "abc10"),
			ha1_sha256 = lunasip.ha1("SHA-256", "10", "192.168.1.15", "abc10") } },
			store:subscriber_list())
		store:close()
		assert.equal("username  domain        kept\n10        192.168.1.15  MD5,SHA-256\n",
			(on_store "subscriber list"))
	end)

	it("keeps plain text when told to", function()
		on_store "subscriber add 10 abc10 --plain"
		assert.matches("10 +127.0.0.1 +plain,MD5,SHA%-256", (on_store "subscriber list"))
	end)

	it("reads the password from standard input", function()
		on_store("subscriber add 10 -", "secret\n")
		local store = assert(require "lunasip".store(url))
		assert.equal(require "lunasip".ha1("MD5", "10", "127.0.0.1", "secret"),
			store:subscriber_list()[1].ha1)
		store:close()
	end)

	it("changes and removes", function()
		on_store "subscriber add 10 abc10 --domain a.example"
		assert.equal("changed 10@a.example\n", (on_store "subscriber set 10 other"))
		assert.equal("removed 10@a.example\n", (on_store "subscriber rm 10"))
		local _, complaint, code = on_store "subscriber rm 10"
		assert.same({ "lunactl: there is no subscriber '10'\n", 1 }, { complaint, code })
	end)

	it("asks which one is meant", function()
		on_store "subscriber add 10 abc10 --domain a.example"
		on_store "subscriber add 10 abc10 --domain b.example"
		local _, complaint, code = on_store "subscriber rm 10"
		assert.matches("in several domains, %-%-domain is one of: a.example, b.example", complaint)
		assert.equal(1, code)
		assert.equal("removed 10@b.example\n", (on_store "subscriber rm 10 --domain b.example"))
	end)

	it("refuses what cannot be", function()
		on_store "subscriber add 10 abc10"
		local _, complaint, code = on_store "subscriber add 10 abc10"
		assert.same({ 1, true }, { code, complaint:find "is there already" ~= nil })
		for _, bad in ipairs { "add 10", "add 10 ''", "add 'a:b' x", "list 1" } do
			_, complaint, code = on_store("subscriber " .. bad)
			assert.equal(2, code, bad .. complaint)
		end
	end)

	it("speaks JSON", function()
		on_store "subscriber add 10 abc10"
		local rows = require "dkjson".decode((on_store "subscriber list --json"))
		assert.same({ { username = "10", domain = "127.0.0.1", kept = "MD5,SHA-256" } }, rows)
		assert.same({ ok = true }, require "dkjson".decode((on_store "--json subscriber rm 10")))
	end)
end)

describe("lunactl location", function()
	before_each(function()
		local store = assert(require "lunasip".store(url))
		for _, contact in ipairs { "sip:10@192.0.2.1", "sip:10@192.0.2.2" } do
			assert(store:binding_add("location", { username = "10", contact = contact,
				expires = os.time() + 600, callid = "x", user_agent = "phone" }))
		end
		store:close()
	end)

	it("lists and shows", function()
		local function listed(command) -- whenever it is asked for
			return (on_store("location " .. command):gsub("in %d+ s", "in N s"))
		end
		local out = listed "list"
		assert.matches("10 +sip:10@192.0.2.1 +in N s", out)
		assert.equal(out, listed "show 10")
		assert.equal(out, listed "show sip:10@anywhere.example")
		assert.equal(2, #require "dkjson".decode((on_store "location list --json")))
		local _, complaint, code = on_store "location show 11"
		assert.same({ "lunactl: 11 is registered nowhere\n", 1 }, { complaint, code })
	end)

	it("removes one or all", function()
		assert.equal("removed 1 binding of 10\n", (on_store "location rm 10 sip:10@192.0.2.1"))
		assert.equal("removed 1 binding of 10\n", (on_store "location rm 10"))
		local _, _, code = on_store "location rm 10"
		assert.equal(1, code)
	end)
end)

describe("lunactl", function()
	it("helps", function()
		local out, _, code = lunactl "--help"
		assert.equal(0, code)
		assert.matches("^usage: lunactl", out)
	end)

	it("says what is wrong in one line", function()
		local function says(arguments, complaint, code)
			local _, text, got = lunactl(arguments)
			assert.matches("^lunactl: [^\n]*" .. complaint .. "[^\n]*\n$", text)
			assert.equal(code, got)
		end
		says("", "no command", 2)
		says("bogus", "unknown command 'bogus' ", 2)
		says("test", "which specs", 2)
		says("subscriber lsit", "unknown command 'subscriber lsit'", 2)
		says("--frob", "unknown option %-%-frob", 2)
		says("-d", "%-d wants a value", 2)
		says("subscriber list", "which store", 2)
		says("-d memory: subscriber list", "running proxy's own", 2)
		says("-d nonsense subscriber list", "a store is sqlite:PATH", 2)
		says("-d bogus:x subscriber list", "a store is sqlite:PATH", 2)
		says("-d sqlite:/nowhere/x subscriber list", "sqlite:/nowhere/x: ", 1)
		says("-d mysql://u:geheim@127.0.0.1:1/x subscriber list", "mysql://u:%*%*%*@127.0.0.1:1/x: ", 1)
		says("-d sqlite:x --table 'a b' location list", "not the name of a table: 'a b'", 2)
		says("-d sqlite:x --domain 'a\nb' subscriber add 10 x", "not a domain: 'a%?b'", 2)
		says("-d sqlite:x location rm 'a b'", "have no blanks", 2)
		says("-d mysql://u:g@h/e:i@127.0.0.1:1/x subscriber list", "mysql://u:%*%*%*@127.0.0.1:1/x: ", 1)
		says("-s /nowhere/control location rm 10", "/nowhere/control: No such file", 1)
		says("-s /nowhere/control stats", "/nowhere/control: No such file or directory", 1)
		says("-s /nowhere/control reload", "/nowhere/control: No such file or directory", 1)
	end)

	it("never shows the password of the database", function()
		for _, misspelt in ipairs { "mysql://u:geheim@127.0.0.1:1/x", "mysql:/u:geheim@127.0.0.1:1/x",
			"mysql:u:ge%heim@h/x", "mysq://u:geheim@h/x" } do
			local _, text = lunactl(("-d '%s' subscriber list"):format(misspelt))
			assert.is_nil(text:find "heim")
			assert.matches("u:***@", text, 1, true)
		end
	end)

	it("says what db init did", function()
		local fresh = url .. ".fresh"
		for _, did in ipairs { "made the tables", "the tables are there, nothing to do" } do
			assert.equal(("%s: %s\n"):format(fresh, did), (lunactl(("-d '%s' db init"):format(fresh))))
		end
	end)
end)
