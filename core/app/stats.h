/*
 * stats: what `lunactl stats` shows of a worker.
 */
#ifndef APP_STATS_H
#define APP_STATS_H

#include "app/worker.h"

/* "key value" lines, numbers only. */
void stats_put(const struct worker *w, struct buf *out);

#endif
