/*
 * rig: a transaction layer on a virtual network, with a user that keeps notes.
 *
 * We are 192.0.2.1; requests come from Alice, 198.51.100.1, and leave to Bob,
 * 203.0.113.1.  Time starts at 0, so that times below are those of the RFC.
 */
#ifndef RIG_H
#define RIG_H

#include "sim/sim.h"
#include "tap.h"
#include "txn/client.h"
#include "txn/server.h"

#define US "192.0.2.1:5060"
#define ALICE "198.51.100.1:5060"
#define BOB "203.0.113.1:5060"
#define BRANCH "z9hG4bKalice"
#define OUR_BRANCH "z9hG4bKours"

/* A request of Alice; via and to: parameters. */
#define REQUEST(method, via, to)                               \
	method " sip:bob@example.com SIP/2.0\r\n"              \
	       "Via: SIP/2.0/UDP 198.51.100.1:5060" via "\r\n" \
	       "Max-Forwards: 70\r\n"                          \
	       "From: <sip:alice@example.com>;tag=a1\r\n"      \
	       "To: <sip:bob@example.com>" to "\r\n"           \
	       "Call-ID: call@example.com\r\n"                 \
	       "CSeq: 7 " method "\r\n"                        \
	       "Content-Length: 0\r\n\r\n"
#define ALICES(method) REQUEST(method, ";branch=" BRANCH, "")

/* What we send to Bob. */
#define OURS(method)                                                             \
	method " sip:bob@203.0.113.1 SIP/2.0\r\n"                                \
	       "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=" OUR_BRANCH "\r\n" \
	       "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=" BRANCH "\r\n"        \
	       "Route: <sip:edge.example.com;lr>, <sip:203.0.113.1;lr>\r\n"      \
	       "Require: 100rel\r\n"                                             \
	       "Proxy-Require: sec-agree\r\n"                                    \
	       "Max-Forwards: 69\r\n"                                            \
	       "From: <sip:alice@example.com>;tag=a1\r\n"                        \
	       "To: <sip:bob@example.com>\r\n"                                   \
	       "Call-ID: call@example.com\r\n"                                   \
	       "CSeq: 7 " method "\r\n"                                          \
	       "Contact: <sip:alice@198.51.100.1>\r\n"                           \
	       "Content-Length: 0\r\n\r\n"

/* What Bob answers to it. */
#define BOBS(status, method, branch)                                  \
	"SIP/2.0 " status "\r\n"                                      \
	"Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=" branch "\r\n" \
	"Via: SIP/2.0/UDP 198.51.100.1:5060;branch=" BRANCH "\r\n"    \
	"From: <sip:alice@example.com>;tag=a1\r\n"                    \
	"To: <sip:bob@example.com>;tag=b1\r\n"                        \
	"Call-ID: call@example.com\r\n"                               \
	"CSeq: 7 " method "\r\n"                                      \
	"Content-Length: 0\r\n\r\n"

struct rig {
	struct sim sim;
	struct transport transport;
	struct txn txn;
	char text[2048]; /* of the last rig_out(), rig_times() */

	struct server *server; /* the newest one */
	unsigned requests, acks, cancels, servers_gone;
	uint64_t server_gone_ms;
	void (*on_request)(struct rig *rig, struct server *st);
	void (*on_cancel)(struct rig *rig, struct server *st);
	void (*on_server_gone)(struct rig *rig, struct server *st);

	const char *again;     /* what the user writes again; NULL: that is not its business */
	struct client *client; /* as rig_start() gave it; NULL when it is gone */
	unsigned responses, status, failures, clients_gone;
	enum client_failure why;
	uint64_t failed_ms, client_gone_ms;
	void (*on_response)(struct rig *rig, struct client *ct);
	void (*on_failed)(struct rig *rig, struct client *ct);
};

static inline void rig_request(void *data, struct server *st)
{
	struct rig *rig = data;
	rig->requests++;
	rig->server = st;
	if (rig->on_request)
		rig->on_request(rig, st);
}

static inline void rig_ack(void *data, struct received *r)
{
	struct rig *rig = data;
	rig->acks++;
	received_free(r);
}

static inline void rig_cancel(void *data, struct server *invite, struct received *cancel)
{
	struct rig *rig = data;
	rig->cancels++;
	CHECK(invite == rig->server);
	CHECK(cancel->msg->method == METHOD_CANCEL);
	if (rig->on_cancel)
		rig->on_cancel(rig, invite);
}

static inline void rig_server_gone(void *data, struct server *st)
{
	struct rig *rig = data;
	rig->servers_gone++;
	rig->server_gone_ms = env_now_ms(&rig->sim.env);
	if (rig->server == st)
		rig->server = NULL;
	if (rig->on_server_gone)
		rig->on_server_gone(rig, st);
}

