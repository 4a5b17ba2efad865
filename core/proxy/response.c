#include "proxy/response.h"

#include "proxy/branch.h"
#include "proxy/forward.h"

/* --- upstream --------------------------------------------------------------------------------- */

/* What was added made it too large; a caller waits for it all the same. */
static struct slice write_bare(struct context *c, struct received *r)
{
	struct edits none;

	log_warn(c->proxy->env->log,
		 "response %u is too large with what was added to it: it goes without that",
		 r->msg->status);
	edits_init(&none, &r->work);
	return upstream_write(&c->proxy->scratch, r->msg, &none, &r->work);
}

/* The server transaction keeps back what RFC 4320 forbids (1xx and 408 to other methods than
 * INVITE).  Without one that would take it, the response goes statelessly: a 2xx after
 * another final or late (16.7 steps 5, 9). */
static void send_up(struct context *c, struct received *r, const struct edits *changes)
{
	const struct msg *m = r->msg;
	struct slice bytes = upstream_write(&c->proxy->scratch, m, changes, &r->work);
	const struct server *st = c->server;

	if (!bytes.n)
		bytes = write_bare(c, r);
	if (st && (!server_is_final(st) || st->state == SERVER_ACCEPTED))
		server_forward(c->server, m->status, bytes);
	else
		transport_respond(c->proxy->transport, c->request, bytes);
}

/* What the transaction still does needs nothing of ours. */
static void leave_server(struct context *c)
{
	struct server *st = c->server;

	if (!st || !server_is_final(st))
		return;
	c->server = NULL;
	c->counted = server_leave(st);
	context_release(c);
}

void response_answered(struct context *c)
{
	c->answered = true;
	branch_cancel_all(c);
	LIST_EACH (node, &c->branches) {
		struct branch *b = CONTAINER(node, struct branch, node);
		if (b->final)
			received_free(b->final);
		b->final = NULL;
	}
	leave_server(c);
}

/* --- the best response ------------------------------------------------------------------------ */

enum { LAST_RANK = 1000000 };

/* 16.7 step 6: within 4xx those which tell how to ask again. */
static bool helps_resubmission(unsigned status)
{
	return status == 401 || status == 407 || status == 415 || status == 420 || status == 484;
}

/* Smaller is better: 6xx, then the lowest class; helpful ones, those that somebody sent, 503 and
 * 487 after their like; then the lowest code. */
static unsigned rank(const struct branch *b)
{
	unsigned class = b->status >= 600 ? 0 : b->status / 100, detail = 1;

	if (helps_resubmission(b->status))
		detail = 0;
	else if (b->status == 503 || b->status == 487)
		detail = 3;
	else if (!b->final)
		detail = 2;
	return class * 100000 + detail * 1000 + b->status;
}

struct branch *proxy_best(struct context *c)
{
	struct branch *best = NULL;
	unsigned best_rank = LAST_RANK;

	LIST_EACH (node, &c->branches) {
		struct branch *b = CONTAINER(node, struct branch, node);
		if (b->done && b->status && rank(b) < best_rank) {
			best = b;
			best_rank = rank(b);
		}
	}
	return best;
}

bool response_is_global(const struct context *c)
{
	LIST_EACH (node, &c->branches)
		if (CONTAINER(node, struct branch, node)->status >= 600)
			return true;
	return false;
}

static bool is_challenge(const struct branch *b)
{
	return b->final && (b->status == 401 || b->status == 407);
}

static void add_challenges(struct edits *e, const struct msg *to, struct received *from,
			   enum hdr_id id)
{
	for (const struct hdr *h = msg_hdr(from->msg, id); h; h = msg_hdr_next(from->msg, h))
		edit_append_header(e, to,
				   arena_printf(&from->work, "%.*s: %.*s\r\n",
						SLICE_ARG(hdr_name(id)), SLICE_ARG(h->value)));
}

/* 16.7 step 7: whoever asks again must have credentials for all of them. */
static void merge_challenges(struct branch *best)
{
	LIST_EACH (node, &best->context->branches) {
		struct branch *b = CONTAINER(node, struct branch, node);
		if (b == best || !is_challenge(b))
			continue;
		add_challenges(best->reply_edits, best->final->msg, b->final, HDR_WWW_AUTHENTICATE);
		add_challenges(best->reply_edits, best->final->msg, b->final,
			       HDR_PROXY_AUTHENTICATE);
	}
}

static void reply(struct context *c, unsigned status)
{
	context_reply_stateful(c, status, SLICE(""), SLICE(""));
}

static void send_best(struct context *c)
{
	struct branch *b = proxy_best(c);

	if (!b) {
		reply(c, c->cancelled ? 487 : 408);
	} else if (b->status == 503) {
		reply(c, 500); /* only this place cannot, not we (16.7 step 6) */
	} else if (!b->final) {
		reply(c, b->status);
	} else {
		if (is_challenge(b))
			merge_challenges(b);
		send_up(c, b->final, b->reply_edits);
		response_answered(c);
	}
}

/* --- when all is over ------------------------------------------------------------------------- */

/*
 * Once the caller has cancelled, a branch that has not even said 1xx cannot be
 * cancelled yet: he is not made to wait for it.
 */
static bool is_waiting(const struct context *c)
{
	LIST_EACH (node, &c->branches) {
		const struct branch *b = CONTAINER(node, struct branch, node);
		if (!b->done && (!c->cancelled || b->provisional))
			return true;
	}
	return false;
}

