/*
 * direct: a store that calls its driver in place, for the memory driver.  Any
 * thread may submit: one call at a time, and its answer is told to whoever asked.
 */
#ifndef STORE_DIRECT_H
#define STORE_DIRECT_H

#include "store/driver.h"

#include <uv.h>

struct direct {
	struct store store;
	struct store_connection *connection; /* borrowed */
	uv_mutex_t mutex;
};

void direct_init(struct direct *d, struct store_connection *c);
void direct_free(struct direct *d);

#endif
