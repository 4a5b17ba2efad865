/*
 * context: a request on its way through the proxy, with its branches: the
 * "response context" of RFC 3261 16.2.
 *
 * The route (script) works on it through the functions of this room:
 *   proxy/forward   16.5, 16.6: targets, branches, the message for each
 *   proxy/response  16.7: best response, CANCEL of losers, Timer C, 16.8
 *   proxy/route     16.4, 16.6 step 4: Route, Record-Route
 *   proxy/validate  16.3; proxy/loop  RFC 5393
 */
#ifndef PROXY_CONTEXT_H
#define PROXY_CONTEXT_H

#include "sip/edit.h"
#include "txn/client.h"
#include "txn/server.h"

struct proxy;
struct context;
struct branch;
struct relay;

enum {
	PROXY_MAX_BRANCHES = 32, /* of one request, all its forks together */
	PROXY_DEFAULT_MAX_FORWARDS = 70,
	PROXY_MAX_BREADTH = 60, /* RFC 5393 5.3.3 */
	PROXY_LOOP_VALUE = 14,  /* hex digits, see proxy/loop */
};

/* A forwarding decision that did not work; data, not an error (rule 6). */
struct refusal {
	unsigned status; /* 0: none.  How sl_reply_error answers */
	const char *reason;
};

/*
 * One place the request may go to.  Where to send: next_hop, else the first
 * Route (Path values come before those of the request), else the URI.
 */
struct target {
	struct slice uri; /* the Request-URI there */
	struct slice
	    next_hop;      /* SIP URI that decides where to send, or null; ignored with a path */
	struct slice path; /* Path values to put as Route, comma separated, or null */
	int q;             /* thousandths, -1: none */
	int socket;        /* to send from, -1: whichever fits */
};

/* What the script asked to be called for.  May be changed at any time; data is
 * used until user.gone. */
struct context_hooks {
	void *data;
	/* A response arrived from the network for a branch, 100 included; edits
	 * are applied when it is forwarded.  Must not wait.  Not called for further
	 * 2xx to an INVITE once it has left one as it was: they go up likewise. */
	void (*reply)(void *data, struct branch *b, struct received *r, struct edits *e);
	/*
	 * All branches failed, and the caller has not cancelled.  Set to NULL before
	 * it is called (once for each time it is set).  Returns true when it takes
	 * over: then context_failure_done() must be called, from inside or later,
	 * after new branches or a reply, or neither (the best response goes upstream).
	 */
	bool (*failure)(void *data, struct context *c);
	/* A branch is about to leave: may change b->edits and b->target.  Must not
	 * wait.  False drops the branch. */
	bool (*branch)(void *data, struct branch *b);
};

struct branch {
	struct list node;
	struct context *context;
	struct target target;
	struct edits edits;
	struct client *client;     /* NULL: resolving, ended or never started */
	struct received *final;    /* its final response, kept while it may be the best */
	struct edits *reply_edits; /* what hooks.reply did to it; in its arena */
	unsigned
	    status; /* of final; of our own making when final is NULL (408, 503 …); 0: none yet */
	unsigned breadth;    /* its share of Max-Breadth */
	struct slice routes; /* Route lines to put in front, or empty */
	struct slice front;  /* what it had in front when it was sent: our Via and so on */
	struct addr *addrs;  /* of its hop, tried one after the other (RFC 3263 4.3) */
	unsigned n_addrs;
	unsigned next_addr;
	uint64_t ring_end_ms; /* INVITE: when all ringing ends */
	struct timer timer_c;
	bool provisional; /* a 1xx came */
	bool cancel;      /* to be cancelled as soon as a 1xx allows it */
	bool timer_c_fired;
	bool edited; /* hooks.reply has changed a final response of it */
	bool done;   /* status is set, or a 2xx went upstream */
};

