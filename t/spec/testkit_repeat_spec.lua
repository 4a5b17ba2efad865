-- The test kit: equal seeds, equal bytes.
local testkit = require "lunasip.testkit"

-- A route that takes in all the chance there is: Lua's order of tables, random numbers, clocks.
local source = [[
	local lunasip = require "lunasip"
	local started, salt = os.time(), math.random(1 << 40)
	local words = { red = 1, green = 2, blue = 3, [1.5] = 4, [true] = 5, "one", "two" }
	local function chance()
		local all = {}
		for key in pairs(words) do all[#all + 1] = tostring(key) end
		for key in next, words do all[#all + 1] = tostring(key) end
		math.randomseed()
		return table.concat(all, " ") .. salt .. started .. os.clock() .. math.random(1 << 40)
	end
	return { request = function(req)
		req:append_hf("X-Chance: " .. chance())
		if req.method == "REGISTER" then return req:save "location" end
		if req:has_totag() then req:loose_route() return req:t_relay() end
		if not req:proxy_authorize("", "subscriber") then return req:proxy_challenge("", "1") end
		req:lookup "location"
		req:record_route()
		req:t_relay()
	end }]]

-- A call, or only a message, over a network that loses, delays and doubles; all its bytes.
local function run(seed, what)
	local net = testkit.proxy { source = source, seed = seed, subscribers = { ["10"] = "abc10" },
		bindings = { ["11"] = { "sip:a@192.0.2.7", "sip:b@192.0.2.8" } } }
	local ten = net:phone "10"
	for _, address in ipairs { "192.0.2.7", "192.0.2.8" } do
		net:phone("11", { address = address }):will("answer", 1)
	end
	net:drop { chance = 0.1 }
	net:delay({ 0.001, 0.2 }, { chance = 0.5 })
	net:duplicate { chance = 0.1 }
	if what == "message" then
		ten:request("MESSAGE", "11")
	else
		local call = ten:call "11"
		net:advance(5)
		if call.dialog then call:bye() end
	end
	net:advance(5)
	local transcript, log = net:transcript(), net:log()
	net:close()
	return transcript, log
end

describe("a run", function()
	local first, first_log = run(7)

	it("is the same a thousand times with its seed", function()
		assert.is_true(#first > 5000)
		assert.matches("X%-Chance: 1 2 ", first)
		local message = run(7, "message")
		for i = 1, 1000 do
			local what = i % 10 == 0 and "call" or "message"
			local transcript, log = run(7, what)
			if transcript ~= (what == "call" and first or message) then
				assert.equal(first, transcript)
			end
			if what == "call" then assert.equal(first_log, log) end
		end
	end)

	it("is the same in another process, whatever its memory looks like", function()
		local path = os.tmpname()
		local f = assert(io.open(path, "w"))
		f:write(("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath))
		f:write(("local testkit, source = require 'lunasip.testkit', %q\n"):format(source))
		local file = assert(io.open(debug.getinfo(1, "S").source:sub(2)))
		f:write(file:read "a":match "\nlocal function run.-\nend\n", "io.write((run(7)))\n")
		file:close()
		f:close()
		local pipe = assert(io.popen(("%s %s"):format(os.getenv "LUA" or "lua5.4", path)))
		local other = pipe:read "a"
		pipe:close()
		os.remove(path)
		assert.equal(first, other)
	end)

	it("is another one with another seed", function()
		local seen = {}
		for seed = 1, 20 do
			local transcript = run(seed, "call")
			assert.is_nil(seen[transcript])
			seen[transcript] = true
		end
	end)

	it("does not know the machine's clock", function()
		assert.matches("one two .*1767225600", (first:gsub("X%-Chance: %S+ %S+", "one two")))
	end)
end)

describe("a whole call of two phones", function()
	it("takes less than 5 ms of the machine", function()
		local best = math.huge
		for _ = 1, 10 do
			local before = os.clock()
			run(1, "call")
			best = math.min(best, os.clock() - before)
		end
		assert.is_true(best < (os.getenv "SAN" == "asan" and 0.1 or 0.005), best .. " s")
	end)
end)

describe("pairs in a script", function()
	local function order(body, seed)
		local net = testkit.proxy { seed = seed, source = ([[
			return { request = function(req)
				local t, all = { d = 1, c = 2, b = 3, a = 4, e = 5, 10, 20, 30, [print] = 6 }, {}
				%s
				req:sl_send_reply(200, table.concat(all, " ") .. "|" .. #t) end }]]):format(body) }
		return net:phone "10":request("OPTIONS", "11").response.reason
	end
	local loop = "for k in pairs(t) do all[#all + 1] = type(k) == 'function' and 'f' or k end"

	it("begins with the list, and has the order of the seed", function()
		assert.matches("^1 2 3 %l %l %l %l %l f|3$", order(loop))
		assert.equal(order(loop, 5), order(loop, 5))
		local seen, n = {}, 0
		for seed = 1, 10 do
			local one = order(loop, seed)
			if not seen[one] then n = n + 1 end
			seen[one] = true
		end
		assert.is_true(n > 5)
	end)

	it("and next agree", function()
		assert.equal(order(loop, 3), order(loop:gsub("pairs%(t%)", "next, t"), 3))
		assert.equal("nil nil|3", order("all = { tostring(next({})), tostring(next({}, nil)) }"))
		assert.matches("^1 10|", order("all = { next(t) }"))
	end)

	it("may clear what it walks over", function()
		local clearing = "for k in %s do all[#all + 1] = tostring(k):sub(1, 1) t[k] = nil end"
		assert.matches("^1 2 3 %l %l %l %l %l f|0$", order(clearing:format "pairs(t)"))
		assert.matches("^1 2 3 %l %l %l %l %l f|0$", order(clearing:format "next, t"))
		assert.equal("1 3|3", order [[
			t = { 1, 2, 3 }
			for k in pairs(t) do all[#all + 1] = k t[2] = nil end]])
	end)

	it("honours __pairs, and complains as ever", function()
		assert.equal("x|3", order [[
			local mine = setmetatable({}, { __pairs = function() return next, { x = 1 } end })
			for k in pairs(mine) do all[1] = k end]])
		assert.matches("table expected, got nil", order "all = { (select(2, pcall(pairs, nil))) }")
		assert.matches("table expected, got number", order "all = { (select(2, pcall(next, 7))) }")
	end)
end)
