#include "transport/transport.h"

#include "sip/lex.h"
#include "sip/param.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one place that says what we speak. */
#define TRANSPORT_NAME "UDP"

enum {
	SPARE_BYTES = 768, /* what relaying an INVITE adds to it for good */
	WORK_BYTES = 2032, /* struct msg, the header index, what is made for the moment */
	SCRATCH_MAX_BYTES = 2 * MSG_MAX_BYTES,
	LOG_BYTES = 60, /* of a bad datagram */
	MAX_TARGETS = 8,
};

/* --- messages ------------------------------------------------------------------------------- */

/* An INVITE may wait: what is read from its bytes gets a piece of memory of its own. */
static struct received *received_new(const struct transport *t, unsigned socket,
				     const struct addr *from, struct slice bytes)
{
	bool waits = slice_starts(bytes, SLICE("INVITE "));
	struct arena arena;
	struct received *r;

	arena_init(&arena, sizeof(*r) + bytes.n + SPARE_BYTES + (waits ? 0 : WORK_BYTES));
	r = arena_zalloc(&arena, sizeof(*r));
	r->arena = arena;
	r->raw = arena_dup(&r->arena, bytes);
	if (waits)
		arena_init(&r->work, WORK_BYTES);
	else
		arena_borrow(&r->work, arena_alloc(&r->arena, WORK_BYTES), WORK_BYTES);
	r->source = *from;
	r->socket = socket;
	r->local = t->net->local[socket];
	return r;
}

/* As msg_parse(). */
static int parse(struct received *r)
{
	r->msg = arena_alloc(&r->work, sizeof(*r->msg));
	int parsed = msg_parse(r->msg, &r->work, r->raw);
	if (parsed > 0)
		r->raw = r->msg->raw;
	return parsed;
}

struct msg *received_wake(struct received *r)
{
	if (!r->work.chunks)
		arena_init(&r->work, WORK_BYTES);
	parse(r);
	return r->msg;
}

void received_rest(struct received *r)
{
	r->msg = NULL;
	arena_free(&r->work);
}

size_t received_bytes(const struct received *r)
{
	return arena_bytes(&r->arena) + arena_bytes(&r->work);
}

void received_free(struct received *r)
{
	struct arena arena = r->arena; /* r lives in it */

	arena_free(&r->work);
	arena_free(&arena);
}

/* Some phones keep their NAT binding open with line ends or zero bytes, some with STUN (RFC 5389 6:
 * the first byte is 0 or 1), none of which SIP can begin with. */
static bool is_keep_alive(struct slice bytes)
{
	return bytes.n == 0 || (uint8_t)bytes.p[0] <= 1 || slice_trim(bytes).n == 0;
}

static void log_dropped(struct transport *t, const char *why, const struct addr *from,
			struct slice bytes)
{
	char text[ADDR_TEXT];

	if (!log_wants(t->env->log, LOG_DEBUG))
		return;
	addr_text(from, text);
	buf_reset(&t->scratch);
	log_clean(&t->scratch, slice_of(bytes.p, bytes.n < LOG_BYTES ? bytes.n : LOG_BYTES), false);
	log_debug(t->env->log, "dropped %zu bytes from %s: %s: %.*s", bytes.n, text, why,
		  SLICE_ARG(buf_slice(&t->scratch)));
}

/* --- requests (RFC 3261 18.2.1, RFC 3581 4) --------------------------------------------------- */

/* source: r's, as text. */
static bool sent_by_is_source(const struct received *r, const char *source)
{
	struct slice host = r->msg->via.host;
	struct addr a;

	return slice_eq(host, slice_str(source)) ||
	       (addr_parse(&a, host, 0) == 0 && addr_ip_equal(&a, &r->source));
}

/* The Via value with rport filled in and without any received, which only the last hop knows. */
static void put_via_without_received(struct buf *out, const struct via *v, uint16_t rport)
{
	const char *from = v->text.p;
	struct slice rest = v->params;
	struct param p;

	for (const char *before = rest.p; param_next(&rest, &p) > 0; before = rest.p) {
		bool is_rport = slice_ieq(p.name, SLICE("rport"));
		if (!is_rport && !slice_ieq(p.name, SLICE("received")))
			continue;
		buf_put(out, slice_range(from, before));
		from = slice_end(p.text);
		if (is_rport) {
			buf_puts(out, ";rport=");
			buf_u64(out, rport);
		}
	}
	buf_put(out, slice_range(from, slice_end(v->text)));
}

