-- What the phones say to each other: half a minute of 440 Hz, WAV, 8 kHz, mono.
local tone = {}

local RATE, HERTZ, SECONDS = 8000, 440, 30

local function wav()
	local second = {}
	for i = 0, RATE - 1 do
		local sample = 8000 * math.sin(2 * math.pi * HERTZ * i / RATE)
		second[#second + 1] = ("<i2"):pack(math.floor(sample))
	end
	local data = table.concat(second):rep(SECONDS)
	return ("<c4I4c4c4I4I2I2I4I4I2I2c4I4"):pack("RIFF", 36 + #data, "WAVE", "fmt ", 16, 1, 1, RATE,
		RATE * 2, 2, 16, "data", #data) .. data
end

function tone.file(world)
	return world:write("tone.wav", wav())
end

return tone
