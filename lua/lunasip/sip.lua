-- sip: SIP messages as Lua tables, for specs and tools.
local sip = {}

local Message = {}
Message.__index = Message

local compact = {
	v = "via", f = "from", t = "to", i = "call-id", m = "contact", l = "content-length",
	c = "content-type", k = "supported", s = "subject", e = "content-encoding",
}

-- Name of a header field -> what it is the same as.
local canonical = setmetatable({}, { __index = function(known, name)
	local key = name:lower()
	key = compact[key] or key
	known[name] = key
	return key
end })

-- All values of a header field, in order.
function Message:all(name)
	return { table.unpack(self.values[canonical[name]] or {}) }
end

-- The first value of a header field, or nil.
function Message:header(name)
	local values = self.values[canonical[name]]
	return values and values[1]
end

-- The value of a parameter of a header field: msg:param("To", "tag").
function Message:param(name, param)
	local value = self:header(name)
	if not value then return nil end
	local behind = value:gsub("^[^;]*<[^>]*>", "")
	return behind:match("[; ,]" .. param .. "=\"([^\"]*)\"")
		or behind:match("[; ,]" .. param .. "=([^;,%s]*)")
end

-- The URI of From, To, Contact, Route …, of its n-th value.
function Message:uri(name, n)
	local value = self:all(name)[n or 1]
	return value and (value:match "<([^>]*)>" or value:match "^([^;]*)")
end

-- The Route values of a dialog from Record-Route; the caller's are reversed.
function Message:routes(reversed)
	local routes = {}
	for _, line in ipairs(self:all "Record-Route") do
		for route in line:gmatch "<[^>]*>" do
			table.insert(routes, reversed and 1 or #routes + 1, route)
		end
	end
	return routes
end

-- The text of one message as a table: method and ruri, or status and reason;
-- headers, a list of {name, value}; values, lists by canonical name; body; text.
function sip.parse(text)
	local last, behind = text:find("\r\n\r\n", 1, true)
	assert(last, "not a SIP message: no empty line")
	local head, body = text:sub(1, last + 1):gsub("\r\n[ \t]+", " "), text:sub(behind + 1)
	local start = head:match "^[^\r]*"
	local msg = setmetatable({ text = text, start = start, body = body, headers = {}, values = {} },
		Message)
	msg.status, msg.reason = start:match "^SIP/2.0 (%d%d%d) (.*)$"
	msg.status = tonumber(msg.status)
	if not msg.status then
		msg.method, msg.ruri = start:match "^(%S+) (%S+) SIP/2.0$"
		assert(msg.method, "not a SIP message: " .. start)
	end
	for name, value in head:gmatch "\n([^:\r\n]*[^:\r\n \t])[ \t]*:[ \t]*([^\r\n]*)" do
		msg.headers[#msg.headers + 1] = { name = name, value = value }
		local key = canonical[name]
		local values = msg.values[key] or {}
		msg.values[key] = values
		values[#values + 1] = value
	end
	msg.cseq, msg.cseq_method = (msg:header "CSeq" or ""):match "^(%d+)%s+(%S+)$"
	msg.cseq = tonumber(msg.cseq)
	return msg
end

-- A message from a start line, header lines ("Name: value") and a body.
function sip.build(start, lines, body)
	body = body or ""
	local all = { start }
	for _, line in ipairs(lines) do all[#all + 1] = line end
	all[#all + 1] = "Content-Length: " .. #body
	return table.concat(all, "\r\n") .. "\r\n\r\n" .. body
end

-- The parameters of a Digest challenge or of credentials.
function sip.digest_params(value)
	local params = {}
	for name, text in value:gmatch "([%w-]+)=\"([^\"]*)\"" do params[name:lower()] = text end
	for name, text in value:gmatch "([%w-]+)=([^\",%s]+)" do params[name:lower()] = text end
	return params
end

return sip
