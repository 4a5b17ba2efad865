/*
 * world: a whole proxy on a virtual network, with a route made of settings
 * instead of a script.
 *
 * We are 192.0.2.1 and example.com.  Alice calls from 198.51.100.1; Bob, Carol
 * and Dave are reached at 203.0.113.1, .2, .3.  Texts are written with plain
 * newlines and go over the wire with CR LF.
 */
#ifndef WORLD_H
#define WORLD_H

#include "proxy/proxy.h"
#include "sim/sim.h"
#include "tap.h"

#include <stdlib.h>

#define US "192.0.2.1:5060"
#define US_TOO "192.0.2.9:5070"
#define ALICE "198.51.100.1:5060"
#define BOB "203.0.113.1:5060"
#define CAROL "203.0.113.2:5060"
#define DAVE "203.0.113.3:5060"

/* A request of Alice's; head: header lines of its own. */
#define REQUEST(method, uri, branch, head)                                          \
	method " " uri " SIP/2.0\n"                                                 \
	       "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK" branch "\n" head \
	       "From: <sip:alice@example.com>;tag=a1\n"                             \
	       "To: <sip:bob@example.com>\n"                                        \
	       "Call-ID: call@example.com\n"                                        \
	       "CSeq: 7 " method "\n"                                               \
	       "Content-Length: 0\n\n"
#define IN_DIALOG(method, uri, branch, head)                                        \
	method " " uri " SIP/2.0\n"                                                 \
	       "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK" branch "\n" head \
	       "From: <sip:alice@example.com>;tag=a1\n"                             \
	       "To: <sip:bob@example.com>;tag=b1\n"                                 \
	       "Call-ID: call@example.com\n"                                        \
	       "CSeq: 8 " method "\n"                                               \
	       "Content-Length: 0\n\n"
#define INVITE REQUEST("INVITE", "sip:bob@example.com", "a", "Max-Forwards: 70\n")
#define OPTIONS REQUEST("OPTIONS", "sip:bob@example.com", "a", "Max-Forwards: 70\n")
#define CANCEL REQUEST("CANCEL", "sip:bob@example.com", "a", "Max-Forwards: 70\n")

enum { WORLD_PHONES = 4, WORLD_TEXT = 70000 };

struct world {
	struct sim sim;
	struct transport transport;
	struct proxy proxy;
	struct proxy_alias alias;

	/* The route. */
	const char *uris[WORLD_PHONES]; /* bindings; none: the request stays as it is */
	const char *paths[WORLD_PHONES];
	const char *next_hop;
	bool record_route;
	bool parked;     /* the route does nothing yet: world_resume() */
	bool silent;     /* it ends without doing anything */
	unsigned answer; /* it answers with this status */
	struct context_hooks hooks;

	/* What happened. */
	struct context *context; /* the newest one; NULL when it is gone */
	unsigned requests, contexts_gone, relays;
	bool loose;             /* what loose_route() said last */
	bool in_dialog;         /* what proxy_in_dialog() said then */
	struct refusal refusal; /* of the last relay */
	char got[WORLD_TEXT];   /* the last message taken, plain newlines */
	char wire[WORLD_TEXT];
};

/* --- the route -------------------------------------------------------------------------------- */

static inline void world_relayed(void *data, struct context *c, struct refusal why)
{
	struct world *w = data;

	w->relays++;
	w->refusal = why;
	if (why.status)
		context_reply(c, why.status, slice_str(why.reason), SLICE(""));
	context_script_done(c);
}

static inline void world_targets(struct world *w, struct context *c)
{
	struct target t[WORLD_PHONES];
	unsigned n = 0;

	for (; n < WORLD_PHONES && w->uris[n]; n++)
		t[n] = (struct target){slice_str(w->uris[n]), SLICE_NULL, slice_str(w->paths[n]),
				       -1, -1};
	if (n)
		context_set_targets(c, t, n);
	if (w->next_hop)
		CHECK_INT(context_set_next_hop(c, slice_str(w->next_hop)), 0);
}

static inline void world_resume(struct world *w, struct context *c)
{
	if (w->record_route)
		proxy_record_route(c);
	w->loose = proxy_loose_route(c);
	w->in_dialog = proxy_in_dialog(c);
	if (!w->loose)
		world_targets(w, c);
	if (w->answer)
		context_reply(c, w->answer, SLICE(""), SLICE(""));
	if (w->answer || w->silent)
		context_script_done(c);
	else
		proxy_relay(c, w, world_relayed);
}

static inline void world_request(void *data, struct context *c)
{
	struct world *w = data;

	w->requests++;
	w->context = c;
	c->hooks = w->hooks;
	if (!w->parked)
		world_resume(w, c);
}

static inline void world_gone(void *data, struct context *c)
{
	struct world *w = data;

	w->contexts_gone++;
	if (w->context == c)
		w->context = NULL;
}

/* --- the world -------------------------------------------------------------------------------- */

static inline struct world *world_new(void)
{
	static const char *const listen[] = {US, US_TOO};
	struct world *w = mem_zalloc(sizeof(*w));
	const struct proxy_user user = {w, world_request, world_gone};
	struct proxy_options o = {.full_lr = true, .loop_key = 42};
	struct transport_user up;

	w->alias = (struct proxy_alias){SLICE("example.com"), 0};
	o.aliases = &w->alias;
	o.n_aliases = 1;
	CHECK_INT(sim_init(&w->sim, 1, listen, 2), 0);
	proxy_init(&w->proxy, &w->sim.env, &o, &user);
	up = txn_transport_user(&w->proxy.txn);
	transport_init(&w->transport, &w->sim.env, &w->sim.net, &up, NULL);
	proxy_attach(&w->proxy, &w->transport);
	return w;
}

