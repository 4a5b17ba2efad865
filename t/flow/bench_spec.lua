-- The load generator of the benchmark: it drives what works, and sees what a proxy does wrong.
local flow = require "flow"

local LOAD = (os.getenv "BUILD" or "build") .. "/bench/load"

-- Each line that a case leaves out is something that a proxy must do.
local ROUTE = [[
return {
	request = function(req)
		if not req:mf_process_maxfwd_header(10) then return req:sl_reply_error() end
		local routed = req:loose_route()
		if req.method == "REGISTER" then
			if not req:www_authorize("", "subscriber") then return req:www_challenge("", "1") end
			return req:save "location"
		end
		if req.method == "OPTIONS" then return req:sl_send_reply(200, "OK") end
		if not routed and req.method == "INVITE" then
			if not req:proxy_authorize("", "subscriber") then return req:proxy_challenge("", "1") end
			req:consume_credentials()
			req:record_route()
		end
		if not routed and req:is_myself() and not req:lookup "location" then
			return req:sl_send_reply(404, "User Not Found")
		end
		req:t_relay()
	end,
}
]]

describe("the load generator", function()
	local world
	after_each(flow.cleanup)

	-- The route with some text replaced.
	local function start(old, new)
		local text, n = ROUTE, 1
		if old then text, n = ROUTE:gsub(old, new or "") end
		assert(n > 0, "no such line")
		world = flow.world { text = text, users = { u00000 = "p00000", u00001 = "p00001" } }
	end

	-- The exit code, and what it told as a table.
	local function run(workload, ...)
		local code, output = flow.run { LOAD, "--proxy", world.address .. ":5060", "--users", "2",
			"--window", "4", "--count", "20", "--hosts", "2", "--timeout", "5000", workload, ... }
		local told = { output = output }
		for key, value in output:gmatch "(%S+)=(%S+)" do told[key] = tonumber(value) or value end
		return code, told
	end

	for _, workload in ipairs { "options", "register", "call", "message", "info" } do
		it("finds nothing wrong with " .. workload, function()
			start()
			local code, told = run(workload)
			assert.are.equal(0, code, told.output)
			assert.are.same({ 20, 0, 0 }, { told.done, told.failed, told.violations })
		end)
	end

	it("lets calls ring until it is told to answer them", function()
		start()
		local load = flow.process.start { LOAD, "--proxy", world.address .. ":5060", "--users", "2",
			"--count", "30", "ring" }
		load:expect "ringing=30\n"
		assert.is_true(tonumber(world:stats()["transactions.client"]) >= 30)
		load:write "now\n"
		assert.are.equal("30", load:expect "done=(%d+)")
		assert.are.equal(0, (load:wait()))
	end)

	local function sees(key, workload, old, new, ...)
		local arguments = { ... }
		it(("sees %s"):format(key), function()
			start(old, new)
			local code, told = run(workload, table.unpack(arguments))
			assert.are.equal(1, code, told.output)
			assert.truthy((told[key] or 0) > 0, told.output)
		end)
	end
	sees("violation_unchallenged", "call", 'if not req:proxy_authorize[^\n]*')
	sees("violation_credentials", "call", "req:consume_credentials%(%)")
	sees("violation_record_route", "call", "req:record_route%(%)")
	sees("violation_uri", "message", 'req:t_relay%(%)',
		'req.ruri = req.ruri .. ";x=y" req:t_relay()')
	sees("failed_403", "options", '200, "OK"', '403, "Forbidden"')
	sees("timeouts", "options", 'return req:sl_send_reply%(200, "OK"%)', "return", "--timeout", "600")

	it("cannot begin where nobody can register", function()
		start('"location"', '"nowhere"')
		world.store.sql "DELETE FROM subscriber"
		local code, told = run "call"
		assert.are.equal(3, code, told.output)
	end)

	it("sends to the loopback only", function()
		local code, output = flow.run { LOAD, "--proxy", "192.0.2.1:5060", "options" }
		assert.are.equal(2, code)
		assert.truthy(output:find("no address of the loopback", 1, true))
	end)
end)
