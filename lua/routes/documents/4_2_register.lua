-- Section 4.2 of the documents: registrations are authenticated, calls are not. Each REGISTER
-- goes once through this proxy itself, so that print_reply sees our own replies to it.
-- Whoever reaches this proxy may call through it, and a subscriber may register as anybody
-- (4_2_5_check_to.lua ends that): for a closed network only.
local xlog = require "lunasip".xlog

-- route[1]
local function relay(req)
	if not req:t_relay() then
		req:sl_reply_error()
	end
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
		if not req:www_authorize("", "subscriber") then
			xlog("L_NOTICE", "Unable to verify the credentials\n")
			return req:www_challenge("", "0")
		end
		return req:save "location"
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
