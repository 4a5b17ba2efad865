/*
 * reload: another version of the script, wholly or not at all.
 *
 * A thread of its own reads the files and loads them, once for each worker and
 * for all from the same bytes; so no message waits, however long that takes.
 * Then, on the loop, the versions are given to the workers all together.  What
 * goes wrong before that has changed nothing.  Each load ends within some
 * seconds: with its scripts, or with the reason why not.
 */
#ifndef APP_RELOAD_H
#define APP_RELOAD_H

#include "script/script.h"

#include <uv.h>

struct reload;

struct reload_user {
	void *data;
	/* One more version may live; -1: a sentence in why.  Asked before a load begins. */
	int (*room)(void *data, struct buf *why);
	/*
	 * All are loaded.  0: takes them; reload_taken() says, now or later, that they serve.
	 * -1: they stay the caller's, why is a sentence.
	 */
	int (*take_over)(void *data, struct script *const *scripts, uint64_t load_us,
			 struct buf *why);
};

struct reload_counters {
	uint64_t done;
	uint64_t refused;
};

/* n: scripts to load at a time, one for each worker.  All is borrowed. */
void reload_open(struct reload **out, uv_loop_t *loop, struct log *log, const char *path,
		 unsigned n, const struct reload_user *user);
/*
 * Loads what the files hold from now on; done, which may be NULL, is called
 * once, with what there is to say.  Requests that come while a load is under way share the
 * next one.
 */
void reload_request(struct reload *r, void *data,
		    void (*done)(void *data, bool ok, struct slice news));
/* What take_over() took serves in all workers; news: lines for the operator. */
void reload_taken(struct reload *r, struct slice news);
void reload_count(const struct reload *r, struct reload_counters *c);
/* From here on each save of one of the files is a request.  files: those of the first load. */
void reload_watch(struct reload *r, const struct source *files);
/* Requests under way are told that it ends; r is freed by the loop. */
void reload_close(struct reload *r);

#endif
