#include "app/worker.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 100,   /* between two looks at what is still under way … */
	PATIENCE_LOOKS = 50, /* … and how many, before we wait no more */
	MANY_BURIALS = 8,
	WHY_MAX = 4096,
	/* Asked for each socket; the kernel gives what net.core.rmem_max allows.  Its default
	 * holds 92 large datagrams: some milliseconds of calls. */
	RECEIVE_BUFFER_BYTES = 4 << 20,
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
	atomic_fetch_sub(&w->scripts, 1);
	if (w->node.scripts.n == 1) {
		b->last_of_many = w->n_buried >= MANY_BURIALS;
		w->n_buried = 0;
	}
	uv_queue_work(w->loop, &b->work, bury, buried);
}

/* Mail. */

static void wake(void *data)
{
	struct worker *w = data;
	uv_async_send(&w->mail);
}

/* What it is woken for is looked at before it sleeps again. */
static void on_mail(uv_async_t *a)
{
	(void)a;
}

static void ring(void *data)
{
	const struct worker *w = data;
	crew_ring(w->crew, w->number);
}

/* What others post while we send need not wake us: hence two looks. */
static void before_sleep(uv_prepare_t *p)
{
	struct worker *w = p->data;
	clock_tick(&w->clock);
	mailbox_read(w->mailbox);
	ring(w);
	if (w->udp)
		udp_flush(w->udp);
	mailbox_rest(w->mailbox);
	ring(w);
}

static void after_sleep(uv_check_t *c)
{
	struct worker *w = c->data;
	mailbox_rise(w->mailbox);
}

/* Before the prepare handles of all else, which flush and set the clock: the last one to start
 * is the first one called. */
static void open_mail(struct worker *w, const struct crew *crew)
{
	w->crew = crew;
	w->mailbox = &crew->mates[w->number].mailbox;
	mailbox_init(w->mailbox, wake, w);
	uv_async_init(w->loop, &w->mail, on_mail);
	uv_prepare_init(w->loop, &w->before_sleep);
	uv_check_init(w->loop, &w->after_sleep);
	w->mail.data = w->before_sleep.data = w->after_sleep.data = w;
}

static void read_mail(struct worker *w)
{
	uv_prepare_start(&w->before_sleep, before_sleep);
	uv_check_start(&w->after_sleep, after_sleep);
}

static void close_mail(struct worker *w)
{
	uv_close((uv_handle_t *)&w->mail, NULL);
	uv_close((uv_handle_t *)&w->before_sleep, NULL);
	uv_close((uv_handle_t *)&w->after_sleep, NULL);
}

/* Open. */

/* Deaf until the tables can be read: nobody shall be told that somebody is not there. */
static void wire(struct worker *w, const struct worker_place *p, struct script *script)
{
	struct net *net = udp_net(w->udp);
	node_init(&w->node, &w->env, net, w->database.store, p->settings, script, p->crew,
		  p->number);
	w->node.host.pid = getpid();
	w->node.scripts.bury = on_script_gone;
	w->node.scripts.bury_data = w;
	w->node.transport.trace = trace_user(p->trace);
	w->upward = net->user;
	net->user = (struct net_user){0};
	udp_on_batch(w->udp, tick, ring, w);
	database_on_batch(&w->database, tick, w);
	atomic_store(&w->scripts, 1);
	w->wired = true;
}

static enum udp_sharing sharing_of(const struct worker_place *p)
{
	if (p->crew->crew.n == 1)
		return UDP_ALONE;
	return p->number == 0 ? UDP_FIRST : UDP_JOIN;
}

static int open_all(struct worker *w, const struct worker_place *p, struct script *script,
		    struct buf *why)
{
	const struct udp_options o = {.sharing = sharing_of(p),
				      .receive_buffer_bytes = RECEIVE_BUFFER_BYTES};
	if (database_attach(&w->database, p->database, w->loop, why) < 0 ||
	    udp_open(&w->udp, w->loop, &w->log, p->listen, p->settings->n_listen, &o, why) < 0)
		return -1;
	wire(w, p, script);
	return 0;
}

int worker_open(struct worker *w, const struct worker_place *p, struct script *script,
		struct buf *why)
{
	memset(w, 0, sizeof *w);
	w->loop = p->loop;
	w->number = p->number;
	w->log = *p->log;
	w->env.log = &w->log;
	rand_kernel_init(&w->rand);
	w->env.rand = &w->rand.rand;
	buf_init(&w->why, WHY_MAX);
	clock_open(&w->clock, w->loop, &w->env);
	uv_timer_init(w->loop, &w->patience);
	w->patience.data = w;
	open_mail(w, &p->crew->crew);
	int rc = open_all(w, p, script, why);
	read_mail(w);
	return rc;
}

static void on_started(void *data, struct node *n, struct slice error)
{
	struct worker *w = data;
	(void)n;
	buf_put(&w->why, error);
	w->done(w->data);
}

void worker_start(struct worker *w, void (*done)(void *data), void *data)
{
	w->done = done;
	w->data = data;
	node_start(&w->node, w, on_started);
}

void worker_serve(struct worker *w)
{
	udp_net(w->udp)->user = w->upward;
	w->serving = true;
}

/* Stop */

static bool is_busy(const struct worker *w)
{
	struct script_counters c;
	generations_count(&w->node.scripts, &c);
	return c.coroutines > 0;
}

static void look_again(uv_timer_t *t)
{
	struct worker *w = t->data;
	if (w->wired && is_busy(w) && ++w->looks < PATIENCE_LOOKS)
		return;
	uv_timer_stop(t);
	w->done(w->data);
}

void worker_calm(struct worker *w, void (*done)(void *data), void *data)
{
	w->serving = false;
	if (w->udp)
		udp_net(w->udp)->user = (struct net_user){0};
	w->done = done;
	w->data = data;
	uv_timer_start(&w->patience, look_again, 0, PATIENCE_MS);
}

static void on_node_stopped(void *data, struct node *n)
{
	struct worker *w = data;
	(void)n;
	w->done(w->data);
}

void worker_end(struct worker *w, void (*done)(void *data), void *data)
{
	w->done = done;
	w->data = data;
	if (w->wired)
		node_stop(&w->node, w, on_node_stopped);
	else
		done(data);
}

static void on_udp_closed(void *data)
{
	struct worker *w = data;
	w->udp = NULL;
	w->done(w->data);
}

/* Store and resolver hand out their last answers while those who wait for them still live. */
void worker_take_apart(struct worker *w, void (*done)(void *data), void *data)
{
	bool udp = w->udp != NULL;
	w->done = done;
	w->data = data;
	database_detach(&w->database);
	if (udp)
		udp_close(w->udp, on_udp_closed, w);
	if (w->wired)
		node_free(&w->node);
	w->wired = false;
	if (!udp)
		done(data);
}

void worker_close(struct worker *w)
{
	uv_close((uv_handle_t *)&w->patience, NULL);
	close_mail(w);
	clock_close(&w->clock);
	buf_free(&w->why);
}