static void fill_top_via(struct transport *t, struct received *r)
{
	const struct via *v = &r->msg->via;
	struct addr ip = r->source;
	char host[ADDR_TEXT];

	r->top_via = v->text;
	ip.scope = 0; /* means nothing to anybody else */
	addr_host(&ip, false, host);
	if (!v->text.p || (!v->rport && !v->received.p && sent_by_is_source(r, host)))
		return;
	buf_reset(&t->scratch);
	put_via_without_received(&t->scratch, v, r->source.port);
	buf_puts(&t->scratch, ";received=");
	buf_puts(&t->scratch, host);
	r->top_via = arena_dup(&r->arena, buf_slice(&t->scratch));
}

static uint16_t reply_port(const struct received *r)
{
	const struct via *v = &r->msg->via;

	return v->text.p && !v->rport ? via_port(v) : r->source.port;
}

/* --- in --------------------------------------------------------------------------------------- */

static bool is_own_socket(const struct transport *t, const struct addr *a)
{
	for (unsigned i = 0; i < t->net->n_sockets; i++)
		if (addr_equal(a, &t->net->local[i]))
			return true;
	return false;
}

static void trace_in(const struct transport *t, unsigned socket, const struct addr *from,
		     struct slice bytes)
{
	if (t->trace.datagram && !is_own_socket(t, from))
		t->trace.datagram(t->trace.data, from, &t->net->local[socket], bytes);
}

static const char *refusal(const struct received *r, int parsed)
{
	if (parsed < 0 || r->source.port == 0)
		return "not a SIP message";
	/* A header without an end is answered 400, when so much of it came that we know whom. */
	if (parsed == 0 && !r->msg->via.text.p)
		return "not a SIP message";
	if (!r->msg->request && r->msg->fault.status)
		return r->msg->fault.reason;
	if (!r->msg->request && !r->msg->via.text.p)
		return "a response without a Via";
	return NULL;
}

static void on_datagram(void *data, unsigned socket, const struct addr *from, struct slice bytes)
{
	struct transport *t = data;
	struct received *r;
	const char *why;

	if (is_keep_alive(bytes))
		return;
	t->counters.received++;
	trace_in(t, socket, from, bytes);
	r = received_new(t, socket, from, bytes);
	why = refusal(r, parse(r));
	if (why) {
		t->counters.received_bad++;
	} else if (r->msg->request) {
		fill_top_via(t, r);
		r->reply_port = reply_port(r);
		t->user.request(t->user.data, r);
		return;
	} else if (transport_is_ours(t, r->msg->via.host, via_port(&r->msg->via))) {
		t->user.response(t->user.data, r);
		return;
	} else {
		why = "a response with a Via that is not ours";
		t->counters.responses_stray++;
	}
	log_dropped(t, why, from, bytes);
	received_free(r);
}

/* The value of a complete header line that is a Via, else the null slice. */
static struct slice via_value(struct slice line)
{
	size_t name = lex_token(line);
	struct slice rest = slice_of(line.p + name, line.n - name);
	size_t blank = lex_space(rest);

	if (hdr_id_of(slice_of(line.p, name)) != HDR_VIA)
		return SLICE_NULL;
	if (blank == rest.n || rest.p[blank] != ':')
		return SLICE_NULL;
	return slice_trim(slice_of(rest.p + blank + 1, rest.n - blank - 1));
}

/*
 * The first Via value in the beginning of a request of ours.  An ICMP error may
 * quote as little as 8 bytes; a Via line that is cut counts as none.
 */
static struct slice quoted_via(struct slice quoted)
{
	const char *end;

	while ((end = slice_chr(quoted, '\n'))) {
		struct slice value = via_value(slice_range(quoted.p, end));
		if (value.p)
			return value;
		quoted = slice_range(end + 1, slice_end(quoted));
	}
	return SLICE_NULL;
}

static void on_unreachable(void *data, unsigned socket, const struct addr *to, struct slice quoted)
{
	struct transport *t = data;
	struct slice rest, first;
	struct via v;

	(void)socket;
	(void)to;
	/* Nobody waits for a response to arrive: its retransmissions are the request's. */
	if (slice_starts(quoted, SLICE("SIP/2.0")))
		return;
	rest = quoted_via(quoted);
	if (!rest.p || !lex_list_next(&rest, &first) || via_parse(&v, first) < 0)
		return;
	if (v.branch.p && transport_is_ours(t, v.host, via_port(&v)))
		t->user.unreachable(t->user.data, v.branch);
}

