#include "sim/sim.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { SIM_LOG_MAX_BYTES = 64 << 20, SIM_MAX_ADDRS = 8 };

struct host {
	struct list node;
	struct addr addr;
	struct slice name; /* behind the struct */
};

struct lookup {
	struct list node;
	struct timer timer;
	struct sim *sim;
	void *data;
	void (*done)(void *data, const struct addr *addrs, unsigned n);
	struct slice name; /* behind the struct */
};

static void sim_log(struct log *l, enum log_level level, struct slice line)
{
	struct sim *s = CONTAINER(l, struct sim, log);

	buf_puts(&s->log_text, log_level_name(level));
	buf_puts(&s->log_text, ": ");
	buf_put(&s->log_text, line);
	buf_putc(&s->log_text, '\n');
}

static void sim_send(struct net *n, unsigned socket, const struct addr *to, struct slice bytes)
{
	struct sim *s = CONTAINER(n, struct sim, net);
	struct sim_packet *p = mem_alloc(sizeof(*p) + bytes.n);
	char *copy = (char *)(p + 1);

	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	*p = (struct sim_packet){
	    .at_ms = env_now_ms(&s->env),
	    .socket = socket,
	    .from = s->local[socket],
	    .to = *to,
	    .bytes = slice_of(copy, bytes.n),
	};
	list_push(&s->sent, &p->node);
}

static void answer(struct sim *s, struct slice name, void *data,
		   void (*done)(void *data, const struct addr *addrs, unsigned n))
{
	struct addr addrs[SIM_MAX_ADDRS];
	unsigned n = 0;

	LIST_EACH (node, &s->hosts) {
		const struct host *h = CONTAINER(node, struct host, node);
		if (n < SIM_MAX_ADDRS && slice_ieq(h->name, name))
			addrs[n++] = h->addr;
	}
	done(data, addrs, n);
}

static void lookup_drop(struct lookup *l)
{
	timer_stop(&l->sim->env.wheel, &l->timer);
	l->done(l->data, NULL, 0);
	free(l);
}

static void lookup_due(struct timer *t)
{
	struct lookup *l = CONTAINER(t, struct lookup, timer);

	list_remove(&l->node); /* done may end in sim_free() */
	answer(l->sim, l->name, l->data, l->done);
	free(l);
}

static void sim_resolve(struct net *n, struct slice host, void *data,
			void (*done)(void *data, const struct addr *addrs, unsigned n))
{
	struct sim *s = CONTAINER(n, struct sim, net);
	struct lookup *l;

	if (s->resolve_delay_ms == 0) {
		answer(s, host, data, done);
		return;
	}
	l = mem_alloc(sizeof(*l) + host.n);
	*l = (struct lookup){.sim = s, .data = data, .done = done};
	l->name = slice_of(memcpy(l + 1, host.p, host.n), host.n);
	list_push(&s->lookups, &l->node);
	timer_init(&l->timer, lookup_due);
	timer_start(&s->env.wheel, &l->timer, s->resolve_delay_ms);
}

static void init_env(struct sim *s, uint64_t seed)
{
	buf_init(&s->log_text, SIM_LOG_MAX_BYTES);
	s->log = (struct log){.level = LOG_DEBUG, .write = sim_log};
	rand_seeded_init(&s->rand, seed);
	wheel_init(&s->env.wheel, 0);
	s->env.wall_offset_ms = (int64_t)SIM_WALL_START_S * 1000;
	s->env.rand = &s->rand.rand;
	s->env.log = &s->log;
}

int sim_init(struct sim *s, uint64_t seed, const char *const *listen, unsigned n)
{
	memset(s, 0, sizeof(*s));
	init_env(s, seed);
	list_init(&s->sent);
	list_init(&s->hosts);
	list_init(&s->lookups);
	s->net = (struct net){.local = s->local, .send = sim_send, .resolve = sim_resolve};
	if (n > SIM_MAX_SOCKETS)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (addr_parse_port(&s->local[i], slice_str(listen[i])) < 0)
			return -1;
	s->net.n_sockets = n;
	return 0;
}

void sim_free(struct sim *s)
{
	struct sim_packet *p;
	struct list *node;

	while ((p = sim_take(s)))
		sim_packet_free(p);
	while ((node = list_shift(&s->hosts)))
		free(CONTAINER(node, struct host, node));
	while ((node = list_shift(&s->lookups)))
		lookup_drop(CONTAINER(node, struct lookup, node));
	buf_free(&s->log_text);
}

bool sim_arrive(struct sim *s, const struct addr *from, const struct addr *to, struct slice bytes)
{
	const struct net_user *user = &s->net.user;

	for (unsigned i = 0; i < s->net.n_sockets; i++)
		if (user->datagram && addr_equal(&s->local[i], to)) {
			user->datagram(user->data, i, from, bytes);
			return true;
		}
	return false;
}

bool sim_deliver(struct sim *s, const char *from, const char *to, struct slice bytes)
{
	struct addr a, b;

	if (addr_parse_port(&a, slice_str(from)) < 0 || addr_parse_port(&b, slice_str(to)) < 0)
		return false;
	return sim_arrive(s, &a, &b, bytes);
}

struct sim_packet *sim_take(struct sim *s)
{
	struct list *node = list_shift(&s->sent);

	return node ? CONTAINER(node, struct sim_packet, node) : NULL;
}

void sim_packet_free(struct sim_packet *p)
{
	free(p);
}

void sim_unreachable(struct sim *s, const struct sim_packet *p)
{
	const struct net_user *user = &s->net.user;
	size_t n = p->bytes.n < SIM_QUOTE_BYTES ? p->bytes.n : SIM_QUOTE_BYTES;

	if (user->unreachable)
		user->unreachable(user->data, p->socket, &p->to, slice_of(p->bytes.p, n));
}

int sim_host(struct sim *s, const char *name, const char *addr)
{
	struct slice text = slice_of(name, strlen(name));
	struct addr a;
	struct host *h;

	if (addr_parse(&a, slice_str(addr), 0) < 0)
		return -1;
	h = mem_alloc(sizeof(*h) + text.n);
	h->addr = a;
	h->name = slice_of(memcpy(h + 1, text.p, text.n), text.n);
	list_push(&s->hosts, &h->node);
	return 0;
}

void sim_advance(struct sim *s, uint64_t ms)
{
	wheel_advance(&s->env.wheel, s->env.wheel.now_ms + ms);
}
