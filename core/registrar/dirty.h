/*
 * dirty: what the store does not know yet (write-back, db_mode 2).
 *
 * A row is known by its ruid, and what is written is what it is at the time
 * of writing, so many changes of a binding cost one write.  A batch that fails
 * stays dirty; what changes while its batch is on the way is written again.
 */
#ifndef REGISTRAR_DIRTY_H
#define REGISTRAR_DIRTY_H

#include "base/hash.h"
#include "registrar/aor.h"

struct dirty {
	struct hash hash;
	struct list list; /* in the order of their first change */
};

void dirty_init(struct dirty *d, struct env *env);
void dirty_free(struct dirty *d);
size_t dirty_count(const struct dirty *d);

/* The binding of that ruid was put into a, or removed (a NULL).  An AOR is not
 * freed while one of its bindings is marked with it. */
void dirty_mark(struct dirty *d, struct slice ruid, const struct aor *a);

/* Fills op with up to max rows; 0: nothing is dirty.  One batch at a time. */
unsigned dirty_batch(struct dirty *d, struct store_op *op, unsigned max);
/* The batch was written, or it was not. */
void dirty_done(struct dirty *d, bool written);

#endif