/* --- out -------------------------------------------------------------------------------------- */

struct addr transport_response_target(const struct received *r)
{
	struct addr to = r->source;

	to.port = r->reply_port;
	return to;
}

void transport_send(struct transport *t, unsigned socket, const struct addr *to, struct slice bytes)
{
	char text[ADDR_TEXT];

	if (!addr_is_unicast(to) || to->port == 0 || socket >= t->net->n_sockets) {
		addr_text(to, text);
		log_notice(t->env->log, "not sent: %s is no address to send to", text);
		return;
	}
	t->counters.sent++;
	if (t->trace.datagram)
		t->trace.datagram(t->trace.data, &t->net->local[socket], to, bytes);
	t->net->send(t->net, socket, to, bytes);
}

void transport_respond(struct transport *t, const struct received *r, struct slice bytes)
{
	struct addr to = transport_response_target(r);

	transport_send(t, r->socket, &to, bytes);
}

static bool socket_fits(const struct transport *t, unsigned i, const struct addr *to, bool strict)
{
	const struct addr *local = &t->net->local[i];

	if (local->family != to->family)
		return false;
	return !strict || addr_is_loopback(local) == addr_is_loopback(to);
}

static int socket_for(const struct transport *t, const struct addr *to, unsigned preferred,
		      bool strict)
{
	if (preferred < t->net->n_sockets && socket_fits(t, preferred, to, strict))
		return (int)preferred;
	for (unsigned i = 0; i < t->net->n_sockets; i++)
		if (socket_fits(t, i, to, strict))
			return (int)i;
	return -1;
}

int transport_socket_for(const struct transport *t, const struct addr *to, unsigned preferred)
{
	int strict = socket_for(t, to, preferred, true);

	return strict >= 0 ? strict : socket_for(t, to, preferred, false);
}

void transport_via(const struct transport *t, unsigned socket, struct slice branch, struct buf *out)
{
	buf_put(out, buf_slice(&t->points[socket].via));
	buf_put(out, branch);
	buf_put(out, SLICE("\r\n"));
}

/* --- our names -------------------------------------------------------------------------------- */

static bool has_port(const struct listen_point *p, uint16_t port)
{
	return port == 0 || port == p->port || port == p->addr.port;
}

bool transport_is_ours(const struct transport *t, struct slice host, uint16_t port)
{
	struct addr ip;

	/* As we write it, most often: then there is nothing to parse. */
	for (unsigned i = 0; i < t->net->n_sockets; i++)
		if (has_port(&t->points[i], port) && slice_ieq(host, slice_str(t->points[i].host)))
			return true;
	if (addr_parse(&ip, host, 0) < 0)
		return false;
	for (unsigned i = 0; i < t->net->n_sockets; i++) {
		const struct listen_point *p = &t->points[i];
		if (has_port(p, port) &&
		    (addr_ip_equal(&ip, &p->addr) || addr_ip_equal(&ip, &p->host_ip)))
			return true;
	}
	return false;
}

/* "name", "name:5070", "192.0.2.1:5070", "[2001:db8::1]", "2001:db8::1" */
static void split_advertised(struct listen_point *p, struct slice text)
{
	const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
	struct slice host = text;
	uint32_t port;
	struct addr a;

	if (addr_parse(&a, text, 0) == 0 && a.family == 6) {
		addr_host(&a, true, p->host);
		return;
	}
	if (colon && slice_u32(slice_range(colon + 1, slice_end(text)), &port) == 0 && port &&
	    port <= UINT16_MAX) {
		host = slice_range(text.p, colon);
		p->port = (uint16_t)port;
	}
	snprintf(p->host, sizeof(p->host), "%.*s", SLICE_ARG(host));
}

/* An address without a port means 5060; a name without one is looked for by SRV. */
static void name_point(struct listen_point *p)
{
	char text[ADDR_TEXT];

	addr_text(&p->addr, text);
	buf_init(&p->via, TRANSPORT_HOST + 64);
	buf_printf(&p->via, "Via: SIP/2.0/" TRANSPORT_NAME " %s:%u;rport;branch=", p->host,
		   p->port);
	buf_init(&p->uri, TRANSPORT_HOST + 64);
	buf_printf(&p->uri, "sip:%s", p->host);
	if (p->port != 5060 || !p->host_ip.family)
		buf_printf(&p->uri, ":%u", p->port);
	buf_init(&p->name, sizeof(text) + 8);
	buf_printf(&p->name, "udp:%s", text);
}

