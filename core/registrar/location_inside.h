/*
 * location_inside: what location.c (life, lookup, loading, the tick) and
 * change.c (changes of an AOR) share; nobody else's business.
 */
#ifndef REGISTRAR_LOCATION_INSIDE_H
#define REGISTRAR_LOCATION_INSIDE_H

#include "registrar/aor.h"
#include "registrar/dirty.h"
#include "registrar/fresh.h"
#include "registrar/hold.h"
#include "registrar/loading.h"
#include "registrar/location.h"
#include "registrar/rows.h"
#include "registrar/shards.h"

struct location {
	struct env *env;
	struct store *store;
	struct location_options o;
	struct arena arena; /* holds the table's name */
	bool aliases;
	struct aors aors;   /* modes 0, 1, 2 */
	struct fresh fresh; /* mode 1, when others write the table too */
	struct dirty dirty; /* mode 2 */
	struct holds holds; /* modes 1, 3, and while it is loading */
	struct loading loading;
	struct list doubts; /* of changes: the store may have, or lack, what they wrote */
	struct timer tick;
	bool flushing;
	size_t flush_left; /* rows this flush still has to write … */
	unsigned batch;    /* … so many at once */
	unsigned refused;  /* since one was written */
	bool store_down;   /* said so in the log already */
	unsigned busy;     /* what is under way and needs this struct */
	bool closing;
	enum store_error close_error;
	void (*closed)(void *data, enum store_error e);
	void *closed_data;
};

/* What is written is remembered … */
static inline bool location_remembers(const struct location *l)
{
	return l->o.mode != LOCATION_STORE_ONLY;
}

/* … and memory is the truth: nobody else writes the table. */
static inline bool location_keeps(const struct location *l)
{
	return location_remembers(l) && l->o.cache_ttl_ms == 0;
}

/* The whole table is; while it is loading, the store is asked as in mode 3. */
static inline bool location_in_memory(const struct location *l)
{
	return location_keeps(l) && (!l->loading.on || l->loading.whole);
}

static inline int64_t location_now_s(const struct location *l)
{
	return env_wall_s(l->env);
}

static inline struct location_view location_view_of(const struct location *l, const struct rows *b)
{
	return (struct location_view){b->order, b->n, location_now_s(l)};
}

/* Whose it is: l->o.own, or another thread's number. */
static inline unsigned location_owner(const struct location *l, struct slice user)
{
	return l->o.shards ? shards_owner(l->o.shards, user) : l->o.own;
}

/* Others shall know whether it is worth while to ask: after changes in memory. */
void location_note_empty(struct location *l);
/* Ends what l->busy++ began.  l may be gone afterwards. */
void location_busy_end(struct location *l);
/* One line at the begin of an outage and one at its end, not one an operation. */
void location_note_store(struct location *l, const struct store_op *op);
/* Calls visit with the bindings of a (NULL: none). */
void location_aor_view(const struct location *l, const struct aor *a,
		       void (*visit)(void *data, const struct location_view *view), void *data);
/* … with those in memory. */
void location_memory_view(struct location *l, const struct aor_key *key,
			  void (*visit)(void *data, const struct location_view *view), void *data);
/* Asks for the AOR's rows. */
struct store_op *location_load_op(struct location *l, const struct aor_key *key,
				  void (*done)(struct store_op *op), void *data);

/* l closes: who waits for his next attempt to repair a doubt waits no longer. */
void change_give_up_repairs(struct location *l);

#endif
