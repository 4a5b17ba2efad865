/*
 * commands: what the control socket is asked (doc/running.md): "stats",
 * "reload", "forget USER", "unbind …".
 */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

#include "app/control.h"
#include "app/reload.h"
#include "app/team.h"

/* What they act on; borrowed. */
struct commands {
	uv_loop_t *loop;
	uint64_t started_ms; /* by the loop's time */
	struct team *team;
	struct reload *reload; /* NULL: the proxy has not started yet, or stops */
};

/* Answers q, now or later. */
void commands_run(struct commands *c, struct slice line, struct question *q);

#endif
