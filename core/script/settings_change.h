/*
 * settings_change: other settings for a proxy that runs: which of them it can
 * take, and which wait for a restart (`restart` in settings_table).
 */
#ifndef SCRIPT_SETTINGS_CHANGE_H
#define SCRIPT_SETTINGS_CHANGE_H

#include "script/settings.h"

/* A copy with texts of its own; settings_free() ends it. */
void settings_copy(struct settings *to, const struct settings *from);
/*
 * Running becomes fresh, but for what waits for a restart.  Whoever borrowed
 * texts or aliases of running borrows the new ones from here on.
 */
void settings_take(struct settings *running, const struct settings *fresh);
/* The names of those that wait, because fresh says something else than
 * running: "listen, store"; nothing: none. */
void settings_waiting(const struct settings *running, const struct settings *fresh,
		      struct buf *names);

#endif
