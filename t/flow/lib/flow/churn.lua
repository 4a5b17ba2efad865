-- Registrations at random, of a few contacts of each user: what a database must keep, or forget.
local churn = { CONTACTS = 3 }

function churn.uri(user, c) return ("sip:%s@10.0.0.1:%d"):format(user, 5000 + c) end

-- What a REGISTER changes, by contact: its CSeq when registered, false when removed.
function churn.random_op(user, cseq)
	local op = { user = user, cseq = cseq, changes = {} }
	local kind, c = math.random(10), math.random(churn.CONTACTS)
	if kind <= 5 then
		op.changes[c] = cseq
	elseif kind <= 7 then
		op.changes[c], op.changes[c % churn.CONTACTS + 1] = cseq, cseq
	elseif kind <= 9 then
		op.changes[c] = false
	else
		op.star = true
		for i = 1, churn.CONTACTS do op.changes[i] = false end
	end
	return op
end

-- The header lines that ask for it.
function churn.contacts_of(op)
	if op.star then return { "Contact: *", "Expires: 0" } end
	local lines = {}
	for c, value in pairs(op.changes) do
		lines[#lines + 1] = ("Contact: <%s>;expires=%d"):format(churn.uri(op.user, c),
			value and 3600 or 0)
	end
	table.sort(lines)
	return lines
end

return churn