static inline void rig_response(void *data, struct client *ct, struct received *r)
{
	struct rig *rig = data;
	rig->responses++;
	rig->status = r->msg->status;
	received_free(r);
	if (rig->on_response)
		rig->on_response(rig, ct);
}

static inline void rig_failed(void *data, struct client *ct, enum client_failure why)
{
	struct rig *rig = data;
	rig->failures++;
	rig->why = why;
	rig->failed_ms = env_now_ms(&rig->sim.env);
	if (rig->on_failed)
		rig->on_failed(rig, ct);
}

static inline void rig_client_gone(void *data, struct client *ct)
{
	struct rig *rig = data;
	rig->clients_gone++;
	rig->client_gone_ms = env_now_ms(&rig->sim.env);
	if (rig->client == ct)
		rig->client = NULL;
}

static inline void rig_init(struct rig *rig)
{
	static const char *const listen[] = {US};
	memset(rig, 0, sizeof(*rig));
	struct txn_user user = {rig, rig_request, rig_ack, rig_cancel, rig_server_gone};
	sim_init(&rig->sim, 1, listen, 1);
	txn_init(&rig->txn, &rig->sim.env, &user);
	struct transport_user up = txn_transport_user(&rig->txn);
	transport_init(&rig->transport, &rig->sim.env, &rig->sim.net, &up, NULL);
	rig->txn.transport = &rig->transport;
}

/* Every transaction has ended of itself by now. */
static inline void rig_free(struct rig *rig)
{
	CHECK_INT(rig->txn.servers.count, 0);
	CHECK_INT(rig->txn.clients.count, 0);
	CHECK_INT(rig->sim.env.wheel.count, 0);
	CHECK_INT(rig->servers_gone, rig->requests);
	txn_free(&rig->txn);
	transport_free(&rig->transport);
	sim_free(&rig->sim);
}

static inline void rig_in(struct rig *rig, const char *text)
{
	CHECK(sim_deliver(&rig->sim, ALICE, US, slice_str(text)));
}

static inline void rig_bob(struct rig *rig, const char *text)
{
	CHECK(sim_deliver(&rig->sim, BOB, US, slice_str(text)));
}

static inline void rig_advance(struct rig *rig, uint64_t ms)
{
	sim_advance(&rig->sim, ms);
}

/* The next datagram sent, "" without any. */
static inline const char *rig_out(struct rig *rig)
{
	struct sim_packet *p = sim_take(&rig->sim);
	rig->text[0] = '\0';
	if (p)
		snprintf(rig->text, sizeof(rig->text), "%.*s", SLICE_ARG(p->bytes));
	if (p)
		sim_packet_free(p);
	return rig->text;
}

/* The start line of the next datagram sent, "" without any. */
static inline const char *rig_out_line(struct rig *rig)
{
	rig_out(rig);
	rig->text[strcspn(rig->text, "\r")] = '\0';
	return rig->text;
}

/* When what was sent since the last look was sent: "500 1500 3500". */
static inline const char *rig_times(struct rig *rig)
{
	struct sim_packet *p;
	size_t n = 0;
	rig->text[0] = '\0';
	while ((p = sim_take(&rig->sim))) {
		n += (size_t)snprintf(rig->text + n, sizeof(rig->text) - n, "%s%llu", n ? " " : "",
				      (unsigned long long)p->at_ms);
		sim_packet_free(p);
	}
	return rig->text;
}

static inline struct slice rig_again(void *data)
{
	const struct rig *rig = data;
	return slice_str(rig->again);
}

/* Starts a transaction towards Bob with bytes from OURS(). */
static inline void rig_start(struct rig *rig, const char *bytes, enum method method)
{
	struct client_user user = {rig, rig_response, rig_failed, rig_client_gone,
				   rig->again ? rig_again : NULL};
	struct addr bob;
	addr_parse_port(&bob, SLICE(BOB));
	rig->client =
	    client_start(&rig->txn, &user, 0, &bob, slice_str(bytes), SLICE(OUR_BRANCH), method);
}

static inline void rig_reply(struct rig *rig, unsigned status)
{
	server_reply(rig->server, status, SLICE(""), SLICE(""));
}

/* Alice's INVITE arrives and is answered. */
static inline void rig_invite(struct rig *rig, unsigned status)
{
	rig_init(rig);
	rig_in(rig, ALICES("INVITE"));
	rig_reply(rig, status);
}

/* The value of the header line that begins with name, in the last text. */
static inline struct slice rig_header(const struct rig *rig, const char *name)
{
	const char *p = strstr(rig->text, name);
	if (!p || (p > rig->text && p[-1] != '\n'))
		return SLICE_NULL;
	p += strlen(name);
	return slice_trim(slice_of(p, strcspn(p, "\r")));
}

#endif
