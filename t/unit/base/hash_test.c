#include "base/hash.h"

#include "base/arena.h"
#include "base/list.h"
#include "tap.h"

#include <stdlib.h>

static const uint8_t zero_key[16];

/* From CPython 3.11, whose hash() of bytes is SipHash-1-3 (PYTHONHASHSEED=0: zero key). */
static void siphash_vectors(void)
{
	CHECK(siphash13(zero_key, "a", 1) == 0x407448d2b89b1813);
	CHECK(siphash13(zero_key, "abcdefgh", 8) == 0x3f7b849c0b8e35ea);
	CHECK(siphash13(zero_key, "abcdefghi", 9) == 0xf89b34a3d11eb6e5);
	CHECK(siphash13(zero_key, "z9hG4bK-the-quick-brown-fox", 27) == 0xdaa119f7fcc25795);
}

/* From the reference implementation: of the bytes 0, 1, 2 … under the key 0, 1, … 15. */
static void siphash24_vectors(void)
{
	const uint64_t words[] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t key[16];
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	CHECK(siphash24(key, words, 0) == 0x726fdb47dd0e0e31);
	CHECK(siphash24(key, words, 1) == 0x93f5f5799a932462);
	CHECK(siphash24(key, words, 2) == 0x3f2acc7f57c29bdb);
}

static void siphash_uses_its_key(void)
{
	uint8_t key[16] = {1};
	CHECK(siphash13(key, "a", 1) != siphash13(zero_key, "a", 1));
	key[0] = 0;
	key[15] = 1;
	CHECK(siphash13(key, "a", 1) != siphash13(zero_key, "a", 1));
}

static uint64_t of_two(struct slice a, struct slice b)
{
	struct siphash h;
	siphash_init(&h, zero_key);
	siphash_add(&h, a);
	siphash_add(&h, b);
	return siphash_end(&h);
}

static void siphash_keeps_pieces_apart(void)
{
	CHECK(of_two(SLICE("ab"), SLICE("c")) != of_two(SLICE("a"), SLICE("bc")));
	CHECK(of_two(SLICE("abcdefgh"), SLICE("")) != of_two(SLICE(""), SLICE("abcdefgh")));
	CHECK(of_two(SLICE("abc"), SLICE("")) != of_two(SLICE("abc\0"), SLICE("")));
	CHECK(of_two(SLICE("abc"), SLICE_NULL) == of_two(SLICE("abc"), SLICE("")));
	CHECK(of_two(SLICE("0123456789abcdef"), SLICE("x")) !=
	      of_two(SLICE("0123456789abcdeF"), SLICE("x")));
}

static void siphash_folds_case(void)
{
	char mixed[200], small[200];
	struct siphash a, b;
	for (size_t n = 0; n < sizeof(mixed); n++) {
		mixed[n] = (char)(n % 3 ? 'A' + n % 26 : 7 * n); /* and what is no letter */
		small[n] = slice_lower(mixed[n]);
		siphash_init(&a, zero_key);
		siphash_init(&b, zero_key);
		siphash_add_lower(&a, slice_of(mixed, n));
		siphash_add(&b, slice_of(small, n));
		uint64_t first = siphash_end(&a);
		CHECK(first == siphash_end(&b));
		CHECK(first != siphash_end(&a)); /* 64 bits more */
	}
}

struct item {
	struct hash_node node;
	unsigned number;
};

static struct item *find(const struct hash *t, unsigned number)
{
	uint64_t h = hash_of(t, slice_of((const char *)&number, sizeof(number)));
	for (struct hash_node *n = hash_first(t, h); n; n = hash_next(n, h))
		if (CONTAINER(n, struct item, node)->number == number)
			return CONTAINER(n, struct item, node);
	return NULL;
}

static void fill(struct hash *t, struct item *items, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		items[i].number = i;
		hash_add(t, &items[i].node,
			 hash_of(t, slice_of((const char *)&items[i].number, sizeof(unsigned))));
	}
}

static void finds_what_was_added(void)
{
	enum { N = 10000 };
	struct item *items = mem_zalloc(N * sizeof(*items));
	struct hash t;
	hash_init(&t, zero_key);
	fill(&t, items, N);
	CHECK_INT(t.count, N);
	CHECK(t.mask + 1 >= N); /* it has grown: chains stay short */
	unsigned missing = 0;
	for (unsigned i = 0; i < N; i++)
		missing += find(&t, i) != &items[i];
	CHECK_INT(missing, 0);
	CHECK(find(&t, N) == NULL);
	for (unsigned i = 0; i < N; i += 2)
		hash_remove(&t, &items[i].node);
	CHECK_INT(t.count, N / 2);
	CHECK(find(&t, 4000) == NULL && find(&t, 4001) == &items[4001]);
	hash_remove(&t, &items[0].node); /* again: harmless */
	CHECK_INT(t.count, N / 2);
	hash_free(&t);
	free(items);
}

static void keeps_equal_hashes_apart(void)
{
	struct hash t;
	struct item a = {.number = 1}, b = {.number = 2};
	hash_init(&t, zero_key);
	hash_add(&t, &a.node, 42);
	hash_add(&t, &b.node, 42);
	struct hash_node *first = hash_first(&t, 42), *second = hash_next(first, 42);
	CHECK(first && second && first != second && hash_next(second, 42) == NULL);
	CHECK(hash_first(&t, 42 + 16) == NULL); /* the same slot, another hash */
	hash_free(&t);
}

static void remove_it(struct hash_node *node, void *data)
{
	struct hash *t = data;
	hash_remove(t, node);
	free(CONTAINER(node, struct item, node));
}

static void each_may_free(void)
{
	struct hash t;
	hash_init(&t, zero_key);
	for (unsigned i = 0; i < 100; i++) {
		struct item *it = mem_zalloc(sizeof(*it));
		hash_add(&t, &it->node, i * 8);
	}
	hash_each(&t, remove_it, &t);
	CHECK_INT(t.count, 0);
	hash_free(&t);
}

int main(void)
{
	TEST(siphash_vectors);
	TEST(siphash24_vectors);
	TEST(siphash_uses_its_key);
	TEST(siphash_keeps_pieces_apart);
	TEST(siphash_folds_case);
	TEST(finds_what_was_added);
	TEST(keeps_equal_hashes_apart);
	TEST(each_may_free);
	return tap_done();
}
