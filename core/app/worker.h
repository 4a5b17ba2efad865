/*
 * worker: one loop and all that turns with it: clock, sockets, a port of the
 * database and a node of SIP.  Nothing of it is shared, so there may be several.
 *
 * Life: worker_open, worker_start (messages are served from its return on),
 * uv_run, worker_stop, uv_run until stopped is called, worker_close.
 */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include "app/clock.h"
#include "app/database.h"
#include "app/trace.h"
#include "net/udp.h"
#include "script/node.h"

struct worker {
	uv_loop_t *loop; /* borrowed */
	struct env env;
	struct rand_kernel rand;
	struct clock clock;
	struct database_port database;
	struct trace trace;
	struct udp *udp;        /* NULL: not open, or closed */
	struct net_user upward; /* where datagrams go while serving: the node's transport */
	struct node node;
	unsigned n_buried; /* scripts that went since there was but one */
	bool wired;        /* node is there */
	bool serving;      /* datagrams are let in, the node is whole */

	bool started;
	bool refused;    /* the start failed … */
	struct buf *why; /* … for this reason */
	unsigned looks;  /* at what is still under way, while stopping */
	uv_timer_t patience;
	void (*stopped)(void *data);
	void *stopped_data;
};

/* Takes script (when it returns 0), borrows all else.  0, or -1 with a sentence in why;
 * worker_stop() and worker_close() must follow either way. */
int worker_open(struct worker *w, uv_loop_t *loop, struct log *log, struct database *d,
		const struct settings *s, struct script *script, struct buf *why);
/* Turns the loop until the locations are loaded.  0, or -1 with a sentence in why. */
int worker_start(struct worker *w, struct buf *why);

/*
 * Lets nothing new in, waits some seconds at most for the routes that are under
 * way, writes what is left, closes the sockets; then calls stopped, once, from
 * the loop.
 */
void worker_stop(struct worker *w, void (*stopped)(void *data), void *data);
/* Its handles close with the next turns of the loop. */
void worker_close(struct worker *w);

#endif
