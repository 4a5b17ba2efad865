/*
 * worker: one loop and all that turns with it: clock, sockets, a port to the
 * store and a node of SIP.  Several make the proxy (app/team), each on a thread
 * of its own; what they share is in worker_place, or comes by mail.
 *
 * Life: worker_open; then on the loop's thread worker_start, worker_serve,
 * worker_calm, worker_end, worker_take_apart, each when all workers are done
 * with the one before, and worker_close.
 */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include "app/clock.h"
#include "app/database.h"
#include "app/trace.h"
#include "net/udp.h"
#include "script/node.h"

/* Borrowed, but for the log, which is copied. */
struct worker_place {
	uv_loop_t *loop;
	const struct log *log;
	struct trace *trace;
	struct database *database;
	const struct settings *settings;
	const struct addr *listen; /* [settings->n_listen] */
	const struct node_crew *crew;
	unsigned number;
};

struct worker {
	uv_loop_t *loop; /* borrowed */
	unsigned number;
	const struct crew *crew; /* borrowed, as is … */
	struct mailbox *mailbox; /* … its own */
	uv_async_t mail;         /* wakes the loop */
	uv_prepare_t before_sleep;
	uv_check_t after_sleep;
	struct log log; /* its own: the level may change */
	struct env env;
	struct rand_kernel rand;
	struct clock clock;
	struct database_port database;
	struct udp *udp;        /* NULL: not open, or closed */
	struct net_user upward; /* where datagrams go while serving: the node's transport */
	struct node node;
	atomic_uint scripts; /* generations that live, or are on their way; any thread */
	unsigned n_buried;   /* scripts that went since there was but one */
	bool wired;          /* node is there */
	bool serving;        /* datagrams are let in, the node is whole */
	unsigned looks;      /* at what is still under way, while it calms down */
	uv_timer_t patience;

	/* Of the step that is under way. */
	void (*done)(void *data);
	void *data;
	struct buf why; /* of a start that failed */
};

/* Takes script (when it returns 0).  0, or -1 with a sentence in why; the steps from worker_calm
 * on must follow either way. */
int worker_open(struct worker *w, const struct worker_place *place, struct script *script,
		struct buf *why);
/* Loads the locations; w->why is empty afterwards, or a sentence. */
void worker_start(struct worker *w, void (*done)(void *data), void *data);
/* Lets datagrams in. */
void worker_serve(struct worker *w);

/* Lets nothing new in, and waits some seconds at most for the routes that are under way. */
void worker_calm(struct worker *w, void (*done)(void *data), void *data);
/* Writes what is left. */
void worker_end(struct worker *w, void (*done)(void *data), void *data);
/* Closes the store's port and the sockets; the node is gone then. */
void worker_take_apart(struct worker *w, void (*done)(void *data), void *data);
/* Its handles close with the next turns of the loop. */
void worker_close(struct worker *w);

#endif
