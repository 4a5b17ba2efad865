#include "txn/server.h"

#include <stdlib.h>
#include <string.h>

enum {
	TRYING_MS = 200,     /* RFC 3261 17.2.1 */
	TIMEOUT_T1 = 64,     /* times T1: Timers H, J, L */
	MAX_SAME_BRANCH = 8, /* transactions of one branch and sent-by, by methods */
	DIALOG_ROOM = 8,     /* requests inside dialogs have 1/8 more room */
};

bool server_is_final(const struct server *st)
{
	return st->state >= SERVER_COMPLETED;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void end(struct server *st)
{
	struct txn *x = st->txn;
	if (st->ended)
		return;
	st->ended = true;
	hash_remove(&x->servers, &st->node);
	timer_stop(&x->env->wheel, &st->timer);
	x->bytes -= sizeof(*st) + st->request_bytes + st->last_n;
	if (st->request)
		x->user.server_gone(x->user.data, st);
	if (st->request)
		received_free(st->request);
	free(st->last);
	free(st);
}

void server_rest(struct server *st)
{
	uint32_t before = st->request_bytes;
	received_rest(st->request);
	st->request_bytes = (uint32_t)received_bytes(st->request);
	st->txn->bytes += st->request_bytes - (size_t)before;
}

void server_drop(struct server *st)
{
	end(st);
}

size_t server_leave(struct server *st)
{
	size_t counted = st->request_bytes;
	st->request = NULL;
	st->user = NULL;
	st->request_bytes = 0;
	return counted;
}

static void end_node(struct hash_node *node, void *data)
{
	(void)data;
	end(CONTAINER(node, struct server, node));
}

void server_end_all(struct txn *x)
{
	hash_each(&x->servers, end_node, NULL);
}

/* --- responses -------------------------------------------------------------------------------- */

/* One that leaves, and what is needed to send it again. */
struct response {
	unsigned status;
	struct slice bytes;
	bool made; /* of the request and these */
	uint32_t made_for;
	struct slice reason, headers;
};

static void respond(struct server *st, struct slice bytes)
{
	if (bytes.n)
		transport_send(st->txn->transport, st->upstream.socket, &st->upstream.to, bytes);
}

/*
 * Equal when a request is the same one again.  The branch should tell, but some take an old one
 * for their next request: that is to be served, and is not told that the one before went well.
 */
static uint32_t request_hash(const struct txn *x, const struct msg *m)
{
	return (uint32_t)hash_of(&x->servers, m->call_id) ^ m->cseq;
}

static void respond_again(struct server *st, struct slice bytes)
{
	if (!bytes.n)
		return;
	st->txn->counters.retransmissions_out++;
	respond(st, bytes);
}

static struct slice last_bytes(const struct server *st)
{
	return slice_of(st->last, st->last_n);
}

/* As it was made for the request before, which is this one. */
static struct slice make_again(struct server *st, struct received *request)
{
	const char *last = st->last ? st->last : "";
	struct slice reason = slice_of(last, st->reason_n);
	struct slice headers = slice_range(last + st->reason_n, last + st->last_n);
	return txn_make_reply(st->txn, request, st->last_status, reason, headers);
}

static char *append(char *to, struct slice s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

static void remember(struct server *st, const struct response *r)
{
	struct slice first = r->made ? r->reason : r->bytes;
	struct slice second = r->made ? r->headers : SLICE_NULL;
	size_t n = first.n + second.n;
	st->txn->bytes += n - st->last_n;
	free(st->last);
	st->last = n ? mem_alloc(n) : NULL;
	st->last_n = (uint32_t)n;
	st->made = r->made;
	st->made_for = r->made_for;
	st->reason_n = r->made ? (uint16_t)first.n : 0;
	if (n)
		append(append(st->last, first), second);
}

static void start(struct server *st, uint32_t ms)
{
	timer_start(&st->txn->env->wheel, &st->timer, ms);
}

/* RFC 6026 7.1: nothing is repeated here any more, 2xx are the user agent's business. */
static void enter_accepted(struct server *st)
{
	const struct response nothing = {0};
	st->state = SERVER_ACCEPTED;
	remember(st, &nothing);
	start(st, TIMEOUT_T1 * st->txn->timers.t1_ms); /* L */
}

static void enter_completed(struct server *st)
{
	const struct txn_timers *t = &st->txn->timers;
	uint32_t end_ms = TIMEOUT_T1 * t->t1_ms; /* H, J */
	st->state = SERVER_COMPLETED;
	st->end_ms = env_now_ms(st->txn->env) + end_ms;
	st->interval_ms = t->t1_ms; /* G */
	start(st, st->invite ? st->interval_ms : end_ms);
}

/* The response the machine is waiting for. */
static void answer(struct server *st, const struct response *r)
{
	timer_stop(&st->txn->env->wheel, &st->timer); /* our own 100 is no longer due */
	st->last_status = (uint16_t)r->status;
	respond(st, r->bytes);
	if (r->status >= 200 && r->status < 300 && st->invite) {
		enter_accepted(st);
		return;
	}
	remember(st, r);
	if (r->status < 200)
		st->state = SERVER_PROCEEDING;
	else
		enter_completed(st);
}

/* A response that the user has made or forwards. */
static void offer(struct server *st, const struct response *r)
{
	const struct response silence = {.status = r->status};
	if (st->ended)
		return;
	if (st->state == SERVER_ACCEPTED && r->status >= 200 && r->status < 300)
		respond(st, r->bytes);
	if (server_is_final(st))
		return;
	if (!st->invite && r->status < 200) /* RFC 4320 4.1 */
		return;
	answer(st, !st->invite && r->status == 408 ? &silence : r); /* RFC 4320 4.2 */
}

static struct response make(struct server *st, unsigned status, struct slice reason,
			    struct slice headers)
{
	struct slice bytes = txn_make_reply(st->txn, st->request, status, reason, headers);
	if (st->invite || !bytes.n)
		return (struct response){.status = status, .bytes = bytes};
	return (struct response){
	    .status = status,
	    .bytes = bytes,
	    .made = true,
	    .made_for = request_hash(st->txn, received_msg(st->request)),
	    .reason = reason,
	    .headers = headers,
	};
}

void server_reply(struct server *st, unsigned status, struct slice reason, struct slice headers)
{
	if (st->ended || !st->request)
		return;
	const struct response r = make(st, status, reason, headers);
	offer(st, &r);
}

void server_forward(struct server *st, unsigned status, struct slice bytes)
{
	const struct response r = {.status = status, .bytes = bytes};
	offer(st, &r);
}

/* --- timers ----------------------------------------------------------------------------------- */

static void trying(struct server *st)
{
	const struct response r = make(st, 100, SLICE(""), SLICE(""));
	answer(st, &r);
}

/* Timer G, until H. */
static void repeat(struct server *st)
{
	const uint32_t t2_ms = st->txn->timers.t2_ms;
	const uint64_t left_ms = st->end_ms - env_now_ms(st->txn->env);
	respond_again(st, last_bytes(st));
	st->interval_ms = 2 * st->interval_ms < t2_ms ? 2 * st->interval_ms : t2_ms;
	start(st, st->interval_ms < left_ms ? st->interval_ms : (uint32_t)left_ms);
}

static void on_timer(struct timer *timer)
{
	struct server *st = CONTAINER(timer, struct server, timer);
	bool unacknowledged = st->invite && st->state == SERVER_COMPLETED;
	if (!server_is_final(st)) {
		trying(st);
		return;
	}
	if (unacknowledged && env_now_ms(st->txn->env) < st->end_ms) {
		repeat(st);
		return;
	}
	if (unacknowledged)
		st->txn->counters.timeouts++;
	end(st);
}

/* RFC 4320 4.1: when the Timer E of a client that hears nothing has grown to T2. */
static uint32_t until_t2_ms(const struct txn_timers *t)
{
	uint32_t ms = 0;
	for (uint32_t interval = t->t1_ms; interval && interval < t->t2_ms; interval *= 2)
		ms += interval;
	return ms;
}

/* --- matching (RFC 3261 17.2.3) --------------------------------------------------------------- */

/* RFC 2543: the ACK carries the To tag of the response that was sent. */
static bool has_our_to_tag(const struct server *st, const struct msg *ack)
{
	struct arena a;
	struct msg m;
	bool same = false;
	if (!st->last_n)
		return false;
	arena_init(&a, 2 * st->last_n);
	if (msg_parse(&m, &a, slice_of(st->last, st->last_n)) > 0) {
		msg_read_addresses(&m);
		same = slice_eq(m.to_tag, ack->to_tag);
	}
	arena_free(&a);
	return same;
}

static bool matches(const struct server *st, const struct match *k, const struct msg *m)
{
	if (st->check != k->check)
		return false;
	if (m->method == METHOD_ACK)
		return st->invite && (k->cookie || has_our_to_tag(st, m));
	if (m->method != METHOD_CANCEL && st->method != k->method)
		return false;
	if (st->made && st->made_for != request_hash(st->txn, m))
		return false;
	return k->cookie || st->to_tag == k->to_tag;
}

static struct server *find(const struct txn *x, const struct msg *m, const struct match *k)
{
	for (struct hash_node *n = hash_first(&x->servers, k->hash); n; n = hash_next(n, k->hash)) {
		struct server *st = CONTAINER(n, struct server, node);
		if (matches(st, k, m))
			return st;
	}
	return NULL;
}

/* --- requests --------------------------------------------------------------------------------- */

/* Those inside dialogs have more room. */
static bool reaches(size_t n, size_t max, bool dialog)
{
	return n >= max && n - max >= (dialog ? max / DIALOG_ROOM : 0);
}

/* Without the first limit one branch with many methods would be a chain without end. */
static bool is_full(const struct txn *x, const struct msg *m, uint64_t hash)
{
	size_t same = 0;
	for (struct hash_node *n = hash_first(&x->servers, hash); n; n = hash_next(n, hash))
		same++;
	if (same >= MAX_SAME_BRANCH)
		return true;
	return reaches(x->servers.count, x->max_servers, m->to_tag.p) ||
	       reaches(x->bytes, x->max_bytes, m->to_tag.p);
}

static void refuse(struct txn *x, struct received *r)
{
	x->counters.refused++;
	txn_reply_stateless(x, r, 503, SLICE(""), SLICE("Retry-After: 5\r\n"));
	received_free(r);
}

static struct server *server_new(struct txn *x, struct received *r, const struct match *k)
{
	struct server *st = mem_alloc(sizeof(*st));
	*st = (struct server){
	    .txn = x,
	    .check = k->check,
	    .method = k->method,
	    .to_tag = k->to_tag,
	    .invite = r->msg->method == METHOD_INVITE,
	    .request = r,
	    .upstream = upstream_of(r),
	    .request_bytes = (uint32_t)received_bytes(r),
	};
	x->bytes += sizeof(*st) + st->request_bytes;
	timer_init(&st->timer, on_timer);
	hash_add(&x->servers, &st->node, k->hash);
	start(st, st->invite ? TRYING_MS : until_t2_ms(&x->timers));
	return st;
}

static bool repeats_last(const struct server *st)
{
	return st->state == SERVER_PROCEEDING || st->state == SERVER_COMPLETED;
}

void server_request(struct txn *x, struct received *r)
{
	struct match k = match_of(&x->servers, r->msg);
	struct server *st = find(x, r->msg, &k);
	if (!st && is_full(x, r->msg, k.hash)) {
		refuse(x, r);
		return;
	}
	if (!st) {
		x->user.request(x->user.data, server_new(x, r, &k));
		return;
	}
	x->counters.retransmissions_in++;
	if (repeats_last(st))
		respond_again(st, st->made ? make_again(st, r) : last_bytes(st));
	received_free(r);
}

/* --- ACK -------------------------------------------------------------------------------------- */

static void confirm(struct server *st)
{
	if (st->state != SERVER_COMPLETED)
		return;
	st->state = SERVER_CONFIRMED;
	start(st, st->txn->timers.t4_ms); /* I */
}

void server_ack(struct txn *x, struct received *r)
{
	struct match k = match_of(&x->servers, r->msg);
	struct server *st = find(x, r->msg, &k);
	bool for_user = st ? st->state == SERVER_ACCEPTED : !txn_is_for_stateless(x, r->msg, &k);
	if (for_user) {
		x->user.ack(x->user.data, r);
		return;
	}
	if (st)
		confirm(st);
	received_free(r);
}

/* --- CANCEL (RFC 3261 9.2) -------------------------------------------------------------------- */

void server_cancel(struct txn *x, struct received *r)
{
	struct match k = match_of(&x->servers, r->msg);
	struct server *st = find(x, r->msg, &k);
	txn_reply_stateless(x, r, st ? 200 : 481, SLICE(""), SLICE(""));
	if (st && st->invite && !server_is_final(st))
		x->user.cancel(x->user.data, st, r);
	received_free(r);
}
