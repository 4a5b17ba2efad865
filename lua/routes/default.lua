-- The final configuration of the documents (section 7), with its holes closed.
local xlog = require "lunasip".xlog

-- true: each request first goes once through this proxy itself, so that the
-- reply handler prints our own replies too (the documents' debug loop).
local self_loop = false

-- What phones assert of themselves ends here: it proves nothing (RFC 3325 5).
local function relay(req)
	req:remove_hf "P-Asserted-Identity"
	req:remove_hf "P-Preferred-Identity"
	if not req:t_relay() then req:sl_reply_error() end
end

-- Who asks must be a subscriber and say who he is: else any From would do.
local function authenticate(req)
	if not req:proxy_authorize("", "subscriber") then
		req:proxy_challenge("", "1") -- with qop: a captured answer serves only once
	elseif not req:check_from() then
		req:sl_send_reply(403, "Forbidden, Use From=ID")
	else
		return req:consume_credentials() -- the callee has no business with them
	end
end

local function register(req)
	if not req:www_authorize("", "subscriber") then
		req:www_challenge("", "1")
	elseif not req:check_to() then
		req:sl_send_reply(403, "Forbidden") -- a bare 401 would be no valid SIP
	else
		req:consume_credentials()
		req:save("location") -- sends the answer itself
	end
end

-- Abroad, to one of our users, or wherever an alias of ours leads.
local function deliver(req, to_us)
	if not to_us and not req:is_myself() then return relay(req) end
	local found, why = req:lookup "aliases"
	if why == "db" then return req:sl_reply_error() end
	if found and not req:is_myself() then return relay(req) end
	found, why = req:lookup("location")
	if found then return relay(req) end
	xlog("L_NOTICE", "$CrxUser is not found$Cxx: $rU\n")
	if why == "db" then return req:sl_reply_error() end -- we do not know: that is no 404
	req:sl_send_reply(404, "User Not Found")
end

local function request(req)
	if self_loop and req.method ~= "ACK" and not req:search "^P-hint: Self-Looped" then
		req:append_hf "P-hint: Self-Looped\r\n"
		return req:t_relay(req.socket.ip .. ":" .. req.socket.port)
	end
	xlog("L_NOTICE", "$rm from $si at $Tf\n$Cbg$mb$Cxx\n")

	if not req:mf_process_maxfwd_header(10) then return req:sl_reply_error() end
	local routed = req:loose_route()
	local to_us = not routed and req:is_myself()
	local method = req.method

	if method == "REGISTER" and to_us then return register(req) end
	-- Our Record-Route, come back in its Route, proves the dialog. A To tag and
	-- a Route that strangers make up prove nothing.
	if req:in_dialog() then return deliver(req, to_us) end
	if method == "ACK" then return end -- belongs to nothing: never relay it
	if method == "OPTIONS" and to_us and not req.ruri:find "@" then
		return req:sl_send_reply(200, "OK") -- a phone looks whether we are there
	end

	-- Whatever begins here is authenticated, whatever its method: so strangers
	-- get neither to a foreign Request-URI nor along a Route they brought. A proxy
	-- that shares our database (settings.usrloc.peers) has done that already.
	if not req:from_peer() and not authenticate(req) then return end
	req:record_route()
	if routed then return relay(req) end
	deliver(req, to_us)
end

local function reply()
	xlog("L_NOTICE", "$rs ($rr) concerning $rm\n$Cbc$mb$Cxx\n")
end

return {
	settings = {
		listen = { "udp:127.0.0.1:5060" },
		usrloc = { db_mode = 1 }, -- what was answered 200 survives a crash
	},
	request = request,
	reply = reply,
}
