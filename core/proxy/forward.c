#include "proxy/forward.h"

#include "proxy/branch.h"
#include "proxy/loop.h"
#include "proxy/response.h"
#include "proxy/route.h"
#include "txn/server.h"

#include <string.h>

/* A proxy_relay() under way, in request->work. */
struct relay {
	void *data;
	void (*done)(void *data, struct context *c, struct refusal why);
	char loop[PROXY_LOOP_VALUE + 1];
	unsigned resolving;
	bool starting; /* the branches are still being made */
	bool left;     /* at least one has been sent */
	struct refusal why;
};

static const struct refusal none;

static struct refusal refuse(unsigned status, const char *reason)
{
	return (struct refusal){status, reason};
}

static bool is_ack(const struct context *c)
{
	return c->method == METHOD_ACK;
}

/* --- the message of a branch ------------------------------------------------------------------ */

/* Before everything else: our Via, which an ICMP error may quote only when it is near the
 * beginning, Record-Route and the Path. */
static void put_front(struct branch *b, unsigned socket, const char *id)
{
	struct context *c = b->context;
	struct buf *out = &c->proxy->scratch;

	buf_reset(out);
	transport_via(c->proxy->transport, socket, slice_str(id), out);
	if (c->record_route)
		route_record(c, socket, out);
	buf_put(out, b->routes);
	b->front = arena_dup(&c->request->arena, buf_slice(out));
}

static struct slice write_request(const struct branch *b, const struct msg *m)
{
	struct context *c = b->context;
	struct arena *a = &c->request->work, before = *a;
	struct buf *out = &c->proxy->scratch;
	struct edits e;

	edits_copy(&e, &b->edits, a);
	edit_prepend_header(&e, m, b->front);
	buf_reset(out);
	edits_write(&e, m, out);
	arena_rewind(a, &before);
	return out->failed ? SLICE_NULL : buf_slice(out);
}

/* The request need not be read for that: edits know places in its bytes only. */
struct slice forward_again(void *branch)
{
	const struct branch *b = branch;
	const struct slice raw = b->context->request->raw;
	const struct msg m = {.raw = raw, .head = raw};

	return write_request(b, &m);
}

static void put_number(struct branch *b, enum hdr_id id, unsigned value)
{
	struct context *c = b->context;
	const struct msg *m = context_msg(c);
	const struct hdr *h = msg_hdr(m, id);
	struct arena *a = &c->request->arena;
	char digits[U64_DIGITS];
	struct slice text = u64_text(value, digits);
	const struct slice line[] = {hdr_name(id), SLICE(": "), text, SLICE("\r\n")};

	if (h)
		edit_replace(&b->edits, m, h->value, arena_dup(a, text));
	else
		edit_append_header(&b->edits, m, arena_join(a, line, 4));
}

static void put_limits(struct branch *b)
{
	const struct msg *m = context_msg(b->context);
	unsigned first =
	    b->context->max_forwards ? b->context->max_forwards : PROXY_DEFAULT_MAX_FORWARDS;
	unsigned hops = m->max_forwards < 0 ? first : (unsigned)m->max_forwards - 1;

	put_number(b, HDR_MAX_FORWARDS, hops);
	if (!is_ack(b->context))
		put_number(b, HDR_MAX_BREADTH, b->breadth);
}

/* --- sending ---------------------------------------------------------------------------------- */

static bool is_us(const struct proxy *p, const struct addr *to)
{
	char host[ADDR_TEXT];

	addr_host(to, true, host);
	return proxy_is_myself(p, slice_str(host), to->port);
}

enum { HASH_DIGITS = 16 };

/* Equal for each copy of this ACK (16.11): made of what came, without chance. */
static void ack_branch(const struct branch *b, const char *loop, char id[CLIENT_BRANCH])
{
	const struct msg *m = context_msg(b->context);
	uint64_t hash = hash_of(&b->context->proxy->txn.servers, m->via.text);

	char *end = stpcpy(stpcpy(id, VIA_COOKIE), loop);

	hex_u64(hash, HASH_DIGITS, end);
	end[HASH_DIGITS] = '\0';
}

