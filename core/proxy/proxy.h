/*
 * proxy: request validation and forwarding (RFC 3261 16, RFC 5393).
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "proxy/context.h"

/* Host names and addresses that are this proxy besides its sockets. */
struct proxy_alias {
	struct slice host;
	uint16_t port; /* 0: any of our ports, or none */
};

struct proxy_options {
	struct proxy_alias *aliases; /* borrowed */
	unsigned n_aliases;
	uint32_t timer_c_ms;  /* > 180,000: RFC 3261 16.6 step 11 */
	uint32_t ring_max_ms; /* the longest an INVITE may stay unanswered, however many 1xx come */
	bool full_lr;         /* Record-Route with ";lr=on" (enable_full_lr) */
	uint64_t loop_key;    /* seeds the loop detection hash */
};

struct proxy_user {
	void *data;
	/* A new request (or an ACK that goes end to end) that passed validation.
	 * context_script_done() must follow, now or later. */
	void (*request)(void *data, struct context *c);
	/* c is freed next. */
	void (*gone)(void *data, struct context *c);
};

struct proxy_counters {
	uint64_t requests, replies_made, forwarded, loops, stray_acks_dropped;
};

struct proxy {
	struct env *env;
	struct txn txn;
	struct transport *transport;
	struct proxy_options options;
	struct proxy_user user;
	struct list contexts;
	size_t n_contexts;
	struct proxy_counters counters;
	struct buf scratch;
};

void proxy_init(struct proxy *p, struct env *env, const struct proxy_options *o,
		const struct proxy_user *user);
void proxy_free(struct proxy *p);

/*
 * host:port names this proxy: a socket's address or an alias, with any of our
 * ports or none; the transport parameter of a URI does not matter.
 */
bool proxy_is_myself(const struct proxy *p, struct slice host, uint16_t port);
bool proxy_uri_is_myself(const struct proxy *p, const struct uri *u);
/* The host is one of our domains, whatever the port: may be a realm. */
bool proxy_is_domain(const struct proxy *p, struct slice host);

/*
 * Sends the request to its targets (t_relay).  done is called exactly once,
 * maybe before this returns: refusal.status 0 when at least one branch left
 * (or the ACK was sent).  Refusals: 483 Max-Forwards, 482 loop, 440 breadth,
 * 416 scheme, 404/478 unresolvable, 500 send, 487 cancelled meanwhile.
 */
void proxy_relay(struct context *c, void *data,
		 void (*done)(void *data, struct context *c, struct refusal why));

/* RFC 3261 16.4: takes our Routes away.  True: Route headers decide where the
 * request goes (or it is in a dialog that they led through us).  A Route that
 * named only us on a request without To tag: false, treat it as any initial one. */
bool proxy_loose_route(struct context *c);
/* RFC 3261 16.6 step 4; false the second time. */
bool proxy_record_route(struct context *c);

/* The best final response so far (16.7 step 6), for failure handlers; NULL without any. */
struct branch *proxy_best(struct context *c);

#endif
