/*
 * clock: turns a timer wheel with a libuv loop.
 *
 * Before the loop sleeps, one uv timer is set to the wheel's next due time.
 * Whoever hands in something from the kernel calls clock_tick() first, so that
 * nothing the core starts is counted from a time before the sleep.
 *
 * Timers fire when all has been handed in: an answer that waits in a socket
 * comes before the time-out.  And when the loop was held up (SIGSTOP, overload),
 * that does not count as time: nobody could be heard meanwhile.
 */
#ifndef APP_CLOCK_H
#define APP_CLOCK_H

#include "base/env.h"

#include <uv.h>

struct clock {
	struct env *env;
	uv_timer_t timer;
	uv_prepare_t before_sleep;
	uv_check_t after_sleep;
	uint64_t due_ms;  /* of timer, in the loop's time */
	uint64_t wall_ms; /* loop time at which the wall clock was read last */
	uint64_t held_ms; /* of the loop's time that does not count */
};

/* Inits env->wheel and env->wall_offset_ms. */
void clock_open(struct clock *c, uv_loop_t *loop, struct env *env);
/* Sets the time, as far as no timer fires. */
void clock_tick(struct clock *c);
/* The handles close with the next turns of the loop. */
void clock_close(struct clock *c);

#endif