static void point_init(struct listen_point *p, const struct addr *local, const char *advertise)
{
	struct addr shown = *local;

	shown.scope = 0;
	p->addr = *local;
	p->port = local->port;
	addr_host(&shown, true, p->host);
	if (advertise)
		split_advertised(p, slice_str(advertise));
	addr_parse(&p->host_ip, slice_str(p->host), 0); /* a name: none */
	name_point(p);
}

static void point_free(struct listen_point *p)
{
	buf_free(&p->via);
	buf_free(&p->uri);
	buf_free(&p->name);
}

void transport_init(struct transport *t, struct env *env, struct net *net,
		    const struct transport_user *user, const char *const *advertise)
{
	*t = (struct transport){.env = env, .net = net, .user = *user};
	t->points = mem_zalloc(net->n_sockets * sizeof(*t->points) + 1);
	for (unsigned i = 0; i < net->n_sockets; i++)
		point_init(&t->points[i], &net->local[i], advertise ? advertise[i] : NULL);
	list_init(&t->lookups);
	buf_init(&t->scratch, SCRATCH_MAX_BYTES);
	net->user = (struct net_user){t, on_datagram, on_unreachable};
}

/* --- resolve ---------------------------------------------------------------------------------- */

struct lookup {
	struct list node;
	struct transport *transport; /* NULL: gone, nobody waits */
	uint16_t port;
	void *data;
	void (*done)(void *data, const struct addr *addrs, unsigned n);
};

void transport_free(struct transport *t)
{
	struct list *node;

	while ((node = list_shift(&t->lookups)))
		CONTAINER(node, struct lookup, node)->transport = NULL;
	for (unsigned i = 0; i < t->net->n_sockets; i++)
		point_free(&t->points[i]);
	free(t->points);
	buf_free(&t->scratch);
	t->net->user = (struct net_user){0};
}

static bool can_send_to(const struct transport *t, const struct addr *a)
{
	return addr_is_unicast(a) && a->port && socket_for(t, a, UINT32_MAX, false) >= 0;
}

static void on_resolved(void *data, const struct addr *addrs, unsigned n)
{
	struct lookup l = *(struct lookup *)data;
	struct addr targets[MAX_TARGETS];
	unsigned n_targets = 0;

	list_remove(&((struct lookup *)data)->node);
	free(data);
	if (!l.transport)
		return;
	for (unsigned i = 0; i < n && n_targets < MAX_TARGETS; i++) {
		targets[n_targets] = addrs[i];
		targets[n_targets].port = l.port;
		if (can_send_to(l.transport, &targets[n_targets]))
			n_targets++;
	}
	l.done(l.data, targets, n_targets);
}

static void resolve_name(struct transport *t, struct slice host, uint16_t port, void *data,
			 void (*done)(void *data, const struct addr *addrs, unsigned n))
{
	struct lookup *l = mem_alloc(sizeof(*l));

	*l = (struct lookup){.transport = t, .port = port, .data = data, .done = done};
	list_push(&t->lookups, &l->node);
	t->net->resolve(t->net, host, l, on_resolved);
}

/* RFC 3261 25.1: the last label of a host name begins with a letter.  What does
 * not, such as "010.1", resolvers read as addresses in forms of their own. */
static bool is_name(struct slice host)
{
	size_t n = host.n;

	if (n && host.p[n - 1] == '.')
		n--;
	while (n && host.p[n - 1] != '.')
		n--;
	return n < host.n && !lex_is_digit(host.p[n]) && host.p[n] != '[';
}

void transport_resolve(struct transport *t, const struct uri *uri, void *data,
		       void (*done)(void *data, const struct addr *addrs, unsigned n))
{
	struct slice host = uri->host, value;
	struct addr a;

	if (uri->scheme != URI_SIP || (uri_param(uri, SLICE("transport"), &value) &&
				       !slice_ieq(value, SLICE(TRANSPORT_NAME)))) {
		done(data, NULL, 0);
		return;
	}
	if (uri_param(uri, SLICE("maddr"), &value) && value.n)
		host = value;
	if (addr_parse(&a, host, uri_port(uri)) == 0)
		done(data, &a, can_send_to(t, &a) ? 1 : 0);
	else if (is_name(host))
		resolve_name(t, host, uri_port(uri), data, done);
	else
		done(data, NULL, 0);
}
