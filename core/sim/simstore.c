#include "sim/simstore.h"

#include <stdlib.h>

struct waiting {
	struct list node;
	struct timer timer;
	struct simstore *store;
	struct store_op *op;
};

static void refuse(struct store_op *op, enum store_error error, struct slice message)
{
	op->error = error;
	op->message = message;
	op->done(op);
}

static void happen(struct simstore *s, struct store_op *op)
{
	if (s->gone) {
		refuse(op, STORE_UNAVAILABLE, SLICE("the store is gone"));
		return;
	}
	if (s->fail_next > 0) {
		s->fail_next--;
		refuse(op, STORE_FAILED, SLICE("the store was told to fail"));
		return;
	}
	store_run(s->connection, op);
	op->done(op);
}

static struct store_op *waiting_end(struct waiting *w)
{
	struct store_op *op = w->op;

	op->progress = STORE_IDLE;
	timer_stop(w->store->wheel, &w->timer);
	list_remove(&w->node);
	free(w);
	return op;
}

static void on_due(struct timer *t)
{
	struct waiting *w = CONTAINER(t, struct waiting, timer);
	struct simstore *s = w->store;

	happen(s, waiting_end(w));
}

static void submit(struct store *store, struct store_op *op)
{
	struct simstore *s = CONTAINER(store, struct simstore, store);
	struct waiting *w;

	s->submitted++;
	if (s->delay_ms == 0) {
		happen(s, op);
		return;
	}
	op->progress = s->begun ? STORE_RUNNING : STORE_WAITING;
	w = mem_alloc(sizeof(*w));
	*w = (struct waiting){.store = s, .op = op};
	list_push(&s->waiting, &w->node);
	timer_init(&w->timer, on_due);
	timer_start(s->wheel, &w->timer, s->delay_ms);
}

static bool withdraw(struct store *store, struct store_op *op)
{
	struct simstore *s = CONTAINER(store, struct simstore, store);

	if (op->progress != STORE_WAITING)
		return false;
	LIST_EACH (node, &s->waiting) {
		struct waiting *w = CONTAINER(node, struct waiting, node);
		if (w->op != op)
			continue;
		waiting_end(w);
		return true;
	}
	return false;
}

void simstore_init(struct simstore *s, struct wheel *wheel, struct store_connection *c)
{
	*s = (struct simstore){
	    .store = {.submit = submit, .withdraw = withdraw}, .connection = c, .wheel = wheel};
	list_init(&s->waiting);
}

void simstore_free(struct simstore *s)
{
	struct list *node;

	s->gone = true;
	while ((node = list_shift(&s->waiting)))
		happen(s, waiting_end(CONTAINER(node, struct waiting, node)));
}
