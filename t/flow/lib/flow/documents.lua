-- The experiments of the documents, each a play for a stage (flow.stage): the phones do what
-- the documents' phones do, and see what these saw.
local documents = {}

local function expect(status, reply)
	assert(reply.status == status, ("expected %d, got %s"):format(status, reply.start))
	return reply
end

-- Asks as the documents' phones do: after two challenges answered in vain it gives up. Returns
-- the last final response.
local function insist(phone, d, method, headers)
	local lines = { table.unpack(headers or {}) }
	local credentials = #lines + 1
	local reply
	for _ = 1, 3 do
		local branch = phone:request(d, method, lines)
		reply = phone:final(method)
		if method == "INVITE" then phone:ack_negative(d, reply, branch) end
		if reply.status ~= 401 and reply.status ~= 407 then break end
		lines[credentials] = phone:credentials_for(d, reply)
	end
	return reply
end

local function registration(phone)
	phone.registration = phone.registration or phone:dialog(phone:uri())
	phone.registration.target = "sip:" .. phone.world.address
	return phone.registration
end

local function register(phone)
	return insist(phone, registration(phone), "REGISTER", { "Expires: 150" })
end

-- The INVITE of d, sent already, is answered; then the callee hangs up.
local function talk(from, to, d)
	local invite = to:take "INVITE"
	to:reply(invite, 100, "Trying")
	to:reply(invite, 180, "Ringing")
	from:take(180)
	to:answer(invite)
	from:confirm(d, from:final "INVITE")
	to:take "ACK"
	to:request(to:dialog_of(invite), "BYE")
	from:reply(from:take "BYE", 200, "OK")
	expect(200, to:final "BYE")
end

-- The INVITE of d, sent already, is refused.
local function refused(phone, d, status)
	local reply = expect(status, phone:final "INVITE")
	phone:ack_negative(d, reply, d.branch)
end

-- 1: section 3, db_mode 0.

local function both_register(s)
	s:step "phone 10 registers"
	expect(200, register(s.ten))
	s:step "phone 11 registers"
	expect(200, register(s.eleven))
end

documents[1] = { section = "3", title = "locations in memory: lost with a restart",
	play = function(s)
		s:open { title = "locations in memory, db_mode 0", script = "3_memory", db_mode = 0 }
		both_register(s)
		s:step "phone 10 calls phone 11"
		talk(s.ten, s.eleven, s.ten:begin "11")
		s:stop()
		s.act.locations = s:locations()
		s:start()
		s:step "phone 10 calls phone 11, no new registration"
		refused(s.ten, s.ten:begin "11", 404)
	end }

-- 2: section 3, db_mode 2, and 1.

local function reboot_safe(s, db_mode, killed)
	s:open { title = ("locations in the database, db_mode %d"):format(db_mode),
		script = "3_database", db_mode = db_mode }
	both_register(s)
	s:stop(killed)
	s.act.locations = s:locations()
	s:start()
	s:step "phone 10 calls phone 11, no new registration"
	talk(s.ten, s.eleven, s.ten:begin "11")
end

documents[2] = { section = "3", title = "locations in the database: a restart loses nothing",
	play = function(s)
		reboot_safe(s, 2, false)
		reboot_safe(s, 1, true)
	end }

-- 3, 4: sections 4.2.2 to 4.2.4.

documents[3] = { section = "4.2.2", title = "a registration is authenticated",
	play = function(s)
		s:open { title = "authentication of registrations", script = "4_2_register" }
		s:step "phone 10 registers with its password"
		expect(200, register(s.ten))
	end }

documents[4] = { section = "4.2.4", title = "a phone with a wrong password does not register",
	play = function(s)
		s:open { title = "authentication of registrations", script = "4_2_register" }
		s:step "phone 10 registers with its password"
		expect(200, register(s.ten))
		s:step "phone 11 registers with a wrong password: three requests, then it gives up"
		s.eleven.password = "wrong"
		expect(401, register(s.eleven))
		s:step "phone 10 calls phone 11, which is not registered"
		refused(s.ten, s.ten:begin "11", 404)
		s:step "phone 11, not registered, calls phone 10: calls need no password here"
		talk(s.eleven, s.ten, s.eleven:begin "10")
		s:stop() -- db_mode 2 is written
		s.act.locations = s:locations()
	end }

