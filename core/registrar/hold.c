#include "registrar/hold.h"

#include <stdlib.h>

struct hold {
	struct hash_node node;
	struct list waiting;
	bool held;
	bool starting; /* a start below us on the stack: it takes the next itself */
	size_t n_user;
	size_t n_domain;
	char bytes[];
};

void holds_init(struct holds *h, struct env *env)
{
	uint8_t key[16];
	rand_bytes(env->rand, key, sizeof(key));
	hash_init(&h->hash, key);
}

void holds_free(struct holds *h)
{
	hash_free(&h->hash);
}

static struct hold *hold_find(const struct holds *h, const struct aor_key *key)
{
	if (h->hash.count == 0)
		return NULL;
	uint64_t hash = aor_key_hash(&h->hash, key);
	for (struct hash_node *n = hash_first(&h->hash, hash); n; n = hash_next(n, hash)) {
		struct hold *x = CONTAINER(n, struct hold, node);
		if (aor_key_is(key, x->bytes, x->n_user, x->n_domain))
			return x;
	}
	return NULL;
}

static struct hold *hold_of(struct holds *h, const struct aor_key *key)
{
	struct hold *x = hold_find(h, key);
	if (x)
		return x;
	x = mem_zalloc(sizeof(*x) + key->user.n + key->domain.n);
	list_init(&x->waiting);
	x->n_user = key->user.n;
	x->n_domain = key->domain.n;
	aor_key_write(key, x->bytes);
	hash_add(&h->hash, &x->node, aor_key_hash(&h->hash, key));
	return x;
}

/* A loop, not a recursion: the line may be long, and a broken store answers at once. */
static void hold_next(struct holds *h, struct hold *x)
{
	if (x->starting)
		return;
	x->starting = true;
	while (!x->held) {
		struct list *first = list_shift(&x->waiting);
		if (!first)
			break;
		struct hold_waiter *w = CONTAINER(first, struct hold_waiter, node);
		x->held = true;
		w->hold = x;
		w->start(w);
	}
	x->starting = false;
	if (x->held)
		return;
	hash_remove(&h->hash, &x->node);
	free(x);
}

bool hold_is_taken(const struct holds *h, const struct aor_key *key)
{
	return hold_find(h, key) != NULL;
}

void hold_take(struct holds *h, const struct aor_key *key, struct hold_waiter *w)
{
	struct hold *x = hold_of(h, key);
	list_push(&x->waiting, &w->node);
	hold_next(h, x);
}

/* Whoever holds it keeps the line alive. */
void hold_leave(struct hold_waiter *w)
{
	list_remove(&w->node);
}

void hold_release(struct holds *h, struct hold_waiter *w)
{
	struct hold *x = w->hold;
	x->held = false;
	hold_next(h, x);
}
