#include "store/direct.h"

#include <stdlib.h>

static void direct_submit(struct store *s, struct store_op *op)
{
	struct direct *d = CONTAINER(s, struct direct, store);
	uv_mutex_lock(&d->mutex);
	store_run(d->connection, op);
	uv_mutex_unlock(&d->mutex);
	op->done(op);
}

void direct_init(struct direct *d, struct store_connection *c)
{
	*d = (struct direct){.store.submit = direct_submit, .connection = c};
	if (uv_mutex_init(&d->mutex))
		abort();
}

void direct_free(struct direct *d)
{
	uv_mutex_destroy(&d->mutex);
}
