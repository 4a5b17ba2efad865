#include "base/hash.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 16 };

void hash_init(struct hash *t, const uint8_t key[16])
{
	t->slots = mem_zalloc(FIRST_SLOTS * sizeof(struct hash_node *));
	t->mask = FIRST_SLOTS - 1;
	t->count = 0;
	memcpy(t->key, key, sizeof(t->key));
}

void hash_free(struct hash *t)
{
	free(t->slots);
	*t = (struct hash){0};
}

uint64_t hash_of(const struct hash *t, struct slice key)
{
	return siphash13(t->key, key.p, key.n);
}

static void put(struct hash_node **slots, size_t mask, struct hash_node *node)
{
	struct hash_node **slot = &slots[node->hash & mask];
	node->next = *slot;
	*slot = node;
}

static void grow(struct hash *t)
{
	size_t mask = 2 * t->mask + 1;
	struct hash_node **slots = mem_zalloc((mask + 1) * sizeof(struct hash_node *));
	for (size_t i = 0; i <= t->mask; i++) {
		struct hash_node *next;
		for (struct hash_node *n = t->slots[i]; n; n = next) {
			next = n->next;
			put(slots, mask, n);
		}
	}
	free(t->slots);
	t->slots = slots;
	t->mask = mask;
}

void hash_add(struct hash *t, struct hash_node *node, uint64_t hash)
{
	if (t->count > t->mask)
		grow(t);
	node->hash = hash;
	put(t->slots, t->mask, node);
	t->count++;
}

void hash_remove(struct hash *t, struct hash_node *node)
{
	struct hash_node **at = &t->slots[node->hash & t->mask];
	while (*at && *at != node)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = node->next;
	node->next = NULL;
	t->count--;
}

static struct hash_node *match(struct hash_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct hash_node *hash_first(const struct hash *t, uint64_t hash)
{
	return match(t->slots[hash & t->mask], hash);
}

struct hash_node *hash_next(const struct hash_node *node, uint64_t hash)
{
	return match(node->next, hash);
}

void hash_each(struct hash *t, void (*visit)(struct hash_node *node, void *data), void *data)
{
	for (size_t i = 0; i <= t->mask; i++) {
		struct hash_node *next;
		for (struct hash_node *n = t->slots[i]; n; n = next) {
			next = n->next;
			visit(n, data);
		}
	}
}

/* SipHash (Aumasson, Bernstein 2012) with one compression and three final rounds. */

static uint64_t load64(const uint8_t *p)
{
	uint64_t v = 0;
	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint64_t siphash13(const uint8_t key[16], const void *bytes, size_t n)
{
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			 k1 ^ 0x7465646279746573};
	const uint8_t *p = bytes;
	size_t left = n;
	for (; left >= 8; left -= 8, p += 8)
		sip_word(v, load64(p));
	uint8_t last[8] = {0};
	if (left)
		memcpy(last, p, left);
	last[7] = (uint8_t)n;
	sip_word(v, load64(last));
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
