-- phone: a user's device: it registers and calls, and reacts to what arrives as will() says.
-- A peer as well: send(), take(), expect() and reply() are below all that.
local Call = require "lunasip.testkit.call"
local Exchange = require "lunasip.testkit.exchange"
local Peer = require "lunasip.testkit.peer"
local blame = require "lunasip.testkit.blame"

local Phone = setmetatable({}, { __index = Peer })
Phone.__index = Phone

-- o: password, domain, address, when they are not the usual ones.
function Phone.new(net, user, o)
	o = o or {}
	blame.check(type(user) == "string", "a phone has a user: net:phone \"10\"")
	blame.keys("net:phone()", o, { password = true, domain = true, address = true })
	net.n_phones = net.n_phones + 1
	net.devices[user] = (net.devices[user] or 0) + 1
	local name = net.devices[user] == 1 and user or ("%s (%d)"):format(user, net.devices[user])
	return Peer.init(Phone, {
		user = user,
		domain = o.domain or net.domain,
		password = o.password or net.passwords[user],
		calls = {},
		exchanges = {},
		answered = {}, -- what was said to a request: for its retransmissions
		does = {},
	}, net, o.address or ("192.0.2.%d"):format(net.n_phones), name)
end

-- ---- What it does by itself

local reactions = {}

function reactions.ring(call)
	call:ring()
end

function reactions.answer(call, seconds)
	call:ring()
	if seconds == 0 then return call:answer() end
	call:after(seconds, function()
		if not call.final then call:answer() end
	end)
end

local function refuse(status)
	return function(call, seconds)
		if seconds == 0 then return call:reply(status) end
		call:ring()
		call:after(seconds, function()
			if not call.final then call:reply(status) end
		end)
	end
end

reactions.busy = refuse(486)
reactions.decline = refuse(603)
function reactions.nothing() end -- the call is there, and waits for what you do with it

local function check_reaction(method, what)
	if type(what) == "function" or math.type(what) == "integer" or what == "silent" then return end
	if method == "INVITE" then
		blame.check(type(what) == "string" and reactions[what], "will() takes \"ring\", \"answer\", "
			.. "\"busy\", \"decline\", \"nothing\", \"silent\", a status, a function or a table, not %s",
			tostring(what))
	else
		blame.raise(("will { %s = } takes a status, \"silent\" or a function, not %s"):format(
			tostring(method), tostring(what)))
	end
end

-- What the phone does when it is called:
--   "ring"       until somebody answers: phone:incoming():answer().  So are phones as they come.
--   "answer", "busy", "decline", or a status: at once, or after so many seconds of ringing
--   "nothing"    takes the call, and leaves all to you
--   "silent"     says nothing, to whatever comes
--   function(call)
-- Or a table, method by method: { INVITE = "busy", MESSAGE = 480, INFO = "silent",
-- OPTIONS = function(request) return 200 end }.  Other requests are answered 200.
function Phone:will(what, seconds)
	if type(what) ~= "table" then
		check_reaction("INVITE", what)
		self.silent = what == "silent"
		self.does.INVITE = { what = what, seconds = seconds or 0 }
		return self
	end
	for method, one in pairs(what) do
		check_reaction(method, one)
		self.does[method] = { what = one, seconds = 0 }
	end
	return self
end

local function react_to_call(self, invite)
	local does = self.does.INVITE or { what = "ring", seconds = 0 }
	local what = does.what
	if what == "silent" then return end
	if type(what) == "number" then what = refuse(what) end
	if type(what) == "string" then what = reactions[what] end
	what(Call.arrive(self, invite), does.seconds)
end

local function react_to_other(self, request)
	local what = (self.does[request.method] or {}).what or 200
	if type(what) == "function" then what = what(request) end
	if math.type(what) == "integer" then self:reply(request, what) end
end

-- The call that a request belongs to.
local function call_of(self, request)
	local call_id, tag = request:header "Call-ID", request:param("To", "tag")
	for i = #self.calls, 1, -1 do
		local call = self.calls[i]
		if call.invite:header "Call-ID" == call_id and (not call.dialog or call.dialog.tag == tag) then
			return call
		end
	end
end

local heard = {}

function heard.ACK(self, request)
	local call = call_of(self, request)
	if call then call:acknowledged() end
end

function heard.CANCEL(self, request)
	for _, call in ipairs(self.calls) do
		if not call.outgoing and call.invite:param("Via", "branch") == request:param("Via", "branch") then
			self:reply(request, 200)
			return call:was_cancelled()
		end
	end
	self:reply(request, 481)
end

function heard.BYE(self, request)
	local call = call_of(self, request)
	if not call or not call.dialog then return self:reply(request, 481) end
	call:was_ended()
	self:reply(request, 200)
end

function heard.INVITE(self, request)
	if not request:param("To", "tag") then return react_to_call(self, request) end
	local call = call_of(self, request)
	if not call then return self:reply(request, 481) end
	call:was_reinvited(request)
end

-- A request that came before: what was said to it is said again.
local function is_again(self, request)
	local key = request:param("Via", "branch") .. " " .. request.method
	local before = self.answered[key]
	if not before then
		self.answered[key] = { request = request }
		return false
	end
	if before.text then self.net:send(before.text, self.address) end
	return true
end

function Phone:reply(request, status, o)
	local response = Peer.reply(self, request, status, o)
	local answered = self.answered[request:param("Via", "branch") .. " " .. request.method]
	if answered then answered.text = response.text end
	return response
end

-- Responses to a request() go to its exchange, all else is there to be taken.
function Phone:receive(msg)
	if msg.status then
		local sent = Exchange.find(self, msg)
		self.last = msg
		if sent then return sent.exchange:receive(msg, sent.request) end
		return Peer.receive(self, msg)
	end
	Peer.receive(self, msg)
	if self.silent then return end
	if msg.method ~= "ACK" and is_again(self, msg) then return end
	local react = heard[msg.method]
	if self.does[msg.method] and msg.method ~= "INVITE" then react = react_to_other end
	(react or react_to_other)(self, msg)
end

-- ---- What its user does

-- Sends a request to a user or URI, retransmits it, answers a challenge; returns the exchange
-- (testkit/exchange.lua).  options as of Peer:build, and digest as of Peer:credentials.
function Phone:request(method, whom, options)
	return Exchange.start(self, method, whom, options)
end

-- Registers for expires seconds (600).
function Phone:register(options)
	local o = { to = self:aor(), call_id = "register-" .. self.address, expires = 600 }
	for k, v in pairs(options or {}) do o[k] = v end
	return self:request("REGISTER", "sip:" .. self.domain, o)
end

function Phone:unregister()
	return self:register { expires = 0 }
end

-- Calls a user or URI; returns the call (testkit/call.lua).
function Phone:call(whom, options)
	return Call.start(self, whom, options)
end

-- The newest call that came in.
function Phone:incoming()
	for i = #self.calls, 1, -1 do
		if not self.calls[i].outgoing then return self.calls[i] end
	end
	blame.fail(("nobody has called %s"):format(self.net.names[self.address]), nil, self.net)
end

return Phone