/* Stateless.  What would come back to us belongs to nothing. */
static struct refusal send_ack(struct branch *b, const struct addr *to, unsigned socket,
			       const char *loop)
{
	struct proxy *p = b->context->proxy;
	char id[CLIENT_BRANCH];
	struct slice bytes;

	if (is_us(p, to)) {
		p->counters.stray_acks_dropped++;
		log_info(p->env->log, "ACK %.*s would come back to us: dropped",
			 SLICE_ARG(context_msg(b->context)->uri_text));
		return refuse(482, "Stray ACK");
	}
	ack_branch(b, loop, id);
	put_front(b, socket, id);
	bytes = write_request(b, context_msg(b->context));
	if (!bytes.n)
		return refuse(513, "Message Too Large");
	p->counters.forwarded++;
	transport_send(p->transport, socket, to, bytes);
	return none;
}

static void say_trying(struct context *c)
{
	if (c->server->invite && c->server->state == SERVER_TRYING)
		server_reply(c->server, 100, SLICE("Giving a try"), SLICE(""));
}

static struct refusal send_request(struct branch *b, const struct addr *to, unsigned socket,
				   const char *loop)
{
	struct context *c = b->context;
	struct proxy *p = c->proxy;
	struct client_user user = response_user(b);
	char id[CLIENT_BRANCH];
	struct slice bytes;

	client_branch(&p->txn, slice_str(loop), id);
	say_trying(c);
	put_front(b, socket, id);
	bytes = write_request(b, context_msg(b->context));
	if (!bytes.n)
		return refuse(513, "Message Too Large");
	p->counters.forwarded++;
	context_hold(c); /* until the client transaction is gone */
	b->provisional = false;
	b->client = client_start(&p->txn, &user, socket, to, bytes, slice_str(id), c->method);
	branch_started(b);
	c->relayed = true;
	return none;
}

static struct refusal send_to_next(struct branch *b, const char *loop)
{
	struct context *c = b->context;
	unsigned preferred =
	    b->target.socket >= 0 ? (unsigned)b->target.socket : c->request->socket;
	const struct addr *to = &b->addrs[b->next_addr++];
	int socket = transport_socket_for(c->proxy->transport, to, preferred);

	if (socket < 0)
		return refuse(500, "No Socket For Next Hop");
	if (is_ack(c))
		return send_ack(b, to, (unsigned)socket, loop);
	return send_request(b, to, (unsigned)socket, loop);
}

static bool is_wanted(const struct branch *b)
{
	const struct context *c = b->context;

	if (!c->server)
		return is_ack(c);
	return !b->cancel && !c->cancelled && !c->answered && !response_is_global(c);
}

bool forward_next_address(struct branch *b)
{
	char loop[PROXY_LOOP_VALUE + 1];

	if (!is_wanted(b) || b->provisional || b->timer_c_fired)
		return false;
	loop_value(b->context, loop);
	while (b->next_addr < b->n_addrs)
		if (send_to_next(b, loop).status == 0)
			return true;
	return false;
}

/* --- from target to branch -------------------------------------------------------------------- */

static void relay_check(struct context *c)
{
	struct relay *y = c->relay;

	if (!y || y->starting || y->resolving)
		return;
	c->relay = NULL;
	context_hold(c);
	y->done(y->data, c, y->left ? none : y->why);
	response_settle(c);
	context_release(c);
}

/* The branch did not leave. */
static void give_up(struct branch *b, struct refusal why)
{
	struct relay *y = b->context->relay;

	if (!y->why.status)
		y->why = why;
	branch_forget(b);
}

static void launch(struct branch *b, const struct addr *addrs, unsigned n)
{
	struct context *c = b->context;
	struct refusal why = none;

	if (n == 0) {
		give_up(b, refuse(478, "Unresolvable Destination"));
		return;
	}
	if (!is_wanted(b)) {
		give_up(b, refuse(487, "Request Terminated"));
		return;
	}
	b->addrs = arena_alloc(&c->request->arena, n * sizeof(*addrs));
	memcpy(b->addrs, addrs, n * sizeof(*addrs));
	b->n_addrs = n;
	do
		why = send_to_next(b, c->relay->loop);
	while (why.status && why.status != 482 && b->next_addr < b->n_addrs);
	if (why.status)
		give_up(b, why);
	else
		c->relay->left = true;
}

static void on_resolved(void *data, const struct addr *addrs, unsigned n)
{
	struct branch *b = data;
	struct context *c = b->context;

	c->relay->resolving--;
	launch(b, addrs, n);
	if (is_ack(c) && c->relay->left)
		branch_forget(b);
	relay_check(c);
	context_release(c);
}

