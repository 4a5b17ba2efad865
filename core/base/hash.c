#include "base/hash.h"

#include "base/arena.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 16 };

/*
 * Nodes lie anywhere in memory, and most that are looked for are not there (a new
 * request is no retransmission): the marks tell so without a look at a chain.
 */
static uint8_t mark_of(uint64_t hash)
{
	return (uint8_t)(1u << (hash >> 61));
}

static void make_slots(struct hash *t, size_t n)
{
	t->slots = mem_zalloc(n * sizeof(struct hash_node *));
	t->marks = mem_zalloc(n);
	t->mask = n - 1;
}

void hash_init(struct hash *t, const uint8_t key[16])
{
	make_slots(t, FIRST_SLOTS);
	t->count = 0;
	memcpy(t->key, key, sizeof(t->key));
}

void hash_free(struct hash *t)
{
	free(t->slots);
	free(t->marks);
	*t = (struct hash){0};
}

uint64_t hash_of(const struct hash *t, struct slice key)
{
	return siphash13(t->key, key.p, key.n);
}

static void put(struct hash *t, struct hash_node *node)
{
	size_t i = node->hash & t->mask;
	node->next = t->slots[i];
	t->slots[i] = node;
	t->marks[i] |= mark_of(node->hash);
}

static void grow(struct hash *t)
{
	struct hash old = *t;
	make_slots(t, 2 * (old.mask + 1));
	for (size_t i = 0; i <= old.mask; i++) {
		struct hash_node *next;
		for (struct hash_node *n = old.slots[i]; n; n = next) {
			next = n->next;
			put(t, n);
		}
	}
	free(old.slots);
	free(old.marks);
}

void hash_add(struct hash *t, struct hash_node *node, uint64_t hash)
{
	if (t->count > t->mask)
		grow(t);
	node->hash = hash;
	put(t, node);
	t->count++;
}

void hash_remove(struct hash *t, struct hash_node *node)
{
	size_t i = node->hash & t->mask;
	struct hash_node **at = &t->slots[i];
	while (*at && *at != node)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = node->next;
	node->next = NULL;
	if (!t->slots[i])
		t->marks[i] = 0; /* else some bits stay that need not: they cost a look */
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
	size_t i = hash & t->mask;
	__builtin_prefetch(&t->slots[i], 1); /* who is not there will be added, most often */
	return t->marks[i] & mark_of(hash) ? match(t->slots[i], hash) : NULL;
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

/* SipHash (Aumasson, Bernstein 2012), with one compression and three final rounds mostly. */

static inline uint64_t load64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static inline void sip_round(struct siphash *h)
{
	h->v[0] += h->v[1];
	h->v[1] = rotate(h->v[1], 13) ^ h->v[0];
	h->v[0] = rotate(h->v[0], 32);
	h->v[2] += h->v[3];
	h->v[3] = rotate(h->v[3], 16) ^ h->v[2];
	h->v[0] += h->v[3];
	h->v[3] = rotate(h->v[3], 21) ^ h->v[0];
	h->v[2] += h->v[1];
	h->v[1] = rotate(h->v[1], 17) ^ h->v[2];
	h->v[2] = rotate(h->v[2], 32);
}

static inline void sip_rounds(struct siphash *h, int n)
{
	for (int i = 0; i < n; i++)
		sip_round(h);
}

static inline void sip_word(struct siphash *h, uint64_t word)
{
	h->v[3] ^= word;
	sip_round(h);
	h->v[0] ^= word;
}

static inline struct siphash sip_begin(const uint8_t key[16])
{
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	return (struct siphash){{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
				 k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}};
}

/* The whole words, then the bytes that are left as one more; returns that one. */
static inline uint64_t sip_words(struct siphash *h, const uint8_t *p, size_t n)
{
	size_t left = n % 8;
	uint64_t last = 0;
	for (size_t words = n / 8; words > 0; words--, p += 8)
		sip_word(h, load64(p));
	if (left && n > 8) /* at once, with bytes before them */
		return load64(p + left - 8) >> (64 - 8 * left);
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[i] << (8 * i);
	return last;
}

static inline uint64_t sip_end(struct siphash *h, int rounds)
{
	h->v[2] ^= 0xff;
	sip_rounds(h, rounds);
	return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}

uint64_t siphash13(const uint8_t key[16], const void *bytes, size_t n)
{
	struct siphash h = sip_begin(key);
	uint64_t last = sip_words(&h, bytes, n);
	sip_word(&h, last | (uint64_t)n << 56);
	return sip_end(&h, 3);
}

uint64_t siphash24(const uint8_t key[16], const uint64_t *words, size_t n)
{
	struct siphash h = sip_begin(key);
	for (size_t i = 0; i <= n; i++) {
		uint64_t word = i < n ? words[i] : (uint64_t)n * 8 << 56;
		h.v[3] ^= word;
		sip_rounds(&h, 2);
		h.v[0] ^= word;
	}
	return sip_end(&h, 4);
}

void siphash_init(struct siphash *h, const uint8_t key[16])
{
	*h = sip_begin(key);
}

void siphash_add_u64(struct siphash *h, uint64_t n)
{
	sip_word(h, n);
}

static inline void sip_bytes(struct siphash *h, const char *p, size_t n)
{
	uint64_t last = sip_words(h, (const uint8_t *)p, n);
	if (n % 8)
		sip_word(h, last);
}

void siphash_add(struct siphash *h, struct slice s)
{
	struct siphash local = *h; /* in registers */
	sip_word(&local, s.n);
	sip_bytes(&local, s.p, s.n);
	*h = local;
}

/* Eight letters at once: bit 7 of a byte says whether it is A to Z, bit 5 makes it a to z. */
static inline uint64_t lower8(uint64_t w)
{
	const uint64_t each = 0x0101010101010101, low = w & 0x7f * each;
	uint64_t from_a = low + (0x80 - 'A') * each, past_z = low + (0x7f - 'Z') * each;
	return w | (((from_a ^ past_z) & ~w & 0x80 * each) >> 2);
}

void siphash_add_lower(struct siphash *h, struct slice s)
{
	struct siphash local = *h;
	size_t i = 0;
	sip_word(&local, s.n);
	for (; s.n - i >= 8; i += 8)
		sip_word(&local, lower8(load64(s.p + i)));
	if (i < s.n)
		sip_word(&local, lower8(sip_words(&local, (const uint8_t *)s.p + i, s.n - i)));
	*h = local;
}

uint64_t siphash_end(struct siphash *h)
{
	return sip_end(h, 3);
}
