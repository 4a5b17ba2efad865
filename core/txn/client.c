#include "txn/client.h"

#include "transport/dispatch.h"
#include "txn/hop.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_T1 = 64 }; /* times T1: Timers B, D, F, M */

/* --- the end ---------------------------------------------------------------------------------- */

/* What ct takes. */
static size_t bytes_of(const struct client *ct)
{
	return sizeof(*ct) + ct->sent_n + ct->method.n + ct->branch.n;
}

static void unlink_client(struct client *ct)
{
	struct txn *x = ct->txn;
	ct->ended = true;
	x->bytes -= bytes_of(ct);
	hash_remove(&x->clients, &ct->node);
	timer_stop(&x->env->wheel, &ct->retransmit);
	timer_stop(&x->env->wheel, &ct->end);
}

static void gone(struct client *ct)
{
	if (ct->user.gone)
		ct->user.gone(ct->user.data, ct);
	free(ct->sent);
	free(ct);
}

static void end(struct client *ct)
{
	unlink_client(ct);
	gone(ct);
}

static void fail(struct client *ct, enum client_failure why)
{
	unlink_client(ct);
	if (ct->user.failed)
		ct->user.failed(ct->user.data, ct, why);
	gone(ct);
}

static void end_node(struct hash_node *node, void *data)
{
	(void)data;
	end(CONTAINER(node, struct client, node));
}

void client_end_all(struct txn *x)
{
	hash_each(&x->clients, end_node, NULL);
}

void client_detach(struct client *ct)
{
	ct->user.response = NULL;
	ct->user.failed = NULL;
	/* Nobody is left whose Timer C would end it. */
	if (!ct->ended && !timer_running(&ct->end))
		timer_start(&ct->txn->env->wheel, &ct->end, TIMEOUT_T1 * ct->txn->timers.t1_ms);
}

void client_leave(struct client *ct, const struct upstream *upstream)
{
	ct->user = (struct client_user){0};
	ct->upstream = *upstream;
}

/* --- requests --------------------------------------------------------------------------------- */

void client_branch(struct txn *x, struct slice prefix, char out[CLIENT_BRANCH])
{
	enum { DIGITS = 24 }; /* of five bits: 120 of chance */
	size_t cookie = sizeof(VIA_COOKIE) - 1;
	size_t n = prefix.n < CLIENT_PREFIX_MAX ? prefix.n : CLIENT_PREFIX_MAX;
	uint8_t chance[DIGITS];
	rand_bytes(x->env->rand, chance, sizeof(chance));
	memcpy(out, VIA_COOKIE, cookie);
	out += cookie;
	if (n)
		memcpy(out, prefix.p, n);
	out += n;
	for (int i = 0; i < DIGITS; i++)
		*out++ = DISPATCH_DIGITS[chance[i] & 31];
	dispatch_mark(x->worker, out);
	out[DISPATCH_MARK] = '\0';
}

static void start(struct client *ct, struct timer *t, uint32_t ms)
{
	timer_start(&ct->txn->env->wheel, t, ms);
}

static void transmit(struct client *ct, struct slice bytes)
{
	transport_send(ct->txn->transport, ct->socket, &ct->to, bytes);
}

/* Until the final response. */
static struct slice request_of(const struct client *ct)
{
	if (ct->user.again)
		return ct->user.again(ct->user.data);
	return slice_of(ct->sent, ct->sent_n);
}

/* A, which doubles, and E, which does so up to T2 (17.1.2.2). */
static void on_retransmit(struct timer *timer)
{
	struct client *ct = CONTAINER(timer, struct client, retransmit);
	uint32_t t2_ms = ct->txn->timers.t2_ms;
	ct->txn->counters.retransmissions_out++;
	transmit(ct, request_of(ct));
	ct->interval_ms *= 2;
	if (!ct->invite && (ct->interval_ms > t2_ms || ct->state == CLIENT_PROCEEDING))
		ct->interval_ms = t2_ms;
	start(ct, &ct->retransmit, ct->interval_ms);
}

static void on_end(struct timer *timer)
{
	struct client *ct = CONTAINER(timer, struct client, end);
	if (ct->state >= CLIENT_COMPLETED) {
		end(ct);
		return;
	}
	ct->txn->counters.timeouts++;
	fail(ct, CLIENT_TIMEOUT);
}

