-- Section 4.2.5 of the documents: as 4_2_register.lua, but a subscriber may register only
-- himself, whoever's credentials he has got hold of.
-- Whoever reaches this proxy may still call through it: for a closed network only.
local xlog = require "lunasip".xlog

-- route[1]
local function relay(req)
	if not req:t_relay() then
		req:sl_reply_error()
	end
end

-- route[2]
local function register(req)
	-- difference: no sl_send_reply("100", "Trying to Register"): RFC 4320 4.1 wants no 100 for
	-- what is answered at once, and a proxy, as here in the loop, ends it anyway.
	if not req:www_authorize("", "subscriber") then
		return req:www_challenge("", "0")
	end
	if not req:check_to() then
		-- difference: 403; a 401 without a challenge, as in the original, is no valid SIP.
		return req:sl_send_reply(403, "Forbidden")
	end
	req:consume_credentials()
	-- difference: save() has answered its refusals too; the original adds sl_reply_error().
	req:save "location"
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
	if req.method == "REGISTER" then
		if not req:search "P-hint: [Ss]elf-[Ll]ooped" then
			req:append_hf "P-hint: Self-Looped\r\n"
			-- difference: our address as it is, where the original writes 192.168.1.15
			return req:t_relay(req.socket.ip .. ":" .. req.socket.port)
		end
	end
	-- Only the second arrival of REGISTER is displayed.
	xlog("L_NOTICE", "$rm\n$Cbg$mb$Cxx\n")
	if req.method ~= "REGISTER" then
		req:record_route()
	end
	if req:loose_route() then
		req:append_hf "P-hint: rr-enforced\r\n"
		return relay(req)
	end
	if not req:is_myself() then -- uri!=myself
		req:append_hf "P-hint: outbound\r\n"
		return relay(req)
	end
	if req.method == "REGISTER" then
		return register(req)
	end
	req:lookup "aliases"
	if not req:is_myself() then
		req:append_hf "P-hint: outbound alias\r\n"
		return relay(req)
	end
	if not req:lookup "location" then
		xlog("L_NOTICE", "$CrxUser is not found$Cxx\n")
		return req:sl_send_reply(404, "Not Found")
	end
	req:append_hf "P-hint: usrloc applied\r\n"
	relay(req)
end

return {
	settings = {
		listen = { "udp:127.0.0.1:5060" }, -- the original: 192.168.1.15
		store = "sqlite:lunasip.sqlite", -- the original: mysql://openser:openserrw@localhost/openser
		usrloc = { db_mode = 2 },
		auth = { calculate_ha1 = true }, -- subscriber.password may hold the plain text
	},
	request = request,
}
