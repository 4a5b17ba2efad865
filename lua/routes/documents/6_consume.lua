-- Section 6 of the documents: consume_credentials() takes the credentials out of what is sent
-- on. To show it, an INVITE that was authenticated goes once through this proxy itself, and
-- only INVITEs are printed. Comment the line out, and the third INVITE has them still.
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

-- The end of route[3] and of route: to one of our users.
local function deliver(req)
	req:lookup "aliases"
	if not req:is_myself() then -- uri!=myself
		return relay(req)
	end
	if not req:lookup "location" then
		return req:sl_send_reply(404, "User Not Found")
	end
	relay(req)
end

local function address(socket)
	return socket.ip .. ":" .. socket.port
end

-- route[3]
local function call(req)
	xlog("L_NOTICE", "Processing by INVITE handler ...\n")
	if not req:proxy_authorize("", "subscriber") then
		return req:proxy_challenge("", "0")
	elseif not req:check_from() then
		return req:sl_send_reply(403, "Use From=ID")
	end
	req:consume_credentials()
	req:append_hf "P-hint: Self-Looped\r\n"
	req:t_relay(address(req.socket))
end

-- The third INVITE: ours, authenticated already.
local function is_looped(req)
	-- difference: and it comes from ourselves, or a header field would be the key to all calls
	return req.method == "INVITE" and req:search "^P-hint: [Ss]elf-[Ll]ooped"
		and address(req.source) == address(req.socket)
end

-- route
local function request(req)
	if not req:mf_process_maxfwd_header(10) then
		return req:sl_send_reply(483, "Too Many Hops")
	end
	if req.method == "INVITE" then -- only INVITE is displayed
		xlog("L_NOTICE", "$rm from $si\n$Cbg$mb$Cxx\n")
	end
	if is_looped(req) then
		return deliver(req)
	end
	if req.method ~= "REGISTER" then
		req:record_route()
	end
	local routed = req:loose_route()
	-- difference: only a dialog that began through us goes on unasked, see 5_invite.lua
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
