#include "base/wheel.h"

#include "base/arena.h"
#include "base/rand.h"
#include "tap.h"

#include <stdlib.h>

/* ---- what each timer does when it fires ---- */

enum { LOG_SIZE = 64 };

struct fired {
	struct wheel wheel;
	unsigned n;
	char names[LOG_SIZE];
	uint64_t at_ms[LOG_SIZE];
};

struct named {
	struct timer timer;
	struct fired *fired;
	char name;
	void (*then)(struct named *t);
	struct named *victim;
};

static void note(struct timer *timer)
{
	struct named *t = CONTAINER(timer, struct named, timer);
	struct fired *f = t->fired;
	f->names[f->n] = t->name;
	f->at_ms[f->n++] = f->wheel.now_ms;
	if (t->then)
		t->then(t);
}

static void start(struct fired *f, struct named *t, char name, uint64_t delay_ms)
{
	timer_init(&t->timer, note);
	t->fired = f;
	t->name = name;
	t->then = NULL;
	timer_start(&f->wheel, &t->timer, delay_ms);
}

#define CHECK_FIRED(f, expected) CHECK_SLICE(slice_of((f)->names, (f)->n), (expected))

/* ---- tests ---- */

static void fires_when_due(void)
{
	struct fired f = {0};
	struct named a, b;
	wheel_init(&f.wheel, 1000);
	start(&f, &a, 'a', 500);
	start(&f, &b, 'b', 32000);
	CHECK_INT(wheel_next_ms(&f.wheel) <= 500, 1);
	wheel_advance(&f.wheel, 1499);
	CHECK_FIRED(&f, "");
	CHECK(timer_running(&a.timer));
	CHECK_INT(wheel_next_ms(&f.wheel), 1);
	wheel_advance(&f.wheel, 1500);
	CHECK_FIRED(&f, "a");
	CHECK(!timer_running(&a.timer));
	wheel_advance(&f.wheel, 60000);
	CHECK_FIRED(&f, "ab");
	CHECK_INT(f.at_ms[1], 33000);
	CHECK_INT(f.wheel.now_ms, 60000);
	CHECK_INT(wheel_next_ms(&f.wheel), -1);
}

static void equal_times_in_order_of_starting(void)
{
	struct fired f = {0};
	struct named a, b, c, d;
	wheel_init(&f.wheel, 0);
	start(&f, &a, 'a', 5000); /* from far away */
	wheel_advance(&f.wheel, 4000);
	start(&f, &b, 'b', 1000);
	wheel_advance(&f.wheel, 4999);
	start(&f, &c, 'c', 1);
	start(&f, &d, 'd', 0);
	wheel_advance(&f.wheel, 5000);
	CHECK_FIRED(&f, "dabc");
}

static void the_clock_never_goes_back(void)
{
	struct fired f = {0};
	struct named a;
	wheel_init(&f.wheel, 1000);
	start(&f, &a, 'a', 0);
	wheel_advance(&f.wheel, 10);
	CHECK_INT(f.wheel.now_ms, 1000);
	CHECK_FIRED(&f, "");
	wheel_advance(&f.wheel, 1000);
	CHECK_FIRED(&f, "a");
}

static void stopping_is_harmless(void)
{
	struct fired f = {0};
	struct named a;
	struct timer zeroed = {0};
	wheel_init(&f.wheel, 0);
	timer_stop(&f.wheel, &zeroed);
	CHECK(!timer_running(&zeroed));
	start(&f, &a, 'a', 100);
	timer_stop(&f.wheel, &a.timer);
	timer_stop(&f.wheel, &a.timer);
	CHECK_INT(wheel_next_ms(&f.wheel), -1);
	CHECK_INT(f.wheel.count, 0);
	wheel_advance(&f.wheel, 1000);
	CHECK_FIRED(&f, "");
}

static void restarting_moves(void)
{
	struct fired f = {0};
	struct named a;
	wheel_init(&f.wheel, 0);
	start(&f, &a, 'a', 100);
	timer_start(&f.wheel, &a.timer, 5000);
	CHECK_INT(f.wheel.count, 1);
	wheel_advance(&f.wheel, 4999);
	CHECK_FIRED(&f, "");
	wheel_advance(&f.wheel, 5000);
	CHECK_FIRED(&f, "a");
}

static void again_in_500(struct named *t)
{
	if (t->fired->n < 5)
		timer_start(&t->fired->wheel, &t->timer, 500);
}

static void a_fire_function_restarts(void)
{
	struct fired f = {0};
	struct named a;
	wheel_init(&f.wheel, 7);
	start(&f, &a, 'a', 500);
	a.then = again_in_500;
	wheel_advance(&f.wheel, 1000000);
	CHECK_FIRED(&f, "aaaaa");
	CHECK_INT(f.at_ms[4], 2507);
}

static void stop_victim(struct named *t)
{
	timer_stop(&t->fired->wheel, &t->victim->timer);
}

static void a_fire_function_stops_another(void)
{
	struct fired f = {0};
	struct named a, b, c;
	wheel_init(&f.wheel, 0);
	start(&f, &a, 'a', 10);
	start(&f, &b, 'b', 10);
	start(&f, &c, 'c', 10);
	a.then = stop_victim;
	a.victim = &b;
	wheel_advance(&f.wheel, 10);
	CHECK_FIRED(&f, "ac");
}

