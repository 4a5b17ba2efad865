/*
 * proxy: request validation and forwarding (RFC 3261 16, RFC 5393).
 *
 * Wiring, from below: proxy_init(&p, ...); transport_init(&t, env, net,
 * txn_transport_user(&p.txn), ...); proxy_attach(&p, &t).  The end in reverse:
 * transport_free(&t), then proxy_free(&p), and nothing of the loop between them.
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
	uint32_t timer_c_ms;       /* > 180,000: RFC 3261 16.6 step 11; 0: PROXY_TIMER_C_MS */
	uint32_t ring_max_ms;      /* the longest a branch may ring, however many 1xx come; 0: the
				      default */
	bool full_lr;              /* Record-Route with ";lr=on" (enable_full_lr) */
	uint64_t loop_key;         /* seeds the loop detection hash */
	uint8_t route_key[16];     /* proves our Record-Route; proxy_set_route_key() */
	uint32_t dialog_max_age_s; /* … for so long after the dialog's begin; 0: for ever */
};

enum { PROXY_TIMER_C_MS = 185000, PROXY_RING_MAX_MS = 600000 };

struct proxy_user {
	void *data;
	/* A new request (or an ACK that goes end to end) that passed validation.
	 * context_script_done() must follow, now or later. */
	void (*request)(void *data, struct context *c);
	/* c, which request() has got, is freed next. */
	void (*gone)(void *data, struct context *c);
};

struct proxy_counters {
	uint64_t requests;     /* new ones, ACKs end to end included */
	uint64_t replies_made; /* by routes, and finals made here */
	uint64_t forwarded;    /* requests sent out, each branch */
	uint64_t loops;
	uint64_t stray_acks_dropped;
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
/* The transport that all messages leave by. */
void proxy_attach(struct proxy *p, struct transport *t);
/* Ends all transactions and contexts without a word to the network. */
void proxy_free(struct proxy *p);

/*
 * host:port names this proxy: a socket's address or an alias, with any of our
 * ports or none; the transport parameter of a URI does not matter.
 */
bool proxy_is_myself(const struct proxy *p, struct slice host, uint16_t port);
/* The same of aliases alone: in a fleet they are all proxies' names. */
bool proxy_is_alias(const struct proxy *p, struct slice host, uint16_t port);
bool proxy_uri_is_myself(const struct proxy *p, const struct uri *u);
/* The host is one of our domains, whatever the port: may be a realm. */
bool proxy_is_domain(const struct proxy *p, struct slice host);

/*
 * Sends the request to its targets (t_relay): the current one and c->more.
 * They are used up by it; the Request-URI stays.  A place the request was sent
 * to before (RFC 3261 16.5) is left out.  done is called exactly once, maybe
 * before this returns: refusal.status 0 when at least one branch left (or the
 * ACK was sent).  Refusals: 400 bad Route, 416 scheme, 440 breadth, 478
 * unresolvable, 480 nothing left to try, 482 loop, 483 Max-Forwards, 487
 * cancelled meanwhile, 500 answered already or no socket, 513 too large, 6xx
 * one came (16.7 step 5).
 */
void proxy_relay(struct context *c, void *data,
		 void (*done)(void *data, struct context *c, struct refusal why));

/* RFC 3261 16.4: takes our Routes away.  True: Route headers decide where the
 * request goes (or it is in a dialog that they led through us).  A Route that
 * named only us on a request without To tag: false, treat it as any initial one. */
bool proxy_loose_route(struct context *c);
/*
 * After proxy_loose_route(): one of the Routes it took was written by this proxy
 * (or one with the same key) for this very dialog (proxy/proof).  So it began
 * with a request that a route let through; a To tag and a Route that strangers
 * made up do not look so.
 */
bool proxy_in_dialog(const struct context *c);
/*
 * The topmost Record-Route has such a proof: the proxy that sent this request
 * has our key, and let it through.
 */
bool proxy_is_vouched(const struct context *c);
/* The key of that proof, shared by a fleet and kept across restarts. */
void proxy_set_route_key(struct proxy *p, const uint8_t key[16]);
/* RFC 3261 16.6 step 4; false the second time. */
bool proxy_record_route(struct context *c);

/* The best final response so far (16.7 step 6), for failure handlers; NULL without any. */
struct branch *proxy_best(struct context *c);

#endif
