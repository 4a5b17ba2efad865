/*
 * patience: a store in front of another one, at which nobody waits forever.
 *
 * What a request waits for ends after timeout_ms, with STORE_UNAVAILABLE.  An
 * operation that has not begun by then is taken back and never happens; one
 * that is under way cannot be called back, and ends as store_op.unfinished
 * says.  Background operations pass.
 *
 * When max_parked requests wait, all that others would have to wait for is
 * refused at once.
 */
#ifndef STORE_PATIENCE_H
#define STORE_PATIENCE_H

#include "base/env.h"
#include "store/store.h"

struct patience {
	struct store store;
	struct store *behind;
	struct env *env;
	uint32_t timeout_ms; /* may be changed, as may max_parked */
	unsigned max_parked;
	unsigned parked;   /* counted by those who park them */
	uint64_t timeouts; /* so far */
	uint64_t refused;
};

/* Borrows env and behind.  Operations under way must have ended before either goes. */
void patience_init(struct patience *p, struct env *env, struct store *behind, uint32_t timeout_ms,
		   unsigned max_parked);

#endif
