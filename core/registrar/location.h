/*
 * location: addresses-of-record and their bindings (RFC 3261 10), and the
 * policy that says when they are written to the store (db_mode).
 *
 * One `struct location` is one table ("location", "aliases").  Whoever changes
 * an AOR holds it from reading to the commit; others who want to change the
 * same AOR wait in line, lookups do not.
 */
#ifndef REGISTRAR_LOCATION_H
#define REGISTRAR_LOCATION_H

#include "base/env.h"
#include "base/hash.h"
#include "store/store.h"

struct shards;

enum location_mode {
	LOCATION_MEMORY = 0,        /* nothing is written */
	LOCATION_WRITE_THROUGH = 1, /* written before the answer */
	LOCATION_WRITE_BACK = 2,    /* written every flush_ms and at a clean stop */
	LOCATION_STORE_ONLY = 3,    /* nothing is kept in memory */
};

struct location_options {
	struct slice table;
	enum location_mode mode;
	uint32_t flush_ms; /* timer_interval: mode 2 writes, 1 to 3 purge expired rows */
	bool use_domain;   /* the AOR is user@host, else user alone */
	uint32_t wait_ms;  /* modes 1, 3: who wants to change waits so long at most; 0: forever */
	/* Several threads share the table (registrar/shards), and this is number own of
	 * them.  NULL: it is alone. */
	const struct shards *shards;
	unsigned own;
	/*
	 * Mode 1; 0: memory has all and is right.  Else others write the table too
	 * (registrar/fresh.h): it is not loaded, changes begin with what the store has,
	 * and a lookup asks it again after so long.  When it gives no answer, what it said
	 * within the last hour serves.
	 */
	uint32_t cache_ttl_ms;
	size_t cache_size; /* AORs, of all threads together */
};

/*
 * A binding as others see it: store_binding with absolute times.  In "aliases"
 * the default dates that other schemas give to rows made by hand (2020-05-28
 * and 2030-05-28, 21:32:15) mean what 0 means: never.
 */
struct location_view {
	const struct store_binding *const *v; /* best q first, then oldest first; none is expired */
	unsigned n;
	int64_t now_s; /* Unix time */
};

struct location;

struct location *location_new(struct env *env, struct store *store,
			      const struct location_options *o);
/* While running. */
void location_set_flush(struct location *l, uint32_t flush_ms);
void location_set_wait(struct location *l, uint32_t wait_ms);
/*
 * Waits for what is under way, writes what is left (mode 2), then frees; done
 * is called last.  An error: some of it was not written and is lost.
 */
void location_close(struct location *l, void (*done)(void *data, enum store_error e), void *data);

/*
 * Reads the table, page by page (of several threads the first does it for all).  done is called
 * once, after the first page: with an error the start must report, or with the rows so far.  Until
 * the last page is there lookups and changes go to the store, as in mode 3. Nothing is read in mode
 * 3 and with a cache_ttl_ms, and in mode 0 only "aliases": phones register again, but those rows
 * are their owner's configuration; then done waits for all.
 */
void location_load(struct location *l,
		   void (*done)(void *data, enum store_error e, struct slice message, size_t rows),
		   void *data);

/* Mode 3 knows none of them; with a cache_ttl_ms they are of what is in memory. */
struct location_counters {
	uint64_t aors;
	uint64_t bindings;
	uint64_t expired;
	uint64_t dirty; /* mode 2: waiting to be written */
	/* Lookups with a cache_ttl_ms, by who answered. */
	uint64_t hits;  /* memory */
	uint64_t asked; /* the store was asked */
	uint64_t stale; /* memory, for a store that gave no answer */
};
void location_count(const struct location *l, struct location_counters *c);

/*
 * The bindings of an AOR; view is valid during the call only.  found is called
 * exactly once, maybe before this returns.  user is unescaped, host as written.
 */
void location_lookup(struct location *l, struct slice user, struct slice host, void *data,
		     void (*found)(void *data, enum store_error e,
				   const struct location_view *view));

/*
 * What a change makes of the current bindings.  Fills *puts and *removes (in
 * arena) and returns 0, or another value to change nothing (which goes to done
 * as verdict).  A put with the ruid of a binding replaces it, one with a null
 * ruid is new; user name and domain need not be set.  It must not call back here.
 *
 * It runs on the thread of the AOR's owner: it sees now, a, and what data has to
 * itself until done is called.
 */
struct location_change {
	struct store_binding *puts;
	unsigned n_puts;
	struct slice *removes; /* ruids */
	unsigned n_removes;
};
typedef int location_merge(void *data, struct arena *a, const struct location_view *now,
			   struct location_change *change);

/*
 * Holds the AOR, reads it, merges, writes as the mode says, then reports:
 * verdict is merge's answer, view the bindings after the change.  Modes 1 and
 * 3: done comes after the commit; on a store error nothing has changed.
 *
 * That error may come while the write is still under way.  The AOR is then held
 * until its outcome is known, and in mode 1 until the store has what memory
 * has: nothing that was refused comes back at the next start, nothing that was
 * granted is lost.
 */
void location_change(struct location *l, struct slice user, struct slice host, void *data,
		     location_merge *merge,
		     void (*done)(void *data, enum store_error e, int verdict,
				  const struct location_view *view));

#endif
