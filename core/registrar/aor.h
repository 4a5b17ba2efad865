/*
 * aor: one location table in memory: addresses-of-record and their bindings
 * (RFC 3261 10), small enough for millions.
 *
 * A binding is one allocation with all its texts behind it; what many phones
 * share (User-Agent, socket) is kept once.  An AOR has one timer, for its
 * earliest expiry, and goes away with its last binding.
 */
#ifndef REGISTRAR_AOR_H
#define REGISTRAR_AOR_H

#include "base/env.h"
#include "base/hash.h"
#include "store/store.h"

enum { AOR_MAX_HOST = 255 };

/* Which AOR: user unescaped and case-sensitive, domain in lower case (empty: not part of it). */
struct aor_key {
	struct slice user;
	struct slice domain;
	char lower[AOR_MAX_HOST];
};

struct binding;
struct aor;

struct aors {
	struct env *env;
	struct hash hash;
	struct hash texts;
	uint64_t next_order; /* bindings are numbered as they come: oldest first */
	uint64_t bindings;
	uint64_t expired;
	/* A binding's time is over; it is freed when this returns. */
	void (*on_expired)(void *data, struct slice ruid);
	void *data;
};

/* key keeps pointers to user and into itself: it does not move. */
void aor_key_set(struct aor_key *key, struct slice user, struct slice host, bool use_domain);

uint64_t aor_key_hash(const struct hash *t, const struct aor_key *key);
/* A key kept as bytes: the user, behind it the domain. */
void aor_key_write(const struct aor_key *key, char *bytes);
bool aor_key_is(const struct aor_key *key, const char *bytes, size_t n_user, size_t n_domain);

void aors_init(struct aors *t, struct env *env);
void aors_free(struct aors *t);

struct aor *aor_find(const struct aors *t, const struct aor_key *key);
struct aor *aor_make(struct aors *t, const struct aor_key *key);

/* Adds, or replaces the one of this ruid, which keeps its age.  Copies all of b
 * but username, domain and id.  Follow with aor_settle. */
void aor_put(struct aor *a, const struct store_binding *b);
void aor_remove(struct aor *a, struct slice ruid);
void aor_clear(struct aor *a);
/* After changes: sets the timer and returns a, or frees it without bindings (NULL). */
struct aor *aor_settle(struct aor *a);

unsigned aor_count(const struct aor *a);
/*
 * The bindings that are not expired at now_s, best q first (none counts as 1),
 * then oldest first.  out has room for aor_count(); its slices live until the
 * AOR changes.  Returns how many.
 */
unsigned aor_bindings(const struct aor *a, int64_t now_s, struct store_binding *out);
/* The one of that ruid; false when it is not there. */
bool aor_binding(const struct aor *a, struct slice ruid, struct store_binding *out);

/* The order of aor_bindings by q: < 0 when a comes before b. */
int binding_compare_q(const struct store_binding *a, const struct store_binding *b);
bool binding_is_expired(const struct store_binding *b, int64_t now_s);

#endif
