-- Coming from Kamailio: on a database of kamdbctl's tables, with rows that a running kamailio
-- wrote, lunasip starts, authenticates and calls; and kamailio still reads and calls after it.
--
--   make test-kamailio      (Debian: kamailio, kamailio-mysql-modules)
local flow = require "flow"
local md5 = require "flow.md5"

local SCHEMA = "/usr/share/kamailio/mysql/"

local CONFIG = [[
#!KAMAILIO
debug=1
log_stderror=yes
children=1
listen=udp:%s:5060
alias="fleet.test"
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "db_mysql.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("usrloc|auth_db", "db_url", "mysql://root@localhost/%s")
modparam("usrloc", "db_mode", %d)
modparam("auth_db", "calculate_ha1", 0)
modparam("auth_db", "password_column", "ha1")
request_route {
	if (is_method("REGISTER")) {
		if (!auth_check("$fd", "subscriber", "1")) { auth_challenge("$fd", "0"); exit; }
		save("location");
		exit;
	}
	if (has_totag()) { loose_route(); t_relay(); exit; }
	if (is_method("INVITE")) {
		if (!auth_check("$fd", "subscriber", "1")) { auth_challenge("$fd", "0"); exit; }
		consume_credentials();
		record_route();
	}
	if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
	t_relay();
}
]]

local function read(path)
	local file = assert(io.open(path))
	local text = file:read "a"
	file:close()
	return text
end

for _, db_mode in ipairs { 1, 3 } do
	describe("a database of kamailio's, db_mode " .. db_mode .. ",", function()
		local world, kamailio, alice, bob

		local function make_database()
			for _, name in ipairs { "standard", "usrloc", "auth_db", "alias_db" } do
				world.store.sql(read(SCHEMA .. name .. "-create.sql"))
			end
			for user, password in pairs { ["10"] = "abc10", ["11"] = "abc11" } do
				local ha1 = md5(("%s:fleet.test:%s"):format(user, password))
				world.store.sql(("INSERT INTO subscriber (username, domain, ha1) VALUES ('%s', '%s', '%s')")
					:format(user, "fleet.test", ha1))
			end
		end

		local function start_kamailio()
			local path = world:write("kamailio.cfg", CONFIG:format(world:host(3),
				world.store.url:match "/([%w_]+)%?", db_mode))
			local process = flow.process.start { "/usr/sbin/kamailio", "-DD", "-E", "-m", "32",
				"-f", path, "-Y", world.dir, "-P", world.dir .. "/kamailio.pid",
				env = { MYSQL_UNIX_PORT = world.store.url:match "socket=(.+)$" } }
			flow.wait(function() return "kamailio to serve; it said:\n" .. process.output end,
				function()
					local d = alice:dialog "sip:nobody@fleet.test"
					alice:request(d, "OPTIONS")
					flow.pass(100)
					for i, m in ipairs(alice.inbox) do
						if m.cseq_method == "OPTIONS" then return table.remove(alice.inbox, i) end
					end
				end)
			alice.inbox = {}
			return process
		end

		local function stop_kamailio()
			kamailio:stop "sigterm"
			flow.pass(200) -- its children
		end

		local function use(address)
			for _, phone in ipairs { alice, bob } do
				phone.world = { address = address,
					uri = function(_, user) return "sip:" .. user .. "@fleet.test" end }
				phone.registration = nil
			end
		end

		local function call(from, to)
			local dialog = from:invite(to.user)
			to:answer(to:take "INVITE")
			from:confirm(dialog, from:final "INVITE")
			to:take "ACK"
			from:request(dialog, "BYE")
			to:reply(to:take "BYE", 200, "OK")
			assert.are.equal(200, from:final("BYE").status)
		end

		before_each(function()
			world = flow.world { store = "mysql", users = false, start = false, settings =
				('{ aliases = { "fleet.test" }, usrloc = { db_mode = %d } }'):format(db_mode) }
			alice = flow.phone { world = world, user = "10", password = "abc10",
				host = world:host(10) }
			bob = flow.phone { world = world, user = "11", password = "abc11",
				host = world:host(11) }
			make_database()
			use(world:host(3))
			kamailio = start_kamailio()
		end)
		after_each(flow.cleanup)

		it("serves here and there", function()
			assert.are.equal(200, bob:register().status)
			stop_kamailio()
			use(world.address)
			world:start()
			assert.are.equal(200, alice:register().status)
			call(alice, bob) -- bob's row is kamailio's
			call(bob, alice)
			assert.are.equal(200, bob:register().status) -- he refreshes it
			local rows = world.store.sql "SELECT username FROM location"
			assert.are.equal(2, select(2, rows:gsub("| 1[01] ", "")), rows)
			world:stop()
			use(world:host(3))
			kamailio = start_kamailio()
			call(bob, alice) -- alice's row is lunasip's
			call(alice, bob)
			assert.are.equal(200, alice:register().status)
			stop_kamailio()
		end)
	end)
end