static void start_branch(struct context *c, const struct target *t, unsigned breadth)
{
	struct branch *b = branch_new(c, t);
	struct refusal why;
	struct uri hop;

	b->breadth = breadth;
	if (c->hooks.branch && !c->hooks.branch(c->hooks.data, b)) {
		give_up(b, refuse(480, "Dropped By The Branch Handler"));
		return;
	}
	put_limits(b);
	why = route_apply(b, &hop);
	if (why.status) {
		give_up(b, why);
		return;
	}
	c->relay->resolving++;
	context_hold(c); /* until the addresses are there */
	transport_resolve(c->proxy->transport, &hop, b, on_resolved);
}

/* --- the target set (16.5) -------------------------------------------------------------------- */

static bool same_place(const struct target *a, const struct target *b)
{
	struct uri x, y;

	if (!slice_eq(a->next_hop, b->next_hop) || !slice_eq(a->path, b->path))
		return false;
	return slice_eq(a->uri, b->uri) || (uri_parse(&x, a->uri) == URI_OK &&
					    uri_parse(&y, b->uri) == URI_OK && uri_equal(&x, &y));
}

static bool was_tried(const struct context *c, const struct target *t)
{
	LIST_EACH (node, &c->branches)
		if (same_place(&CONTAINER(node, struct branch, node)->target, t))
			return true;
	return false;
}

static void add(const struct context *c, struct target *v, unsigned *n, const struct target *t)
{
	for (unsigned i = 0; i < *n; i++)
		if (same_place(&v[i], t))
			return;
	if (!was_tried(c, t) && c->n_branches + *n < PROXY_MAX_BRANCHES)
		v[(*n)++] = *t;
}

/* Uses them up; an ACK has one. */
static unsigned take_targets(struct context *c, struct target v[PROXY_MAX_BRANCHES])
{
	const struct target current = {c->uri, c->next_hop, c->path, c->q, c->socket};
	unsigned n = 0;

	add(c, v, &n, &current);
	if (!is_ack(c))
		for (unsigned i = 0; i < c->n_more; i++)
			add(c, v, &n, &c->more[i]);
	c->n_more = 0;
	c->next_hop = SLICE_NULL;
	c->path = SLICE_NULL;
	c->socket = -1;
	c->bound = false;
	return n;
}

/* RFC 5393 5.3.3: what the request brings, at most our own limit, less what is out. */
static unsigned breadth_left(const struct context *c)
{
	const struct hdr *h = msg_hdr(context_msg(c), HDR_MAX_BREADTH);
	uint32_t all = PROXY_MAX_BREADTH;
	unsigned used = 0;

	if (h && slice_u32(h->value, &all) == 0 && all > PROXY_MAX_BREADTH)
		all = PROXY_MAX_BREADTH;
	LIST_EACH (node, &c->branches) {
		const struct branch *b = CONTAINER(node, struct branch, node);
		used += b->done ? 0 : b->breadth;
	}
	return all > used ? all - used : 0;
}

/* --- proxy_relay ------------------------------------------------------------------------------ */

static struct refusal check(struct context *c, char loop[PROXY_LOOP_VALUE + 1])
{
	if (c->relay)
		return refuse(500, "Relay Under Way");
	if (c->cancelled)
		return refuse(487, "Request Terminated");
	if (c->answered || (!c->server && !is_ack(c)))
		return refuse(500, "Already Answered");
	if (response_is_global(c))
		return refuse(603, "Declined Everywhere");
	if (context_msg(c)->max_forwards == 0)
		return refuse(483, "Too Many Hops");
	loop_value(c, loop);
	if (loop_found(c, loop)) {
		c->proxy->counters.loops++;
		return refuse(482, "Loop Detected");
	}
	return none;
}

static void start_branches(struct context *c, const struct target *v, unsigned n, unsigned breadth)
{
	for (unsigned i = 0; i < n; i++)
		start_branch(c, &v[i], breadth / n + (i < breadth % n ? 1 : 0));
}

void proxy_relay(struct context *c, void *data,
		 void (*done)(void *data, struct context *c, struct refusal why))
{
	struct relay *y = arena_zalloc(&c->request->work, sizeof(*y));
	struct target targets[PROXY_MAX_BRANCHES];
	struct refusal no = check(c, y->loop);
	unsigned n, breadth;

	if (no.status) {
		done(data, c, no);
		return;
	}
	n = take_targets(c, targets);
	breadth = breadth_left(c);
	if (n == 0 || n > breadth) {
		done(data, c,
		     n ? refuse(440, "Max-Breadth Exceeded") : refuse(480, "No Target Left"));
		return;
	}
	y->data = data;
	y->done = done;
	y->starting = true;
	c->relay = y;
	start_branches(c, targets, n, breadth);
	y->starting = false;
	relay_check(c);
}
