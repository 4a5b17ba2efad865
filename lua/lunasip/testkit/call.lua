-- call: one phone's side of a call.
--   state       "calling", "ringing", "answered" (the callee waits for the ACK), "talking", "ended"
--   status      of the newest response to the INVITE
--   invite      the INVITE (the newest: with credentials)
--   response    the newest response to it
--   outgoing    true on the caller's side
--   reinvites   in-dialog INVITEs that this side received
local Exchange = require "lunasip.testkit.exchange"
local blame = require "lunasip.testkit.blame"

local Call = {}
Call.__index = Call

local T1, T2 = 0.5, 4 -- seconds

local function new(phone, fields)
	fields.phone, fields.net, fields.state, fields.reinvites = phone, phone.net, "calling", {}
	table.insert(phone.calls, fields)
	return setmetatable(fields, Call)
end

-- The dialog as this side sees it: mine and theirs are "From" and "To" of the INVITE.
local function dialog_of(msg, mine, theirs, target, routes)
	return {
		uri = msg:uri(mine), tag = msg:param(mine, "tag"),
		remote_uri = msg:uri(theirs), remote_tag = msg:param(theirs, "tag"),
		target = target, routes = routes,
	}
end

-- ---- The caller's side

-- A 2xx from another branch, after the call has been taken: RFC 3261 13.2.2.4.
local function refuse_second(self, response)
	local dialog = dialog_of(response, "From", "To", response:uri "Contact", response:routes(true))
	self.phone:ack(self.invite, response)
	self:send_in(dialog, "BYE")
end

local function taken(self, response)
	local dialog = self.dialog
	if dialog and dialog.remote_tag ~= response:param("To", "tag") then
		return refuse_second(self, response)
	end
	self.dialog = dialog_of(response, "From", "To", response:uri "Contact", response:routes(true))
	self.phone:ack(self.invite, response)
	if dialog then return end -- a retransmission: only its ACK was missing
	self.state = "talking"
	if self.cancelled then self:bye() end
end

local function told(self, exchange, response)
	self.invite, self.response, self.status = exchange.request, response, exchange.status
	if exchange.status >= 300 then
		if not self.dialog then self.state = "ended" end
	elseif exchange.status >= 200 then
		taken(self, response)
	elseif self.state == "calling" or self.state == "ringing" then
		if exchange.status > 100 then self.state = "ringing" end
		if self.cancelled and not self.cancel_sent then self:cancel() end
	end
end

-- phone:call()
function Call.start(phone, whom, options)
	local self = new(phone, { outgoing = true })
	self.exchange = Exchange.start(phone, "INVITE", whom, options, function(exchange, response)
		told(self, exchange, response)
	end)
	self.invite = self.exchange.request
	return self
end

-- The caller hangs up before anybody answered: CANCEL, as soon as it may be sent.
function Call:cancel()
	blame.check(self.outgoing, "only the caller can cancel(); the callee can decline()")
	local late = self.state == "talking" or self.state == "ended"
	blame.check(not late, "cancel(): the call is %s already", self.state)
	self.cancelled = true
	if not self.response then return end
	self.cancel_sent = true
	return Exchange.start(self.phone, self.phone:cancelling(self.invite))
end

-- ---- The callee's side

-- A new INVITE has arrived at a phone.
function Call.arrive(phone, invite)
	return new(phone, { invite = invite, tag = phone.net:unique "to-" })
end

local function settled(self)
	if self.timer then self.timer.cancel() end
	if self.deadline then self.deadline.cancel() end
end

local function repeat_in(self, wait)
	self.timer = self.net:after(wait, function()
		self.net:send(self.last_words, self.phone.address)
		repeat_in(self, math.min(wait * 2, T2))
	end)
end

-- A final response to an INVITE is repeated until its ACK comes (13.3.1.4, timer G).
local function reply_finally(self, invite, status, options)
	settled(self)
	repeat_in(self, T1)
	self.deadline = self.net:after(64 * T1, function() settled(self) end)
	local response = self.phone:reply(invite, status, options)
	self.last_words = response.text
	return response
end

-- Answers the INVITE with any status; o as of Peer:reply.
function Call:reply(status, o)
	blame.check(not self.outgoing, "this phone made the call: it cannot answer it")
	blame.check(not self.final, "the call was answered %s already", self.status)
	local options = { tag = self.tag }
	for k, v in pairs(o or {}) do options[k] = v end
	self.status, self.final = status, status >= 200
	if not self.final then
		if status > 100 then self.state = "ringing" end
		self.response = self.phone:reply(self.invite, status, options)
		return self
	end
	self.state = status < 300 and "answered" or "ended"
	if status < 300 then
		local invite = self.invite
		self.dialog = dialog_of(invite, "To", "From", invite:uri "Contact", invite:routes())
		self.dialog.tag = options.tag
	end
	self.response = reply_finally(self, self.invite, status, options)
	return self
end

function Call:ring() return self:reply(180) end
function Call:answer(o) return self:reply(200, o) end
function Call:busy() return self:reply(486) end
function Call:decline() return self:reply(603) end

-- What the phone hears about this call.

function Call:acknowledged()
	settled(self)
	if self.state == "answered" then self.state = "talking" end
end

function Call:was_cancelled()
	self.cancelled = true
	if not self.final then self:reply(487) end
end

-- An INVITE inside the dialog, to either side.
function Call:was_reinvited(invite)
	table.insert(self.reinvites, invite)
	reply_finally(self, invite, 200)
end

-- ---- Both sides

-- f happens when so many seconds of the call have passed, unless it has ended before.
function Call:after(seconds, f)
	return self.net:after(seconds, function()
		if self.state ~= "ended" then f(self) end
	end)
end

function Call:send_in(dialog, method, o)
	local options = {
		from = dialog.uri, tag = dialog.tag,
		to = dialog.remote_uri, to_tag = dialog.remote_tag,
		call_id = self.invite:header "Call-ID", route = dialog.routes,
	}
	for k, v in pairs(o or {}) do options[k] = v end
	return Exchange.start(self.phone, method, dialog.target, options, function(exchange, response)
		if method == "INVITE" and response and response.status >= 200 and response.status < 300 then
			self.phone:ack(exchange.request, response, dialog.routes)
		end
	end)
end

-- Any request inside the dialog; returns its exchange.
function Call:request(method, o)
	blame.check(self.dialog, "%s: there is no dialog yet, the call is %s", method, self.state)
	return self:send_in(self.dialog, method, o)
end

function Call:reinvite(o)
	return self:request("INVITE", o)
end

function Call:bye(o)
	blame.check(self.state ~= "ended", "bye(): the call has ended already")
	blame.check(self.dialog, "bye(): nobody has answered; try cancel() or decline()")
	self.state = "ended"
	return self:request("BYE", o)
end

function Call:was_ended()
	settled(self)
	self.state = "ended"
end

-- The messages of this call that this phone sent or received.
function Call:seen()
	return self.net:seen { party = self.phone, call_id = self.invite:header "Call-ID" }
end

function Call:transcript()
	return self.net:transcript { party = self.phone, call_id = self.invite:header "Call-ID" }
end

return Call
