/*
 * direct: a store that calls its driver in place, for the memory driver.
 */
#ifndef STORE_DIRECT_H
#define STORE_DIRECT_H

#include "store/driver.h"

struct direct {
	struct store store;
	struct store_connection *connection; /* borrowed */
};

void direct_init(struct direct *d, struct store_connection *c);

#endif
