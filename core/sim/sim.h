/*
 * sim: a world without a kernel: virtual clock, network, randomness and store
 * behind the interfaces the daemon fills with real ones.  What the C tests
 * and lunasip.testkit drive; two runs with one seed give the same bytes.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/env.h"
#include "net/net.h"
#include "store/direct.h"

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
	struct log log;
	struct buf log_text; /* all lines, "level: text\n" */
	struct net net;
	struct addr local[8];
	struct list sent;  /* of sim_packet, not yet taken */
	struct list hosts; /* names and addresses for resolve */
};

/* start_wall_s: Unix time at virtual time 0; listens on n addresses. */
void sim_init(struct sim *s, uint64_t seed, const char *const *listen, unsigned n);
void sim_free(struct sim *s);

/* A datagram arrives now. */
void sim_deliver(struct sim *s, const char *from, const char *to, struct slice bytes);
/* The oldest datagram sent and not yet taken, or NULL; sim_packet_free() ends it. */
struct sim_packet *sim_take(struct sim *s);
void sim_packet_free(struct sim_packet *p);
/* An ICMP error for a datagram that was sent. */
void sim_unreachable(struct sim *s, const struct sim_packet *p);
void sim_host(struct sim *s, const char *name, const char *addr);
void sim_advance(struct sim *s, uint64_t ms);

#endif
