-- All that a flow test needs, by one name.
local loop = require "flow.loop"

return {
	wait = loop.wait,
	pass = loop.pass,
	cleanup = loop.cleanup,
	at_cleanup = loop.at_cleanup,
	run = require("flow.process").run,
	process = require "flow.process",
	world = require("flow.world").new,
	phone = require("flow.phone").new,
	baresip = require("flow.baresip").start,
	linphone = require("flow.linphone").start,
	sipp = require "flow.sipp",
	galera = require("flow.galera").start,
	stores = require("flow.database").names,
	sip = require "lunasip.sip",
	stage = require("flow.stage").new,
	documents = require "flow.documents",
}
