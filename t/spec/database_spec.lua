-- A database that is slow or gone costs the messages that need it, and only them.
local route = require "route"

-- Routes ask the store for credentials: nothing is kept of users.
local bare = { auth = { cache_size = 0 } }
local straight = { usrloc = { db_mode = 3 }, auth = { cache_size = 0 } }

local function stop(net) net:store { delay = 3600 } end
local function go_on(net) net:store { delay = 0 } end

-- A phone's request with the right credentials, whose challenge came before.
local function prepared(net, phone, method, whom)
	local o = { call_id = net:unique "prepared" }
	local request = phone:send(method, whom, o)
	local challenge = phone:expect(method == "REGISTER" and 401 or 407)
	if method == "INVITE" then phone:send("ACK", whom, { call_id = o.call_id, cseq = phone.cseq,
		branch = request:header("Via"):match "branch=([^;]+)" }) end
	o.headers = { phone:credentials(request, challenge) }
	return o
end

describe("a request that waits for the database", function()
	it("is refused at the deadline, and told when to come again", function()
		local net = route.default { settings = bare }
		local ten = net:phone "10"
		local o = prepared(net, ten, "MESSAGE", "11")
		stop(net)
		ten:send("MESSAGE", "11", o)
		net:advance(2.999)
		assert.is_nil(ten:take())
		assert.equal(1, net:stats().parked)
		net:advance(0.001)
		local reply = ten:expect(503)
		local seconds = tonumber(reply:header "Retry-After")
		assert.is_true(seconds >= 5 and seconds < 10)
		assert.equal(0, net:stats().parked)
	end)

	it("has the deadline of the settings", function()
		local net = route.default { settings = { db = { timeout = 500 }, auth = bare.auth } }
		local ten = net:phone "10"
		local o = prepared(net, ten, "MESSAGE", "11")
		stop(net)
		ten:send("MESSAGE", "11", o)
		net:advance(0.5)
		ten:expect(503)
	end)

	it("is told to wait when it is an INVITE, and can be cancelled", function()
		local net = route.default { settings = bare }
		local ten = net:phone "10"
		local o = prepared(net, ten, "INVITE", "11")
		net:store { delay = 2 }
		local invite = ten:send("INVITE", "11", o)
		net:advance(0.2)
		assert.equal(100, ten:take(true).status)
		ten:send("CANCEL", "11", { call_id = o.call_id, cseq = ten.cseq,
			branch = invite:header("Via"):match "branch=([^;]+)" })
		local statuses = { ten:expect(200).status, ten:expect(487).status }
		assert.same({ 200, 487 }, statuses)
		net:advance(2) -- the answer comes, for nobody
		assert.equal(0, net:stats().parked)
		assert.same({}, net:seen { method = "INVITE", from = "127.0.0.1" })
		assert.same({}, net.errors or {})
	end)

	it("is asked for once, however often it is sent again", function()
		local net = route.default { settings = bare }
		local ten = net:phone "10"
		local o = prepared(net, ten, "MESSAGE", "11")
		o.branch, o.cseq = "z9hG4bK-again", 77
		net:store { delay = 2 }
		for _ = 1, 3 do
			ten:send("MESSAGE", "11", o)
			net:advance(0.5)
		end
		assert.equal(1, net:stats().parked)
		net:advance(0.5)
		ten:expect(404)
		assert.is_nil(ten:take())
		ten:send("MESSAGE", "11", o)
		ten:expect(404) -- from the transaction
	end)

	it("is not answered 404 because an alias could not be looked up", function()
		local net = route.default { settings = straight }
		local ten = net:phone "10"
		local o = prepared(net, ten, "MESSAGE", "11")
		net:store { delay = 1 }
		ten:send("MESSAGE", "11", o)
		net:advance(1) -- the subscriber is there
		net:store { gone = true }
		net:advance(1)
		ten:expect(503)
	end)
end)

