/*
 * lookup: the addresses of host names, asked of the system's resolver on
 * libuv's threads, so that nothing waits for them.
 *
 * Peers choose the names, so none may hold up the others for long: who asks for
 * a name that is asked for already waits along; who has waited some 4 s is
 * answered "none"; and an answer is remembered for 30 s.
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include "base/list.h"
#include "base/log.h"
#include "net/addr.h"

#include <uv.h>

enum {
	LOOKUP_MAX_ADDRS = 8,
	LOOKUP_MAX_RUNNING = 256, /* more are answered "none" at once */
	LOOKUP_MAX_KNOWN = 256,
};

struct lookups {
	uv_loop_t *loop;
	struct log *log;
	struct list running; /* in the order they began */
	struct list late;    /* answered "none", but their threads are still busy */
	struct list known;   /* answers, in the order they came */
	unsigned n_running;  /* the late ones too */
	unsigned n_known;
	uint64_t lost;    /* answered "none" for want of time or threads */
	uv_timer_t timer; /* ticks while any run; its owner closes it */
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
