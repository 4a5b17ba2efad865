-- 200 calls a second with sipp's own uac and uas. SIPP_SECONDS says how long.
local flow = require "flow"

local RATE = 200
local SECONDS = tonumber(os.getenv "SIPP_SECONDS" or 5)

-- sipp's uac does not know digests: a route that relays everything to the uas.
local RELAY = [[
return {
	request = function(req)
		if req.method == "INVITE" then
			req:record_route()
		end
		local ok, reason = req:t_relay("%s:5060")
		if not ok then
			req:sl_reply_error()
			xlog("L_ERR", "not relayed: " .. reason)
		end
	end,
}
]]

describe("sipp", function()
	after_each(flow.cleanup)

	it(("makes %d calls/s for %d s: none fails, nothing is sent twice, nothing is left")
		:format(RATE, SECONDS), function()
		local world = flow.world { store = "memory", route = RELAY, callee = 20 }
		local uas = flow.sipp.start { world = world, scenario = "uas", host = world:host(20) }
		local uac = flow.sipp.start { world = world, scenario = "uac", host = world:host(21), more = {
			world.address .. ":5060", "-s", "service", "-r", RATE, "-m", RATE * SECONDS,
		} }
		assert.are.equal(0, (uac:wait((SECONDS + 40) * 1000)), uac.output:sub(-3000))
		uas:stop "sigusr1"
		local calls = flow.sipp.stats(uac)
		assert.are.equal(RATE * SECONDS, calls["SuccessfulCall(C)"])
		assert.are.equal(0, calls["FailedCall(C)"])
		assert.are.equal(0, calls["Retransmissions(C)"])
		assert.are.equal(0, flow.sipp.stats(uas)["Retransmissions(C)"])
		local stats = world:wait_idle()
		assert.are.equal(0, stats["script.errors"])
		assert.are.equal(0, stats["transactions.retransmissions_out"])
	end)
end)
