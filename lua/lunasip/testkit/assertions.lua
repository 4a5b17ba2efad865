-- assertions: luassert's words for SIP.  What they are about is a message, an exchange or call
-- (its newest response; a call that came in: its INVITE), or a phone (what it received last).
--
--     assert.sip(phone:register()).is.reply(200)
--     assert.sip(msg).is.request("INVITE", "sip:11@")       method, pattern of the Request-URI
--     assert.sip(msg).has.header("Via", "^SIP/2.0/UDP")     name, and a pattern
--     assert.sip(msg).has.no.header("Proxy-Authorization")
--     assert.sip(msg).has.param("To", "tag")                header, parameter, and a pattern
--     assert.sip(msg).has.body("^v=0")
--     assert.sip(msg).is.from(ten)                          over the wire: a phone or an address
--     assert.sip(msg).is.to(eleven)
--     assert.sip(eleven:take()).is.nothing()
--
-- Patterns are Lua's; a text that is equal matches too.  A failure shows the ladder of all that
-- happened, the message marked, and the message.
local luassert = require "luassert"
local say = require "say"
local blame = require "lunasip.testkit.blame"

say:set("lunasip.sip", "%s")

local function is_message(x)
	return type(x) == "table" and x.headers ~= nil and x.text ~= nil
end

-- The message that is meant, and what to blame when there is none.
local function message_of(x)
	if type(x) ~= "table" or is_message(x) then return x end
	if x.exchanges or x.address then return x.last, x.net end
	if x.invite and not x.outgoing then return x.invite, x.net end
	return x.response, x.net
end

luassert:register("modifier", "sip", function(state, arguments)
	if arguments then rawset(state, "sip_subject", { arguments[1] }) end
	return state
end)
luassert:register("modifier", "got", function(state) return state end)

local function matches(value, pattern)
	return value ~= nil and (pattern == nil or value == pattern or value:find(pattern) ~= nil)
end

local function start_of(msg)
	return msg and msg.start or "nothing"
end

-- check(msg, …) answers whether, and what was expected and what there is instead.
local function register(name, check)
	luassert:register("assertion", name, function(state, arguments)
		local what = rawget(state, "sip_subject") -- a plain read would be one more word
		blame.check(what, "%s() is about a message: assert.sip(message).is.%s(…)", name, name)
		local msg, net = message_of(what[1])
		blame.check(msg == nil or is_message(msg),
			"assert.sip() takes a message, call or phone, not a %s", type(what[1]))
		local holds, expected, instead = check(msg, table.unpack(arguments, 1, arguments.n))
		if (not holds) == state.mod then
			local headline = ("%s %s, but %s"):format(state.mod and "expected" or "did not expect",
				expected, instead)
			arguments[1], arguments.n = blame.report(headline, msg, net), 1
			arguments.nofmt = { true }
		end
		return holds
	end, "lunasip.sip", "lunasip.sip")
end

local function pattern_text(pattern)
	return pattern and (" matching %q"):format(pattern) or ""
end

register("reply", function(msg, status, reason)
	local holds = msg and msg.status and (status == nil or msg.status == status)
		and matches(msg.reason, reason)
	local what = "a reply" .. (status and " " .. status or "") .. pattern_text(reason)
	return holds, what, "got " .. start_of(msg)
end)

register("request", function(msg, method, ruri)
	local holds = msg and msg.method and (method == nil or msg.method == method)
		and matches(msg.ruri, ruri)
	local what = "a request" .. (method and " " .. method or "") .. pattern_text(ruri)
	return holds, what, "got " .. start_of(msg)
end)

register("header", function(msg, name, pattern)
	blame.check(type(name) == "string", "header() takes a name, and maybe a pattern")
	local values = msg and msg:all(name) or {}
	local holds = false
	for _, value in ipairs(values) do holds = holds or matches(value, pattern) end
	return holds, ("a header %s%s"):format(name, pattern_text(pattern)),
		#values > 0 and ("%s is: %s"):format(name, table.concat(values, "; "))
		or msg and "there is none" or "got nothing"
end)

register("param", function(msg, name, param, pattern)
	local value = msg and msg:param(name, param)
	local what = ("a parameter %s of %s%s"):format(param, name, pattern_text(pattern))
	return matches(value, pattern), what,
		msg and ("%s is: %s"):format(name, msg:header(name) or "not there") or "got nothing"
end)

register("body", function(msg, pattern)
	local body = msg and msg.body ~= "" and msg.body or nil
	return matches(body, pattern), "a body" .. pattern_text(pattern),
		msg and "it is this" or "got nothing"
end)

local function party(field)
	return function(msg, whom)
		local address = type(whom) == "table" and whom.address or whom
		blame.check(type(address) == "string", "%s() takes a phone or an address", field)
		address = address:find ":%d+$" and address or address .. ":5060"
		return msg ~= nil and msg[field] == address, ("a message %s %s"):format(field, address),
			msg and ("it is from %s to %s"):format(msg.from or "?", msg.to or "?") or "got nothing"
	end
end
register("from", party "from")
register("to", party "to")

register("nothing", function(msg)
	return msg == nil, "nothing", "got " .. start_of(msg)
end)
