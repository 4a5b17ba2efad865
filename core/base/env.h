/*
 * env: what the world gives to the code, as parameters (time, chance, a place
 * to complain).  A worker has one; so has every test.  env->wheel.now_ms is
 * the monotonic time, and the only one that timers know.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/log.h"
#include "base/rand.h"
#include "base/wheel.h"

struct env {
	struct wheel wheel;
	int64_t wall_offset_ms; /* wall clock (Unix, UTC) minus monotonic */
	struct rand *rand;
	struct log *log;
};

static inline uint64_t env_now_ms(const struct env *e)
{
	return e->wheel.now_ms;
}

/* Unix time in seconds. */
static inline int64_t env_wall_s(const struct env *e)
{
	return ((int64_t)e->wheel.now_ms + e->wall_offset_ms) / 1000;
}

#endif
