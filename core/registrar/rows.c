#include "registrar/rows.h"

#include "registrar/aor.h"

/* A default of other schemas' aliases tables, in whatever time zone it was read. */
static bool is_default_date(int64_t t)
{
	static const int64_t dates[] = {1590701535, 1906234335};
	for (unsigned i = 0; i < 2; i++) {
		int64_t off = t - dates[i];
		if (off >= -14 * 3600 && off <= 14 * 3600 && off % 900 == 0)
			return true;
	}
	return false;
}

void row_read(struct store_binding *b, bool aliases)
{
	if (aliases && is_default_date(b->expires))
		b->expires = 0;
	if (b->expires < 0) /* before 1970, and not never */
		b->expires = 1;
}

static bool comes_before(const struct store_binding *a, const struct store_binding *b)
{
	int q = binding_compare_q(a, b);
	return q != 0 ? q < 0 : a->id < b->id;
}

void rows_sort(struct rows *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		unsigned at = i;
		for (; at > 0 && comes_before(&r->v[i], r->order[at - 1]); at--)
			r->order[at] = r->order[at - 1];
		r->order[at] = &r->v[i];
	}
}

void rows_of(struct rows *r, struct store_op *op, bool aliases, int64_t now_s, unsigned more)
{
	unsigned room = op->n_bindings + more;
	r->v = arena_alloc(&op->arena, room * sizeof(*r->v));
	r->order = arena_alloc(&op->arena, room * sizeof(struct store_binding *));
	r->n = 0;
	for (unsigned i = 0; i < op->n_bindings; i++) {
		row_read(&op->bindings[i], aliases);
		if (!binding_is_expired(&op->bindings[i], now_s))
			r->v[r->n++] = op->bindings[i];
	}
	rows_sort(r);
}

/* Its index, or n. */
static unsigned row_find(const struct rows *r, struct slice ruid)
{
	unsigned i = 0;
	while (i < r->n && !slice_eq(r->v[i].ruid, ruid))
		i++;
	return i;
}

bool rows_have(const struct rows *r, struct slice ruid)
{
	return row_find(r, ruid) < r->n;
}

static void row_remove(struct rows *r, struct slice ruid)
{
	unsigned at = row_find(r, ruid);
	if (at == r->n)
		return;
	for (r->n--; at < r->n; at++)
		r->v[at] = r->v[at + 1];
}

static void row_put(struct rows *r, const struct store_binding *b)
{
	unsigned at = row_find(r, b->ruid);
	uint64_t id = at < r->n ? r->v[at].id : UINT64_MAX; /* a new one is the youngest */
	if (at == r->n)
		r->n++;
	r->v[at] = *b;
	r->v[at].id = id;
}

void rows_apply(struct rows *r, const struct store_binding *puts, unsigned n_puts,
		const struct slice *removes, unsigned n_removes)
{
	for (unsigned i = 0; i < n_removes; i++)
		row_remove(r, removes[i]);
	for (unsigned i = 0; i < n_puts; i++)
		row_put(r, &puts[i]);
	rows_sort(r);
}