struct context {
	struct list node; /* of all contexts of the proxy */
	struct proxy *proxy;
	struct server *server;    /* NULL: an ACK, or the transaction is final or has ended */
	struct received *request; /* stays as long as the context; all that is made for good is in
				     its arena */
	size_t counted; /* what request still is in txn.bytes since its transaction was left */
	enum method method;
	unsigned holds; /* what still needs it; private */

	/* What the script has made of it so far. */
	struct edits edits;
	struct slice uri;       /* the current Request-URI */
	struct uri *uri_parsed; /* in request->work; context_uri() */
	struct slice next_hop;  /* explicit next hop of the current target, or null */
	struct slice path;
	int q;
	int socket; /* to send from, -1: whichever fits */
	bool bound; /* next_hop and path are a binding's: another Request-URI clears them */
	struct target *more; /* further targets (lookup, append_branch) */
	unsigned n_more;
	bool in_dialog;            /* a Route that was dropped proves it (proxy_in_dialog) */
	unsigned routes_dropped;   /* leading Route values that were ours (16.4) */
	struct slice strict_route; /* the last Route value, taken as Request-URI in place of ours,
				      which a strict router sent (16.4); or null */
	bool record_route;
	unsigned max_forwards; /* to send when the request says none; 0: the default */
	struct context_hooks hooks;

	struct list branches;
	unsigned n_branches;
	unsigned n_failed;   /* n_branches when hooks.failure was last called */
	struct relay *relay; /* under way: next hops are being resolved */
	bool relayed;        /* t_relay started at least one branch */
	bool cancelled;
	bool answered;  /* a final response went upstream, stateless ones too */
	bool remember;  /* replies must be stateful: credentials were used up */
	bool in_script; /* a coroutine may still use it */
	bool in_failure;
	bool handed;  /* user.request has seen it */
	void *script; /* the script layer's */
};

/* The request as it was read.  Not to be kept: it may rest (context_rest) after each event. */
static inline struct msg *context_msg(const struct context *c)
{
	return received_msg(c->request);
}
/* The current Request-URI. */
const struct uri *context_uri(struct context *c);

/*
 * Replies to the request.  Stateless when nothing has to be remembered, else
 * through the transaction; never to an ACK.  False: nothing was sent, because
 * a final response has gone already, the transaction is over, or (RFC 4320) it
 * is a 101..199 to another method than INVITE.
 */
bool context_reply(struct context *c, unsigned status, struct slice reason, struct slice headers);
bool context_reply_stateful(struct context *c, unsigned status, struct slice reason,
			    struct slice headers);

/* The route has run to its end (or died).  Without any answer and branch the
 * transaction is dropped.  The last use of c by the script. */
void context_script_done(struct context *c);
/* The failure handler has run to its end. */
void context_failure_done(struct context *c);

/* Sets the Request-URI.  0, or -1: not a URI, or one with CR, LF, NUL or blanks. */
int context_set_uri(struct context *c, struct slice uri);
/* "ADDR", "ADDR:PORT", "host:port" or a SIP URI; null clears it.  It wins over
 * Route and Path.  0 or -1. */
int context_set_next_hop(struct context *c, struct slice next_hop);
/* One more target beside the current one.  0, or -1: malformed, or PROXY_MAX_BRANCHES reached. */
int context_add_target(struct context *c, const struct target *t);
/* Replaces the targets by n of them: the first becomes the Request-URI.  What
 * is malformed or too much is left out; texts are copied.  Returns how many it
 * took: with none, nothing has changed. */
unsigned context_set_targets(struct context *c, const struct target *t, unsigned n);

/* For this room.  st is NULL for an ACK, whose r it takes. */
struct context *context_new(struct proxy *p, struct server *st, struct received *r);
/* Everybody who may still need c holds it: script, server, each client, each
 * lookup.  With the last one it goes. */
void context_hold(struct context *c);
void context_release(struct context *c);
/* At the end of an event: if an INVITE only waits for an answer, what was read from its bytes
 * goes, until somebody asks for it. */
void context_rest(struct context *c);
/* Whatever holds it: for the end of the proxy. */
void context_free(struct context *c);

#endif
