#include "store/direct.h"

static void direct_submit(struct store *s, struct store_op *op)
{
	struct direct *d = CONTAINER(s, struct direct, store);
	store_run(d->connection, op);
	op->done(op);
}

void direct_init(struct direct *d, struct store_connection *c)
{
	d->store.submit = direct_submit;
	d->connection = c;
}
