/*
 * lookup: the addresses of host names, asked of the system's resolver on
 * libuv's threads, so that nothing waits for them.
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include "base/list.h"
#include "base/log.h"
#include "net/addr.h"

#include <uv.h>

enum {
	LOOKUP_MAX_ADDRS = 8,
	LOOKUP_MAX_RUNNING = 256, /* peers choose the names: more are answered "none" at once */
};

struct lookups {
	uv_loop_t *loop;
	struct log *log;
	struct list running;
	unsigned n_running;
	bool closed;
	void (*begin)(void *data); /* before a name's addresses are told; or NULL */
	void *begin_data;
};

void lookups_init(struct lookups *ls, uv_loop_t *loop, struct log *log);

/* done is called exactly once, maybe before this returns; addresses have port 0, none comes
 * twice. */
void lookup_start(struct lookups *ls, struct slice host, void *data,
		  void (*done)(void *data, const struct addr *addrs, unsigned n));

/* Answers "none" to all that run and to all that are still to come.  What a thread is busy with
 * ends on the loop later and touches nothing of ls or its callers any more. */
void lookups_close(struct lookups *ls);

#endif