/* What is repeated from now on, or nothing. */
static void keep(struct client *ct, struct slice bytes)
{
	ct->txn->bytes += bytes.n - ct->sent_n;
	free(ct->sent);
	ct->sent = bytes.n ? mem_alloc(bytes.n) : NULL;
	ct->sent_n = bytes.n;
	if (bytes.n)
		memcpy(ct->sent, bytes.p, bytes.n);
}

static struct client *client_new(struct txn *x, struct slice bytes, struct slice branch)
{
	const char *blank = slice_chr(bytes, ' ');
	struct slice method = slice_range(bytes.p, blank ? blank : bytes.p);
	struct client *ct = mem_alloc(sizeof(*ct) + method.n + branch.n);
	*ct = (struct client){
	    .txn = x,
	    .method = slice_of(ct->bytes, method.n),
	    .branch = slice_of(ct->bytes + method.n, branch.n),
	};
	memcpy(ct->bytes, method.p, method.n);
	memcpy(ct->bytes + method.n, branch.p, branch.n);
	x->bytes += bytes_of(ct);
	hash_add(&x->clients, &ct->node, hash_of(&x->clients, ct->branch));
	return ct;
}

struct client *client_start(struct txn *x, const struct client_user *user, unsigned socket,
			    const struct addr *to, struct slice bytes, struct slice branch,
			    enum method method)
{
	struct client *ct = client_new(x, bytes, branch);
	if (!user->again)
		keep(ct, bytes);
	ct->invite = method == METHOD_INVITE;
	ct->user = *user;
	ct->socket = socket;
	ct->to = *to;
	ct->interval_ms = x->timers.t1_ms;
	timer_init(&ct->retransmit, on_retransmit);
	timer_init(&ct->end, on_end);
	start(ct, &ct->retransmit, ct->interval_ms);       /* A, E */
	start(ct, &ct->end, TIMEOUT_T1 * x->timers.t1_ms); /* B, F */
	transmit(ct, bytes);
	return ct;
}

/* Our own request, read again: ACK and CANCEL are too rare to keep an index for them.  `to`: the
 * value of To, null for that of the request.  In txn->scratch; null when there is no such place. */
static struct slice make_hop(struct client *ct, struct slice method, struct slice to)
{
	struct buf *out = &ct->txn->scratch;
	struct arena a;
	struct msg m;
	buf_reset(out);
	arena_init(&a, 4 * sizeof(m));
	if (msg_parse(&m, &a, request_of(ct)) > 0)
		hop_write(out, &m, method, to.p ? to : m.to.text);
	arena_free(&a);
	return out->failed ? SLICE_NULL : buf_slice(out);
}

void client_cancel(struct client *ct)
{
	static const struct client_user nobody;
	struct slice bytes;
	if (!ct->invite || ct->ended || ct->cancelled || ct->state != CLIENT_PROCEEDING)
		return;
	ct->cancelled = true;
	start(ct, &ct->end, TIMEOUT_T1 * ct->txn->timers.t1_ms);
	bytes = make_hop(ct, SLICE("CANCEL"), SLICE_NULL);
	if (bytes.n)
		client_start(ct->txn, &nobody, ct->socket, &ct->to, bytes, ct->branch,
			     METHOD_CANCEL);
}

/* The ACK takes the place of the INVITE. */
static void make_ack(struct client *ct, const struct received *final)
{
	keep(ct, make_hop(ct, SLICE("ACK"), msg_hdr(final->msg, HDR_TO)->value));
}

static void acknowledge(struct client *ct)
{
	if (ct->sent_n)
		transmit(ct, slice_of(ct->sent, ct->sent_n));
}

/* --- responses -------------------------------------------------------------------------------- */

static void absorb(struct client *ct, struct received *r)
{
	ct->txn->counters.retransmissions_in++;
	received_free(r);
}

/* A 2xx that comes after the user has left. */
static void pass_on(struct client *ct, struct received *r)
{
	const struct upstream *up = &ct->upstream;
	struct slice bytes;
	if (!up->to.family || !upstream_follows(r->msg))
		return;
	bytes = upstream_write(&ct->txn->scratch, r->msg, NULL, &r->work);
	if (bytes.n)
		transport_send(ct->txn->transport, up->socket, &up->to, bytes);
}

/* The last thing done with ct, which the user may change in any way. */
static void tell(struct client *ct, struct received *r)
{
	if (ct->user.response) {
		ct->user.response(ct->user.data, ct, r);
		return;
	}
	if (ct->state == CLIENT_ACCEPTED)
		pass_on(ct, r);
	received_free(r);
}

