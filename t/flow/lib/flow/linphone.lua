-- A real phone: linphonec, driven over its standard input.
local process = require "flow.process"
local tone = require "flow.tone"

local Linphone = {}
Linphone.__index = Linphone

local linphone = {}

local CONFIG = [[
[sip]
bind_address=%{host}
sip_port=5060
sip_tcp_port=0
sip_tls_port=0
contact=sip:%{user}@%{host}
guess_hostname=0
use_ipv6=0
register_only_when_network_is_up=0
default_proxy=0
inc_timeout=60

[rtp]
audio_rtp_port=%{rtp}

[proxy_0]
reg_proxy=<sip:%{proxy};transport=udp>
reg_route=<sip:%{proxy};transport=udp;lr>
reg_identity=sip:%{user}@%{proxy}
reg_expires=600
reg_sendregister=%{register}
publish=0

[auth_info_0]
username=%{user}
passwd=%{password}
realm=%{proxy}
domain=%{proxy}

[sound]
echocancellation=0

[misc]
version_check_url_root=
]]

local function fill(template, values)
	return (template:gsub("%%{(%w+)}", values))
end

-- o: world, user, password, host; register = false: it does not.
function linphone.start(o)
	local self = setmetatable({ user = o.user, world = o.world, host = o.host }, Linphone)
	local name = "linphone-" .. o.host
	local home = o.world.dir .. "/" .. name
	assert(os.execute("mkdir -p " .. home .. "/.local/share/linphone " .. home .. "/.config/linphone"))
	local config = o.world:write(name .. "/rc", fill(CONFIG, {
		host = o.host, user = o.user, password = o.password, proxy = o.world.address,
		rtp = tostring(30000 + 10 * (process.pid % 1000)),
		register = o.register == false and "0" or "1",
	}))
	self.process = process.start {
		"linphonec", "-c", config, "-S", env = { HOME = home, XDG_RUNTIME_DIR = home },
	}
	self:command "soundcard use files"
	self:command("play " .. tone.file(o.world))
	return self
end

function Linphone:command(line)
	self.process:write(line .. "\n")
end

function Linphone:expect(pattern, timeout_ms)
	return self.process:expect(pattern, timeout_ms)
end

function Linphone:dial(user)
	self:command("call " .. self.world:uri(user))
end

function Linphone:accept()
	self:command "answer"
end

function Linphone:hangup()
	self:command "terminate"
end

function Linphone:quit()
	self:command "quit"
	self.process:wait()
end

return linphone
