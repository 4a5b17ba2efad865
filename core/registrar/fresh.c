#include "registrar/fresh.h"

#include <stdlib.h>

enum { MAX_USER = 255 }; /* of an AOR that is kept: strangers choose names, too */

struct entry {
	struct hash_node node;
	struct list list;
	uint64_t read_ms;
	bool present; /* it had bindings */
	bool doubted; /* a write of ours was lost on its way */
	uint16_t n_user;
	uint16_t n_domain;
	char bytes[];
};

void fresh_init(struct fresh *f, struct env *env, struct aors *aors, uint64_t ttl_ms, size_t max,
		bool owned)
{
	uint8_t key[16];
	*f = (struct fresh){.env = env, .aors = aors, .ttl_ms = ttl_ms, .max = max, .owned = owned};
	rand_bytes(env->rand, key, sizeof(key));
	hash_init(&f->hash, key);
	list_init(&f->present);
	list_init(&f->absent);
}

/* Entries. */

static struct aor_key key_of(const struct entry *e)
{
	return (struct aor_key){.user = slice_of(e->bytes, e->n_user),
				.domain = slice_of(e->bytes + e->n_user, e->n_domain)};
}

static struct entry *find(const struct fresh *f, const struct aor_key *key)
{
	uint64_t h = aor_key_hash(&f->hash, key);
	for (struct hash_node *n = hash_first(&f->hash, h); n; n = hash_next(n, h)) {
		struct entry *e = CONTAINER(n, struct entry, node);
		if (aor_key_is(key, e->bytes, e->n_user, e->n_domain))
			return e;
	}
	return NULL;
}

static void drop(struct fresh *f, struct entry *e)
{
	const struct aor_key key = key_of(e);
	struct aor *a = aor_find(f->aors, &key);
	if (a) {
		aor_clear(a);
		aor_settle(a);
	}
	*(e->present ? &f->n_present : &f->n_absent) -= 1;
	hash_remove(&f->hash, &e->node);
	list_remove(&e->list);
	free(e);
}

static void shrink(struct fresh *f, struct list *list, const size_t *n, size_t max)
{
	while (*n > max)
		drop(f, CONTAINER(list->next, struct entry, list));
}

static void add(struct fresh *f, const struct aor_key *key, bool present)
{
	struct entry *e = mem_zalloc(sizeof(*e) + key->user.n + key->domain.n);
	e->read_ms = env_now_ms(f->env);
	e->present = present;
	e->n_user = (uint16_t)key->user.n;
	e->n_domain = (uint16_t)key->domain.n;
	aor_key_write(key, e->bytes);
	hash_add(&f->hash, &e->node, aor_key_hash(&f->hash, key));
	list_push(present ? &f->present : &f->absent, &e->list);
	*(present ? &f->n_present : &f->n_absent) += 1;
}

static void keep(struct fresh *f, const struct aor_key *key, const struct rows *rows)
{
	struct entry *old = find(f, key);
	if (old)
		drop(f, old);
	if (key->user.n > MAX_USER)
		return;
	add(f, key, rows->n > 0);
	if (rows->n > 0) {
		struct aor *a = aor_make(f->aors, key);
		for (unsigned i = 0; i < rows->n; i++)
			aor_put(a, rows->order[i]);
		aor_settle(a);
	}
	shrink(f, &f->present, &f->n_present, f->max);
	shrink(f, &f->absent, &f->n_absent, f->max / FRESH_ABSENT_SHARE + 1);
}

void fresh_free(struct fresh *f)
{
	shrink(f, &f->present, &f->n_present, 0);
	shrink(f, &f->absent, &f->n_absent, 0);
	hash_free(&f->hash);
}

/* What is known. */

static uint64_t age_ms(const struct fresh *f, const struct entry *e)
{
	return env_now_ms(f->env) - e->read_ms;
}

static uint64_t life_ms(const struct fresh *f, const struct entry *e)
{
	bool brief = !e->present && !f->owned && f->ttl_ms > FRESH_ABSENT_MS;
	return brief ? FRESH_ABSENT_MS : f->ttl_ms;
}

/* When all have expired another proxy may know of newer ones. */
static bool has_expired(const struct fresh *f, const struct entry *e, const struct aor_key *key)
{
	return e->present && !aor_find(f->aors, key);
}

bool fresh_is(const struct fresh *f, const struct aor_key *key)
{
	const struct entry *e = f->ttl_ms ? find(f, key) : NULL;
	return e && !e->doubted && age_ms(f, e) < life_ms(f, e) && !has_expired(f, e, key);
}

bool fresh_was(const struct fresh *f, const struct aor_key *key)
{
	const struct entry *e = f->ttl_ms ? find(f, key) : NULL;
	return e && age_ms(f, e) < FRESH_STALE_MS && (e->present || f->owned) &&
	       !has_expired(f, e, key);
}

/* What is learned. */

static uint8_t slot(const struct fresh *f, const struct aor_key *key)
{
	return (uint8_t)(aor_key_hash(&f->hash, key) >> 56);
}

uint32_t fresh_changes(const struct fresh *f, const struct aor_key *key)
{
	return f->ttl_ms ? f->changes[slot(f, key)] : 0;
}

void fresh_read(struct fresh *f, const struct aor_key *key, uint32_t changes,
		const struct rows *rows)
{
	if (f->ttl_ms && f->changes[slot(f, key)] == changes)
		keep(f, key, rows);
}

void fresh_written(struct fresh *f, const struct aor_key *key, const struct rows *rows)
{
	if (!f->ttl_ms)
		return;
	f->changes[slot(f, key)]++;
	struct entry *e = find(f, key);
	if (rows)
		keep(f, key, rows);
	else if (e)
		e->doubted = true;
}

static void sweep(struct fresh *f, struct list *list)
{
	while (!list_empty(list)) {
		struct entry *e = CONTAINER(list->next, struct entry, list);
		if (age_ms(f, e) < FRESH_STALE_MS)
			break;
		drop(f, e);
	}
}

void fresh_sweep(struct fresh *f)
{
	sweep(f, &f->present);
	sweep(f, &f->absent);
}
