#include "store/patience.h"

/* An operation that is waited for; lives in its arena. */
struct wait {
	struct timer timer;
	struct patience *patience;
	struct store_op *op;
	bool over; /* a substitute has been handed out */
	void (*done)(struct store_op *op);
	void *data;
};

/* The operation as its owner knows it. */
static struct store_op *unwrap(struct wait *w)
{
	struct store_op *op = w->op;
	timer_stop(&w->patience->env->wheel, &w->timer);
	op->done = w->done;
	op->data = w->data;
	return op;
}

static void on_done(struct store_op *op)
{
	struct wait *w = op->data;
	unwrap(w);
	if (!w->over)
		op->done(op);
	else if (op->late)
		op->late(op);
	else
		store_op_free(op);
}

static void refuse(struct store_op *op, struct slice why)
{
	op->error = STORE_UNAVAILABLE;
	op->message = why;
	op->done(op);
}

static struct store_op *substitute(struct wait *w)
{
	struct store_op *op = store_op_new(w->op->kind, w->op->table, w->done, w->data);
	op->unfinished = true;
	w->over = true;
	atomic_store(&w->op->given_up, true);
	return op;
}

static void on_time_up(struct timer *t)
{
	struct wait *w = CONTAINER(t, struct wait, timer);
	struct patience *p = w->patience;
	struct slice why = SLICE("no answer from the database in time");
	p->timeouts++;
	if (store_withdraw(p->behind, w->op))
		refuse(unwrap(w), why);
	else
		refuse(substitute(w), why);
}

static bool full(struct store *s)
{
	const struct patience *p = CONTAINER(s, struct patience, store);
	return p->parked >= p->max_parked;
}

static uint64_t patience_with(const struct patience *p, const struct store_op *op)
{
	uint64_t now = env_now_ms(p->env);
	if (op->deadline_ms == 0)
		return p->timeout_ms;
	return op->deadline_ms > now ? op->deadline_ms - now : 0;
}

static void submit(struct store *s, struct store_op *op)
{
	struct patience *p = CONTAINER(s, struct patience, store);
	if (!op->background && full(s)) {
		p->refused++;
		refuse(op, SLICE("too many requests wait for the database"));
		return;
	}
	if (!op->background) {
		struct wait *w = arena_zalloc(&op->arena, sizeof(*w));
		*w = (struct wait){.patience = p, .op = op, .done = op->done, .data = op->data};
		timer_init(&w->timer, on_time_up);
		timer_start(&p->env->wheel, &w->timer, patience_with(p, op));
		op->done = on_done;
		op->data = w;
		op->patient = true;
	}
	store_submit(p->behind, op);
}

void patience_init(struct patience *p, struct env *env, struct store *behind, uint32_t timeout_ms,
		   unsigned max_parked)
{
	*p = (struct patience){
	    .store = {.submit = submit, .full = full},
	    .behind = behind,
	    .env = env,
	    .timeout_ms = timeout_ms,
	    .max_parked = max_parked,
	};
}
