/*
 * fresh: of which AORs memory may speak although other proxies write the same
 * table (db_mode 1 with a cache_ttl).
 *
 * What was read or written less than ttl_ms ago is fresh; that nobody is there
 * is believed for a second only, since phones come and must be found.  Their
 * bindings are in an aors as in the other modes and expire there.  An AOR that
 * is fresh no more stays, as long as there is room, for FRESH_STALE_MS: it
 * serves when the store does not.
 */
#ifndef REGISTRAR_FRESH_H
#define REGISTRAR_FRESH_H

#include "registrar/aor.h"
#include "registrar/rows.h"

enum {
	FRESH_STALE_MS = 3600 * 1000,
	FRESH_PATIENCE_MS = 500, /* with the store, by who has something stale */
	FRESH_ABSENT_MS = 1000,
	FRESH_ABSENT_SHARE = 10, /* for each so many AORs, one without bindings */
};

struct fresh {
	struct env *env;
	struct aors *aors;
	uint64_t ttl_ms; /* 0: nothing is kept here */
	size_t max;      /* AORs; the one read longest ago gives way */
	bool owned;      /* "aliases": absence is as good as presence */

	struct hash hash;
	struct list present; /* the one read longest ago is first */
	struct list absent;
	size_t n_present, n_absent;
	uint32_t changes[256]; /* of AORs of such a hash: a read that was under way is old */
	bool down;             /* the store gave no answer to the last read */
	bool probing;          /* a read finds out whether it does again */
	uint64_t hits, asked, stale;
};

/* Borrows env and aors. */
void fresh_init(struct fresh *f, struct env *env, struct aors *aors, uint64_t ttl_ms, size_t max,
		bool owned);
/* Before the aors. */
void fresh_free(struct fresh *f);

/* Memory knows what the AOR's bindings are … */
bool fresh_is(const struct fresh *f, const struct aor_key *key);
/* … or what they were not long ago: better than nothing. */
bool fresh_was(const struct fresh *f, const struct aor_key *key);

/* To be asked before a read begins. */
uint32_t fresh_changes(const struct fresh *f, const struct aor_key *key);
/* A read has ended; nothing is kept of one that a change has overtaken. */
void fresh_read(struct fresh *f, const struct aor_key *key, uint32_t changes,
		const struct rows *rows);
/* A write has ended.  rows: what stands in the store now; NULL: who knows. */
void fresh_written(struct fresh *f, const struct aor_key *key, const struct rows *rows);

/* What is too old even for stale goes; to be called now and then. */
void fresh_sweep(struct fresh *f);

#endif
