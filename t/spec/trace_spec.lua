-- Recorded messages: reading them, and the picture of them.
local trace = require "lunasip.trace"
local ladder_svg = require "lunasip.ladder_svg"

local build = os.getenv "BUILD" or "build"
local PROXY, TEN, ELEVEN = "127.0.0.1:5060", "127.0.0.10:5060", "127.0.0.11:5060"

local function record(from, to, time, text)
	return ("#1 %s -> %s %s %d bytes\n%s\n"):format(from, to, time, #text, text)
end

local function request(method, user)
	return ("%s sip:11@127.0.0.1 SIP/2.0\r\nCSeq: 1 %s\r\nContact: <sip:%s@127.0.0.10:5060>\r\n\r\n")
		:format(method, method, user)
end

local function reply(status, reason)
	return ("SIP/2.0 %d %s\r\nCSeq: 1 INVITE\r\n\r\n"):format(status, reason)
end

-- 10 calls 11, which is not there; the proxy sends the INVITE once to itself.
local call = "=== 10 calls 11\n"
	.. record(TEN, PROXY, "2026-11-23 07:25:59.900000", request("INVITE", "10"))
	.. record(PROXY, PROXY, "2026-11-23 07:25:59.950000", request("INVITE", "10"))
	.. record(PROXY, ELEVEN, "2026-11-23 07:26:00.000000", request("INVITE", "10"))
	.. record(ELEVEN, PROXY, "2026-11-23 07:26:00.100000", reply(404, "Not Found"))

describe("a trace", function()
	it("is read as a list of entries", function()
		local t = assert(trace.parse(call))
		assert.same({ at = 0, note = "10 calls 11" }, t[1])
		assert.same({ at = 0, from = TEN, to = PROXY, text = request("INVITE", "10") }, t[2])
		assert.equal(reply(404, "Not Found"), t[5].text)
		assert.equal(5, #t)
	end)

	it("has times since its first message", function()
		local t = assert(trace.parse(call))
		assert.near(50, t[3].at, 0.01)
		assert.near(200, t[5].at, 0.01)
		t = assert(trace.parse(record(TEN, PROXY, "+1.500s", "x") .. record(TEN, PROXY, "+1.512s", "y")))
		assert.near(12, t[2].at, 0.01)
	end)

	it("knows the proxy and who is left and right of it", function()
		assert.same({ { address = TEN, name = "10" }, { address = PROXY, name = "proxy" },
			{ address = ELEVEN, name = ELEVEN } }, assert(trace.parse(call)).parties)
	end)

	it("knows the proxy of one phone, whose Contact the replies repeat", function()
		local register = record(TEN, PROXY, "+0s", request("REGISTER", "10"))
			.. record(PROXY, TEN, "+0s", "SIP/2.0 200 OK\r\nContact: <sip:10@127.0.0.10>\r\n\r\n")
		assert.same({ { address = TEN, name = "10" }, { address = PROXY, name = "proxy" } },
			assert(trace.parse(register)).parties)
	end)

	it("calls baresip by its user", function()
		local register = "REGISTER sip:a SIP/2.0\r\nFrom: <sip:10@a>;tag=1\r\n"
			.. "Contact: <sip:10-0x55aa@127.0.0.10>\r\n\r\n"
		assert.equal("10", assert(trace.parse(record(TEN, PROXY, "+0s", register))).parties[1].name)
	end)

	it("says itself which addresses are the proxy's", function()
		local t = assert(trace.parse(("=== proxy %s\n=== proxy %s\n"):format(PROXY, ELEVEN)
			.. record(PROXY, TEN, "+0s", request("INVITE", "12"))
			.. record(ELEVEN, TEN, "+0s", request("INVITE", "12"))))
		assert.equal(2, #t)
		assert.same({ { address = TEN, name = TEN }, { address = PROXY, name = "proxy" },
			{ address = ELEVEN, name = "proxy" } }, t.parties)
	end)

	it("may hold any bytes, heads of records among them", function()
		local text = "x\n#2 a -> b +1s 3 bytes\n\0\n===\n"
		local t = assert(trace.parse(record(TEN, PROXY, "+0s", text)))
		assert.equal(1, #t)
		assert.equal(text, t[1].text)
	end)

	it("may end in the middle of a record", function()
		for n = 1, #call do
			local t = trace.parse(call:sub(1, n))
			assert.is_true(t == nil or #t <= 5) -- half a head is no record
		end
		assert.equal(4, #assert(trace.parse(call:sub(1, -10))))
	end)

	it("may be empty", function()
		assert.same({ parties = {} }, trace.parse "")
	end)

	it("is nothing else", function()
		local t, why = trace.parse "hello\27[31m\n"
		assert.is_nil(t)
		assert.equal("not a record of a trace: hello?[31m", why)
		t, why = trace.read "/nowhere/trace"
		assert.is_nil(t)
		assert.matches("No such file", why)
	end)
end)

-- Every element is closed, in order.
local function is_well_formed(svg)
	local open = {}
	for close, name, empty in svg:gmatch "<(/?)(%w+)[^>]-(/?)>" do
		if close == "/" then
			assert.equal(table.remove(open), name)
		elseif empty == "" then
			open[#open + 1] = name
		end
	end
	assert.same({}, open)
	assert.is_nil(svg:find "&[^%a#]")
end

local function count(text, pattern)
	return select(2, text:gsub(pattern, ""))
end

describe("the picture of a trace", function()
	local svg = ladder_svg.draw(assert(trace.parse(call)), { title = "a call" })

	it("is well-formed", function()
		assert.matches('^<svg xmlns="http://www.w3.org/2000/svg"', svg)
		is_well_formed(svg)
	end)

	it("has an arrow for each message, and what it is", function()
		assert.equal(4, count(svg, '<path class="arrow'))
		assert.equal(3, count(svg, '>INVITE 11</text>'))
		assert.equal(1, count(svg, '>404 Not Found</text>'))
		assert.equal(1, count(svg, 'class="arrow refusal"'))
		assert.equal(1, count(svg, '>10 calls 11</text>'))
	end)

	it("has a bar for each arrival at the proxy", function()
		assert.equal(3, count(svg, 'class="bar"'))
	end)

	it("names the parties", function()
		for _, name in ipairs { "10", "proxy", "127.0.0.10" } do
			assert.equal(1, count(svg, ">" .. name:gsub("%.", "%%.") .. "</text>"), name)
		end
	end)

	it("is the same each time", function()
		assert.equal(svg, ladder_svg.draw(assert(trace.parse(call)), { title = "a call" }))
	end)

	it("holds no markup that came over the network", function()
		local bad = '<script>"&\255\0\27' .. ("x"):rep(300)
		local evil = ladder_svg.draw(assert(trace.parse("=== " .. bad .. "\n"
			.. record(TEN, PROXY, "+0s", reply(200, bad)) .. record(TEN, PROXY, "+0s", bad))),
			{ title = bad })
		is_well_formed(evil)
		assert.is_nil(evil:find "<script")
		assert.is_nil(evil:find "[\0\27\255]")
	end)

	it("of nothing is a picture too", function()
		is_well_formed(ladder_svg.draw(assert(trace.parse ""), {}))
	end)
end)

describe("lunactl ladder", function()
	local path

	before_each(function()
		path = os.tmpname()
		local file = assert(io.open(path, "wb"))
		file:write(call)
		file:close()
	end)
	after_each(function() os.remove(path) end)

	local function lunactl(arguments)
		local pipe = assert(io.popen(("BUILD=%s tools/lunactl ladder %s 2>&1"):format(build, arguments)))
		local out = pipe:read "a"
		return out, select(3, pipe:close())
	end

	it("draws it in text", function()
		local out, code = lunactl(path)
		assert.equal(0, code)
		assert.matches("10 +proxy", out)
		assert.matches("|%-+ INVITE 11 %-+>|", out)
	end)

	it("draws it as a picture", function()
		local out, code = lunactl("--svg " .. path)
		assert.equal(0, code)
		is_well_formed(out)
	end)

	it("tells it to machines", function()
		local out = lunactl("--json " .. path)
		local t = require("dkjson").decode(out)
		assert.equal(5, #t.entries)
		assert.equal("proxy", t.parties[2].name)
	end)

	it("says what is wrong in one line", function()
		assert.same({ "lunactl: /nowhere: No such file or directory\n", 1 }, { lunactl "/nowhere" })
		assert.same({ "lunactl: README.md: not a record of a trace: # lunasip\n", 1 },
			{ lunactl "README.md" })
		local out, code = lunactl ""
		assert.equal(2, code)
		assert.matches("lunactl ladder %[%-%-svg%] TRACE", out)
	end)
end)
