/*
 * stats: what `lunactl stats` shows: numbers of each worker, added up.
 */
#ifndef APP_STATS_H
#define APP_STATS_H

#include "app/worker.h"

enum { STATS_MAX = 64 };

struct stats {
	struct stat_line {
		const char *table; /* of bindings, in front of the key; or NULL */
		const char *key;
		uint64_t value;
	} v[STATS_MAX];
	unsigned n;
	struct generation *generations; /* oldest first; the last one is in service */
	unsigned n_generations;
};

/* Adds those of w, on its thread; *s is zero before the first. */
void stats_add(struct stats *s, const struct worker *w);
/* "key value" lines, numbers only. */
void stats_put(const struct stats *s, struct buf *out);
void stats_free(struct stats *s);

#endif
