#include "base/rand.h"

#include "tap.h"

static void seeded_repeats(void)
{
	struct rand_seeded a, b, c;
	rand_seeded_init(&a, 1);
	rand_seeded_init(&b, 1);
	rand_seeded_init(&c, 2);
	uint64_t first = rand_u64(&a.rand);
	CHECK(first == rand_u64(&b.rand));
	CHECK(first != rand_u64(&c.rand));
	CHECK(first != rand_u64(&a.rand));
}

/* xoshiro256** from the state {1, 2, 3, 4}; the numbers follow from its definition. */
static void seeded_is_xoshiro(void)
{
	struct rand_seeded r;
	rand_seeded_init(&r, 0);
	for (unsigned i = 0; i < 4; i++)
		r.s[i] = i + 1;
	CHECK(rand_u64(&r.rand) == 11520);
	CHECK(rand_u64(&r.rand) == 0);
	CHECK(rand_u64(&r.rand) == 1509978240);
}

static void kernel_differs(void)
{
	static struct rand_kernel r;
	static const uint8_t zero[1000];
	uint8_t a[1000] = {0}, b[16], c[16];
	rand_kernel_init(&r);
	rand_bytes(&r.rand, a, sizeof(a)); /* more than the pool */
	CHECK(memcmp(a + 984, zero, 16) != 0);
	rand_bytes(&r.rand, b, sizeof(b));
	CHECK(memcmp(r.pool, zero, sizeof(b)) == 0); /* what was given out is wiped */
	for (int i = 0; i < 100; i++) {
		rand_bytes(&r.rand, c, sizeof(c));
		CHECK(memcmp(b, c, sizeof(b)) != 0 && memcmp(c, zero, sizeof(c)) != 0);
		memcpy(b, c, sizeof(b));
	}
}

int main(void)
{
	TEST(seeded_repeats);
	TEST(seeded_is_xoshiro);
	TEST(kernel_differs);
	return tap_done();
}
