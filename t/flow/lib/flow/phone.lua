-- A phone under the test's control, message by message, over a UDP socket.
local uv = require "luv"
local loop = require "flow.loop"
local md5 = require "flow.md5"
local sip = require "lunasip.sip"

local Phone = {}
Phone.__index = Phone

local phone = {}

local SDP = table.concat({
	"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
	"m=audio 4000 RTP/AVP 0", "",
}, "\r\n")

local counter = 0
local function unique(prefix)
	counter = counter + 1
	return ("%s%d%06x"):format(prefix, counter, math.random(0, 0xffffff))
end

-- o: world, user, password, host (address to send from), user_agent,
-- via: parameters of its Via, ";rport" when none are given,
-- ports: from how many ports it sends, each message from any of them (behind a NAT that is none).
function phone.new(o)
	local self = setmetatable({
		world = o.world, user = o.user, password = o.password, host = o.host,
		user_agent = o.user_agent, via = o.via or ";rport",
		inbox = {}, cseq = 0, sockets = {},
	}, Phone)
	for i = 1, o.ports or 1 do
		self:open_socket(i == 1 and 5060 or 0)
	end
	return self
end

function Phone:open_socket(port)
	local socket = uv.new_udp()
	assert(socket:bind(self.host, port))
	socket:recv_start(function(_, data, from)
		if data and from then
			local m = sip.parse(data)
			m.source = from
			table.insert(self.inbox, m)
		end
	end)
	table.insert(self.sockets, socket)
	loop.at_cleanup(function() loop.close(socket) end)
end

function Phone:uri()
	return self.world:uri(self.user)
end

function Phone:contact()
	return ("<sip:%s@%s:5060>"):format(self.user, self.host)
end