/* True: the failure handler runs and will call context_failure_done(). */
static bool run_failure(struct context *c)
{
	bool (*failure)(void *data, struct context *c) = c->hooks.failure;
	bool took;

	if (!failure || c->n_failed == c->n_branches)
		return false;
	c->hooks.failure = NULL;
	c->n_failed = c->n_branches;
	c->in_failure = true;
	context_hold(c); /* released by context_failure_done() */
	took = failure(c->hooks.data, c);
	if (!took && c->in_failure) {
		c->in_failure = false;
		c->holds--; /* our caller holds it too */
	}
	return took;
}

static void drop_silently(struct context *c)
{
	log_info(c->proxy->env->log, "%.*s %.*s: the route ended without an answer",
		 SLICE_ARG(context_msg(c)->method_text), SLICE_ARG(context_msg(c)->uri_text));
	server_drop(c->server);
}

static void settle(struct context *c)
{
	if (!c->server || c->answered)
		return;
	if (c->cancelled) {
		if (!is_waiting(c))
			send_best(c);
		return;
	}
	if (c->relay || c->in_failure || is_waiting(c))
		return;
	if (!c->relayed) {
		if (!c->in_script)
			drop_silently(c);
		return;
	}
	if (!run_failure(c) && !c->answered)
		send_best(c);
}

void response_settle(struct context *c)
{
	context_hold(c);
	settle(c);
	context_rest(c);
	context_release(c);
}

/* --- from a branch ---------------------------------------------------------------------------- */

static void on_provisional(struct branch *b, struct received *r, const struct edits *e)
{
	struct context *c = b->context;

	b->provisional = true;
	if (b->cancel)
		branch_cancel(b);
	if (r->msg->status == 100)
		return;
	branch_ringing(b);
	if (!b->done && !b->cancel && !c->answered)
		send_up(c, r, e);
}

/* Each 2xx of an INVITE goes up at once, of other methods the first final. */
static void on_success(struct branch *b, struct received *r, const struct edits *e)
{
	struct context *c = b->context;

	branch_success(b);
	if (c->answered && c->method != METHOD_INVITE)
		return;
	send_up(c, r, e);
	if (!c->answered)
		response_answered(c);
}

/* Takes r. */
static void on_final(struct branch *b, struct received *r, const struct edits *e)
{
	struct context *c = b->context;
	unsigned status = r->msg->status;

	if (b->done) {
		received_free(r);
		return;
	}
	if (status == 503 && forward_next_address(b)) {
		received_free(r);
		return;
	}
	b->reply_edits = arena_alloc(&r->work, sizeof(*e));
	*b->reply_edits = *e;
	branch_finish(b, status, r);
	if (status >= 600)
		branch_cancel_all(c);
	response_settle(c);
}

/* Meant for us (16.7 step 3): nothing to forward, but the branch is over. */
static void on_ours(struct branch *b, unsigned status)
{
	if (status < 200 || b->done)
		return;
	branch_finish(b, 502, NULL);
	response_settle(b->context);
}

/* Takes r.  Of a transaction that another has followed only a late 2xx counts. */
static void dispatch(struct branch *b, bool current, struct received *r, const struct edits *e)
{
	unsigned status = r->msg->status;

	if (!upstream_follows(r->msg)) {
		if (current)
			on_ours(b, status);
	} else if (status >= 200 && status < 300) {
		on_success(b, r, e);
	} else if (current && status >= 300) {
		on_final(b, r, e);
		return;
	} else if (current) {
		on_provisional(b, r, e);
	}
	received_free(r);
}

static void on_gone(void *data, struct client *ct)
{
	struct branch *b = data;

	if (b->client == ct)
		b->client = NULL;
	context_release(b->context);
}

/*
 * After a final response the client transaction gets along without us: it
 * acknowledges and absorbs, and sends further 2xx up as they are; unless a reply
 * handler has changed one, for its repetitions must be changed likewise.
 */
static void leave_client(struct branch *b, struct client *ct)
{
	const struct upstream up = upstream_of(b->context->request);

	if (ct->state < CLIENT_COMPLETED || (ct->state == CLIENT_ACCEPTED && b->edited))
		return;
	client_leave(ct, &up);
	on_gone(b, ct);
}

static void on_response(void *data, struct client *ct, struct received *r)
{
	struct branch *b = data;
	struct context *c = b->context;
	struct edits e;

	edits_init(&e, &r->work);
	if (c->hooks.reply)
		c->hooks.reply(c->hooks.data, b, r, &e);
	if (r->msg->status >= 200 && e.n)
		b->edited = true;
	context_hold(c);
	dispatch(b, ct == b->client, r, &e);
	leave_client(b, ct);
	context_rest(c);
	context_release(c);
}

/* 16.9: what cannot be delivered is a 503, what nobody answers a 408; but first the other
 * addresses of the place are tried.  For the caller of another method that is too late. */
static void on_failed(void *data, struct client *ct, enum client_failure why)
{
	struct branch *b = data;
	bool in_time = why == CLIENT_UNREACHABLE || ct->invite;

	if (b->done || ct != b->client)
		return;
	if (!in_time || !forward_next_address(b))
		branch_finish(b, why == CLIENT_UNREACHABLE ? 503 : 408, NULL);
	response_settle(b->context);
}

struct client_user response_user(struct branch *b)
{
	return (struct client_user){b, on_response, on_failed, on_gone, forward_again};
}
