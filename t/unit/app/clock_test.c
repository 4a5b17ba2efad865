/* The clock in a time of our own: libuv reads it where the kernel's was. */
#include "app/clock.h"
#include "tap.h"

#include <time.h>
#include <unistd.h>

enum { WALL_S = 1000000000 };

static uint64_t mono_ms, wall_ms;

#pragma GCC visibility push(default) /* libuv shall find it */

int clock_gettime(clockid_t id, struct timespec *t)
{
	uint64_t ms = id == CLOCK_REALTIME ? wall_ms : mono_ms;

	*t = (struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
	return 0;
}

#pragma GCC visibility pop

struct rig {
	uv_loop_t loop;
	struct env env;
	struct clock clock;
	struct timer timers[2];
	char fired[64]; /* which, in turn */
	uv_poll_t poll;
	int pipe[2];
	bool answers; /* what comes in stops the first timer */
	unsigned came;
};

static struct rig *rig; /* timers have no data */

static void fire(struct timer *t)
{
	strcat(rig->fired, t == &rig->timers[0] ? "a" : "b");
}

static void on_readable(uv_poll_t *p, int status, int events)
{
	char byte;

	(void)p;
	(void)status;
	(void)events;
	clock_tick(&rig->clock);
	rig->came += read(rig->pipe[0], &byte, 1) == 1;
	if (rig->answers)
		timer_stop(&rig->env.wheel, &rig->timers[0]);
}

static void setup(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	rig = r;
	mono_ms = 5000;
	wall_ms = (uint64_t)WALL_S * 1000;
	uv_loop_init(&r->loop);
	clock_open(&r->clock, &r->loop, &r->env);
	CHECK_INT(pipe(r->pipe), 0);
	uv_poll_init(&r->loop, &r->poll, r->pipe[0]);
	uv_poll_start(&r->poll, UV_READABLE, on_readable);
	for (int i = 0; i < 2; i++)
		timer_init(&r->timers[i], fire);
}

static void teardown(struct rig *r)
{
	clock_close(&r->clock);
	uv_close((uv_handle_t *)&r->poll, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&r->loop), 0);
	close(r->pipe[0]);
	close(r->pipe[1]);
}

/* One turn of the loop after so much time. */
static void turn_after(struct rig *r, uint64_t ms)
{
	mono_ms += ms;
	wall_ms += ms;
	uv_run(&r->loop, UV_RUN_NOWAIT);
}

static void pass(struct rig *r, uint64_t ms)
{
	while (ms--)
		turn_after(r, 1);
}

static void start(struct rig *r, int i, uint64_t ms)
{
	timer_start(&r->env.wheel, &r->timers[i], ms);
}

static void hand_in(struct rig *r)
{
	CHECK_INT(write(r->pipe[1], "x", 1), 1);
}

static void timers_fire_in_time(void)
{
	struct rig r;

	setup(&r);
	start(&r, 0, 100);
	start(&r, 1, 250);
	turn_after(&r, 99);
	CHECK_STR(r.fired, "");
	turn_after(&r, 1);
	CHECK_STR(r.fired, "a");
	turn_after(&r, 200); /* 50 late */
	CHECK_STR(r.fired, "ab");
	CHECK_INT(env_now_ms(&r.env), mono_ms);
	teardown(&r);
}

static void what_comes_in_is_counted_from_now(void)
{
	struct rig r;

	setup(&r);
	start(&r, 1, 10000);
	hand_in(&r);
	turn_after(&r, 300);
	CHECK_INT(r.came, 1);
	CHECK_INT(env_now_ms(&r.env), mono_ms);
	teardown(&r);
}

static void an_answer_in_the_socket_comes_before_the_time_out(void)
{
	struct rig r;

	setup(&r);
	r.answers = true;
	start(&r, 0, 100);
	hand_in(&r);
	turn_after(&r, 150);
	turn_after(&r, 1);
	CHECK_INT(r.came, 1);
	CHECK_STR(r.fired, "");
	teardown(&r);
}

/* The loop wakes before a timer is due, to turn the wheel: there the stall begins. */
static void a_stall_is_no_time(void)
{
	struct rig r;

	setup(&r);
	start(&r, 0, 100);
	start(&r, 1, 500);
	turn_after(&r, 60000);
	CHECK(env_now_ms(&r.env) <= 5100);
	CHECK_INT(env_wall_s(&r.env), WALL_S + 60);
	pass(&r, 100);
	CHECK_STR(r.fired, "a");
	CHECK_INT(env_now_ms(&r.env), mono_ms - r.clock.held_ms);
	pass(&r, 300);
	CHECK_STR(r.fired, "a");
	pass(&r, 100);
	CHECK_STR(r.fired, "ab");
	pass(&r, 4500);
	CHECK_INT(env_wall_s(&r.env), WALL_S + 65);
	teardown(&r);
}

/* What came before the stall's end is handled in the right wall time. */
static void after_a_stall_the_wall_clock_is_right_at_once(void)
{
	struct rig r;

	setup(&r);
	r.answers = true;
	start(&r, 0, 100);
	hand_in(&r);
	turn_after(&r, 60000);
	CHECK_STR(r.fired, "");
	CHECK_INT(env_wall_s(&r.env), WALL_S + 60);
	teardown(&r);
}

static void sleeping_without_timers_is_time(void)
{
	struct rig r;

	setup(&r);
	start(&r, 0, 90000);
	hand_in(&r);
	turn_after(&r, 3000); /* before the wheel's next turn, for sure */
	CHECK_INT(env_now_ms(&r.env), mono_ms);
	CHECK_INT(r.clock.held_ms, 0);
	teardown(&r);
}

/* Time is slow then, but it does not stand still. */
static void under_overload_timers_fire_all_the_same(void)
{
	struct rig r;

	setup(&r);
	start(&r, 0, 100);
	start(&r, 1, 300);
	for (int i = 0; i < 4; i++) {
		hand_in(&r);
		turn_after(&r, 1000);
	}
	CHECK_STR(r.fired, "ab");
	CHECK_INT(r.came, 4);
	CHECK_INT(env_wall_s(&r.env), WALL_S + 4);
	teardown(&r);
}

int main(void)
{
	TEST(timers_fire_in_time);
	TEST(what_comes_in_is_counted_from_now);
	TEST(an_answer_in_the_socket_comes_before_the_time_out);
	TEST(a_stall_is_no_time);
	TEST(after_a_stall_the_wall_clock_is_right_at_once);
	TEST(sleeping_without_timers_is_time);
	TEST(under_overload_timers_fire_all_the_same);
	return tap_done();
}
