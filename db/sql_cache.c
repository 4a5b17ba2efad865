#include "sql_cache.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 128 };

struct entry {
	struct list node;
	void *statement;
	size_t n;
	char text[];
};

static void entry_free(struct sql_cache *c, struct entry *e)
{
	list_remove(&e->node);
	c->n--;
	c->drop(e->statement);
	free(e);
}

void sql_cache_init(struct sql_cache *c, void (*drop)(void *statement))
{
	list_init(&c->entries);
	c->n = 0;
	c->drop = drop;
}

void *sql_cache_find(struct sql_cache *c, struct slice text)
{
	LIST_EACH (node, &c->entries) {
		struct entry *e = CONTAINER(node, struct entry, node);
		if (!slice_eq(slice_of(e->text, e->n), text))
			continue;
		list_remove(node);
		list_push(&c->entries, node);
		return e->statement;
	}
	return NULL;
}

void sql_cache_add(struct sql_cache *c, struct slice text, void *statement)
{
	if (c->n == MAX_ENTRIES)
		entry_free(c, CONTAINER(c->entries.next, struct entry, node));
	struct entry *e = mem_alloc(sizeof(*e) + text.n);
	e->statement = statement;
	e->n = text.n;
	memcpy(e->text, text.p, text.n);
	list_push(&c->entries, &e->node);
	c->n++;
}

void sql_cache_clear(struct sql_cache *c)
{
	LIST_EACH_SAFE (node, &c->entries)
		entry_free(c, CONTAINER(node, struct entry, node));
}