static void free_self(struct named *t)
{
	free(t);
}

static void a_fire_function_frees_its_owner(void)
{
	struct fired f = {0};
	wheel_init(&f.wheel, 0);
	for (int i = 0; i < 3; i++) {
		struct named *t = mem_alloc(sizeof(*t));
		start(&f, t, (char)('a' + i), 10);
		t->then = free_self;
	}
	wheel_advance(&f.wheel, 20);
	CHECK_FIRED(&f, "abc");
}

static void long_spans_are_cheap(void)
{
	struct fired f = {0};
	struct named a, b, never;
	uint64_t year_ms = UINT64_C(365) * 86400 * 1000;
	wheel_init(&f.wheel, 12345);
	start(&f, &a, 'a', year_ms);
	start(&f, &b, 'b', 1000 * year_ms);
	start(&f, &never, 'n', UINT64_MAX);
	CHECK_INT(never.timer.due_ms == UINT64_MAX, 1);
	wheel_advance(&f.wheel, 12345 + year_ms - 1);
	CHECK_FIRED(&f, "");
	wheel_advance(&f.wheel, 12345 + 1000 * year_ms);
	CHECK_FIRED(&f, "ab");
	CHECK(f.at_ms[0] == 12345 + year_ms && f.at_ms[1] == 12345 + 1000 * year_ms);
	CHECK(wheel_next_ms(&f.wheel) > 0);
	timer_stop(&f.wheel, &never.timer);
	CHECK_INT(wheel_next_ms(&f.wheel), -1);
}

/* ---- against a naive model ---- */

enum { TIMERS = 200, OPERATIONS = 100000 };

struct model {
	struct wheel wheel;
	struct model_timer {
		struct timer timer;
		struct model *model;
		uint64_t due_ms; /* UINT64_MAX: not running */
		uint64_t started;
	} timers[TIMERS];
	uint64_t sequence;
	uint64_t wrong;
};

/* The one that must fire next, or NULL. */
static struct model_timer *model_first(struct model *m)
{
	struct model_timer *first = NULL;
	for (struct model_timer *t = m->timers; t < m->timers + TIMERS; t++) {
		if (t->due_ms == UINT64_MAX)
			continue;
		if (!first || t->due_ms < first->due_ms ||
		    (t->due_ms == first->due_ms && t->started < first->started))
			first = t;
	}
	return first;
}

static void model_fire(struct timer *timer)
{
	struct model_timer *t = CONTAINER(timer, struct model_timer, timer);
	struct model *m = t->model;
	m->wrong += model_first(m) != t || m->wheel.now_ms != t->due_ms;
	t->due_ms = UINT64_MAX;
}

static void model_start(struct model *m, struct model_timer *t, uint64_t delay_ms)
{
	t->due_ms = m->wheel.now_ms + delay_ms;
	t->started = m->sequence++;
	timer_start(&m->wheel, &t->timer, delay_ms);
}

static void model_stop(struct model *m, struct model_timer *t)
{
	t->due_ms = UINT64_MAX;
	timer_stop(&m->wheel, &t->timer);
}

static void model_advance(struct model *m, uint64_t span_ms)
{
	uint64_t now_ms = m->wheel.now_ms + span_ms;
	wheel_advance(&m->wheel, now_ms);
	struct model_timer *first = model_first(m);
	m->wrong += m->wheel.now_ms != now_ms || (first && first->due_ms <= now_ms);
}

static void model_check_next(struct model *m)
{
	struct model_timer *first = model_first(m);
	int64_t next = wheel_next_ms(&m->wheel);
	if (!first)
		m->wrong += next != -1;
	else
		m->wrong += next < 0 || (uint64_t)next > first->due_ms - m->wheel.now_ms;
}

static void model_step(struct model *m, uint64_t chance)
{
	struct model_timer *t = &m->timers[(chance >> 8 & 0xffff) % TIMERS];
	uint64_t span_ms = chance >> 24 >> chance % 40; /* of any magnitude below 2^40 */
	switch (chance % 7) {
	case 0:
		model_stop(m, t);
		break;
	case 1:
	case 2:
		model_advance(m, span_ms >> 4);
		break;
	default:
		model_start(m, t, span_ms);
	}
	model_check_next(m);
}

static void agrees_with_a_naive_model(void)
{
	struct model *m = mem_zalloc(sizeof(*m));
	struct rand_seeded r;
	rand_seeded_init(&r, 42);
	wheel_init(&m->wheel, 99);
	for (int i = 0; i < TIMERS; i++) {
		timer_init(&m->timers[i].timer, model_fire);
		m->timers[i].model = m;
		m->timers[i].due_ms = UINT64_MAX;
	}
	for (int n = 0; n < OPERATIONS; n++)
		model_step(m, rand_u64(&r.rand));
	CHECK_INT(m->wrong, 0);
	free(m);
}

int main(void)
{
	TEST(fires_when_due);
	TEST(equal_times_in_order_of_starting);
	TEST(the_clock_never_goes_back);
	TEST(stopping_is_harmless);
	TEST(restarting_moves);
	TEST(a_fire_function_restarts);
	TEST(a_fire_function_stops_another);
	TEST(a_fire_function_frees_its_owner);
	TEST(long_spans_are_cheap);
	TEST(agrees_with_a_naive_model);
	return tap_done();
}
