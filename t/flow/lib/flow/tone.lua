-- What the phones say to each other: a second of 440 Hz, WAV, 8 kHz, mono.
local tone = {}

local RATE, HERTZ = 8000, 440

local function wav()
	local samples = {}
	for i = 0, RATE - 1 do
		samples[#samples + 1] = ("<i2"):pack(math.floor(8000 * math.sin(2 * math.pi * HERTZ * i / RATE)))
	end
	local data = table.concat(samples)
	return ("<c4I4c4c4I4I2I2I4I4I2I2c4I4"):pack("RIFF", 36 + #data, "WAVE", "fmt ", 16, 1, 1, RATE,
		RATE * 2, 2, 16, "data", #data) .. data
end

function tone.file(world)
	return world:write("tone.wav", wav())
end

return tone
