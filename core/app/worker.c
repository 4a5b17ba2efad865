#include "app/worker.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 100, /* between two looks at what is still under way … */
	MANY_BURIALS = 8,
	PATIENCE_LOOKS = 50, /* … and how many, before we wait no more */
};

static void tick(void *data)
{
	struct worker *w = data;
	clock_tick(&w->clock);
}

struct burial {
	uv_work_t work;
	struct script *script;
	bool last_of_many;
};

static void bury(uv_work_t *work)
{
	struct burial *b = work->data;
	script_free(b->script);
	if (b->last_of_many)
		malloc_trim(0);
}

static void buried(uv_work_t *work, int status)
{
	(void)status;
	free(work->data);
}

/* A large state takes its time to close: not on the loop.  What many leave behind goes back
 * to the machine; that takes some milliseconds, so it is not done each time. */
static void on_script_gone(void *data, struct script *s)
{
	struct worker *w = data;
	struct burial *b = mem_zalloc(sizeof *b);
	b->script = s;
	b->work.data = b;
	w->n_buried++;
	if (w->node.scripts.n == 1) {
		b->last_of_many = w->n_buried >= MANY_BURIALS;
		w->n_buried = 0;
	}
	uv_queue_work(w->loop, &b->work, bury, buried);
}

/* Deaf until the tables can be read: nobody shall be told that somebody is not there. */
static void wire(struct worker *w, const struct settings *s, struct script *script)
{
	struct net *net = udp_net(w->udp);
	node_init(&w->node, &w->env, net, w->database.store, s, script);
	w->node.host.pid = getpid();
	w->node.scripts.bury = on_script_gone;
	w->node.scripts.bury_data = w;
	w->node.transport.trace = trace_user(&w->trace);
	w->upward = net->user;
	net->user = (struct net_user){0};
	udp_on_batch(w->udp, tick, w);
	database_on_batch(&w->database, tick, w);
	w->wired = true;
}

static void tell_sockets(struct worker *w)
{
	struct net *net = udp_net(w->udp);
	for (unsigned i = 0; i < net->n_sockets; i++) {
		char text[ADDR_TEXT];
		addr_text(&net->local[i], text);
		log_notice(w->env.log, "listening on udp:%s", text);
		trace_ours(&w->trace, &net->local[i]);
	}
}

int worker_open(struct worker *w, uv_loop_t *loop, struct log *log, struct database *d,
		const struct settings *s, struct script *script, struct buf *why)
{
	const struct udp_options o = {0};
	memset(w, 0, sizeof *w);
	w->loop = loop;
	w->env.log = log;
	rand_kernel_init(&w->rand);
	w->env.rand = &w->rand.rand;
	clock_open(&w->clock, loop, &w->env);
	uv_timer_init(loop, &w->patience);
	w->patience.data = w;
	if (trace_open(&w->trace, log, s->trace, s->trace_max_bytes, why) < 0 ||
	    database_attach(&w->database, d, loop, why) < 0 ||
	    udp_open(&w->udp, loop, log, s->listen, s->n_listen, &o, why) < 0)
		return -1;
	wire(w, s, script);
	return 0;
}

static void on_started(void *data, struct node *n, struct slice error)
{
	struct worker *w = data;
	(void)n;
	w->started = true;
	w->refused = error.n > 0;
	buf_put(w->why, error);
}

int worker_start(struct worker *w, struct buf *why)
{
	w->why = why;
	tell_sockets(w);
	node_start(&w->node, w, on_started);
	while (!w->started)
		uv_run(w->loop, UV_RUN_ONCE);
	if (w->refused)
		return -1;
	udp_net(w->udp)->user = w->upward;
	w->serving = true;
	return 0;
}

/* Stop */

static void on_udp_closed(void *data)
{
	struct worker *w = data;
	w->udp = NULL;
	w->stopped(w->stopped_data);
}

/* Store and resolver hand out their last answers while those who wait for them still live. */
static void take_apart(struct worker *w)
{
	bool udp = w->udp != NULL;
	database_detach(&w->database);
	if (udp)
		udp_close(w->udp, on_udp_closed, w);
	if (w->wired)
		node_free(&w->node);
	w->wired = false;
	if (!udp)
		w->stopped(w->stopped_data);
}

static void on_node_stopped(void *data, struct node *n)
{
	(void)n;
	take_apart(data);
}

static bool is_busy(const struct worker *w)
{
	struct script_counters c;
	generations_count(&w->node.scripts, &c);
	return c.coroutines > 0 || database_pending(&w->database) > 0;
}

static void look_again(uv_timer_t *t)
{
	struct worker *w = t->data;
	if (w->wired && is_busy(w) && ++w->looks < PATIENCE_LOOKS)
		return;
	uv_timer_stop(t);
	if (w->wired)
		node_stop(&w->node, w, on_node_stopped);
	else
		take_apart(w);
}

void worker_stop(struct worker *w, void (*stopped)(void *data), void *data)
{
	w->serving = false;
	if (w->udp)
		udp_net(w->udp)->user = (struct net_user){0};
	w->stopped = stopped;
	w->stopped_data = data;
	uv_timer_start(&w->patience, look_again, 0, PATIENCE_MS);
}

void worker_close(struct worker *w)
{
	uv_close((uv_handle_t *)&w->patience, NULL);
	trace_close(&w->trace);
	clock_close(&w->clock);
}
