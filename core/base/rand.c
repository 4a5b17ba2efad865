#include "base/rand.h"

#include "base/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void fill(void *out, size_t n)
{
	for (char *p = out; n;) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			perror("getrandom");
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}

static void kernel_bytes(struct rand *rand, void *out, size_t n)
{
	struct rand_kernel *r = CONTAINER(rand, struct rand_kernel, rand);
	if (n > sizeof(r->pool)) {
		fill(out, n);
		return;
	}
	if (n > sizeof(r->pool) - r->used) {
		fill(r->pool, sizeof(r->pool));
		r->used = 0;
	}
	/* What was given out must not be found in memory later. */
	memcpy(out, r->pool + r->used, n);
	memset(r->pool + r->used, 0, n);
	r->used += n;
}

void rand_kernel_init(struct rand_kernel *r)
{
	*r = (struct rand_kernel){.rand.bytes = kernel_bytes, .used = sizeof(r->pool)};
}

static uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

/* xoshiro256** 1.0 of Blackman and Vigna. */
static uint64_t xoshiro(uint64_t s[4])
{
	uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

static void seeded_bytes(struct rand *rand, void *out, size_t n)
{
	struct rand_seeded *r = CONTAINER(rand, struct rand_seeded, rand);
	for (char *p = out; n;) {
		uint64_t v = xoshiro(r->s);
		size_t take = n < sizeof(v) ? n : sizeof(v);
		memcpy(p, &v, take);
		p += take;
		n -= take;
	}
}

/* splitmix64, to make four words of one seed. */
void rand_seeded_init(struct rand_seeded *r, uint64_t seed)
{
	r->rand.bytes = seeded_bytes;
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		r->s[i] = z ^ z >> 31;
	}
}

uint64_t rand_u64(struct rand *r)
{
	uint64_t v;
	rand_bytes(r, &v, sizeof(v));
	return v;
}
