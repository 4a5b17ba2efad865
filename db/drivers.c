/*
 * drivers: which databases there are.
 */
#include "store/driver.h"

static const struct store_driver *const drivers[] = {&store_memory, &store_sqlite, &store_mysql};

const struct store_driver *store_driver_of(struct slice url, struct slice *rest)
{
	const char *colon = slice_chr(url, ':');
	if (!colon)
		return NULL;
	struct slice scheme = slice_range(url.p, colon);
	for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (!slice_eq(scheme, slice_str(drivers[i]->scheme)))
			continue;
		*rest = slice_range(colon + 1, slice_end(url));
		return drivers[i];
	}
	return NULL;
}
