-- peer: an address in the network that does nothing by itself: it sends what you say, and
-- keeps what arrives until you take it.  Below phones, which do more (testkit/phone.lua).
local lunasip = require "lunasip"
local sip = require "lunasip.sip"
local blame = require "lunasip.testkit.blame"

local Peer = {}
Peer.__index = Peer

local phrases = {
	[100] = "Trying", [180] = "Ringing", [183] = "Session Progress",
	[200] = "OK", [202] = "Accepted", [302] = "Moved Temporarily",
	[401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found",
	[407] = "Proxy Authentication Required", [408] = "Request Timeout",
	[480] = "Temporarily Unavailable", [481] = "Call/Transaction Does Not Exist",
	[486] = "Busy Here", [487] = "Request Terminated", [488] = "Not Acceptable Here",
	[500] = "Server Internal Error", [503] = "Service Unavailable",
	[600] = "Busy Everywhere", [603] = "Decline",
}

local request_options = {
	from = true, to = true, tag = true, to_tag = true, call_id = true, cseq = true,
	cseq_method = true, via = true, branch = true, max_forwards = true, contact = true,
	route = true, headers = true, body = true, expires = true,
}

local reply_options = { reason = true, headers = true, body = true, tag = true, contact = true }

-- Makes `self` a peer of a class at an address.
function Peer.init(class, self, net, address, name)
	address = address:find ":%d+$" and address or address .. ":5060"
	blame.check(not net.own[address], "%s is the proxy's own address", address)
	blame.check(not net.peers[address], "there is somebody at %s already", address)
	self.net, self.address, self.cseq = net, address, 0
	net.peers[address] = self
	net.names[address] = name
	return setmetatable(self, class)
end

-- The URI of a user of the domain, unless it is one already.
function Peer:uri(whom)
	blame.check(type(whom) == "string", "whom is a user (\"11\") or a URI, not a %s", type(whom))
	return whom:find ":" and whom or ("sip:%s@%s"):format(whom, self.domain)
end

function Peer:contact()
	return ("<sip:%s@%s>"):format(self.user, self.address)
end

-- The address-of-record.
function Peer:aor()
	return ("sip:%s@%s"):format(self.user, self.domain)
end

local function party(uri, tag)
	return ("<%s>%s"):format(uri, tag and ";tag=" .. tag or "")
end

-- The text of a request to a user or URI; any part can be said otherwise:
--   from, to (URIs), tag, to_tag, call_id, cseq, cseq_method, via (sent-by), branch,
--   max_forwards, contact (false: none), route (a list), expires, headers (a list of lines), body.
function Peer:build(method, whom, o)
	o = o or {}
	blame.keys(method, o, request_options)
	local net = self.net
	local ruri = self:uri(whom)
	self.cseq = o.cseq or self.cseq + 1
	local lines = {
		("Via: SIP/2.0/UDP %s;branch=%s;rport"):format(o.via or self.address,
			o.branch or net:unique "z9hG4bK-kit-"),
	}
	for _, route in ipairs(o.route or {}) do lines[#lines + 1] = "Route: " .. route end
	lines[#lines + 1] = "Max-Forwards: " .. (o.max_forwards or 70)
	lines[#lines + 1] = "From: " .. party(o.from or self:aor(), o.tag or net:unique "from-")
	lines[#lines + 1] = "To: " .. party(o.to or ruri, o.to_tag)
	lines[#lines + 1] = "Call-ID: " .. (o.call_id or net:unique "call-")
	lines[#lines + 1] = ("CSeq: %d %s"):format(self.cseq, o.cseq_method or method)
	if o.contact ~= false then lines[#lines + 1] = "Contact: " .. (o.contact or self:contact()) end
	if o.expires then lines[#lines + 1] = "Expires: " .. o.expires end
	for _, line in ipairs(o.headers or {}) do lines[#lines + 1] = line end
	return sip.build(("%s %s SIP/2.0"):format(method, ruri), lines, o.body)
end

-- Sends a request as it is built; returns it parsed.
function Peer:send(method, whom, o)
	local text = self:build(method, whom, o)
	local request = sip.parse(text)
	self.net:send(text, self.address)
	return request
end

-- Answers a request that arrived here.
--   o: reason, headers (lines), body, tag, contact (false: none)
function Peer:reply(request, status, o)
	o = o or {}
	blame.check(type(request) == "table" and request.method, "reply() answers a request")
	blame.keys("reply()", o, reply_options)
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
	local start = ("SIP/2.0 %d %s"):format(status, o.reason or phrases[status] or "Whatever")
	local text = sip.build(start, lines, o.body)
	self.net:send(text, self.address)
	return sip.parse(text)
end

-- ---- What arrives

function Peer:receive(msg)
	self.last = msg
	table.insert(self.net.inbox, msg)
end

-- The next message for this address that nobody took, or nil; a 100 only if asked for.
function Peer:take(with_100)
	repeat
		local msg = self.net:take(self.address)
		if not msg or with_100 or msg.status ~= 100 then return msg end
	until false
end

-- The same, and it must be there: a method, a status, or nil for anything.
function Peer:expect(what)
	local msg = self:take()
	local name = self.net.names[self.address]
	if not msg then
		local wanted = what and ", expected " .. what or ""
		blame.fail(("%s got nothing%s"):format(name, wanted), nil, self.net)
	end
	if what and tostring(what) ~= tostring(msg.status or msg.method) then
		blame.fail(("%s expected %s, got %s"):format(name, what, msg.start), msg, self.net)
	end
	return msg
end

-- ---- Requests that belong to others

-- The header line that answers a 401 or 407; digest: what to say instead of the right thing
-- (username, password, nonce, uri, method, nc).
function Peer:credentials(request, challenge, digest)
	digest = digest or {}
	blame.keys("digest", digest, { username = true, password = true, nonce = true, uri = true,
		method = true, nc = true })
	local www = challenge.status == 401
	local value = challenge:header(www and "WWW-Authenticate" or "Proxy-Authenticate")
	blame.check(value, "a challenge is a 401 or 407 reply, not %s", challenge.start)
	local c = sip.digest_params(value)
	local d = {
		method = digest.method or request.method,
		uri = digest.uri or request.ruri,
		username = digest.username or self.user,
		password = digest.password or self.password or "",
		realm = c.realm,
		nonce = digest.nonce or c.nonce,
		algorithm = c.algorithm,
	}
	local line = (www and "Authorization" or "Proxy-Authorization")
		.. (": Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\""):format(
			d.username, d.realm, d.nonce, d.uri)
	if c.qop then
		d.qop, d.nc, d.cnonce = "auth", digest.nc or "00000001", "0a4f113b"
		line = line .. (", qop=auth, nc=%s, cnonce=\"%s\""):format(d.nc, d.cnonce)
	end
	return line .. (", response=\"%s\", algorithm=%s"):format(lunasip.digest(d), c.algorithm or "MD5")
end

-- Acknowledges a final response: a 2xx end to end (along routes, or as its Record-Route says),
-- others hop by hop.
function Peer:ack(invite, response, routes)
	local ok = response.status < 300
	return self:send("ACK", ok and response:uri "Contact" or invite.ruri, {
		from = invite:uri "From", tag = invite:param("From", "tag"),
		to = invite:uri "To", to_tag = response:param("To", "tag"),
		call_id = invite:header "Call-ID",
		cseq = invite.cseq,
		branch = not ok and invite:param("Via", "branch") or nil,
		route = ok and (routes or response:routes(true)) or invite:all "Route",
		contact = false,
	})
end

-- What a CANCEL of an INVITE looks like: the arguments of send().
function Peer:cancelling(invite)
	return "CANCEL", invite.ruri, {
		from = invite:uri "From", tag = invite:param("From", "tag"),
		to = invite:uri "To",
		call_id = invite:header "Call-ID",
		cseq = invite.cseq,
		branch = invite:param("Via", "branch"),
		route = invite:all "Route",
		contact = false,
	}
end

function Peer:cancel(invite)
	return self:send(self:cancelling(invite))
end

-- A request inside the dialog that an INVITE and its 2xx made, from the caller's side.
function Peer:within(method, invite, ok)
	return self:send(method, ok:uri "Contact", {
		from = ok:uri "From", tag = ok:param("From", "tag"),
		to = ok:uri "To", to_tag = ok:param("To", "tag"),
		call_id = invite:header "Call-ID",
		route = ok:routes(true),
	})
end

return Peer
