#include "app/commands.h"

#include "app/stats.h"
#include "app/unbind.h"

#include <stdlib.h>

enum { WHY_MAX = 16 * 1024, ANSWER_MAX = 1024 * 1024 };

/* "stats": each worker adds its own in turn … */

struct tally {
	const struct commands *commands;
	struct question *question;
	uv_mutex_t mutex;
	struct stats stats;
};

static void tally_one(struct errand *e)
{
	struct tally *t = e->data;
	uv_mutex_lock(&t->mutex);
	stats_add(&t->stats, e->worker);
	uv_mutex_unlock(&t->mutex);
	errand_end(e);
}

static void put_stats(const struct commands *c, const struct stats *s, struct buf *out)
{
	struct reload_counters reloads = {0};
	if (c->reload)
		reload_count(c->reload, &reloads);
	buf_printf(out, "uptime_s %llu\nworkers %u\nreloads %llu\nreloads.refused %llu\n",
		   (unsigned long long)((uv_now(c->loop) - c->started_ms) / 1000),
		   team_size(c->team), (unsigned long long)reloads.done,
		   (unsigned long long)reloads.refused);
	stats_put(s, out);
}

/* … and then they are told. */
static void on_tallied(void *data)
{
	struct tally *t = data;
	struct buf out;
	buf_init(&out, ANSWER_MAX);
	put_stats(t->commands, &t->stats, &out);
	question_answer(t->question, buf_slice(&out));
	buf_free(&out);
	stats_free(&t->stats);
	uv_mutex_destroy(&t->mutex);
	free(t);
}

static void ask_stats(struct commands *c, struct question *q)
{
	struct tally *t = mem_zalloc(sizeof(*t));
	t->commands = c;
	t->question = q;
	uv_mutex_init(&t->mutex);
	team_round(c->team, tally_one, on_tallied, t);
}

static void on_reloaded(void *data, bool ok, struct slice news)
{
	struct buf out;
	buf_init(&out, WHY_MAX + sizeof("error \n"));
	buf_printf(&out, ok ? "ok %.*s" : "error %.*s\n", SLICE_ARG(news));
	question_answer(data, buf_slice(&out));
	buf_free(&out);
}

/* "forget USER": that subscriber has changed. */

struct forgetting {
	struct question *question;
	struct arena arena;
	struct slice user;
};

static void forget_one(struct errand *e)
{
	const struct forgetting *f = e->data;
	auth_forget(e->worker->node.auth, f->user);
	errand_end(e);
}

static void on_forgotten(void *data)
{
	struct forgetting *f = data;
	question_answer(f->question, SLICE("ok\n"));
	arena_free(&f->arena);
	free(f);
}

static bool ask_forget(struct commands *c, struct slice line, struct question *q)
{
	struct slice word = SLICE("forget ");
	if (!slice_starts(line, word))
		return false;
	struct forgetting *f = mem_zalloc(sizeof(*f));
	f->question = q;
	arena_init(&f->arena, line.n);
	f->user = arena_dup(&f->arena, slice_range(line.p + word.n, slice_end(line)));
	team_round(c->team, forget_one, on_forgotten, f);
	return true;
}

void commands_run(struct commands *c, struct slice line, struct question *q)
{
	if (!c->reload)
		question_answer(q, SLICE("error not yet\n"));
	else if (slice_eq(line, SLICE("stats")))
		ask_stats(c, q);
	else if (slice_eq(line, SLICE("reload")))
		reload_request(c->reload, q, on_reloaded);
	else if (!ask_forget(c, line, q) && !unbind_request(&team_first(c->team)->node, line, q))
		question_answer(q, SLICE("error unknown command\n"));
}
