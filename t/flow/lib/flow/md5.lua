-- MD5 (RFC 1321), for the phones of the tests. Returns 32 hex digits.
local K, S = {}, { 7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21 }
for i = 0, 63 do
	K[i] = math.floor(math.abs(math.sin(i + 1)) * 2 ^ 32)
end

local function rotate(x, n)
	x = x & 0xffffffff
	return (x << n | x >> (32 - n)) & 0xffffffff
end

local function mix(i, b, c, d)
	if i < 16 then
		return b & c | ~b & d, i
	elseif i < 32 then
		return d & b | ~d & c, (5 * i + 1) % 16
	elseif i < 48 then
		return b ~ c ~ d, (3 * i + 5) % 16
	end
	return c ~ (b | ~d & 0xffffffff), 7 * i % 16
end

local function block(state, words)
	local a, b, c, d = table.unpack(state)
	for i = 0, 63 do
		local f, g = mix(i, b, c, d)
		local sum = a + (f & 0xffffffff) + K[i] + words[g + 1]
		a, d, c, b = d, c, b, (b + rotate(sum, S[i // 16 * 4 + i % 4 + 1])) & 0xffffffff
	end
	local out = { a, b, c, d }
	for i = 1, 4 do
		out[i] = (out[i] + state[i]) & 0xffffffff
	end
	return out
end

return function(text)
	local padded = text .. "\x80" .. ("\0"):rep((55 - #text) % 64) .. string.pack("<I8", #text * 8)
	local state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 }
	for at = 1, #padded, 64 do
		state = block(state, { string.unpack("<" .. ("I4"):rep(16), padded, at) })
	end
	return (string.pack("<I4I4I4I4", table.unpack(state)):gsub(".", function(c)
		return ("%02x"):format(c:byte())
	end))
end
