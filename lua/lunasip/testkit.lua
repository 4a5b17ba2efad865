-- testkit: a proxy with your script in a virtual world, and phones that talk to it.
--
--     local testkit = require "lunasip.testkit"
--     local net = testkit.proxy { script = "my.lua", subscribers = { ["10"] = "abc10" } }
--     local alice = net:phone "10"
--     assert(alice:register().status == 200)
--
-- The proxy is the daemon's own code; network, clock, chance and store are
-- virtual: nothing is opened, and time passes by net:advance(seconds) only.
local lunasip = require "lunasip"
local sip = require "lunasip.sip"

local testkit = { sip = sip }

local Net = {}
Net.__index = Net
local Phone = {}
Phone.__index = Phone

local function subscriber_rows(subscribers, domain)
	local rows = {}
	for user, password in pairs(subscribers or {}) do
		if type(password) == "table" then
			rows[#rows + 1] = password
		else
			rows[#rows + 1] = { username = user, domain = domain, password = password }
		end
	end
	table.sort(rows, function(a, b) return a.username < b.username end)
	return rows
end

-- A proxy from a script; raises what `lunasip -c` would say.
--   script = PATH, or source = TEXT
--   address = "127.0.0.1:5060", or listen = a list of them
--   subscribers = { user = password }
--   bindings = { location = {…}, aliases = {…} }: rows that stand in the store
--   settings = {…}: win over the script's own
--   seed = a number: equal seeds, equal runs
function testkit.proxy(options)
	local address = options.address or (options.listen or {})[1] or "127.0.0.1:5060"
	local domain = options.domain or address:match "^(.*):%d+$"
	local world, why = lunasip.sim {
		script = options.script,
		source = options.source,
		name = options.name,
		listen = options.listen or { address },
		settings = options.settings,
		subscribers = subscriber_rows(options.subscribers, domain),
		bindings = options.bindings,
		seed = options.seed or 1,
	}
	if not world then error(why, 2) end
	return setmetatable({
		world = world,
		address = address,
		domain = domain,
		passwords = options.subscribers or {},
		inbox = {},
		phones = 0,
		serial = 0,
	}, Net)
end

-- A datagram from an address to the proxy.
function Net:send(text, from, to)
	self.world:send(text, from, to or self.address)
end

local function collect(net)
	for packet in function() return net.world:take() end do
		local box = net.inbox[packet.to] or {}
		net.inbox[packet.to] = box
		box[#box + 1] = packet
	end
end

-- The oldest message that was sent to an address and not taken yet, or nil; parsed, with
-- from, to and at (seconds).
function Net:take(address)
	collect(self)
	local packet = table.remove(self.inbox[address] or {}, 1)
	if not packet then return nil end
	local msg = sip.parse(packet.text)
	msg.from, msg.to, msg.at, msg.packet = packet.from, packet.to, packet.at / 1000, packet
	return msg
end

-- How many messages wait to be taken, anywhere.
function Net:pending()
	collect(self)
	local n = 0
	for _, box in pairs(self.inbox) do n = n + #box end
	return n
end

-- Nothing that was sent so far interests us.
function Net:forget()
	collect(self)
	self.inbox = {}
end

function Net:advance(seconds)
	self.world:advance(math.floor(seconds * 1000 + 0.5))
end

-- Seconds since the world began.
function Net:now()
	return self.world:now() / 1000
end

-- What was logged since the last call.
function Net:log()
	return self.world:log()
end

function Net:stats()
	return self.world:stats()
end

function Net:close()
	self.world:close()
end

function Net:unique(prefix)
	self.serial = self.serial + 1
	return prefix .. self.serial
end

-- A phone of a user: {address=, password=, domain=} when they are not the usual ones.
function Net:phone(user, options)
	options = options or {}
	self.phones = self.phones + 1
	return setmetatable({
		net = self,
		user = user,
		domain = options.domain or self.domain,
		password = options.password or self.passwords[user],
		address = options.address or ("192.0.2.%d:5060"):format(self.phones),
		cseq = 0,
	}, Phone)
end

function Phone:contact()
	return ("<sip:%s@%s>"):format(self.user, self.address)
end

function Phone:aor()
	return ("sip:%s@%s"):format(self.user, self.domain)
end

-- The text of a request, every part of which options may set: ruri, from, to,
-- tag, to_tag, call_id, cseq, cseq_method, via (sent-by), branch, max_forwards,
-- contact (false: none), route (list), headers (list of lines), body.
function Phone:build(method, o)
	local net = self.net
	self.cseq = o.cseq or self.cseq + 1
	local lines = {}
	local function add(name, value)
		if value then lines[#lines + 1] = name .. ": " .. value end
	end
	local function party(uri, tag)
		return uri and ("<%s>%s"):format(uri, tag and ";tag=" .. tag or "")
	end
	add("Via", ("SIP/2.0/UDP %s;branch=%s;rport"):format(o.via or self.address,
		o.branch or net:unique "z9hG4bK-kit-"))
	for _, route in ipairs(o.route or {}) do add("Route", route) end
	add("Max-Forwards", o.max_forwards or 70)
	add("From", party(o.from or self:aor(), o.tag or net:unique "from-"))
	add("To", party(o.to or o.ruri, o.to_tag))
	add("Call-ID", o.call_id or net:unique "call-")
	add("CSeq", self.cseq .. " " .. (o.cseq_method or method))
	if o.contact ~= false then add("Contact", o.contact or self:contact()) end
	for _, line in ipairs(o.headers or {}) do lines[#lines + 1] = line end
	return sip.build(("%s %s SIP/2.0"):format(method, o.ruri), lines, o.body)
end

-- Sends a request; returns it parsed.
function Phone:request(method, o)
	local text = self:build(method, o)
	self.net:send(text, self.address)
	return sip.parse(text)
end

-- The next message for this phone, or nil; provisional 100s are not told unless asked for.
function Phone:take(with_100)
	repeat
		local msg = self.net:take(self.address)
		if not msg or with_100 or msg.status ~= 100 then return msg end
	until false
end

-- The next message for this phone, which must be there.
function Phone:expect(what)
	local msg = self:take()
	if not msg then
		error(("%s got nothing%s; the log says:\n%s"):format(self.user,
			what and ", expected " .. what or "", self.net:log()), 2)
	end
	if what and tostring(what) ~= tostring(msg.status or msg.method) then
		error(("%s expected %s, got:\n%s"):format(self.user, what, msg.text), 2)
	end
	return msg
end

-- The header line that answers a 401 or 407.
function Phone:credentials(method, ruri, challenge, o)
	o = o or {}
	local www = challenge.status == 401
	local value = challenge:header(www and "WWW-Authenticate" or "Proxy-Authenticate")
	local c = sip.digest_params(value)
	local d = {
		method = o.method or method,
		uri = o.uri or ruri,
		username = o.username or self.user,
		password = o.password or self.password or "",
		realm = c.realm,
		nonce = o.nonce or c.nonce,
		algorithm = c.algorithm,
	}
	local line = (www and "Authorization" or "Proxy-Authorization")
		.. (": Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\""):format(
			d.username, d.realm, d.nonce, d.uri)
	if c.qop then
		d.qop, d.nc, d.cnonce = "auth", o.nc or "00000001", "0a4f113b"
		line = line .. (", qop=auth, nc=%s, cnonce=\"%s\""):format(d.nc, d.cnonce)
	end
	return line .. (", response=\"%s\", algorithm=%s"):format(lunasip.digest(d),
		c.algorithm or "MD5")
end

local function copy(t)
	local c = {}
	for k, v in pairs(t) do c[k] = v end
	return c
end

-- Acknowledges a final response to an INVITE; a negative one hop by hop, a 2xx end to end.
function Phone:ack(invite, response)
	local ok = response.status < 300
	local o = {
		ruri = ok and response:uri "Contact" or invite.ruri,
		from = invite:uri "From", tag = invite:param("From", "tag"),
		to = invite:uri "To", to_tag = response:param("To", "tag"),
		call_id = invite:header "Call-ID",
		cseq = invite.cseq,
		branch = not ok and invite:param("Via", "branch") or nil,
		route = ok and self:routes(response, true) or invite:all "Route",
		contact = false,
	}
	return self:request("ACK", o)
end

-- Sends a request as its user would, answering one challenge; returns the response that is
-- no 1xx (or a 180 to an INVITE) and the request that it answers.
function Phone:transact(method, o)
	o = copy(o)
	o.tag = o.tag or self.net:unique "from-"
	o.call_id = o.call_id or self.net:unique "call-"
	local request = self:request(method, o)
	local response = self:take()
	local challenged = response and (response.status == 401 or response.status == 407)
	if challenged and method == "INVITE" then self:ack(request, response) end
	if not challenged or self.password == nil then return response, request end
	o.headers = { table.unpack(o.headers or {}) }
	table.insert(o.headers, self:credentials(method, o.ruri, response, o.digest))
	o.branch, o.cseq = nil, nil
	request = self:request(method, o)
	return self:take(), request
end

-- Registers; options as in build(), and expires.
function Phone:register(o)
	o = copy(o or {})
	o.ruri = o.ruri or "sip:" .. self.domain
	o.to = o.to or self:aor()
	o.call_id = o.call_id or "register-" .. self.address
	o.headers = { "Expires: " .. (o.expires or 600), table.unpack(o.headers or {}) }
	return self:transact("REGISTER", o)
end

-- Calls a user of the domain, or a URI.
function Phone:call(whom, o)
	o = copy(o or {})
	o.ruri = whom:find ":" and whom or ("sip:%s@%s"):format(whom, self.domain)
	return self:transact("INVITE", o)
end

-- The Route values of a dialog from Record-Route; the caller's are reversed.
function Phone:routes(msg, reversed)
	local routes = {}
	for _, line in ipairs(msg:all "Record-Route") do
		for route in line:gmatch "<[^>]*>" do routes[#routes + 1] = route end
	end
	if not reversed then return routes end
	for i = 1, #routes // 2 do
		routes[i], routes[#routes + 1 - i] = routes[#routes + 1 - i], routes[i]
	end
	return routes
end

-- Answers a request this phone got; headers: list of lines; contact: false for none.
function Phone:respond(request, status, o)
	o = o or {}
	local lines = {}
	for _, name in ipairs { "Via", "Record-Route", "From" } do
		for _, value in ipairs(request:all(name)) do lines[#lines + 1] = name .. ": " .. value end
	end
	local to = request:header "To"
	self.tag = self.tag or self.net:unique "to-"
	if status > 100 and not to:find ";tag=" then to = to .. ";tag=" .. (o.tag or self.tag) end
	lines[#lines + 1] = "To: " .. to
	lines[#lines + 1] = "Call-ID: " .. request:header "Call-ID"
	lines[#lines + 1] = "CSeq: " .. request:header "CSeq"
	if o.contact ~= false then lines[#lines + 1] = "Contact: " .. self:contact() end
	for _, line in ipairs(o.headers or {}) do lines[#lines + 1] = line end
	self.net:send(sip.build(("SIP/2.0 %d %s"):format(status, o.reason or "Whatever"), lines,
		o.body), self.address)
end

-- A request inside the dialog that `invite` and its 2xx made; from the caller's side, or from
-- the callee's (as_callee).
function Phone:in_dialog(method, invite, ok, as_callee)
	local mine, theirs = "From", "To"
	if as_callee then mine, theirs = theirs, mine end
	local o = {
		ruri = (as_callee and invite or ok):uri "Contact",
		from = ok:uri(mine), tag = ok:param(mine, "tag"),
		to = ok:uri(theirs), to_tag = ok:param(theirs, "tag"),
		call_id = invite:header "Call-ID",
		route = self:routes(as_callee and invite or ok, not as_callee),
	}
	return self:request(method, o)
end

-- CANCEL of an INVITE this phone sent.
function Phone:cancel(invite)
	return self:request("CANCEL", {
		ruri = invite.ruri,
		from = invite:uri "From", tag = invite:param("From", "tag"),
		to = invite:uri "To",
		call_id = invite:header "Call-ID",
		cseq = invite.cseq,
		branch = invite:param("Via", "branch"),
		route = invite:all "Route",
		contact = false,
	})
end

return testkit