-- 5: section 4.2.5. The imposter has seen 10's answer to the challenge, Call-ID and all.

local function replay(s, imposter, line, user)
	local d = {}
	for key, value in pairs(registration(s.ten)) do d[key] = value end
	d.to = ("<%s>"):format(s.world:uri(user))
	imposter:request(d, "REGISTER", { line, "Expires: 150" })
	return imposter:final "REGISTER"
end

-- script: with check_to, or the one before it. Keeps what the imposter was answered.
function documents.imposter(s, script)
	s:open { title = "an imposter with stolen credentials", script = script, db_mode = 1 }
	local imposter = s:phone("11", 66, "imposter")
	s:step "phone 10 is challenged"
	s.ten:request(registration(s.ten), "REGISTER", { "Expires: 150" })
	local line = s.ten:credentials_for(s.ten.registration, s.ten:final "REGISTER")
	s:step "the imposter has 10's answer before we have it, and registers as 11 with it"
	s.act.early = replay(s, imposter, line, "11")
	s:step "phone 10 registers"
	expect(200, register(s.ten))
	s:step "the imposter plays the answer once more, as 11, then as 10 at its own address"
	s.act.late = replay(s, imposter, line, "11")
	s.act.as_ten = replay(s, imposter, line, "10")
	s.act.locations = s:locations()
end

documents[5] = { section = "4.2.5", title = "check_to: an imposter with the credentials of 10",
	play = function(s)
		documents.imposter(s, "4_2_5_check_to")
		expect(403, s.act.early)
		expect(401, s.act.late)
		expect(401, s.act.as_ten)
	end }

-- 6, 7: section 5.

documents[6] = { section = "5", title = "a call is authenticated",
	play = function(s)
		s:open { title = "authentication of calls", script = "5_invite" }
		both_register(s)
		s:step "phone 10 calls phone 11"
		talk(s.ten, s.eleven, s.ten:invite "11")
	end }

documents[7] = { section = "5.1", title = "a call with a wrong password",
	play = function(s)
		s:open { title = "authentication of calls", script = "5_invite" }
		both_register(s)
		s:step "phone 10 calls phone 11 with a wrong password: three requests, then it gives up"
		s.ten.password = "wrong"
		expect(407, insist(s.ten, s.ten:dialog(s.world:uri "11"), "INVITE"))
		s:step "phone 10 has its password again, and says it is 11"
		s.ten.password = "abc10"
		local d = s.ten:dialog(s.world:uri "11")
		d.from = ("<%s>"):format(s.eleven:uri())
		expect(403, insist(s.ten, d, "INVITE"))
	end }

-- 8: section 6.

local function consume(s, title, edit)
	s:open { title = title, script = "6_consume", edit = edit }
	both_register(s)
	s:step "phone 10 calls phone 11"
	talk(s.ten, s.eleven, s.ten:invite "11")
end

-- The line in route[3], as the documents do it.
local function comment_out(text)
	local changed, n = text:gsub("(\n\t)(req:consume_credentials%(%)\n\treq:append_hf)", "%1-- %2")
	assert(n == 1)
	return changed
end

documents[8] = { section = "6", title = "credentials are consumed, or not",
	play = function(s)
		consume(s, "consume_credentials() is commented out", comment_out)
		consume(s, "consume_credentials() is called")
	end }

-- 9: section 7.

documents[9] = { section = "7", title = "the final configuration",
	play = function(s)
		s:open { title = "the final configuration", script = "7_final" }
		both_register(s)
		s:step "phone 10 calls phone 11"
		talk(s.ten, s.eleven, s.ten:invite "11")
		s:step "phone 11 calls phone 10"
		talk(s.eleven, s.ten, s.eleven:invite "10")
		s:step "phone 10 calls 12, which nobody is"
		refused(s.ten, s.ten:invite "12", 404)
		s:step "phone 11 leaves (Expires: 0)"
		expect(200, insist(s.eleven, registration(s.eleven), "REGISTER", { "Expires: 0" }))
		s:step "phone 10 calls phone 11"
		refused(s.ten, s.ten:invite "11", 404)
	end }

return documents
