-- The workloads: one session of each, and what the goal for it is.
--
-- packets: what the proxy receives and sends back. warmup: seconds before it is measured; where
-- there are transactions long enough for the first to end (Kamailio keeps them 5 s), because
-- until then each touches new memory.
local workloads = {
	{ name = "options", title = "OPTIONS to the proxy", load = "options", packets = 1, goal = 1.7,
		route = "default", warmup = 0.5, window = 128 },
	{ name = "register", title = "REGISTER, 401, REGISTER, 200 (memory)", load = "register",
		packets = 2, goal = 1.9, route = "default", warmup = 0.5, window = 64 },
	{ name = "call", title = "call: INVITE 407 ACK INVITE 100 180 200 ACK BYE 200",
		load = "call", packets = 8, goal = 1.9, route = "default", warmup = 6, window = 64 },
	{ name = "relay", title = "MESSAGE relayed to a registered user", load = "message",
		packets = 2, goal = 1.9, route = "message", warmup = 6, window = 64 },
	{ name = "indialog", title = "INFO in a dialog", load = "info", packets = 2, goal = 1.9,
		route = "default", warmup = 6, window = 64 },
	{ name = "through", title = "REGISTER, write-through (durable)", load = "register",
		packets = 2, route = "default", warmup = 0.5, window = 64, db_mode = 1, durable = true },
	{ name = "rush", title = "REGISTER, write-through, 256 at a time", load = "register",
		packets = 2, route = "default", warmup = 0.5, window = 256, db_mode = 1, durable = true },
}

for _, w in ipairs(workloads) do workloads[w.name] = w end

return workloads
