-- watch: runs a command again whenever a Lua file is saved near those that it used.
--
-- Folders are watched, not files: editors put a new file in the place of the old one. A save
-- while the command runs ends it, and it begins again.
local uv = require "luv"

local watch = {}

local SETTLE_MS = 15   -- editors write a file in several steps
local MAX_FOLDERS = 500

local function folder_of(path)
	return path:match "^(.*)/[^/]*$" or "."
end

-- A folder and those in it, hidden ones left out.
local function each_folder(path, visit, depth)
	local scan = visit(path) and depth < 5 and uv.fs_scandir(path)
	while scan do
		local name, kind = uv.fs_scandir_next(scan)
		if not name then return end
		if kind == "directory" and name:sub(1, 1) ~= "." then
			each_folder(path .. "/" .. name, visit, depth + 1)
		end
	end
end

local Watch = {}
Watch.__index = Watch

-- True when it was not watched before.
function Watch:folder(path)
	local real = uv.fs_realpath(path)
	if not real or self.folders[real] or self.n_folders >= MAX_FOLDERS then return false end
	local event = uv.new_fs_event()
	if not event:start(real, {}, function(_, name) self:changed(name) end) then
		event:close()
		return false
	end
	self.folders[real] = event
	self.n_folders = self.n_folders + 1
	return true
end

-- Saved before its folder was watched, but after the run began?
function Watch:is_newer(path)
	local stat = uv.fs_stat(path)
	if not stat then return false end
	local saved, began = stat.mtime, self.began
	return saved.sec > began.sec or saved.sec == began.sec and saved.nsec > began.nsec
end

-- Files that a run used; true when one of them was saved meanwhile.
function Watch:add(files)
	local newer = false
	for _, file in ipairs(files) do
		if file:sub(1, 5) ~= "/usr/" then
			newer = self:is_newer(file) or newer
			each_folder(folder_of(file), function(path) return self:folder(path) end, 0)
		end
	end
	return newer
end

function Watch:changed(name)
	if name and not name:find "^[^.].*%.lua$" then return end
	self.settle:start(SETTLE_MS, 0, function() self:again() end)
end

function Watch:again()
	self.stale = true
	if self.child then
		self.child:kill "sigkill" -- it comes back in exited()
	else
		self:run()
	end
end

function Watch:exited()
	self.child:close()
	self.child = nil
	local newer = self:add(self.used())
	if self.stale or newer then return self:run() end
	io.write(("\n-- %s: waiting for a save in %d folder%s, Ctrl-C ends it\n"):format(
		os.date "%H:%M:%S", self.n_folders, self.n_folders == 1 and "" or "s"))
	io.flush()
end

function Watch:run()
	self.stale = false
	local sec, usec = uv.gettimeofday()
	self.began = { sec = sec, nsec = usec * 1000 }
	io.write(self.between)
	io.flush()
	local command, env = self.command()
	local child, why = uv.spawn(command[1], {
		args = { table.unpack(command, 2) },
		env = env,
		stdio = { 0, 1, 2 },
	}, function() self:exited() end)
	self.child = assert(child, why)
end

-- o.command(), before each run: { program, arguments… }, { "NAME=VALUE", … }; o.used(): the files
-- that the last run used; o.files: those that are known before; o.between: written before each
-- run. Never returns.
function watch.run(o)
	local self = setmetatable({ command = o.command, used = o.used, between = o.between,
		folders = {}, n_folders = 0, settle = uv.new_timer(),
		began = { sec = math.maxinteger, nsec = 0 } }, Watch)
	self:add(o.files)
	self:run()
	uv.run()
end

return watch
