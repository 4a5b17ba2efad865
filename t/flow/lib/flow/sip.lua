-- SIP messages for the phones of the tests: enough to build and to look at them.
local sip = {}

local Message = {}
Message.__index = Message

-- Compact forms that our own phones and others send.
local LONG = { v = "via", f = "from", t = "to", i = "call-id", m = "contact", l = "content-length" }

function sip.parse(raw, from)
	local head, body = raw:match "^(.-\r\n)\r\n(.*)$"
	assert(head, "not a SIP message:\n" .. raw)
	local self = setmetatable({ raw = raw, body = body, source = from, headers = {} }, Message)
	local first, rest = head:match "^(.-)\r\n(.*)$"
	self.line = first
	self.status = tonumber(first:match "^SIP/2.0 (%d%d%d)")
	self.method, self.uri = first:match "^(%S+) (%S+) SIP/2.0$"
	for name, value in rest:gmatch "([^:\r\n]+):[ \t]*([^\r\n]*)\r\n" do
		table.insert(self.headers, { name = name, value = value })
	end
	return self
end

local function canonical(name)
	name = name:lower()
	return LONG[name] or name
end

-- All values of a header field, in order.
function Message:all(name)
	local values = {}
	for _, h in ipairs(self.headers) do
		if canonical(h.name) == canonical(name) then
			values[#values + 1] = h.value
		end
	end
	return values
end

-- The first value, or nil.
function Message:header(name)
	return self:all(name)[1]
end

function Message:cseq_method()
	return self:header("CSeq"):match "%d+%s+(%S+)"
end

-- Lines of text into a message: { first line, header, header, …, body = "" }.
function sip.build(lines)
	local out = { table.concat(lines, "\r\n") }
	local body = lines.body or ""
	out[#out + 1] = "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
	return table.concat(out)
end

-- The parameters of a challenge or of credentials: name -> value without quotes.
function sip.parameters(value)
	local all = {}
	for name, text in value:gmatch '([%w-]+)%s*=%s*"?([^",]*)"?' do
		all[name:lower()] = text
	end
	return all
end

return sip
