/*
 * hold: one after the other.  Who changes an AOR holds it from reading to the
 * commit; who comes meanwhile waits in line (RFC 3261 10.3: REGISTER requests
 * are processed in the order they are received, and atomically).
 */
#ifndef REGISTRAR_HOLD_H
#define REGISTRAR_HOLD_H

#include "registrar/aor.h"

struct holds {
	struct hash hash; /* of what is held now */
};

struct hold;

/* Embedded by who wants to hold. */
struct hold_waiter {
	struct list node;
	struct hold *hold;
	void (*start)(struct hold_waiter *w); /* it is held now */
};

void holds_init(struct holds *h, struct env *env);
/* Nothing may be held. */
void holds_free(struct holds *h);

/* There is a line to wait in. */
bool hold_is_taken(const struct holds *h, const struct aor_key *key);
/* Calls start: at once, or when all who came before have released. */
void hold_take(struct holds *h, const struct aor_key *key, struct hold_waiter *w);
/* Out of the line; w has not been started. */
void hold_leave(struct hold_waiter *w);
/* w may be gone afterwards; the next in line starts, from inside. */
void hold_release(struct holds *h, struct hold_waiter *w);

#endif
