-- The documents' experiments (t/flow/lib/flow/documents.lua), held message by message: who
-- sent what to whom, what the console printed, what stood in the table.
local flow = require "flow"

-- Lines of a text without their indentation, blank ones left out.
local function lines(text)
	local list = {}
	for line in text:gmatch "[^\n]+" do
		line = line:match "^%s*(.-)%s*$"
		if line ~= "" then list[#list + 1] = line end
	end
	return list
end

local function text(list)
	return table.concat(list, "\n")
end

local function same(expected, list)
	assert.are.equal(text(lines(expected)), text(list))
end

-- Without the time, which the documents print too.
local function printed(act)
	local list = {}
	for i, line in ipairs(act.printed) do
		list[i] = line:gsub(" ?%(?at ?%a%a%a %a%a%a .*$", ""):gsub(" %(%a%a%a %a%a%a .*%)$", "")
	end
	return list
end

-- The messages of an act that are such a line of its wire.
local function messages(act, line)
	local list = {}
	for i, m in ipairs(act.messages) do
		if act.wire[i] == line then list[#list + 1] = flow.sip.parse(m.text) end
	end
	return list
end

local function branch(m, n)
	return m:all "Via"[n]:match "branch=([^;]+)"
end

local REGISTERED = [[
	%s > proxy REGISTER
	proxy > %s 401
	%s > proxy REGISTER
	proxy > %s 200]]

local function registered(user)
	return (REGISTERED:gsub("%%s", user)) .. "\n"
end

-- From the INVITE that reaches the callee to the end of the call; the callee hangs up.
local TALK = [[
	proxy > TO INVITE
	TO > proxy 100
	TO > proxy 180
	proxy > FROM 180
	TO > proxy 200
	proxy > FROM 200
]]
local HANG_UP = [[
	FROM > proxy ACK
	proxy > TO ACK
	TO > proxy BYE
	proxy > FROM BYE
	FROM > proxy 200
	proxy > TO 200
]]

local function between(wire, from, to)
	return (wire:gsub("%u+", { FROM = from, TO = to }))
end

for _, store in ipairs(flow.stores { memory = false }) do
	describe("the documents, store " .. store .. ",", function()
		local stage
		before_each(function() stage = flow.stage { store = store } end)
		after_each(flow.cleanup)

		local function play(n)
			flow.documents[n].play(stage)
			stage:close()
			return table.unpack(stage.acts)
		end

		local CALL_PRINTED = [[
			INVITE
			100 (Trying) concerning INVITE
			180 (Ringing) concerning INVITE
			200 (OK) concerning INVITE
			ACK
			BYE
			200 (OK) concerning BYE
		]]

		it("1: a restart loses what is kept in memory", function()
			local act = play(1)
			same([[
				10 > proxy REGISTER
				proxy > 10 200
				11 > proxy REGISTER
				proxy > 11 200
				10 > proxy INVITE
				proxy > 10 100
			]] .. between(TALK .. HANG_UP, "10", "11") .. [[
				10 > proxy INVITE
				proxy > 10 404
				10 > proxy ACK
			]], act.wire)
			same("REGISTER\nREGISTER\n" .. CALL_PRINTED .. "INVITE\nUser is not found", act.printed)
			assert.are.equal("", act.locations)
			assert.are.equal("SIP/2.0 404 Not Found", messages(act, "proxy > 10 404")[1].start)
			assert.are.equal("150", messages(act, "10 > proxy REGISTER")[1]:header "Expires")
		end)

		it("2: a restart loses nothing of what the database has", function()
			for _, act in ipairs { play(2) } do
				same([[
					10 > proxy REGISTER
					proxy > 10 200
					11 > proxy REGISTER
					proxy > 11 200
					10 > proxy INVITE
					proxy > 10 100
				]] .. between(TALK .. HANG_UP, "10", "11"), act.wire)
				same("REGISTER\nREGISTER\n" .. CALL_PRINTED, act.printed)
				for _, user in ipairs { "10", "11" } do
					assert.matches("| " .. user .. "%s+| sip:" .. user .. "@127[%d.]+:5060%s+| "
						.. "Grandstream BT110 1.0.8.33 |", act.locations)
				end
			end
		end)

		local function looped(user, status)
			return ([[
				USER > proxy REGISTER
				proxy > proxy REGISTER
				proxy > proxy STATUS
				proxy > USER STATUS
			]]):gsub("USER", user):gsub("STATUS", status)
		end

		it("3: a registration is authenticated, each message printed once", function()
			local act = play(3)
			same(looped("10", "401") .. looped("10", "200"), act.wire)
			same([[
				REGISTER
				Unable to verify the credentials
				401 (Unauthorized) concerning REGISTER
				REGISTER
				200 (OK) concerning REGISTER
			]], act.printed)
		end)

		it("3: two transactions, one Call-ID, two Vias", function()
			local act = play(3)
			local asked = messages(act, "proxy > proxy REGISTER")
			local refused = messages(act, "proxy > proxy 401")[1]
			local accepted = messages(act, "proxy > proxy 200")[1]
			for _, m in ipairs { asked[1], refused, asked[2], accepted } do
				assert.are.equal(2, #m:all "Via")
				assert.are.equal(asked[1]:header "Call-ID", m:header "Call-ID")
			end
			assert.are.equal(branch(asked[1], 2), branch(refused, 2))
			assert.are.equal(branch(asked[2], 2), branch(accepted, 2))
			assert.are_not.equal(branch(asked[1], 2), branch(asked[2], 2))
			assert.are.equal("Self-Looped", asked[1]:header "P-hint")
		end)

		it("3: challenge, answer, and the binding with its expiry", function()
			local act = play(3)
			local challenge = messages(act, "proxy > 10 401")[1]:header "WWW-Authenticate"
			local c = flow.sip.digest_params(challenge)
			assert.matches("^Digest ", challenge)
			assert.is_nil(c.qop) -- the documents' "0"
			assert.matches("^%x+$", c.nonce)
			local asked = messages(act, "10 > proxy REGISTER")
			assert.is_nil(asked[1]:header "Authorization")
			local a = flow.sip.digest_params(asked[2]:header "Authorization")
			assert.are.same({ c.realm, c.nonce }, { a.realm, a.nonce })
			local accepted = messages(act, "proxy > 10 200")[1]
			assert.are.equal(1, #accepted:all "Via")
			assert.matches("^<sip:10@127[%d.]+:5060>;expires=150$", accepted:header "Contact")
		end)

		it("4: a wrong password is no registration, but calls all the same", function()
			local act = play(4)
			same(looped("10", "401") .. looped("10", "200") .. looped("11", "401"):rep(3) .. [[
				10 > proxy INVITE
				proxy > 10 404
				10 > proxy ACK
				11 > proxy INVITE
				proxy > 11 100
			]] .. between(TALK .. HANG_UP, "11", "10"), act.wire)
			local refused = "REGISTER\nUnable to verify the credentials\n"
				.. "401 (Unauthorized) concerning REGISTER\n"
			same(refused .. "REGISTER\n200 (OK) concerning REGISTER\n" .. refused:rep(3) ..
				"INVITE\nUser is not found\n" .. CALL_PRINTED, act.printed)
			assert.matches("| 10 ", act.locations)
			assert.is_nil(act.locations:find "| 11 ")
		end)

		it("5: check_to refuses who has stolen credentials", function()
			local act = play(5)
			assert.are.same({ 403, 401, 401 },
				{ act.early.status, act.late.status, act.as_ten.status })
			assert.is_nil(act.early:header "WWW-Authenticate")
			assert.matches("| 10 +| sip:10@[%d.]+%.10:5060", act.locations)
			assert.is_nil(act.locations:find "| 11 ")
			assert.is_nil(act.locations:find("%.66:"))
		end)

		it("5: without check_to he would be registered", function()
			flow.documents.imposter(stage, "4_2_register")
			stage:close()
			local act = stage.acts[1]
			assert.are.equal(200, act.early.status)
			assert.matches("| 11 +| sip:11@[%d.]+%.66:5060", act.locations)
			assert.are.equal(401, act.as_ten.status) -- played once more it is worth nothing
		end)

		local LOOPED_407 = [[
			10 > proxy INVITE
			proxy > 10 100
			proxy > proxy INVITE
			proxy > proxy 407
			proxy > proxy ACK
			proxy > 10 407
			10 > proxy ACK
		]]

		it("6: a call is authenticated, its replies pass twice", function()
			local act = play(6)
			same(registered "10" .. registered "11" .. LOOPED_407 .. [[
				10 > proxy INVITE
				proxy > 10 100
				proxy > proxy INVITE
				proxy > proxy 100
				proxy > 11 INVITE
				11 > proxy 100
				11 > proxy 180
				proxy > proxy 180
				proxy > 10 180
				11 > proxy 200
				proxy > proxy 200
				proxy > 10 200
			]] .. between(HANG_UP, "10", "11"), act.wire)
			same(("REGISTER\n"):rep(4) .. [[
				INVITE
				407 (Proxy Authentication Required) concerning INVITE
				INVITE
				100 (Giving a try) concerning INVITE
				100 (Trying) concerning INVITE
				180 (Ringing) concerning INVITE
				180 (Ringing) concerning INVITE
				200 (OK) concerning INVITE
				200 (OK) concerning INVITE
				ACK
				BYE
				200 (OK) concerning BYE
			]], printed(act))
		end)

		it("6: Vias of each turn, but one Record-Route", function()
			local act = play(6)
			for line, vias in pairs { ["11 > proxy 180"] = 3, ["proxy > proxy 180"] = 2,
				["proxy > 10 180"] = 1, ["proxy > 11 INVITE"] = 3, ["proxy > 11 ACK"] = 2,
				["proxy > 10 BYE"] = 2 } do
				assert.are.equal(vias, #messages(act, line)[1]:all "Via", line)
			end
			assert.are.equal(1, #messages(act, "proxy > 11 INVITE")[1]:all "Record-Route")
			assert.are.equal(0, #messages(act, "proxy > proxy INVITE")[2]:all "Record-Route")
			assert.are.equal(1, #messages(act, "proxy > 10 200")[2]:all "Record-Route")
			assert.are.equal(1, #messages(act, "10 > proxy ACK")[2]:all "Route")
			local challenge = messages(act, "proxy > 10 407")[1]:header "Proxy-Authenticate"
			local answer = messages(act, "10 > proxy INVITE")[2]:header "Proxy-Authorization"
			assert.are.equal(flow.sip.digest_params(challenge).nonce,
				flow.sip.digest_params(answer).nonce)
		end)

		it("7: a wrong password gets three times the same answer", function()
			local act = play(7)
			same(registered "10" .. registered "11" .. LOOPED_407:rep(4)
				.. LOOPED_407:gsub("407", "403"), act.wire)
			local nonces = {}
			for _, m in ipairs(messages(act, "proxy > 10 407")) do
				assert.are.equal("SIP/2.0 407 Proxy Authentication Required", m.start)
				local nonce = flow.sip.digest_params(m:header "Proxy-Authenticate").nonce
				assert.is_nil(nonces[nonce]) -- each its own; the documents' are of one second
				nonces[nonce] = true
			end
			assert.are.equal("SIP/2.0 403 Forbidden, Use From=ID",
				messages(act, "proxy > 10 403")[1].start)
		end)

		it("8: credentials are consumed, or not", function()
			local off, on = play(8)
			for _, act in ipairs { off, on } do
				same(registered "10" .. registered "11" .. [[
					10 > proxy INVITE
					proxy > 10 407
					10 > proxy ACK
					10 > proxy INVITE
					proxy > 10 100
					proxy > proxy INVITE
					proxy > proxy 100
					proxy > 11 INVITE
					11 > proxy 100
					11 > proxy 180
					proxy > proxy 180
					proxy > 10 180
					11 > proxy 200
					proxy > proxy 200
					proxy > 10 200
				]] .. between(HANG_UP, "10", "11"), act.wire)
				assert.are.equal(5, #act.printed)
				assert.matches("^INVITE from 127", act.printed[5])
				assert.is_string(messages(act, "10 > proxy INVITE")[2]:header "Proxy-Authorization")
			end
			for _, line in ipairs { "proxy > proxy INVITE", "proxy > 11 INVITE" } do
				assert.is_string(messages(off, line)[1]:header "Proxy-Authorization", line)
				assert.is_nil(messages(on, line)[1]:header "Proxy-Authorization", line)
			end
		end)

		it("9: the final configuration", function()
			local asked = [[
				FROM > proxy INVITE
				proxy > FROM 407
				FROM > proxy ACK
				FROM > proxy INVITE
			]]
			local whole = asked .. "proxy > FROM 100\n" .. TALK .. HANG_UP
			local nobody = asked .. "proxy > FROM 404\nFROM > proxy ACK\n"
			local act = play(9)
			same(registered "10" .. registered "11" .. between(whole, "10", "11")
				.. between(whole, "11", "10") .. between(nobody, "10", "12") .. registered "11"
				.. between(nobody, "10", "11"), act.wire)
			local list = {}
			for i, line in ipairs(act.printed) do
				list[i] = line:match "^(%u+ from 127[%d.]+) at %a%a%a %a%a%a [%d ]+[%d:]+ %d+$"
					and line:match "^%u+"
			end
			same(("REGISTER\n"):rep(4) .. ("INVITE\nINVITE\nACK\nBYE\n"):rep(2) ..
				"INVITE\nINVITE\nREGISTER\nREGISTER\nINVITE\nINVITE", list)
		end)
	end)
end
