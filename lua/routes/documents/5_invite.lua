-- Section 5 of the documents: registrations and calls are authenticated. Each INVITE goes once
-- through this proxy itself, so that print_reply sees our own replies to it.
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
		return req:www_challenge("", "0")
	end
	if not req:check_to() then
		return req:sl_send_reply(403, "Forbidden") -- difference: the original's bare 401
	end
	req:consume_credentials()
	req:save "location"
end

-- route[3]
local function call(req)
	if not req:proxy_authorize("", "subscriber") then
		return req:proxy_challenge("", "0")
	end
	if not req:check_from() then
		return req:sl_send_reply(403, "Forbidden, Use From=ID")
	end
	req:lookup "aliases"
	if not req:is_myself() then -- uri!=myself
		return relay(req)
	end
	if not req:lookup "location" then
		return req:sl_send_reply(404, "User Not Found")
	end
	relay(req)
end

-- onreply_route[1]
local function print_reply()
	xlog("L_NOTICE", "$rs ($rr) concerning $rm\n$Cbc$mb$Cxx\n")
end

-- route
local function request(req)
	req:t_on_reply(print_reply)
	if not req:mf_process_maxfwd_header(10) then
		return req:sl_send_reply(483, "Too Many Hops")
	end
	if req.method == "INVITE" then
		if not req:search "^P-hint: [Ss]elf-[Ll]ooped" then
			req:append_hf "P-hint: Self-Looped\r\n"
			-- difference: our address as it is, where the original writes 192.168.1.15
			return req:t_relay(req.socket.ip .. ":" .. req.socket.port)
		end
	end
	xlog("L_NOTICE", "$rm ($Tf)\n$Cbg$mb$Cxx\n")
	if req.method ~= "REGISTER" then
		req:record_route()
	end
	local routed = req:loose_route()
	-- difference: only a dialog that began through us goes on unasked. The original relays
	-- whatever brings a Route or has a foreign Request-URI: an open relay.
	if req:in_dialog() then
		return relay(req)
	end
	if req.method == "ACK" then
		return -- difference: it belongs to nothing; the original relays it to itself, for ever
	end
	if req.method == "INVITE" then
		return call(req)
	end
	if routed or not req:is_myself() then
		return req:sl_send_reply(403, "Forbidden") -- difference: see above
	end
	if req.method == "REGISTER" then
		return register(req)
	end
	req:lookup "aliases"
	if not req:is_myself() then
		return relay(req)
	end
	if not req:lookup "location" then
		return req:sl_send_reply(404, "User Not Found")
	end
	relay(req)
end

return {
	settings = {
		listen = { "udp:127.0.0.1:5060" }, -- the original: 192.168.1.15
		store = "sqlite:lunasip.sqlite", -- the original: mysql://openser:openserrw@localhost/openser
		usrloc = { db_mode = 2 },
	},
	request = request,
}
