/*
 * shards: one table spread over the threads of a crew.  Each user name has one
 * owner among them, whose location alone holds its AORs: the others ask by mail.
 */
#ifndef REGISTRAR_SHARDS_H
#define REGISTRAR_SHARDS_H

#include "base/crew.h"
#include "registrar/location.h"

struct loading;

struct shard {
	/* For its own thread's eyes only; NULL: not there, or closed. */
	struct location *location;
	struct loading *loading;
	/* For all eyes: all that there is would be in memory, and nothing is. */
	atomic_bool empty;
};

struct shards {
	const struct crew *crew;
	struct shard *v; /* [crew->n] */
};

static inline unsigned shards_owner(const struct shards *s, struct slice user)
{
	return crew_owner(s->crew, user);
}

/* One who asks the owner of an AOR. */
struct asker {
	const struct shards *shards;
	unsigned from; /* the asker's number; its location lives until the answer is there … */
	unsigned to;   /* … which the owner's need not: then it is STORE_UNAVAILABLE */
};

/*
 * location_lookup() and location_change() on the owner's thread.  What is asked
 * for is copied; found and done are called on the asker's, after this has
 * returned.  answered comes last.
 *
 * merge runs on the owner's thread while the asker waits: it must not touch
 * what the asker's thread works with meanwhile (its env above all).
 */
void shards_lookup(const struct asker *k, struct slice user, struct slice host, void *data,
		   void (*found)(void *data, enum store_error e, const struct location_view *view),
		   void (*answered)(struct location *asker));
void shards_change(const struct asker *k, struct slice user, struct slice host, void *data,
		   location_merge *merge,
		   void (*done)(void *data, enum store_error e, int verdict,
				const struct location_view *view),
		   void (*answered)(struct location *asker));

#endif
