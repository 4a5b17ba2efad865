#include "app/clock.h"

#include <stdlib.h>
#include <time.h>

enum {
	WALL_EVERY_MS = 1000, /* how often the wall clock is read */
	WALL_STEP_MS = 50,    /* what it must be off by to be followed */
	STALL_MS = 200,       /* how late a timer may be by the loop's time */
};

/*
 * The wall clock may be set while we run; expiry and nonces follow it.  They must
 * not see it go back by the jitter of two readings: a nonce made now would be one
 * from the future.
 */
static void read_wall(struct clock *c, uint64_t now_ms)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	int64_t wall_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	int64_t offset_ms = wall_ms - (int64_t)(uv_hrtime() / 1000000 - c->held_ms);
	if (llabs(offset_ms - c->env->wall_offset_ms) > WALL_STEP_MS)
		c->env->wall_offset_ms = offset_ms;
	c->wall_ms = now_ms;
}

/* When the loop had to be awake at the latest. */
static uint64_t due_of(const struct clock *c)
{
	int64_t next_ms = wheel_next_ms(&c->env->wheel);
	return next_ms < 0 ? UINT64_MAX : c->env->wheel.now_ms + (uint64_t)next_ms;
}

/* The time for the wheel. */
static uint64_t now_of(struct clock *c, uint64_t due_ms)
{
	uint64_t loop_ms = uv_now(c->timer.loop), now_ms = loop_ms - c->held_ms;
	if (now_ms > due_ms && now_ms - due_ms > STALL_MS) {
		c->held_ms += now_ms - due_ms;
		c->env->wall_offset_ms += (int64_t)(now_ms - due_ms);
		now_ms = due_ms;
	}
	if (loop_ms - c->wall_ms >= WALL_EVERY_MS)
		read_wall(c, loop_ms);
	return now_ms;
}

void clock_tick(struct clock *c)
{
	uint64_t due_ms = due_of(c), now_ms = now_of(c, due_ms);
	wheel_advance(&c->env->wheel, now_ms < due_ms ? now_ms : due_ms - 1);
}

/* All has been handed in. */
static void after_sleep(uv_check_t *k)
{
	struct clock *c = k->data;
	wheel_advance(&c->env->wheel, now_of(c, due_of(c)));
}

/* It has woken the loop, which looks at the sockets first. */
static void on_timer(uv_timer_t *t)
{
	(void)t;
}

static void before_sleep(uv_prepare_t *p)
{
	struct clock *c = p->data;
	uint64_t due_ms = due_of(c), now_ms = uv_now(c->timer.loop) - c->held_ms;
	if (due_ms == UINT64_MAX) {
		uv_timer_stop(&c->timer);
		return;
	}
	if (uv_is_active((uv_handle_t *)&c->timer) && c->due_ms == due_ms)
		return;
	c->due_ms = due_ms;
	uv_timer_start(&c->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

void clock_open(struct clock *c, uv_loop_t *loop, struct env *env)
{
	*c = (struct clock){.env = env};
	uv_timer_init(loop, &c->timer);
	uv_prepare_init(loop, &c->before_sleep);
	uv_check_init(loop, &c->after_sleep);
	c->timer.data = c->before_sleep.data = c->after_sleep.data = c;
	uv_update_time(loop);
	wheel_init(&env->wheel, uv_now(loop));
	env->wall_offset_ms = 0;
	read_wall(c, uv_now(loop));
	uv_prepare_start(&c->before_sleep, before_sleep);
	uv_check_start(&c->after_sleep, after_sleep);
}

void clock_close(struct clock *c)
{
	uv_close((uv_handle_t *)&c->timer, NULL);
	uv_close((uv_handle_t *)&c->before_sleep, NULL);
	uv_close((uv_handle_t *)&c->after_sleep, NULL);
}