function Phone:send(text, to)
	to = to or { ip = self.world.address, port = 5060 }
	local socket = self.sockets[math.random(#self.sockets)]
	self.last = text
	assert(socket:try_send(text, to.ip, to.port))
end

-- Takes the first message out of the inbox that fits: a method, a status, or a function.
function Phone:take(what, timeout_ms)
	local function fits(m)
		if type(what) == "function" then
			return what(m)
		end
		return m.method == what or m.status == what
	end
	local function seen()
		local lines = {}
		for i, m in ipairs(self.inbox) do
			lines[i] = "  " .. m.start
		end
		return ("%s to get %s; it got:\n%s"):format(self.user, what, table.concat(lines, "\n"))
	end
	return loop.wait(seen, function()
		for i, m in ipairs(self.inbox) do
			if fits(m) then
				return table.remove(self.inbox, i)
			end
		end
	end, timeout_ms)
end

-- The final response to a request of this method.
function Phone:final(method, timeout_ms)
	return self:take(function(m)
		return m.status and m.status >= 200 and m.cseq_method == method
	end, timeout_ms)
end

-- Nothing that fits came so far, nor does within ms.
function Phone:got_none(what, ms)
	loop.pass(ms or 300)
	for _, m in ipairs(self.inbox) do
		assert(m.method ~= what and m.status ~= what, self.user .. " got " .. m.start)
	end
end

-- A dialog-to-be: what is equal in all its requests.
function Phone:dialog(to)
	return {
		call_id = unique "call-", from_tag = unique "t",
		from = ("<%s>"):format(self:uri()), to = ("<%s>"):format(to),
		target = to, routes = {}, cseq = 0,
	}
end

-- Sends a request in a dialog. headers: more lines; options: body, branch, cseq.
function Phone:request(d, method, headers, options)
	options = options or {}
	if not options.cseq then
		d.cseq = d.cseq + 1
	end
	local branch = options.branch or "z9hG4bK" .. unique "b"
	local lines = {
		("Via: SIP/2.0/UDP %s:5060;branch=%s%s"):format(self.host, branch, self.via),
		"Max-Forwards: 70",
		("From: %s;tag=%s"):format(d.from, d.from_tag),
		("To: %s%s"):format(d.to, d.to_tag and ";tag=" .. d.to_tag or ""),
		"Call-ID: " .. d.call_id,
		("CSeq: %d %s"):format(options.cseq or d.cseq, method),
		"Contact: " .. self:contact(),
	}
	for _, route in ipairs(d.routes) do
		table.insert(lines, "Route: " .. route)
	end
	for _, header in ipairs(headers or {}) do
		table.insert(lines, header)
	end
	if self.user_agent then
		table.insert(lines, "User-Agent: " .. self.user_agent)
	end
	if options.body then
		table.insert(lines, "Content-Type: application/sdp")
	end
	self:send(sip.build(("%s %s SIP/2.0"):format(method, d.target), lines, options.body))
	return branch
end

-- Digest credentials (RFC 2617) for a challenge.
function Phone:credentials(challenge, method, uri, password)
	local c = sip.digest_params(challenge)
	local ha1 = md5(("%s:%s:%s"):format(self.user, c.realm, password or self.password))
	local ha2 = md5(method .. ":" .. uri)
	local head = ('Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=MD5'):format(
		self.user, c.realm, c.nonce, uri)
	if c.qop then
		local cnonce = unique "c"
		local response = md5(("%s:%s:00000001:%s:auth:%s"):format(ha1, c.nonce, cnonce, ha2))
		return ('%s, qop=auth, nc=00000001, cnonce="%s", response="%s"'):format(head, cnonce,
			response)
	end
	return ('%s, response="%s"'):format(head, md5(("%s:%s:%s"):format(ha1, c.nonce, ha2)))
end

-- The MD5 challenge of a 401 or 407, and the name of the header that answers it.
local function challenge_of(reply)
	local www = reply.status == 401
	for _, value in ipairs(reply:all(www and "WWW-Authenticate" or "Proxy-Authenticate")) do
		if not value:find "SHA%-256" then
			return value, www and "Authorization" or "Proxy-Authorization"
		end
	end
	error("no MD5 challenge in:\n" .. reply.text)
end

-- ACK for a negative final: hop by hop, in the INVITE's transaction.
function Phone:ack_negative(d, reply, branch)
	local to = d.to_tag
	d.to_tag = reply:header("To"):match ";%s*tag=([^;%s]+)"
	self:request(d, "ACK", {}, { branch = branch, cseq = d.cseq })
	d.to_tag = to
end

-- The header line that answers a challenge.
function Phone:credentials_for(d, reply)
	local challenge, name = challenge_of(reply)
	return ("%s: %s"):format(name, self:credentials(challenge, reply.cseq_method, d.target))
end

-- A request, answered with credentials when it is challenged. Returns the final response
-- and the branch of the request that got it.
function Phone:ask(d, method, headers, options)
	local branch = self:request(d, method, headers, options)
	local reply = self:final(method)
	if reply.status ~= 401 and reply.status ~= 407 then
		return reply, branch
	end
	if method == "INVITE" then
		self:ack_negative(d, reply, branch)
	end
	local with = { self:credentials_for(d, reply) }
	table.move(headers or {}, 1, #(headers or {}), 2, with)
	branch = self:request(d, method, with, options)
	return self:final(method), branch
end

-- Returns the final response.
function Phone:register(headers)
	self.registration = self.registration or self:dialog(self:uri())
	local d = self.registration
	d.target = "sip:" .. self.world.address
	return (self:ask(d, "REGISTER", headers or { "Expires: 600" }))
end

-- Sends an INVITE; what comes back is to come. Returns the dialog; d.branch is the INVITE's.
function Phone:begin(user)
	local d = self:dialog(self.world:uri(user))
	d.branch = self:request(d, "INVITE", {}, { body = SDP })
	return d
end

-- The 407 to an INVITE is acknowledged, and the INVITE sent again with credentials.
function Phone:authenticate(d)
	local reply = self:final "INVITE"
	assert(reply.status == 407, reply.start)
	self:ack_negative(d, reply, d.branch)
	d.branch = self:request(d, "INVITE", { self:credentials_for(d, reply) }, { body = SDP })
end

-- Sends an INVITE and authenticates it; the final response is to come.
function Phone:invite(user)
	local d = self:begin(user)
	self:authenticate(d)
	return d
end

-- A 2xx came: the dialog is there, and its ACK leaves.
function Phone:confirm(d, reply)
	d.to_tag = reply:header("To"):match ";%s*tag=([^;%s]+)"
	d.target = reply:header("Contact"):match "<([^>]+)>"
	d.routes = {}
	for _, value in ipairs(reply:all "Record-Route") do
		table.insert(d.routes, 1, value)
	end
	self:request(d, "ACK", {}, { cseq = d.cseq })
end

function Phone:cancel(d)
	local tag = d.to_tag
	d.to_tag = nil
	self:request(d, "CANCEL", {}, { branch = d.branch, cseq = d.cseq })
	d.to_tag = tag
end

-- Answers a request that came in. The To tag of an INVITE's answers is one.
function Phone:reply(request, status, reason, headers, body)
	local lines = {}
	for _, name in ipairs { "Via", "Record-Route" } do
		for _, value in ipairs(request:all(name)) do
			table.insert(lines, name .. ": " .. value)
		end
	end
	local to = request:header "To"
	if status > 100 and not to:find ";%s*tag=" then
		request.tag = request.tag or unique "u"
		to = to .. ";tag=" .. request.tag
	end
	table.insert(lines, "From: " .. request:header "From")
	table.insert(lines, "To: " .. to)
	table.insert(lines, "Call-ID: " .. request:header "Call-ID")
	table.insert(lines, "CSeq: " .. request:header "CSeq")
	table.insert(lines, "Contact: " .. self:contact())
	for _, header in ipairs(headers or {}) do
		table.insert(lines, header)
	end
	if body then
		table.insert(lines, "Content-Type: application/sdp")
	end
	self:send(sip.build(("SIP/2.0 %d %s"):format(status, reason), lines, body), request.source)
end

function Phone:answer(request)
	self:reply(request, 200, "OK", {}, SDP)
end

-- The callee's side of a dialog, for its BYE.
function Phone:dialog_of(request)
	local tag = request.tag
	local routes = {}
	for i, value in ipairs(request:all "Record-Route") do
		routes[i] = value
	end
	return {
		call_id = request:header "Call-ID", from = request:header("To"):match "^[^;]*>" or
			request:header("To"):match "^[^;]+", from_tag = tag,
		to = request:header("From"):match "^(.-);%s*tag=",
		to_tag = request:header("From"):match ";%s*tag=([^;%s]+)",
		target = request:header("Contact"):match "<([^>]+)>", routes = routes, cseq = 0,
	}
end

return phone
