/*
 * rows: the bindings of one AOR as an array, in the order in which others see
 * them, from the rows of a store that keeps them (db_mode 3, and loading).
 */
#ifndef REGISTRAR_ROWS_H
#define REGISTRAR_ROWS_H

#include "store/store.h"

struct rows {
	struct store_binding *v;
	const struct store_binding **order;
	unsigned n;
};

/* Undoes what other programs mean by a row's expiry (see location.h). */
void row_read(struct store_binding *b, bool aliases);

/* op's rows without those expired at now_s, with room for some more; in its arena. */
void rows_of(struct rows *r, struct store_op *op, bool aliases, int64_t now_s, unsigned more);

/* Fills order: best q first, then by id (of rows: oldest first); equals stay as they came. */
void rows_sort(struct rows *r);

bool rows_have(const struct rows *r, struct slice ruid);

/* What a write made of them.  There is room for the new ones. */
void rows_apply(struct rows *r, const struct store_binding *puts, unsigned n_puts,
		const struct slice *removes, unsigned n_removes);

#endif
