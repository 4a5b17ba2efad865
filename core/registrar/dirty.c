#include "registrar/dirty.h"

#include <stdlib.h>
#include <string.h>

struct dirty_row {
	struct hash_node node;
	struct list link;
	const struct aor *aor; /* NULL: to be removed */
	bool under_way;        /* in the batch … */
	bool changed;          /* … and different from it */
	size_t n;
	char ruid[];
};

void dirty_init(struct dirty *d, struct env *env)
{
	uint8_t key[16];
	rand_bytes(env->rand, key, sizeof(key));
	hash_init(&d->hash, key);
	list_init(&d->list);
}

static void row_free(struct dirty *d, struct dirty_row *row)
{
	hash_remove(&d->hash, &row->node);
	list_remove(&row->link);
	free(row);
}

void dirty_free(struct dirty *d)
{
	LIST_EACH_SAFE (link, &d->list)
		row_free(d, CONTAINER(link, struct dirty_row, link));
	hash_free(&d->hash);
}

size_t dirty_count(const struct dirty *d)
{
	return d->hash.count;
}

static struct dirty_row *row_of(struct dirty *d, struct slice ruid)
{
	uint64_t h = hash_of(&d->hash, ruid);
	for (struct hash_node *n = hash_first(&d->hash, h); n; n = hash_next(n, h)) {
		struct dirty_row *row = CONTAINER(n, struct dirty_row, node);
		if (slice_eq(slice_of(row->ruid, row->n), ruid))
			return row;
	}
	struct dirty_row *row = mem_zalloc(sizeof(*row) + ruid.n);
	row->n = ruid.n;
	if (ruid.n > 0)
		memcpy(row->ruid, ruid.p, ruid.n);
	list_push(&d->list, &row->link);
	hash_add(&d->hash, &row->node, h);
	return row;
}

void dirty_mark(struct dirty *d, struct slice ruid, const struct aor *a)
{
	struct dirty_row *row = row_of(d, ruid);
	row->aor = a;
	row->changed = true;
}

static void batch_add(struct store_op *op, struct dirty_row *row)
{
	struct slice ruid = slice_of(row->ruid, row->n);
	struct store_binding b;
	if (row->aor && aor_binding(row->aor, ruid, &b))
		store_binding_copy(&op->arena, &op->puts[op->n_puts++], &b);
	else
		op->removes[op->n_removes++] = arena_dup(&op->arena, ruid);
	row->under_way = true;
	row->changed = false;
}

unsigned dirty_batch(struct dirty *d, struct store_op *op, unsigned max)
{
	unsigned n = d->hash.count < max ? (unsigned)d->hash.count : max;
	if (n == 0)
		return 0;
	op->puts = arena_alloc(&op->arena, n * sizeof(*op->puts));
	op->removes = arena_alloc(&op->arena, n * sizeof(*op->removes));
	LIST_EACH (link, &d->list) {
		if (op->n_puts + op->n_removes == n)
			break;
		batch_add(op, CONTAINER(link, struct dirty_row, link));
	}
	return n;
}

void dirty_done(struct dirty *d, bool written)
{
	LIST_EACH_SAFE (link, &d->list) {
		struct dirty_row *row = CONTAINER(link, struct dirty_row, link);
		if (!row->under_way)
			break; /* a batch is the begin of the list */
		row->under_way = false;
		if (written && !row->changed)
			row_free(d, row);
	}
}
