-- Section 3 of the documents, user locations kept in memory only: after a restart nobody is
-- found until he registers again. Nobody is asked for a password: for a closed network only.
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
	req:t_on_reply(print_reply) -- difference: a function, where the original has a number
	xlog("L_NOTICE", "$rm\n$Cbg$mb$Cxx\n")
	if not req:mf_process_maxfwd_header(10) then
		return req:sl_send_reply(483, "Too Many Hops")
	end
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
		usrloc = { db_mode = 0 },
	},
	request = request,
}
