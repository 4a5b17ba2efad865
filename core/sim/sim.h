/*
 * sim: a world without a kernel: virtual clock, network and randomness behind
 * the interfaces the daemon fills with real ones (sim/simstore has the store).
 * What the C tests and lunasip.testkit drive; two runs with one seed give the
 * same bytes.
 *
 *     struct sim s;
 *     sim_init(&s, 1, (const char *const[]){"127.0.0.1:5060"}, 1);
 *     transport_init(&t, &s.env, &s.net, …);
 *     sim_deliver(&s, "192.0.2.1:5060", "127.0.0.1:5060", bytes);
 *     struct sim_packet *p = sim_take(&s);
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/env.h"
#include "net/net.h"

/* Unix time in seconds at virtual time 0: 2026-01-01 00:00:00 UTC. */
#define SIM_WALL_START_S 1767225600

enum {
	SIM_MAX_SOCKETS = 8,
	SIM_QUOTE_BYTES = 520, /* what an ICMP error quotes of a datagram: 576 less headers */
};

/* A datagram the code under test sent, in order. */
struct sim_packet {
	struct list node;
	uint64_t at_ms;
	unsigned socket;
	struct addr from, to;
	struct slice bytes; /* owned */
};

struct sim {
	struct env env;
	struct rand_seeded rand;
	struct log log;      /* level: debug */
	struct buf log_text; /* all lines, "level: text\n" */
	struct net net;
	struct addr local[SIM_MAX_SOCKETS];
	struct list sent;          /* of sim_packet, not yet taken */
	struct list hosts;         /* names and addresses for resolve */
	struct list lookups;       /* resolves under way */
	uint64_t resolve_delay_ms; /* 0: answered before resolve returns */
};

/*
 * Listens on n addresses ("127.0.0.1:5060", "[::1]:5060"); -1 when one of them
 * is none, or there are too many.  s does not move afterwards.
 */
int sim_init(struct sim *s, uint64_t seed, const char *const *listen, unsigned n);
/* Last of all: lookups under way are answered with no address. */
void sim_free(struct sim *s);

/* A datagram arrives now.  False: nobody listens at `to`, or that is no address. */
bool sim_deliver(struct sim *s, const char *from, const char *to, struct slice bytes);
/* The same with addresses at hand. */
bool sim_arrive(struct sim *s, const struct addr *from, const struct addr *to, struct slice bytes);
/* The oldest datagram sent and not yet taken, or NULL; sim_packet_free() ends it. */
struct sim_packet *sim_take(struct sim *s);
void sim_packet_free(struct sim_packet *p);
/* An ICMP error for a datagram that was sent; it quotes the first SIM_QUOTE_BYTES. */
void sim_unreachable(struct sim *s, const struct sim_packet *p);

/* The resolver knows this address ("192.0.2.1", no port) by that name; several
 * for one name are answered in the order they came. -1: it is no address. */
int sim_host(struct sim *s, const char *name, const char *addr);

/* Turns the clock; timers fire on the way. */
void sim_advance(struct sim *s, uint64_t ms);

#endif
