-- A real phone: baresip without a screen, driven over its control socket.
local uv = require "luv"
local json = require "dkjson"
local loop = require "flow.loop"
local process = require "flow.process"
local tone = require "flow.tone"

local Baresip = {}
Baresip.__index = Baresip

local baresip = {}

local CONFIG = [[
poll_method epoll
net_interface %{host}
sip_listen %{host}:5060
sip_trans_def udp
call_local_timeout 60
call_max_calls 4
audio_source aufile,%{tone}
audio_player aufile,%{dir}/heard.wav
audio_alert aufile,%{dir}/alert.wav
ausrc_srate 8000
auplay_srate 8000
audio_level no
rtp_ports 20000-29999
module_path %{modules}
module aufile.so
module g711.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen %{host}:4444
]]

local MODULES = "/usr/lib/baresip/modules"

local function fill(template, values)
	return (template:gsub("%%{(%w+)}", values))
end

local function take_messages(self)
	while true do
		local length, rest = self.buffer:match "^(%d+):(.*)$"
		length = tonumber(length)
		if not length or #rest <= length then
			return
		end
		table.insert(self.events, (json.decode(rest:sub(1, length))))
		self.buffer = rest:sub(length + 2)
	end
end

local function connect(self)
	local socket = uv.new_tcp()
	socket:connect(self.host, 4444, function(err)
		assert(not err, err)
		socket:read_start(function(_, data)
			self.buffer = self.buffer .. (data or "")
			take_messages(self)
		end)
		self.connected = true
	end)
	self.socket = socket
	loop.at_cleanup(function() loop.close(socket) end)
	loop.wait("baresip's control socket", function() return self.connected end)
end

-- o: world, user, password, host; register = false: it does not.
function baresip.start(o)
	local self = setmetatable({
		host = o.host, user = o.user, world = o.world, buffer = "", events = {}, seen = 0,
	}, Baresip)
	local dir = ("%s/baresip-%s"):format(o.world.dir, o.host)
	assert(uv.fs_mkdir(dir, 448))
	local name = "baresip-" .. o.host .. "/"
	o.world:write(name .. "config", fill(CONFIG, {
		host = o.host, dir = dir, modules = MODULES, tone = tone.file(o.world),
	}))
	o.world:write(name .. "contacts", "")
	o.world:write(name .. "accounts", ('<sip:%s@%s>;auth_user=%s;auth_pass=%s;outbound="sip:%s";'
		.. "regint=%d;answermode=manual\n"):format(o.user, o.world.address, o.user, o.password,
		o.world.address, o.register == false and 0 or 600))
	self.process = process.start { "baresip", "-f", dir, "-v" }
	self.process:expect "baresip is ready"
	connect(self)
	return self
end

function Baresip:command(name, params)
	local text = json.encode { command = name, params = params, token = name }
	self.socket:write(("%d:%s,"):format(#text, text))
end

-- Waits for an event of this type, behind the last one that was waited for.
function Baresip:expect(type, timeout_ms)
	return loop.wait(function()
		return ("baresip %s to tell %s; it said:\n%s"):format(self.user, type,
			self.process.output:sub(-2000))
	end, function()
		for i = self.seen + 1, #self.events do
			if self.events[i].type == type then
				self.seen = i
				return self.events[i]
			end
		end
	end, timeout_ms)
end

-- The answer to its REGISTER; it may have come before we were connected.
function Baresip:expect_registration(status)
	self.process.seen = 1
	self.process:expect("[}:] " .. status .. " ")
end

function Baresip:dial(user)
	self:command("dial", self.world:uri(user))
end

function Baresip:accept()
	self:command "accept"
end

function Baresip:hangup()
	self:command "hangup"
end

-- Sound goes out and comes in.
function Baresip:expect_talk()
	self:expect "CALL_RTPESTAB"
	self.process:expect "audio=[1-9]%d*/[1-9]%d* "
end

function Baresip:quit()
	self:command "quit"
	self.process:wait()
end

return baresip
