-- Section 7 of the documents: the final configuration, without the loop through ourselves.
-- lua/routes/default.lua is this one, ready for use.
local xlog = require "lunasip".xlog

-- route[1]
local function relay(req)
	if not req:t_relay() then
		req:sl_reply_error()
	end
end

-- route[2]
local function register(req)
	-- difference: no sl_send_reply("100", "Trying to Register"): RFC 4320 4.1 wants none
	if not req:www_authorize("", "subscriber") then
		return req:www_challenge("", "1") -- difference: "1": a captured answer serves only once
	end
	if not req:check_to() then
		return req:sl_send_reply(403, "Forbidden") -- difference: the original's bare 401
	end
	req:consume_credentials()
	req:save "location" -- difference: it has answered its refusals too
end

-- difference: everything that begins here is asked, not INVITE alone.
local function authenticate(req)
	if not req:proxy_authorize("", "subscriber") then
		req:proxy_challenge("", "1")
	elseif not req:check_from() then
		req:sl_send_reply(403, "Forbidden")
	else
		return req:consume_credentials()
	end
end

-- The end of route[3] and of route: to one of our users.
local function deliver(req)
	if not req:is_myself() then
		return relay(req) -- difference: the original takes b@elsewhere for our alias b
	end
	req:lookup "aliases"
	if not req:is_myself() then -- uri!=myself
		return relay(req)
	end
	local found, why = req:lookup "location"
	if found then
		return relay(req)
	end
	if why == "db" then
		return req:sl_reply_error() -- difference: we do not know, so it is no 404
	end
	req:sl_send_reply(404, "User Not Found")
end

-- route
local function request(req)
	xlog("L_NOTICE", "$rm from $si at $Tf\n")
	local routed = req:loose_route()
	if req.method == "REGISTER" and req:is_myself() and not routed then
		return register(req)
	end
	-- difference: only a dialog that began through us goes on unasked. The original relays
	-- whatever brings a Route or has a foreign Request-URI: an open relay.
	if req:in_dialog() then
		return deliver(req)
	end
	if req.method == "ACK" then
		return -- difference: it belongs to nothing; the original relays it to itself, for ever
	end
	if not authenticate(req) then
		return
	end
	req:record_route()
	if routed then
		return relay(req)
	end
	deliver(req)
end

return {
	settings = {
		listen = { "udp:127.0.0.1:5060" }, -- the original: 192.168.1.15
		store = "sqlite:lunasip.sqlite", -- the original: mysql://openser:openserrw@localhost/openser
		usrloc = { db_mode = 2 },
	},
	request = request,
}
