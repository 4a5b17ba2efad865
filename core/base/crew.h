/*
 * crew: the threads that are one proxy together.  What belongs together has
 * one owner among them, and whoever else meets it posts it to him.
 */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include "base/hash.h"
#include "base/mailbox.h"

enum { CREW_MAX = 64 };

/* Does not change while the threads run. */
struct crew {
	unsigned n;
	uint8_t key[16];       /* so that no peer can choose an owner */
	struct mailbox *boxes; /* [n] */
};

static inline unsigned crew_owner(const struct crew *c, struct slice what)
{
	return c->n > 1 ? (unsigned)(siphash13(c->key, what.p, what.n) % c->n) : 0;
}

static inline void crew_post(const struct crew *c, unsigned to, struct letter *l)
{
	mailbox_post(&c->boxes[to], l);
}

#endif
