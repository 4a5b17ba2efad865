#include "location_rig.h"

enum { ROWS = 2500, BOB = 2400 }; /* bob's row is on the third page */

/* A store that reads a page at once but is slow to tell: what it tells is of before. */
struct stale {
	struct store store;
	struct world *w;
	struct list pages;
};

static void stale_submit(struct store *s, struct store_op *op)
{
	struct stale *x = CONTAINER(s, struct stale, store);
	if (op->kind != STORE_LOCATION_SCAN) {
		rig_submit(&x->w->rig.store, op);
		return;
	}
	store_run(x->w->rig.db, op);
	list_push(&x->pages, &op->node);
}

static bool stale_tell(struct stale *x)
{
	struct list *node = list_shift(&x->pages);
	if (!node)
		return false;
	struct store_op *op = CONTAINER(node, struct store_op, node);
	if (x->w->rig.broken)
		op->error = STORE_UNAVAILABLE;
	op->done(op);
	return true;
}

static void setup_stale(struct world *w, struct stale *x, enum location_mode mode)
{
	*w = (struct world){0};
	rig_init(&w->rig);
	*x = (struct stale){.store = {.submit = stale_submit}, .w = w};
	list_init(&x->pages);
	w->store = &x->store;
	start(w, mode);
	for (int i = 1; i <= ROWS; i++) {
		char name[16];
		snprintf(name, sizeof(name), i == BOB ? "bob" : "u%d", i);
		write_row(w, name, name, "sip:there", env_wall_s(&w->rig.sim.env) + 1000);
	}
}

static unsigned bindings(const struct world *w)
{
	struct location_counters c;
	location_count(w->l, &c);
	return (unsigned)c.bindings;
}

static void tell_all(struct stale *x)
{
	while (stale_tell(x))
		;
}

static const enum location_mode kept[] = {LOCATION_WRITE_THROUGH, LOCATION_WRITE_BACK};
#define EACH_KEPT(m) for (const enum location_mode *m = kept; m < kept + 2; m++)

static void serves_after_the_first_page(void)
{
	EACH_KEPT(m)
	{
		struct world w;
		struct stale x;
		setup_stale(&w, &x, *m);
		CHECK_INT(load(&w), -1);
		stale_tell(&x);
		CHECK_INT(w.verdict, 1000);
		CHECK_STR(lookup(&w), "sip:there");
		CHECK_INT(w.rig.last, STORE_LOCATION_LOAD);
		tell_all(&x);
		CHECK_INT(bindings(&w), ROWS);
		unsigned asked = w.rig.asked;
		CHECK_STR(lookup(&w), "sip:there");
		CHECK_INT(w.rig.asked, asked);
		CHECK_INT(rig_logged(&w.rig, "all 2500 rows are loaded"), 1);
		teardown(&w);
	}
}

static void what_was_changed_meanwhile_stays_changed(void)
{
	EACH_KEPT(m)
	{
		struct world w;
		struct stale x;
		setup_stale(&w, &x, *m);
		load(&w);
		stale_tell(&x);
		stale_tell(&x); /* the third page is read, and not told */
		CHECK_STR(add(&w, "sip:here", 100, -1), "sip:there sip:here");
		CHECK_STR(take(&w, "sip:there"), "sip:here");
		CHECK_INT(rows(&w), ROWS);
		CHECK_STR(lookup(&w), "sip:here");
		tell_all(&x);
		CHECK_STR(lookup(&w), "sip:here");
		CHECK_INT(bindings(&w), ROWS);
		teardown(&w);
	}
}

/* Answered 503, and perhaps written: it is taken back, though a page has brought it. */
static void a_doubt_meanwhile_is_settled(void)
{
	struct world w;
	struct stale x;
	setup_stale(&w, &x, LOCATION_WRITE_THROUGH);
	load(&w);
	stale_tell(&x);
	w.rig.forgetful = true;
	add(&w, "sip:here", 100, -1);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	w.rig.forgetful = false;
	CHECK_INT(rows(&w), ROWS + 1);
	tell_all(&x);
	CHECK_STR(lookup(&w), "sip:there");
	rig_seconds(&w.rig, 1);
	CHECK_INT(rows(&w), ROWS);
	CHECK_STR(lookup(&w), "sip:there");
	teardown(&w);
}

/* It began while the table was loading; who comes after it, when all is in memory, waits. */
static void a_change_outlives_the_loading(void)
{
	EACH_KEPT(m)
	{
		struct world w;
		struct stale x;
		setup_stale(&w, &x, *m);
		load(&w);
		stale_tell(&x);
		w.rig.slow = true;
		struct edit_one first = put(&w, "sip:one", 100, -1);
		struct edit_one second = put(&w, "sip:two", 100, -1);
		change(&first);
		tell_all(&x);
		change(&second);
		CHECK(!first.done && !second.done);
		while (rig_serve(&w.rig) > 0)
			;
		CHECK(first.done && second.done);
		CHECK_STR(lookup(&w), "sip:there sip:one sip:two");
		w.rig.slow = false;
		teardown(&w);
	}
}

static void a_page_that_fails_is_asked_for_again(void)
{
	struct world w;
	struct stale x;
	setup_stale(&w, &x, LOCATION_WRITE_THROUGH);
	load(&w);
	stale_tell(&x);
	w.rig.broken = true;
	stale_tell(&x);
	CHECK(!stale_tell(&x));
	CHECK_INT(rig_logged(&w.rig, "loading goes on when the store answers"), 1);
	w.rig.broken = false;
	rig_seconds(&w.rig, 2);
	tell_all(&x);
	CHECK_INT(bindings(&w), ROWS);
	teardown(&w);
}

static void a_first_page_that_fails_is_told(void)
{
	struct world w;
	struct stale x;
	setup_stale(&w, &x, LOCATION_WRITE_THROUGH);
	load(&w);
	w.rig.broken = true;
	stale_tell(&x);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	w.rig.broken = false;
	teardown(&w);
}

static void ends_while_it_is_loading(void)
{
	for (int waits = 0; waits < 2; waits++) {
		struct world w;
		struct stale x;
		setup_stale(&w, &x, LOCATION_WRITE_THROUGH);
		load(&w);
		stale_tell(&x);
		w.rig.broken = waits;
		if (waits)
			stale_tell(&x);
		location_close(w.l, on_closed, &w);
		tell_all(&x);
		CHECK_INT(w.closed, 1);
		rig_free(&w.rig);
	}
}

int main(void)
{
	TEST(serves_after_the_first_page);
	TEST(what_was_changed_meanwhile_stays_changed);
	TEST(a_doubt_meanwhile_is_settled);
	TEST(a_change_outlives_the_loading);
	TEST(a_page_that_fails_is_asked_for_again);
	TEST(a_first_page_that_fails_is_told);
	TEST(ends_while_it_is_loading);
	return tap_done();
}
