-- exchange: a request of a phone and what comes of it: retransmitted as RFC 3261 17.1
-- says, one challenge answered, an INVITE acknowledged.
--   request      the newest form of it (with credentials)
--   response     the newest one to that, or nil; status is its status
--   responses    all of them
--   timed_out    nobody answered in 64 * T1 (status is 408 then, without a response)
local sip = require "lunasip.sip"

local Exchange = {}
Exchange.__index = Exchange

local T1, T2 = 0.5, 4 -- seconds

local function key_of(msg, method)
	return msg:param("Via", "branch") .. " " .. method
end

-- What a phone sent that a response answers: { exchange =, request = }, or nil.
function Exchange.find(phone, response)
	return phone.exchanges[key_of(response, response.cseq_method)]
end

local function stop(timer)
	if timer then timer.cancel() end
end

local function retransmit(self, wait)
	self.timer = self.net:after(wait, function()
		self.net:send(self.request.text, self.phone.address)
		retransmit(self, self.method == "INVITE" and wait * 2 or math.min(wait * 2, T2))
	end)
end

local function end_timers(self)
	stop(self.timer)
	stop(self.deadline)
end

local function time_out(self)
	end_timers(self)
	self.timed_out, self.status = true, 408
	if self.told then self.told(self) end
end

local function send(self)
	local text = self.phone:build(self.method, self.whom, self.options)
	self.request = sip.parse(text)
	self.phone.exchanges[key_of(self.request, self.method)] = {
		exchange = self, request = self.request,
	}
	retransmit(self, T1)
	self.deadline = self.net:after(64 * T1, function() time_out(self) end)
	self.net:send(text, self.phone.address)
end

-- Sends a request.  options as of Peer:build, and digest as of Peer:credentials; told(exchange,
-- response) hears of each response but those that are answered here.
function Exchange.start(phone, method, whom, options, told)
	local self = setmetatable({
		phone = phone, net = phone.net, method = method, whom = whom, told = told,
		options = {}, responses = {},
	}, Exchange)
	for k, v in pairs(options or {}) do self.options[k] = v end
	self.digest, self.options.digest = self.options.digest, nil
	self.options.tag = self.options.tag or self.net:unique "from-"
	self.options.call_id = self.options.call_id or self.net:unique "call-"
	send(self)
	return self
end

-- A challenge that the phone has an answer to, and has not answered yet.
local function is_answerable(self, response)
	return (response.status == 401 or response.status == 407) and not self.challenged
		and self.phone.password ~= nil
end

local function answer_challenge(self, response)
	self.challenged = true
	local o = self.options
	o.headers = { table.unpack(o.headers or {}) }
	table.insert(o.headers, self.phone:credentials(self.request, response, self.digest))
	o.branch, o.cseq = nil, nil
	self.response, self.status = nil, nil
	send(self)
end

-- A response to a request of this exchange.
function Exchange:receive(response, request)
	local status, is_invite = response.status, self.method == "INVITE"
	self.responses[#self.responses + 1] = response
	if is_invite and status >= 300 then self.phone:ack(request, response) end
	if request ~= self.request then return end -- the challenge, once more
	if self.final and not (is_invite and status < 300) then return end -- came again, or too late
	self.response, self.status = response, status
	stop(self.timer)
	if status >= 200 then
		end_timers(self)
		if is_answerable(self, response) then return answer_challenge(self, response) end
		self.final = true
	elseif is_invite then
		stop(self.deadline)
	else
		retransmit(self, T2)
	end
	if self.told then self.told(self, response) end
end

return Exchange
