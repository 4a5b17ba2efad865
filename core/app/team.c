#include "app/team.h"

#include <stdlib.h>

struct member {
	struct worker worker;
	/* Not the first one's: */
	uv_loop_t loop;
	uv_thread_t thread;
	uv_sem_t go; /* the thread waits for it */
};

struct team {
	uv_loop_t *loop;
	struct log *log;
	struct trace trace;
	struct node_crew crew;
	struct rand_kernel rand;
	struct mate *mates;     /* [n] */
	struct member *members; /* [n] */
	unsigned n;
	unsigned n_open;  /* one of them may be so by halves */
	bool running;     /* the threads are there */
	bool round_ended; /* of the start */
	void (*stopped)(void *data);
	void *stopped_data;
};

/* Rounds. */

struct round {
	struct team *team;
	unsigned away; /* not yet home */
	void (*visit)(struct errand *e);
	void (*done)(void *data);
	void *data;
	struct errand errands[];
};

/* On the team's loop. */
static void come_home(struct letter *l)
{
	struct errand *e = CONTAINER(l, struct errand, letter);
	struct round *r = e->round;
	if (--r->away > 0)
		return;
	void (*done)(void *data) = r->done;
	void *data = r->data;
	free(r);
	if (done)
		done(data);
}

void errand_end(void *errand)
{
	struct errand *e = errand;
	e->letter.open = come_home;
	mailbox_post(&e->round->team->mates[0].mailbox, &e->letter);
}

static void visit(struct letter *l)
{
	struct errand *e = CONTAINER(l, struct errand, letter);
	e->round->visit(e);
}

/* The first worker hears of it last: what it then does, the others have been told before. */
void team_round(struct team *t, void (*visitor)(struct errand *e), void (*done)(void *data),
		void *data)
{
	struct round *r = mem_zalloc(sizeof(*r) + t->n_open * sizeof(*r->errands));
	*r = (struct round){
	    .team = t, .away = t->n_open, .visit = visitor, .done = done, .data = data};
	for (unsigned i = t->n_open; i-- > 0;) {
		struct errand *e = &r->errands[i];
		*e = (struct errand){{NULL, visit}, r, &t->members[i].worker, data};
		mailbox_post(&t->mates[i].mailbox, &e->letter);
	}
}

/* Start. */

static void run_thread(void *data)
{
	struct member *m = data;
	uv_sem_wait(&m->go);
	uv_run(&m->loop, UV_RUN_DEFAULT);
}

static int open_thread(struct member *m, struct buf *why)
{
	int e = uv_loop_init(&m->loop);
	if (e == 0) {
		uv_sem_init(&m->go, 0);
		e = uv_thread_create(&m->thread, run_thread, m);
		if (e == 0)
			return 0;
		uv_sem_destroy(&m->go);
		uv_loop_close(&m->loop);
	}
	buf_printf(why, "no thread for another worker (-w): %s", uv_strerror(e));
	return -1;
}

/* Once, when all that is to be opened is open. */
static void run_threads(struct team *t)
{
	for (unsigned i = 1; i < t->n_open && !t->running; i++)
		uv_sem_post(&t->members[i].go);
	t->running = true;
}

static void join_threads(struct team *t)
{
	for (unsigned i = 1; i < t->n_open; i++) {
		struct member *m = &t->members[i];
		uv_thread_join(&m->thread);
		uv_loop_close(&m->loop);
		uv_sem_destroy(&m->go);
	}
}

static int open_member(struct team *t, const struct team_options *o, unsigned i,
		       struct script *script, struct buf *why)
{
	struct member *m = &t->members[i];
	struct worker_place place = {
	    .loop = i ? &m->loop : o->loop,
	    .log = o->log,
	    .trace = &t->trace,
	    .database = o->database,
	    .settings = o->settings,
	    .listen = i ? udp_net(t->members[0].worker.udp)->local : o->settings->listen,
	    .crew = &t->crew,
	    .number = i,
	};
	if (i && open_thread(m, why) < 0)
		return -1;
	t->n_open++;
	return worker_open(&m->worker, &place, script, why);
}

static void tell_sockets(struct team *t)
{
	const struct net *net = udp_net(t->members[0].worker.udp);
	for (unsigned i = 0; i < net->n_sockets; i++) {
		char text[ADDR_TEXT];
		addr_text(&net->local[i], text);
		log_notice(t->log, "listening on udp:%s", text);
		trace_ours(&t->trace, &net->local[i]);
	}
}

