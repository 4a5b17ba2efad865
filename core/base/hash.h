/*
 * hash: an intrusive chained table, keyed by SipHash-1-3 under a secret key,
 * so that a peer who chooses keys (branches, user names) cannot choose
 * collisions.  It grows by doubling and never shrinks.
 *
 * The table compares hashes only; the caller compares keys:
 *
 *     for (n = hash_first(t, h); n; n = hash_next(n, h))
 *             if (key_of(CONTAINER(n, struct thing, node)) is mine) ...
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/slice.h"

struct hash_node {
	struct hash_node *next;
	uint64_t hash;
};

struct hash {
	struct hash_node **slots;
	uint8_t *marks; /* of each slot: bits of the hashes in its chain */
	size_t mask;    /* slots - 1 */
	size_t count;
	uint8_t key[16];
};

void hash_init(struct hash *t, const uint8_t key[16]);
/* Frees the slots; the members are their owner's. */
void hash_free(struct hash *t);

uint64_t hash_of(const struct hash *t, struct slice key);
void hash_add(struct hash *t, struct hash_node *node, uint64_t hash);
void hash_remove(struct hash *t, struct hash_node *node);
struct hash_node *hash_first(const struct hash *t, uint64_t hash);
struct hash_node *hash_next(const struct hash_node *node, uint64_t hash);

/* Calls visit for each member; it may remove (and free) the one it is given. */
void hash_each(struct hash *t, void (*visit)(struct hash_node *node, void *data), void *data);

uint64_t siphash13(const uint8_t key[16], const void *bytes, size_t n);
/* SipHash-2-4, a MAC for others' eyes; of n words as they are in little-endian memory. */
uint64_t siphash24(const uint8_t key[16], const uint64_t *words, size_t n);

/* The same over several pieces: each is told from the next, for its length goes in before it. */
struct siphash {
	uint64_t v[4];
};
void siphash_init(struct siphash *h, const uint8_t key[16]);
void siphash_add(struct siphash *h, struct slice s);
/* As if s were written in lower case (ASCII). */
void siphash_add_lower(struct siphash *h, struct slice s);
void siphash_add_u64(struct siphash *h, uint64_t n);
/* May be asked again: each further one is 64 bits more. */
uint64_t siphash_end(struct siphash *h);

#endif