static inline void world_free(struct world *w)
{
	transport_free(&w->transport);
	proxy_free(&w->proxy);
	sim_free(&w->sim);
	free(w);
}

/* Nothing may be left after the longest timer; then the world ends. */
static inline void world_end(struct world *w)
{
	struct sim_packet *p;

	for (int i = 0; i < 4; i++) {
		sim_advance(&w->sim, 100000);
		while ((p = sim_take(&w->sim)))
			sim_packet_free(p);
	}
	CHECK_INT(w->proxy.n_contexts, 0);
	CHECK_INT(w->proxy.txn.servers.count, 0);
	CHECK_INT(w->proxy.txn.clients.count, 0);
	CHECK_INT(w->contexts_gone, w->requests);
	CHECK_INT(w->sim.env.wheel.count, 0);
	world_free(w);
}

/* --- messages --------------------------------------------------------------------------------- */

/* Plain newlines to CR LF. */
static inline struct slice world_wire(struct world *w, const char *text)
{
	size_t n = 0;

	for (; *text && n < WORLD_TEXT - 2; text++) {
		if (*text == '\n')
			w->wire[n++] = '\r';
		w->wire[n++] = *text;
	}
	return slice_of(w->wire, n);
}

static inline void send_to(struct world *w, const char *from, const char *to, const char *text)
{
	CHECK(sim_deliver(&w->sim, from, to, world_wire(w, text)));
}

static inline void send(struct world *w, const char *from, const char *text)
{
	send_to(w, from, US, text);
}

static inline void keep(struct world *w, struct slice bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes.n && n < WORLD_TEXT - 1; i++)
		if (bytes.p[i] != '\r')
			w->got[n++] = bytes.p[i];
	w->got[n] = '\0';
}

/* The next datagram we sent goes to `to` and begins with `begin`; its text in w->got. */
static inline bool take_at(const char *file, int line, struct world *w, const char *to,
			   const char *begin)
{
	struct sim_packet *p = sim_take(&w->sim);
	char where[ADDR_TEXT] = "nowhere";

	w->got[0] = '\0';
	if (p) {
		addr_text(&p->to, where);
		keep(w, p->bytes);
		sim_packet_free(p);
	}
	if (strcmp(where, to) == 0 && strncmp(w->got, begin, strlen(begin)) == 0)
		return true;
	tap_test_failed++;
	printf("# %s:%d: to %s: %.*s, expected to %s: %s\n", file, line, where,
	       (int)strcspn(w->got, "\n"), w->got, to, begin);
	return false;
}
#define TAKE(w, to, begin) take_at(__FILE__, __LINE__, (w), (to), (begin))

static inline void quiet_at(const char *file, int line, struct world *w)
{
	struct sim_packet *p;

	while ((p = sim_take(&w->sim))) {
		char where[ADDR_TEXT];
		addr_text(&p->to, where);
		tap_test_failed++;
		printf("# %s:%d: unexpected, to %s: %.*s\n", file, line, where,
		       (int)strcspn(p->bytes.p, "\r"), p->bytes.p);
		sim_packet_free(p);
	}
}
/* Nothing more was sent. */
#define QUIET(w) quiet_at(__FILE__, __LINE__, (w))

static inline void has_at(const char *file, int line, struct world *w, const char *text)
{
	if (strstr(w->got, text))
		return;
	tap_test_failed++;
	printf("# %s:%d: '%s' is not in\n", file, line, text);
	for (const char *at = w->got; *at; at += strcspn(at, "\n") + (strchr(at, '\n') != NULL))
		printf("#   %.*s\n", (int)strcspn(at, "\n"), at);
}
#define HAS(w, text) has_at(__FILE__, __LINE__, (w), (text))
#define LACKS(w, text) CHECK(!strstr((w)->got, (text)))

static inline bool is_copied(const char *line)
{
	static const char *const names[] = {"Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* `from` answers the request in text: status is "180 Ringing", head more header lines. */
static inline void answer(struct world *w, const char *from, const char *request,
			  const char *status, const char *head)
{
	static char out[WORLD_TEXT];
	size_t n = (size_t)snprintf(out, sizeof(out), "SIP/2.0 %s\n", status);

	for (const char *line = request; *line && *line != '\n'; line = strchr(line, '\n') + 1) {
		int len = (int)strcspn(line, "\n");
		bool to = strncmp(line, "To:", 3) == 0;
		const char *tag = to && !strstr(line, ";tag=b") && strncmp(status, "100", 3) != 0
				      ? ";tag=b1"
				      : "";
		if (to || is_copied(line))
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s%s\n", len, line, tag);
	}
	snprintf(out + n, sizeof(out) - n, "%sContent-Length: 0\n\n", head);
	send(w, from, out);
}

/* What Alice sends to acknowledge the final response in w->got, whose To has a tag. */
static inline void ack_final(struct world *w)
{
	char text[2048];
	const char *to = strstr(w->got, "\nTo:");

	if (!to)
		return;
	snprintf(
	    text, sizeof(text),
	    "ACK sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKa\n"
	    "Max-Forwards: 70\nFrom: <sip:alice@example.com>;tag=a1%.*s\n"
	    "Call-ID: call@example.com\nCSeq: 7 ACK\nContent-Length: 0\n\n",
	    (int)strcspn(to + 1, "\n") + 1, to);
	send(w, ALICE, text);
}

/* Alice gets this final response to her INVITE and acknowledges it; nothing else happens. */
#define END_WITH(w, begin)               \
	do {                             \
		TAKE(w, ALICE, (begin)); \
		ack_final(w);            \
		QUIET(w);                \
		world_end(w);            \
	} while (0)

#endif
