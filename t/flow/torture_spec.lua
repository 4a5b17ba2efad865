-- The torture messages of RFC 4475, sent to a running proxy that registers whatever registers
-- and relays all else: each gets the class of answer that its MANIFEST names.
local uv = require "luv"
local flow = require "flow"

local DIR = "t/torture/rfc4475/"

local ROUTE = [[
return {
	request = function(req)
		if req.method == "REGISTER" then
			req:save("location")
			return
		end
		if not req:t_relay("%s:5060") then
			req:sl_reply_error()
		end
	end,
}
]]

-- Only UDP is spoken here: the messages that came over TCP or TLS are asked for over UDP.
local function over_udp(raw)
	return (raw:gsub("(\r\n[Vv][Ii]?[Aa]?%s*:%s*SIP%s*/%s*2.0%s*/%s*)T[CL][PS]", "%1UDP", 1))
end

local function rows()
	local list = {}
	for line in io.lines(DIR .. "MANIFEST.tsv") do
		local fields = {}
		for field in (line .. "\t"):gmatch "([^\t]*)\t" do
			fields[#fields + 1] = field
		end
		if fields[1] ~= "file" then
			list[#list + 1] = { file = fields[1], class = fields[5], statuses = fields[6] }
		end
	end
	return list
end

-- What each class allows: an answer, the request at the next hop, silence.
local ALLOWS = {
	FORWARD = { forward = true, answer = true },
	FORWARD_OR_404 = { forward = true, answer = true },
	FORWARD_OR_REJECT = { forward = true, answer = true },
	REJECT = { answer = true },
	REJECT_OR_REPAIR = { forward = true, answer = true },
	REJECT_OR_2543 = { forward = true, answer = true },
	REJECT_OR_DROP = { answer = true, silence = true },
	REGISTER_OK = { answer = true },
	REGISTER_REJECT = { answer = true },
	REGISTER_CHALLENGE = { answer = true },
	DROP = { silence = true },
	RESPONSE_FORWARD_OR_DROP = { silence = true },
}

describe("RFC 4475 at the proxy:", function()
	local world, callee, caller, answers, forwarded
	local callers = {}

	local function receiver(host, port, into)
		local socket = uv.new_udp()
		assert(socket:bind(host, port))
		socket:recv_start(function(_, data)
			if data then
				table.insert(into, data)
			end
		end)
		return socket
	end

	setup(function()
		world = flow.world { store = "memory", route = ROUTE, callee = 20 }
		answers, forwarded = {}, {}
		caller = receiver(world:host(10), 5060, answers)
		callee = receiver(world:host(20), 5060, forwarded)
	end)
	teardown(function()
		caller:close()
		for _, socket in pairs(callers) do
			socket:close()
		end
		callee:close()
		flow.cleanup()
	end)

	local function empty(list)
		while #list > 0 do
			table.remove(list)
		end
	end

	-- The final answer that came back, if any.
	local function final()
		for _, text in ipairs(answers) do
			local status = tonumber(text:match "^SIP/2%.0 (%d%d%d)")
			if status and status >= 200 then
				return status, text
			end
		end
	end

	-- An OPTIONS with an answer: what was sent before it has been dealt with.
	local function ping()
		local probe = flow.phone { world = world, user = "ping", host = world:host(30) }
		local d = probe:dialog("sip:" .. world.address)
		probe:request(d, "REGISTER", {})
		probe:final "REGISTER"
		probe.sockets[1]:close()
	end

	-- Of this message, not of one before it that is sent again.
	local function was_forwarded(raw)
		local call_id = ("\n" .. raw):match "\n[Cc]all%-[Ii][Dd]%s*:%s*([^\r\n]+)"
			or raw:match "\n[Ii]%s*:%s*([^\r\n]+)"
		for _, text in ipairs(forwarded) do
			if call_id and text:find(call_id, 1, true) then
				return true
			end
		end
		return false
	end

	-- Answers go to the port that the top Via names.
	local function answers_at(raw)
		local port = raw:match "SIP%s*/%s*2%.0%s*/%s*%u+%s+[%w.-]+%s*:%s*(%d+)"
		if port and port ~= "5060" and not callers[port] then
			callers[port] = receiver(world:host(10), tonumber(port), answers)
		end
	end

	local function outcome(raw)
		empty(answers)
		empty(forwarded)
		answers_at(raw)
		assert(caller:try_send(over_udp(raw), world.address, 5060))
		ping()
		flow.pass(30)
		local status, text = final()
		if status then
			return "answer", status, text
		end
		return was_forwarded(raw) and "forward" or "silence"
	end

	for _, row in ipairs(rows()) do
		it(row.file .. " " .. row.class, function()
			local file = assert(io.open(DIR .. row.file, "rb"))
			local kind, status, text = outcome(file:read "a")
			file:close()
			assert.truthy(ALLOWS[row.class][kind], kind .. " " .. (text or ""))
			if kind == "answer" and row.statuses ~= "-" then
				assert.truthy(row.statuses:find(tostring(status), 1, true), text)
			end
			assert.truthy(world.proxy:running())
		end)
	end

	it("leave a proxy that stops cleanly", function()
		assert.are.equal(0, world:stats()["script.errors"])
		world:stop()
	end)
end)
