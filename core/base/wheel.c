/*
 * The place of a timer follows from two numbers: write now and due in base 64;
 * the highest digit in which they differ is the level, due's digit there the
 * slot.  So a slot of level 0 holds one millisecond; all of level 0 is due
 * before all of level 1, and so on; and a slot of a higher level is dealt out
 * to the lower ones at the moment the clock reaches its first millisecond,
 * which is before anything can be started in those directly.  Hence the lists
 * keep the order of starting without ever being sorted.
 */
#include "base/wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	*w = (struct wheel){.now_ms = now_ms};
	for (int level = 0; level < WHEEL_LEVELS; level++)
		for (int slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
}

static int level_of(const struct wheel *w, uint64_t due_ms)
{
	uint64_t differ = due_ms ^ w->now_ms;
	return differ ? (63 - __builtin_clzll(differ)) / WHEEL_BITS : 0;
}

static int slot_of(int level, uint64_t due_ms)
{
	return (int)(due_ms >> (level * WHEEL_BITS) & (WHEEL_SLOTS - 1));
}

static void place(struct wheel *w, struct timer *t)
{
	int level = level_of(w, t->due_ms), slot = slot_of(level, t->due_ms);
	list_push(&w->slots[level][slot], &t->node);
	w->occupied[level] |= UINT64_C(1) << slot;
}

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
	list_init(&t->node);
	t->due_ms = 0;
	t->fire = fire;
}

bool timer_running(const struct timer *t)
{
	return t->node.next && !list_empty(&t->node);
}

void timer_start(struct wheel *w, struct timer *t, uint64_t delay_ms)
{
	timer_stop(w, t);
	t->due_ms = delay_ms > UINT64_MAX - w->now_ms ? UINT64_MAX : w->now_ms + delay_ms;
	place(w, t);
	w->count++;
}

void timer_stop(struct wheel *w, struct timer *t)
{
	if (!timer_running(t))
		return;
	int level = level_of(w, t->due_ms), slot = slot_of(level, t->due_ms);
	list_remove(&t->node);
	if (list_empty(&w->slots[level][slot]))
		w->occupied[level] &= ~(UINT64_C(1) << slot);
	w->count--;
}

/* The first slot that holds timers, and its first millisecond. */
static bool next_slot(const struct wheel *w, int *level, int *slot, uint64_t *at_ms)
{
	int l = 0;
	while (l < WHEEL_LEVELS && !w->occupied[l])
		l++;
	if (l == WHEEL_LEVELS)
		return false;
	int shift = l * WHEEL_BITS;
	uint64_t above = l == WHEEL_LEVELS - 1 ? 0 : ~UINT64_C(0) << (shift + WHEEL_BITS);
	*level = l;
	*slot = __builtin_ctzll(w->occupied[l]);
	*at_ms = (w->now_ms & above) | (uint64_t)*slot << shift;
	return true;
}

/* Deals a slot of a higher level, whose time has come, out to the levels below. */
static void deal_out(struct wheel *w, int level, int slot)
{
	struct list *node;
	w->occupied[level] &= ~(UINT64_C(1) << slot);
	while ((node = list_shift(&w->slots[level][slot])))
		place(w, CONTAINER(node, struct timer, node));
}

static void fire_first(struct wheel *w, int slot)
{
	struct timer *t = CONTAINER(w->slots[0][slot].next, struct timer, node);
	timer_stop(w, t);
	t->fire(t);
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
	int level, slot;
	uint64_t at_ms;
	while (next_slot(w, &level, &slot, &at_ms) && at_ms <= now_ms) {
		w->now_ms = at_ms;
		if (level == 0)
			fire_first(w, slot);
		else
			deal_out(w, level, slot);
	}
	if (now_ms > w->now_ms)
		w->now_ms = now_ms;
}

int64_t wheel_next_ms(const struct wheel *w)
{
	int level, slot;
	uint64_t at_ms;
	if (!next_slot(w, &level, &slot, &at_ms))
		return -1;
	uint64_t wait_ms = at_ms - w->now_ms;
	return wait_ms > INT64_MAX ? INT64_MAX : (int64_t)wait_ms;
}
