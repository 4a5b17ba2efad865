/*
 * crew: the threads that are one proxy together.  What belongs together has
 * one owner among them, and whoever else meets it posts it to him.
 */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include "base/hash.h"
#include "base/mailbox.h"

enum { CREW_MAX = 64 };

/* One of them. */
struct mate {
	struct mailbox mailbox;
	char apart[128 - sizeof(struct mailbox)]; /* what others write is not where he does */
	uint64_t written; /* bit i: he has put a letter to the i-th, and not yet rung */
	char apart_too[128 - sizeof(uint64_t)];
};

/* Does not change while the threads run. */
struct crew {
	unsigned n;
	uint8_t key[16];    /* so that no peer can choose an owner */
	struct mate *mates; /* [n] */
};

static inline unsigned crew_owner(const struct crew *c, struct slice what)
{
	return c->n > 1 ? (unsigned)(siphash13(c->key, what.p, what.n) % c->n) : 0;
}

/* From `from`, on his thread.  Who sleeps may hear of it only when crew_ring() is called. */
static inline void crew_post(const struct crew *c, unsigned from, unsigned to, struct letter *l)
{
	mailbox_put(&c->mates[to].mailbox, l);
	c->mates[from].written |= (uint64_t)1 << to;
}

/* Wakes those that `from` has written to: one wake for all that he had to tell. */
static inline void crew_ring(const struct crew *c, unsigned from)
{
	uint64_t *written = &c->mates[from].written;
	for (; *written; *written &= *written - 1)
		mailbox_ring(&c->mates[__builtin_ctzll(*written)].mailbox);
}

#endif
