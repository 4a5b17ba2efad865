/*
 * worker: one loop and all that turns with it: clock, sockets, transactions,
 * proxy, locations, authentication and the script's state.  Nothing of it is
 * shared, so there may be several.
 *
 * Life: worker_open (the store answers), worker_load (locations are there),
 * worker_listen (messages come in), uv_run, worker_stop (no more of them; what
 * was begun is finished and written), uv_run, worker_close.
 */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include "app/clock.h"
#include "app/database.h"
#include "net/udp.h"
#include "script/script.h"

struct worker {
	uv_loop_t *loop; /* borrowed */
	struct log *log;
	const struct settings *settings; /* borrowed */
	struct script *script;           /* borrowed */
	struct env env;
	struct rand_kernel rand;
	struct clock clock;
	struct database database;
	struct location *location;
	struct location *aliases;
	struct auth *auth;
	struct registrar_options registrar;
	struct udp *udp;
	struct net_user upward; /* where datagrams go: to transport */
	struct transport transport;
	struct proxy proxy;

	bool listening, stopping;
	unsigned waiting; /* for so many answers, at start and stop */
	bool failed;      /* one of them was no */
	struct buf *why;  /* … because */
	unsigned looks;   /* whether the last routes have ended */
	uv_timer_t patience;
	void (*stopped)(void *data);
	void *stopped_data;
};

/* Each: 0, or -1 with a sentence in why. worker_stop() and worker_close() must follow either way.
 */
int worker_open(struct worker *w, uv_loop_t *loop, struct log *log, const struct settings *s,
		struct script *script, struct buf *why);
/* Turns the loop until the tables are read. */
int worker_load(struct worker *w, struct buf *why);
int worker_listen(struct worker *w, struct buf *why);

/* stopped is called from the loop, once, after at most some seconds. */
void worker_stop(struct worker *w, void (*stopped)(void *data), void *data);
/* Frees all; its handles close with the next turns of the loop. */
void worker_close(struct worker *w);

#endif