/* 17.1.1.2: from now on Timer C limits the waiting, which is the proxy's. */
static void stop_calling(struct client *ct)
{
	struct wheel *w = &ct->txn->env->wheel;
	timer_stop(w, &ct->retransmit);
	timer_stop(w, &ct->end);
	if (!ct->user.response)
		start(ct, &ct->end, TIMEOUT_T1 * ct->txn->timers.t1_ms);
}

static void provisional(struct client *ct, struct received *r)
{
	if (ct->state >= CLIENT_COMPLETED) {
		absorb(ct, r);
		return;
	}
	if (ct->invite && ct->state == CLIENT_CALLING)
		stop_calling(ct);
	ct->state = CLIENT_PROCEEDING;
	tell(ct, r);
}

/* A final response; from now on what else comes is absorbed until the end timer fires. */
static void enter(struct client *ct, enum client_state state, uint32_t ms)
{
	ct->state = state;
	timer_stop(&ct->txn->env->wheel, &ct->retransmit);
	start(ct, &ct->end, ms);
}

static void accepted(struct client *ct, struct received *r)
{
	if (ct->state == CLIENT_COMPLETED) {
		absorb(ct, r);
		return;
	}
	if (ct->state != CLIENT_ACCEPTED) {
		keep(ct, SLICE_NULL);
		enter(ct, CLIENT_ACCEPTED, TIMEOUT_T1 * ct->txn->timers.t1_ms); /* M */
	}
	tell(ct, r);
}

static void rejected(struct client *ct, struct received *r)
{
	if (ct->state == CLIENT_ACCEPTED) {
		absorb(ct, r);
		return;
	}
	if (ct->state != CLIENT_COMPLETED)
		make_ack(ct, r);
	acknowledge(ct);
	if (ct->state == CLIENT_COMPLETED) {
		absorb(ct, r);
		return;
	}
	enter(ct, CLIENT_COMPLETED, TIMEOUT_T1 * ct->txn->timers.t1_ms); /* D */
	tell(ct, r);
}

static void completed(struct client *ct, struct received *r)
{
	if (ct->state == CLIENT_COMPLETED) {
		absorb(ct, r);
		return;
	}
	keep(ct, SLICE_NULL);
	enter(ct, CLIENT_COMPLETED, ct->txn->timers.t4_ms); /* K */
	tell(ct, r);
}

/* RFC 3261 17.1.3. */
static bool matches(const struct client *ct, const struct msg *response)
{
	return slice_eq(ct->branch, response->via.branch) &&
	       slice_eq(ct->method, response->method_text);
}

static struct client *find(const struct txn *x, const struct msg *response)
{
	uint64_t hash = hash_of(&x->clients, response->via.branch);
	for (struct hash_node *n = hash_first(&x->clients, hash); n; n = hash_next(n, hash)) {
		struct client *ct = CONTAINER(n, struct client, node);
		if (matches(ct, response))
			return ct;
	}
	return NULL;
}

void client_response(struct txn *x, struct received *r)
{
	struct client *ct = find(x, r->msg);
	if (!ct) {
		x->counters.strays++;
		received_free(r);
	} else if (r->msg->status < 200) {
		provisional(ct, r);
	} else if (!ct->invite) {
		completed(ct, r);
	} else if (r->msg->status < 300) {
		accepted(ct, r);
	} else {
		rejected(ct, r);
	}
}

/* --- unreachable ------------------------------------------------------------------------------ */

/* An INVITE in Proceeding has been heard and sends nothing more: what could not be
 * delivered is its CANCEL, and then nobody will answer it either. */
static bool is_hit(const struct client *ct)
{
	return ct->state == CLIENT_CALLING ||
	       (ct->state == CLIENT_PROCEEDING && (!ct->invite || ct->cancelled));
}

static struct client *find_hit(const struct txn *x, struct slice branch)
{
	uint64_t hash = hash_of(&x->clients, branch);
	for (struct hash_node *n = hash_first(&x->clients, hash); n; n = hash_next(n, hash)) {
		struct client *ct = CONTAINER(n, struct client, node);
		if (slice_eq(ct->branch, branch) && is_hit(ct))
			return ct;
	}
	return NULL;
}

/* INVITE and CANCEL share the branch, and the user is called in between. */
void client_unreachable(struct txn *x, struct slice branch)
{
	struct client *ct;
	while ((ct = find_hit(x, branch)))
		fail(ct, CLIENT_UNREACHABLE);
}
