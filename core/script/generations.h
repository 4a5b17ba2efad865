/*
 * generations: the versions of the script that live in one worker: the one in
 * service, and older ones that still have something under way.
 *
 * A request belongs, with its handlers and coroutines, to the generation that
 * was in service when it came.  An old generation goes when its last request
 * has ended: not from inside that request, but with the wheel's next turn.
 */
#ifndef SCRIPT_GENERATIONS_H
#define SCRIPT_GENERATIONS_H

#include "script/script.h"

struct generations {
	struct env *env;
	struct list all; /* oldest first; the last one is in service */
	unsigned n;
	unsigned newest;      /* its number; the first has 1 */
	unsigned max;         /* how many may live */
	uint64_t patience_ms; /* from when on one that was replaced hangs on */
	struct timer reaper;
	struct timer watch; /* runs while there are old ones */
	struct script_counters gone;
	/* Takes the last of a generation, whose lua_close() may take its time; NULL: script_free().
	 */
	void (*bury)(void *data, struct script *s);
	void *bury_data;
};

/* Takes s, which serves from here on. */
void generations_init(struct generations *g, struct env *env, struct script *s,
		      const struct script_host *host);
/* Whatever they have under way: the proxy is gone. */
void generations_free(struct generations *g);

struct script *generations_current(const struct generations *g);
/* One more may live; false: a sentence in why. */
bool generations_have_room(const struct generations *g, struct buf *why);
/* Takes s, which serves from here on; between two messages only. */
void generations_take_over(struct generations *g, struct script *s, const struct script_host *host);
/* For script_host: the last request of some old generation has ended. */
void generations_idle(struct generations *g);

/* All of them together, those that are gone included. */
void generations_count(const struct generations *g, struct script_counters *c);

/* What an operator wants to know of a living one; i counts from the oldest. */
struct generation {
	unsigned number;
	uint64_t age_ms; /* since it took over */
	struct script_counters counters;
};
void generations_get(const struct generations *g, unsigned i, struct generation *out);

#endif
