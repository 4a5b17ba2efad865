/*
 * loader: loads a script on a thread, several times from the same bytes.
 *
 * What the thread has belongs to it until it ends.  It can be told to stop,
 * which ends whatever Lua does; a script that waits in C (for a pipe, say)
 * does not hear it and may be left to itself.
 */
#ifndef APP_LOADER_H
#define APP_LOADER_H

#include "script/script.h"

#include <uv.h>

struct loader;

struct loaded {
	struct slice why;        /* empty: it went well, and there are … */
	struct script **scripts; /* … n of them: who sets one to NULL has taken it */
	const struct source *source;
	uint64_t took_us; /* without the wait until the files have settled */
};

/*
 * Loads path n times.  done is called once, from the loop; all it is shown is
 * freed after it.  NULL: there is no thread to be had.
 */
struct loader *loader_start(uv_loop_t *loop, struct log *log, const char *path, unsigned n,
			    void *data,
			    void (*done)(void *data, struct loader *l, const struct loaded *what));
/* It shall end soon. */
void loader_stop(struct loader *l);
/* done will not be called any more; l goes by itself. */
void loader_leave(struct loader *l);

#endif
