#include "histogram.h"

enum { FINE_BITS = 5 };

static unsigned bucket_of(uint64_t us)
{
	unsigned log = us < HISTOGRAM_FINE ? 0 : 63 - (unsigned)__builtin_clzll(us) - FINE_BITS + 1;
	unsigned i = log ? log * HISTOGRAM_FINE + (unsigned)(us >> (log - 1)) - HISTOGRAM_FINE
			 : (unsigned)us;

	return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

/* The upper end of a bucket. */
static double bucket_us(unsigned i)
{
	unsigned log = i / HISTOGRAM_FINE;

	return log ? (double)((uint64_t)(i % HISTOGRAM_FINE + HISTOGRAM_FINE + 1) << (log - 1)) : i;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->buckets[bucket_of(us)]++;
	h->count++;
	if (us > h->max_us)
		h->max_us = us;
}

double histogram_ms(const struct histogram *h, double percent)
{
	double wanted = (double)h->count * percent / 100, seen = 0;

	for (unsigned i = 0; h->count && i < HISTOGRAM_BUCKETS; i++) {
		seen += (double)h->buckets[i];
		if (seen >= wanted && h->buckets[i]) {
			double us = bucket_us(i);
			return (us < (double)h->max_us ? us : (double)h->max_us) / 1000;
		}
	}
	return (double)h->max_us / 1000;
}
