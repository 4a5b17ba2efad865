/*
 * wheel: timers over a clock that somebody else turns.
 *
 * A hierarchical timing wheel with a resolution of 1 ms: start and stop are
 * O(1), advancing costs what fires.  Nothing here asks the kernel for the
 * time; the daemon advances with its loop, the test kit with net:advance().
 * Timers fire in the order of their due times, equal ones in the order in
 * which they were started, so that a run can be repeated byte for byte.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Eleven digits of six bits hold any 64-bit time: no timer is too far away. */
enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 11 };

/* Embedded in its owner; zeroed or timer_init'ed before first use. */
struct timer {
	struct list node;
	uint64_t due_ms;
	void (*fire)(struct timer *t);
};

struct wheel {
	uint64_t now_ms;
	uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot that holds timers */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	size_t count;
};

void wheel_init(struct wheel *w, uint64_t now_ms);

void timer_init(struct timer *t, void (*fire)(struct timer *t));
/* (Re)starts t, due delay_ms from w->now_ms; 0 means at the next
 * advance, or still in this one when a fire function starts it. */
void timer_start(struct wheel *w, struct timer *t, uint64_t delay_ms);
/* Stopping a timer that does not run is harmless. */
void timer_stop(struct wheel *w, struct timer *t);
bool timer_running(const struct timer *t);

/*
 * Turns the clock to now_ms (never back) and fires what is due; while a timer
 * fires, w->now_ms is its due time.  A fire function may start and stop any timer.
 */
void wheel_advance(struct wheel *w, uint64_t now_ms);
/* Milliseconds until the next timer is due, or -1 without one; may be early by
 * the width of a slot of a higher level, never late. */
int64_t wheel_next_ms(const struct wheel *w);

#endif
