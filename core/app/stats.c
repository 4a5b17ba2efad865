#include "app/stats.h"

#include <stdlib.h>
#include <string.h>

/* Counters.  Each worker has the same ones in the same order, so a line is soon found. */

static void add(struct stats *s, unsigned *at, const char *key, uint64_t value)
{
	struct stat_line *l = &s->v[(*at)++];
	l->key = key;
	l->value += value;
}

static void add_transport(struct stats *s, unsigned *at, const struct transport_counters *c)
{
	add(s, at, "transport.received", c->received);
	add(s, at, "transport.received_bad", c->received_bad);
	add(s, at, "transport.responses_stray", c->responses_stray);
	add(s, at, "transport.sent", c->sent);
}

static void add_dispatch(struct stats *s, unsigned *at, const struct dispatch *d)
{
	add(s, at, "transport.handed_over", d->handed_over);
	add(s, at, "transport.handed_lost", d->lost);
}

static void add_udp(struct stats *s, unsigned *at, const struct udp_counters *c)
{
	add(s, at, "udp.received", c->received);
	add(s, at, "udp.sent", c->sent);
	add(s, at, "udp.send_lost", c->send_lost);
	add(s, at, "udp.unreachable", c->unreachable);
}

static void add_txn(struct stats *s, unsigned *at, const struct txn *x)
{
	add(s, at, "transactions.server", x->servers.count);
	add(s, at, "transactions.client", x->clients.count);
	add(s, at, "transactions.bytes", x->bytes);
	add(s, at, "transactions.retransmissions_in", x->counters.retransmissions_in);
	add(s, at, "transactions.retransmissions_out", x->counters.retransmissions_out);
	add(s, at, "transactions.timeouts", x->counters.timeouts);
	add(s, at, "transactions.strays", x->counters.strays);
	add(s, at, "transactions.refused", x->counters.refused);
}

static void add_proxy(struct stats *s, unsigned *at, const struct proxy *p)
{
	add(s, at, "contexts", p->n_contexts);
	add(s, at, "proxy.requests", p->counters.requests);
	add(s, at, "proxy.replies_made", p->counters.replies_made);
	add(s, at, "proxy.forwarded", p->counters.forwarded);
	add(s, at, "proxy.loops", p->counters.loops);
	add(s, at, "proxy.stray_acks_dropped", p->counters.stray_acks_dropped);
}

static void add_script(struct stats *s, unsigned *at, const struct generations *g)
{
	struct script_counters c;
	generations_count(g, &c);
	add(s, at, "messages", c.messages);
	add(s, at, "coroutines", c.coroutines);
	add(s, at, "parked", c.parked);
	add(s, at, "script.errors", c.errors);
	add(s, at, "script.memory_bytes", c.memory_bytes);
}

static void add_database(struct stats *s, unsigned *at, const struct worker *w)
{
	const struct patience *p = &w->node.patience;
	struct credentials_counters c;
	auth_count(w->node.auth, &c);
	add(s, at, "store.pending", database_pending(&w->database));
	add(s, at, "store.parked", p->parked);
	add(s, at, "store.timeouts", p->timeouts);
	add(s, at, "store.refused", p->refused);
	add(s, at, "auth.users", c.users);
	add(s, at, "auth.unknown", c.unknown);
	add(s, at, "auth.hits", c.hits);
	add(s, at, "auth.asked", c.asked);
	add(s, at, "auth.joined", c.joined);
}

static void add_table(struct stats *s, unsigned *at, const char *table, const struct location *l)
{
	struct location_counters c;
	unsigned first = *at;
	location_count(l, &c);
	add(s, at, "aors", c.aors);
	add(s, at, "bindings", c.bindings);
	add(s, at, "expired", c.expired);
	add(s, at, "dirty", c.dirty);
	add(s, at, "hits", c.hits);
	add(s, at, "asked", c.asked);
	add(s, at, "stale", c.stale);
	for (unsigned i = first; i < *at; i++)
		s->v[i].table = table;
}

/* Generations: one that has gone here may live on there. */

static struct generation *place_of(struct stats *s, unsigned number)
{
	unsigned i = s->n_generations;
	while (i > 0 && s->generations[i - 1].number > number)
		i--;
	if (i > 0 && s->generations[i - 1].number == number)
		return &s->generations[i - 1];
	s->generations =
	    mem_realloc(s->generations, (s->n_generations + 1) * sizeof(*s->generations));
	memmove(&s->generations[i + 1], &s->generations[i],
		(s->n_generations - i) * sizeof(*s->generations));
	s->n_generations++;
	s->generations[i] = (struct generation){.number = number};
	return &s->generations[i];
}

static void add_generation(struct stats *s, const struct generation *one)
{
	struct generation *sum = place_of(s, one->number);
	if (one->age_ms > sum->age_ms)
		sum->age_ms = one->age_ms;
	sum->counters.messages += one->counters.messages;
	sum->counters.alive += one->counters.alive;
	sum->counters.parked += one->counters.parked;
	sum->counters.memory_bytes += one->counters.memory_bytes;
}

void stats_add(struct stats *s, const struct worker *w)
{
	const struct node *n = &w->node;
	unsigned at = 0;
	if (!w->serving)
		return;
	add(s, &at, "timers", w->env.wheel.count);
	add_database(s, &at, w);
	add_udp(s, &at, udp_counters(w->udp));
	add_transport(s, &at, &n->transport.counters);
	add_dispatch(s, &at, &n->crew->dispatches[n->number]);
	add_txn(s, &at, &n->proxy.txn);
	add_proxy(s, &at, &n->proxy);
	add_script(s, &at, &n->scripts);
	add_table(s, &at, "location", n->location);
	add_table(s, &at, "aliases", n->aliases);
	s->n = at;
	for (unsigned i = 0; i < n->scripts.n; i++) {
		struct generation one;
		generations_get(&n->scripts, i, &one);
		add_generation(s, &one);
	}
}

static void put(struct buf *out, const char *key, uint64_t value)
{
	buf_printf(out, "%s %llu\n", key, (unsigned long long)value);
}

static void put_generation(struct buf *out, const struct generation *g)
{
	const struct stat_line rows[] = {{NULL, "age_s", g->age_ms / 1000},
					 {NULL, "messages", g->counters.messages},
					 {NULL, "transactions", g->counters.alive},
					 {NULL, "parked", g->counters.parked},
					 {NULL, "memory_bytes", g->counters.memory_bytes}};
	for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++) {
		buf_printf(out, "generation.%u.", g->number);
		put(out, rows[k].key, rows[k].value);
	}
}

void stats_put(const struct stats *s, struct buf *out)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->v[i].table)
			buf_printf(out, "%s.", s->v[i].table);
		put(out, s->v[i].key, s->v[i].value);
	}
	if (s->n)
		put(out, "generations", s->n_generations);
	for (unsigned i = 0; i < s->n_generations; i++)
		put_generation(out, &s->generations[i]);
}

void stats_free(struct stats *s)
{
	free(s->generations);
}
