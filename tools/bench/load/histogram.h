/*
 * histogram: latencies in buckets that are 3 % wide, whatever their size.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_FINE = 32, /* buckets for each power of two */
	HISTOGRAM_BUCKETS = 36 * HISTOGRAM_FINE,
};

struct histogram {
	uint64_t count;
	uint64_t max_us;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t us);
/* The least latency that `percent` of them do not exceed; 0 when there are none. */
double histogram_ms(const struct histogram *h, double percent);

#endif
