-- route: small routes for specs, and what they see.
local testkit = require "lunasip.testkit"

local route = {}

-- say(req, …): answers 299 with all values as the reason: "true|nil|none".
local prelude = [[
local lunasip = require "lunasip"
local xlog = lunasip.xlog
local function say(req, ...)
	local words = table.pack(...)
	for i = 1, words.n do words[i] = tostring(words[i]) end
	req:sl_send_reply(299, table.concat(words, "|"))
end
]]

-- A proxy whose request handler has this body (and sees req); options as of
-- testkit.proxy, and more = "reply = function(rpl) … end," for other handlers.
function route.proxy(body, options)
	local o = { subscribers = { ["10"] = "abc10", ["11"] = "abc11" }, allow_errors = true }
	for k, v in pairs(options or {}) do o[k] = v end
	o.source = ("%s return { request = function(req) %s end, %s }"):format(
		prelude:gsub("\n", " "), body, o.more or "")
	o.name = o.name or "route.lua"
	o.more = nil
	return testkit.proxy(o)
end

-- Runs body for one request of 10 (method, options as of Peer:build, and ruri when it is not for
-- 11); returns what it said, or the reply when it said nothing, and the proxy.
function route.ask(body, method, request, options)
	local net = route.proxy(body, options)
	local phone = net:phone "10"
	local o = {}
	for k, v in pairs(request or {}) do o[k] = v end
	local whom = o.ruri or "11"
	o.ruri = nil
	phone:send(method or "MESSAGE", whom, o)
	local reply = phone:take()
	return reply and (reply.status == 299 and reply.reason or reply), net, phone
end

-- The default route with the documents' two subscribers; options win.
function route.default(options)
	local o = { script = "lua/routes/default.lua",
		subscribers = { ["10"] = "abc10", ["11"] = "abc11" } }
	for k, v in pairs(options or {}) do o[k] = v end
	return testkit.proxy(o)
end

-- The same with both phones registered, and an empty log.
function route.two_phones(options)
	local net = route.default(options)
	local ten, eleven = net:registered("10", "11")
	net:log()
	return net, ten, eleven
end

-- The log without the lines of the start.
function route.log(net)
	return (net:log():gsub("info: [^\n]*\n", ""))
end

return route
