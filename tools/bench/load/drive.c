#include "drive.h"

#include "callee.h"
#include "caller.h"

#include <time.h>

enum { TIMERS_US = 5000, BATCHES = 4 };

uint64_t drive_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t active(const struct load *l)
{
	return l->begun - l->ended;
}

static bool may_begin(const struct load *l, const struct pace *p)
{
	return p->count == 0 || l->begun < p->count;
}

/* What is due by the schedule; a session that finds no place is held back and counted. */
static void begin_by_rate(struct load *l, const struct pace *p, uint64_t start_us, uint64_t now_us,
			  uint64_t *scheduled)
{
	uint64_t due = (uint64_t)((double)(now_us - start_us) * p->rate / 1e6) + 1;

	for (; *scheduled < due && may_begin(l, p); ++*scheduled) {
		uint64_t at_us = start_us + (uint64_t)((double)*scheduled * 1e6 / p->rate);
		if (!caller_begin(l, at_us, now_us))
			l->stats.held_back++;
	}
}

static void begin_by_window(struct load *l, const struct pace *p, uint64_t now_us)
{
	while (active(l) < p->window && may_begin(l, p) && caller_begin(l, now_us, now_us))
		;
}

static unsigned hear(struct load *l, struct wire *w,
		     void (*heard)(struct load *, struct span, uint64_t))
{
	unsigned all = 0, n = WIRE_BATCH;

	for (unsigned batch = 0; batch < BATCHES && n == WIRE_BATCH; batch++) {
		uint64_t now_us = drive_now_us();

		n = wire_receive(w);
		for (unsigned i = 0; i < n; i++)
			heard(l, wire_received(w, i), now_us);
		wire_flush(l->caller);
		wire_flush(l->callee);
		all += n;
	}
	return all;
}

/*
 * A sleep, not a poll(): a proxy then never pays for waking this process, as it would not
 * pay for waking another host.
 */
static void nap(const struct load *l)
{
	struct timespec t = {0, (long)l->options->nap_us * 1000};

	nanosleep(&t, NULL);
}

/* One round: hears what has come, looks at timers when it is time. */
static void turn(struct load *l, uint64_t *timers_us)
{
	unsigned heard;
	uint64_t now_us;

	wire_flush(l->caller);
	heard = hear(l, l->caller, caller_hear);
	heard += hear(l, l->callee, callee_hear);
	now_us = drive_now_us();
	if (now_us >= *timers_us) {
		caller_timers(l, now_us);
		callee_timers(l, now_us);
		*timers_us = now_us + TIMERS_US;
	}
	if (!heard)
		nap(l);
}

double drive(struct load *l, enum task task, const struct pace *p,
	     const volatile sig_atomic_t *stop)
{
	uint64_t start_us = drive_now_us(), now_us = start_us, timers_us = 0, scheduled = 0;
	uint64_t end_us = start_us + (uint64_t)(p->seconds * 1e6);

	if (task != l->task || p->count) { /* a count is one of new sessions */
		l->begun = active(l);
		l->ended = 0;
	}
	l->task = task;
	while (now_us < end_us && !*stop && (!p->count || l->ended < p->count)) {
		if (p->rate > 0)
			begin_by_rate(l, p, start_us, now_us, &scheduled);
		else
			begin_by_window(l, p, now_us);
		turn(l, &timers_us);
		now_us = drive_now_us();
	}
	return (double)(now_us - start_us) / 1e6;
}

void drive_out(struct load *l, const volatile sig_atomic_t *stop)
{
	uint64_t timers_us = 0;

	while (active(l) > 0 && !*stop) /* each ends at its timeout at the latest */
		turn(l, &timers_us);
}
