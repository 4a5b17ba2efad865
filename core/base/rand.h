/*
 * rand: where chance comes from.  The daemon gives the kernel's randomness,
 * buffered; the test kit a seeded sequence, so that a run can be repeated.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct rand {
	void (*bytes)(struct rand *r, void *out, size_t n);
};

/* getrandom(2), fetched in blocks. */
struct rand_kernel {
	struct rand rand;
	size_t used;
	uint8_t pool[4096];
};

/* xoshiro256** from a seed: for tests, never for secrets. */
struct rand_seeded {
	struct rand rand;
	uint64_t s[4];
};

void rand_kernel_init(struct rand_kernel *r);
void rand_seeded_init(struct rand_seeded *r, uint64_t seed);

static inline void rand_bytes(struct rand *r, void *out, size_t n)
{
	r->bytes(r, out, n);
}

uint64_t rand_u64(struct rand *r);

#endif
