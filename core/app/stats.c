#include "app/stats.h"

static void put(struct buf *out, const char *key, uint64_t value)
{
	buf_puts(out, key);
	buf_putc(out, ' ');
	buf_u64(out, value);
	buf_putc(out, '\n');
}

static void put_transport(const struct transport_counters *c, struct buf *out)
{
	put(out, "transport.received", c->received);
	put(out, "transport.received_bad", c->received_bad);
	put(out, "transport.responses_stray", c->responses_stray);
	put(out, "transport.sent", c->sent);
}

static void put_udp(const struct udp_counters *c, struct buf *out)
{
	put(out, "udp.received", c->received);
	put(out, "udp.sent", c->sent);
	put(out, "udp.send_lost", c->send_lost);
	put(out, "udp.unreachable", c->unreachable);
}

static void put_txn(const struct txn *x, struct buf *out)
{
	put(out, "transactions.server", x->servers.count);
	put(out, "transactions.client", x->clients.count);
	put(out, "transactions.bytes", x->bytes);
	put(out, "transactions.retransmissions_in", x->counters.retransmissions_in);
	put(out, "transactions.retransmissions_out", x->counters.retransmissions_out);
	put(out, "transactions.timeouts", x->counters.timeouts);
	put(out, "transactions.strays", x->counters.strays);
	put(out, "transactions.refused", x->counters.refused);
}

static void put_proxy(const struct proxy *p, struct buf *out)
{
	put(out, "contexts", p->n_contexts);
	put(out, "proxy.requests", p->counters.requests);
	put(out, "proxy.replies_made", p->counters.replies_made);
	put(out, "proxy.forwarded", p->counters.forwarded);
	put(out, "proxy.loops", p->counters.loops);
	put(out, "proxy.stray_acks_dropped", p->counters.stray_acks_dropped);
}

static void put_script(const struct generations *g, struct buf *out)
{
	struct script_counters c;
	generations_count(g, &c);
	put(out, "messages", c.messages);
	put(out, "coroutines", c.coroutines);
	put(out, "parked", c.parked);
	put(out, "script.errors", c.errors);
	put(out, "script.memory_bytes", c.memory_bytes);
}

/* The living ones, the oldest first; the last one is in service. */
static void put_generations(const struct generations *g, struct buf *out)
{
	put(out, "generations", g->n);
	for (unsigned i = 0; i < g->n; i++) {
		struct generation one;
		generations_get(g, i, &one);
		const struct {
			const char *key;
			uint64_t value;
		} rows[] = {{"age_s", one.age_ms / 1000},
			    {"messages", one.counters.messages},
			    {"transactions", one.counters.alive},
			    {"parked", one.counters.parked},
			    {"memory_bytes", one.counters.memory_bytes}};
		for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++)
			buf_printf(out, "generation.%u.%s %llu\n", one.number, rows[k].key,
				   (unsigned long long)rows[k].value);
	}
}

static void put_database(const struct worker *w, struct buf *out)
{
	const struct patience *p = &w->node.patience;
	struct credentials_counters c;
	auth_count(w->node.auth, &c);
	put(out, "store.pending", database_pending(&w->database));
	put(out, "store.parked", p->parked);
	put(out, "store.timeouts", p->timeouts);
	put(out, "store.refused", p->refused);
	put(out, "auth.users", c.users);
	put(out, "auth.unknown", c.unknown);
	put(out, "auth.hits", c.hits);
	put(out, "auth.asked", c.asked);
	put(out, "auth.joined", c.joined);
}

static void put_location(const char *name, const struct location *l, struct buf *out)
{
	struct location_counters c;
	location_count(l, &c);
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {{"aors", c.aors},   {"bindings", c.bindings}, {"expired", c.expired},
		    {"dirty", c.dirty}, {"hits", c.hits},         {"asked", c.asked},
		    {"stale", c.stale}};
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		buf_printf(out, "%s.%s %llu\n", name, rows[i].key,
			   (unsigned long long)rows[i].value);
}

void stats_put(const struct worker *w, struct buf *out)
{
	if (!w->serving)
		return;
	put(out, "timers", w->env.wheel.count);
	put_database(w, out);
	put_udp(udp_counters(w->udp), out);
	put_transport(&w->node.transport.counters, out);
	put_txn(&w->node.proxy.txn, out);
	put_proxy(&w->node.proxy, out);
	put_script(&w->node.scripts, out);
	put_generations(&w->node.scripts, out);
	put_location("location", w->node.location, out);
	put_location("aliases", w->node.aliases, out);
}