static struct team *team_new(const struct team_options *o)
{
	struct team *t = mem_zalloc(sizeof(*t));
	t->loop = o->loop;
	t->log = o->log;
	t->n = o->n;
	t->members = mem_zalloc(t->n * sizeof(*t->members));
	t->mates = mem_zalloc(t->n * sizeof(*t->mates));
	rand_kernel_init(&t->rand);
	node_crew_init(&t->crew, t->n, t->mates, &t->rand.rand);
	return t;
}

int team_open(struct team **out, const struct team_options *o, struct script **scripts,
	      struct buf *why)
{
	const struct settings *s = o->settings;
	struct team *t = team_new(o);
	*out = t;
	if (trace_open(&t->trace, t->log, s->trace, s->trace_max_bytes, why) < 0)
		return -1;
	for (unsigned i = 0; i < t->n; i++) {
		if (open_member(t, o, i, scripts[i], why) < 0)
			return -1;
		scripts[i] = NULL;
	}
	tell_sockets(t);
	return 0;
}

static void start_one(struct errand *e)
{
	worker_start(e->worker, errand_end, e);
}

static void serve_one(struct errand *e)
{
	worker_serve(e->worker);
	errand_end(e);
}

static void note_end(void *data)
{
	struct team *t = data;
	t->round_ended = true;
	uv_stop(t->loop); /* mail is read before the loop sleeps: it shall not */
}

static void round_and_wait(struct team *t, void (*visitor)(struct errand *e))
{
	t->round_ended = false;
	team_round(t, visitor, note_end, t);
	while (!t->round_ended)
		uv_run(t->loop, UV_RUN_ONCE);
}

int team_start(struct team *t, struct buf *why)
{
	run_threads(t);
	round_and_wait(t, start_one);
	for (unsigned i = 0; i < t->n; i++)
		if (t->members[i].worker.why.n) {
			buf_put(why, buf_slice(&t->members[i].worker.why));
			return -1;
		}
	round_and_wait(t, serve_one);
	return 0;
}

/* Stop: each step when all have done the one before, for until then they ask one another. */

static void calm_one(struct errand *e)
{
	worker_calm(e->worker, errand_end, e);
}

static void end_one(struct errand *e)
{
	worker_end(e->worker, errand_end, e);
}

static void take_one_apart(struct errand *e)
{
	worker_take_apart(e->worker, errand_end, e);
}

/* The first one's mailbox is needed until all are home. */
static void close_one(struct errand *e)
{
	struct worker *w = e->worker;
	errand_end(e);
	if (w->number > 0)
		worker_close(w);
}

static void on_all_closed(void *data)
{
	struct team *t = data;
	join_threads(t);
	t->stopped(t->stopped_data);
}

static void on_all_apart(void *data)
{
	team_round(data, close_one, on_all_closed, data);
}

static void on_all_ended(void *data)
{
	team_round(data, take_one_apart, on_all_apart, data);
}

static void on_all_calm(void *data)
{
	team_round(data, end_one, on_all_ended, data);
}

void team_stop(struct team *t, void (*stopped)(void *data), void *data)
{
	t->stopped = stopped;
	t->stopped_data = data;
	run_threads(t);
	if (t->n_open == 0)
		stopped(data);
	else
		team_round(t, calm_one, on_all_calm, t);
}

void team_close(struct team *t)
{
	if (t->n_open > 0)
		worker_close(&t->members[0].worker);
	trace_close(&t->trace);
	node_crew_free(&t->crew);
	uv_run(t->loop, UV_RUN_NOWAIT); /* the first worker's handles are in here */
	free(t->members);
	free(t->mates);
	free(t);
}

/* What they are. */

unsigned team_size(const struct team *t)
{
	return t->n;
}

struct worker *team_first(struct team *t)
{
	return &t->members[0].worker;
}

void team_expect_scripts(struct team *t)
{
	for (unsigned i = 0; i < t->n; i++)
		atomic_fetch_add(&t->members[i].worker.scripts, 1);
}

bool team_has_room(struct team *t, struct buf *why)
{
	const struct generations *g = &t->members[0].worker.node.scripts;
	if (!generations_have_room(g, why))
		return false;
	for (unsigned i = 1; i < t->n; i++)
		if (atomic_load(&t->members[i].worker.scripts) >= g->max) {
			buf_printf(why,
				   "%u generations are alive already in worker %u "
				   "(script.generations)",
				   g->max, i);
			return false;
		}
	return true;
}
