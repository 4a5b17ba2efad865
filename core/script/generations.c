#include "script/generations.h"

#include "script/message.h"

#include <string.h>

enum { WATCH_MS = 60000 };

static struct script *script_at(struct list *node)
{
	return CONTAINER(node, struct script, generation);
}

struct script *generations_current(const struct generations *g)
{
	return script_at(g->all.prev);
}

static uint64_t age_ms(const struct generations *g, const struct script *s)
{
	return env_now_ms(g->env) - s->born_ms;
}

/* The old ones end. */

static void add_counters(struct script_counters *sum, const struct script *s)
{
	struct script_counters c;

	script_count(s, &c);
	sum->messages += c.messages;
	sum->errors += c.errors;
	sum->coroutines += c.coroutines;
	sum->parked += c.parked;
	sum->alive += c.alive;
	sum->memory_bytes += c.memory_bytes;
}

static void end(struct generations *g, struct script *s)
{
	list_remove(&s->generation);
	g->n--;
	g->gone.messages += s->counters.messages;
	g->gone.errors += s->counters.errors;
	script_detach(s);
	log_info(g->env->log, "script: generation %u is gone", s->number);
	if (g->bury)
		g->bury(g->bury_data, s);
	else
		script_free(s);
}

static void reap(struct timer *t)
{
	struct generations *g = CONTAINER(t, struct generations, reaper);

	LIST_EACH_SAFE (node, &g->all)
		if (script_at(node)->retired && script_is_idle(script_at(node)))
			end(g, script_at(node));
}

void generations_idle(struct generations *g)
{
	timer_start(&g->env->wheel, &g->reaper, 0);
}

static void warn(const struct generations *g, struct script *s)
{
	s->warned = true;
	log_warn(g->env->log,
		 "script: generation %u hangs on: it took over %llu s ago and still has "
		 "%u transactions, %u routes that wait",
		 s->number, (unsigned long long)(age_ms(g, s) / 1000), s->counters.alive,
		 s->counters.parked);
}

static void watch(struct timer *t)
{
	struct generations *g = CONTAINER(t, struct generations, watch);

	LIST_EACH (node, &g->all) {
		struct script *s = script_at(node);
		if (s->retired && !s->warned &&
		    env_now_ms(g->env) - s->retired_ms >= g->patience_ms)
			warn(g, s);
	}
	if (g->n > 1)
		timer_start(&g->env->wheel, &g->watch, WATCH_MS);
}

/* A new one begins. */

static void begin(struct generations *g, struct script *s, const struct script_host *host)
{
	s->number = ++g->newest;
	s->born_ms = env_now_ms(g->env);
	list_push(&g->all, &s->generation);
	g->n++;
	script_attach(s, host);
}

void generations_init(struct generations *g, struct env *env, struct script *s,
		      const struct script_host *host)
{
	memset(g, 0, sizeof(*g));
	g->env = env;
	list_init(&g->all);
	timer_init(&g->reaper, reap);
	timer_init(&g->watch, watch);
	begin(g, s, host);
}

bool generations_have_room(const struct generations *g, struct buf *why)
{
	const struct script *oldest = script_at(g->all.next);

	if (g->n < g->max)
		return true;
	buf_printf(why,
		   "%u generations are alive already (script.generations): the oldest, %u, took "
		   "over %llu s ago and still has %u transactions",
		   g->n, oldest->number, (unsigned long long)(age_ms(g, oldest) / 1000),
		   oldest->counters.alive);
	return false;
}

void generations_take_over(struct generations *g, struct script *s, const struct script_host *host)
{
	struct script *old = generations_current(g);

	s->next_id = old->next_id; /* $mi goes on */
	old->retired_ms = env_now_ms(g->env);
	begin(g, s, host);
	script_retire(old);
	if (!timer_running(&g->watch))
		timer_start(&g->env->wheel, &g->watch, WATCH_MS);
}

void generations_free(struct generations *g)
{
	struct list *node;

	timer_stop(&g->env->wheel, &g->reaper);
	timer_stop(&g->env->wheel, &g->watch);
	while ((node = list_shift(&g->all)))
		script_free(script_at(node));
	g->n = 0;
}

/* Figures. */

void generations_count(const struct generations *g, struct script_counters *c)
{
	*c = g->gone;
	LIST_EACH (node, &g->all)
		add_counters(c, script_at(node));
}

void generations_get(const struct generations *g, unsigned i, struct generation *out)
{
	struct list *node = g->all.next;

	while (i-- > 0)
		node = node->next;
	const struct script *s = script_at(node);
	*out = (struct generation){.number = s->number, .age_ms = age_ms(g, s)};
	script_count(s, &out->counters);
}
