/*
 * sql_cache: prepared statements by their text, the least used dropped first.
 */
#ifndef DB_SQL_CACHE_H
#define DB_SQL_CACHE_H

#include "base/list.h"
#include "base/slice.h"

struct sql_cache {
	struct list entries; /* the one used last is last */
	unsigned n;
	void (*drop)(void *statement);
};

void sql_cache_init(struct sql_cache *c, void (*drop)(void *statement));
/* The statement of that text, or NULL. */
void *sql_cache_find(struct sql_cache *c, struct slice text);
/* Takes statement; it stays at least until the next sql_cache_add(). */
void sql_cache_add(struct sql_cache *c, struct slice text, void *statement);
void sql_cache_clear(struct sql_cache *c);

#endif