describe("a registration that waits for the database", function()
	it("is refused at the deadline and leaves nothing behind", function()
		local net = route.default()
		local ten = net:phone "10"
		assert.sip(ten:register()).is.reply(200)
		local o = prepared(net, ten, "REGISTER", "sip:127.0.0.1")
		o.to, o.contact = "sip:10@127.0.0.1", "<sip:10@192.0.2.77>"
		stop(net)
		ten:send("REGISTER", "sip:127.0.0.1", o)
		net:advance(3)
		assert.matches("^%d+$", ten:expect(503):header "Retry-After")
		go_on(net)
		assert.equal(1, #net:bindings "location")
	end)

	it("counts when it was written late, and the next one waits for that", function()
		local net = route.default()
		local ten = net:phone "10"
		assert.sip(ten:register()).is.reply(200)
		local o = prepared(net, ten, "REGISTER", "sip:127.0.0.1")
		o.to, o.contact = "sip:10@127.0.0.1", "<sip:10@192.0.2.77>"
		local next_one = prepared(net, ten, "REGISTER", "sip:127.0.0.1")
		next_one.to, next_one.contact = o.to, "<sip:10@192.0.2.77>;expires=0"
		net:store { delay = 5, begun = true }
		ten:send("REGISTER", "sip:127.0.0.1", o)
		net:advance(3)
		ten:expect(503)
		net:store { delay = 0, begun = false }
		ten:send("REGISTER", "sip:127.0.0.1", next_one)
		assert.is_nil(ten:take())
		net:advance(2)
		assert.is_nil(ten:expect(200):header("Contact"):match "77")
		assert.equal(1, #net:bindings "location")
	end)
end)

describe("when the database is gone", function()
	it("what needs none goes on as ever", function()
		local net, ten, eleven = route.two_phones()
		eleven:will "answer"
		local call = ten:call "11"
		stop(net)
		net:advance(1)
		-- a dialog
		assert.sip(call:request "INFO").is.reply(200)
		-- a new call: its caller was seen a while ago, its callee is in memory
		call:bye()
		local again = ten:call "11"
		assert.equal("talking", again.state)
		again:bye()
		ten:send("OPTIONS", "sip:127.0.0.1")
		ten:expect(200)
		assert.equal(0, net:stats().parked)
	end)

	it("a wrong password is not refused before it was looked at", function()
		local net = route.default()
		local ten = net:phone "10"
		assert.sip(ten:register()).is.reply(200)
		net:advance(5)
		net:store { gone = true }
		local liar = net:phone("10", { password = "wrong" })
		assert.sip(liar:register()).is.reply(503)
		assert.sip(ten:register()).is.reply(503) -- passed, but not saved
	end)

	it("service is whole again with the first answer", function()
		local net = route.default { settings = straight }
		local phones = {}
		for i = 1, 20 do phones[i] = { phone = net:phone "10" } end
		for _, p in ipairs(phones) do p.o = prepared(net, p.phone, "MESSAGE", "99") end
		stop(net)
		for i = 1, 10 do phones[i].phone:send("MESSAGE", "99", phones[i].o) end
		net:advance(3)
		for i = 1, 10 do phones[i].phone:expect(503) end
		go_on(net)
		for i = 11, 20 do
			phones[i].phone:send("MESSAGE", "99", phones[i].o)
			phones[i].phone:expect(404)
		end
		assert.equal(0, net:stats().parked)
	end)
end)

describe("db.max_parked", function()
	local net, ten, eleven
	before_each(function()
		net = route.default { settings = { db = { max_parked = 3 }, auth = bare.auth } }
		ten, eleven = net:phone "10", net:phone "11"
	end)

	it("is how many may wait; more are refused at once", function()
		local o = {}
		for i = 1, 5 do o[i] = prepared(net, ten, "MESSAGE", "11") end
		stop(net)
		for i = 1, 3 do ten:send("MESSAGE", "11", o[i]) end
		assert.equal(3, net:stats().parked)
		assert.is_nil(ten:take())
		for i = 4, 5 do
			ten:send("MESSAGE", "11", o[i])
			assert.matches("^%d+$", ten:expect(503):header "Retry-After")
		end
		eleven:send("OPTIONS", "sip:127.0.0.1")
		eleven:expect(200)
		net:advance(3)
		for _ = 1, 3 do ten:expect(503) end
		assert.is_nil(ten:take())
		go_on(net)
		ten:send("MESSAGE", "11", o[4])
		ten:expect(404)
	end)
end)

describe("db.query", function()
	it("gives nil and the reason where there is no SQL", function()
		assert.equal("nil|memory: a store without SQL",
			route.ask 'say(req, lunasip.db.query("SELECT 1"))')
	end)

	it("gives nil and the reason when the database gives no answer", function()
		local _, net, phone = route.ask([[
			if req.method == "OPTIONS" then return say(req, "ready") end
			say(req, lunasip.db.query("SELECT ?, ?, ?, ?, ?", 1, 0.5, "x", nil, true))]], "OPTIONS")
		stop(net)
		phone:send("MESSAGE", "11")
		assert.equal(1, net:stats().parked)
		net:advance(3)
		assert.equal("nil|no answer from the database in time", phone:expect(299).reason)
	end)

	it("raises when it is misused", function()
		local function raises(why, body, more)
			local _, net = route.ask(body, nil, nil, { allow_errors = true, more = more })
			assert.matches(why, net:log())
		end
		raises("string expected", "lunasip.db.query()")
		raises("string expected, got table", 'lunasip.db.query("SELECT ?", {})')
		raises("more than 64 arguments",
			'lunasip.db.query("SELECT 1", table.unpack({}, 1, 65))')
		raises("inside a coroutine",
			'coroutine.wrap(function() lunasip.db.query("SELECT 1") end)()')
	end)

	it("works inside handlers only", function()
		assert.has_error(function()
			route.proxy("", { more = "reply = lunasip.db.query('SELECT 1')," })
		end)
	end)
end)
