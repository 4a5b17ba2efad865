#include "proxy/branch.h"

#include "proxy/response.h"

#include <stdlib.h>

static bool is_invite(const struct branch *b)
{
	return b->context->method == METHOD_INVITE;
}

static void start_timer_c(struct branch *b)
{
	const struct proxy *p = b->context->proxy;
	uint64_t now = env_now_ms(p->env);
	uint64_t left = b->ring_end_ms > now ? b->ring_end_ms - now : 0;

	timer_start(&p->env->wheel, &b->timer_c,
		    left < p->options.timer_c_ms ? left : p->options.timer_c_ms);
}

/* 16.8: what has rung is cancelled and ends by its 487; what never answered is a 408. */
static void on_timer_c(struct timer *t)
{
	struct branch *b = CONTAINER(t, struct branch, timer_c);
	struct context *c = b->context;

	b->timer_c_fired = true;
	branch_cancel(b);
	if (b->provisional)
		return;
	context_hold(c);
	branch_finish(b, 408, NULL);
	response_settle(c);
	context_release(c);
}

struct branch *branch_new(struct context *c, const struct target *t)
{
	struct branch *b = mem_zalloc(sizeof(*b));

	b->context = c;
	b->target = *t;
	edits_copy(&b->edits, &c->edits, &c->request->arena);
	timer_init(&b->timer_c, on_timer_c);
	list_push(&c->branches, &b->node);
	c->n_branches++;
	c->proxy->txn.bytes += sizeof(*b);
	return b;
}

void branch_free(struct branch *b)
{
	timer_stop(&b->context->proxy->env->wheel, &b->timer_c);
	list_remove(&b->node);
	b->context->proxy->txn.bytes -= sizeof(*b);
	if (b->final)
		received_free(b->final);
	free(b);
}

void branch_forget(struct branch *b)
{
	b->context->n_branches--;
	branch_free(b);
}

void branch_started(struct branch *b)
{
	const struct proxy *p = b->context->proxy;

	if (!is_invite(b))
		return;
	b->ring_end_ms = env_now_ms(p->env) + p->options.ring_max_ms;
	start_timer_c(b);
}

void branch_ringing(struct branch *b)
{
	if (is_invite(b) && !b->done && !b->timer_c_fired)
		start_timer_c(b);
}

static void stop(struct branch *b)
{
	b->done = true;
	timer_stop(&b->context->proxy->env->wheel, &b->timer_c);
}

void branch_finish(struct branch *b, unsigned status, struct received *r)
{
	stop(b);
	if (r && (b->context->answered || (b->timer_c_fired && status == 487))) {
		received_free(r);
		r = NULL;
		status = b->timer_c_fired ? 408 : status;
	}
	b->status = status;
	b->final = r;
}

void branch_success(struct branch *b)
{
	stop(b);
}

void branch_cancel(struct branch *b)
{
	b->cancel = true;
	if (b->client)
		client_cancel(b->client); /* which waits for nothing: too early is ignored */
}

void branch_cancel_all(struct context *c)
{
	LIST_EACH (node, &c->branches) {
		struct branch *b = CONTAINER(node, struct branch, node);
		if (!b->done)
			branch_cancel(b);
	}
}
