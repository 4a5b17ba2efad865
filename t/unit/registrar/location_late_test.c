/*
 * Changes that the store keeps waiting, and those whose outcome nobody knows.
 */
#include "location_rig.h"

#include "store/patience.h"

enum { WAIT_MS = 3000 };

static struct patience patience;

static bool take_back(struct store *s, struct store_op *op)
{
	(void)s;
	list_remove(&op->node);
	return true;
}

/* withdrawing: what waits has not begun. */
static void set_up(struct world *w, enum location_mode mode, bool withdrawing)
{
	*w = (struct world){.o.wait_ms = WAIT_MS};
	rig_init(&w->rig);
	w->rig.store.withdraw = withdrawing ? take_back : NULL;
	patience_init(&patience, &w->rig.sim.env, &w->rig.store, WAIT_MS, 100);
	w->store = &patience.store;
	start(w, mode);
}

static void pass(struct world *w, uint64_t ms)
{
	sim_advance(&w->rig.sim, ms);
}

static void what_never_began_leaves_nothing(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct world w;
		set_up(&w, i ? LOCATION_STORE_ONLY : LOCATION_WRITE_THROUGH, true);
		struct edit_one e = put(&w, "sip:a", 60, -1);
		w.rig.slow = true;
		change(&e);
		pass(&w, WAIT_MS - 1);
		CHECK(!e.done);
		pass(&w, 1);
		CHECK(e.done);
		CHECK_INT(w.error, STORE_UNAVAILABLE);
		CHECK_INT(rig_serve(&w.rig), 0);
		CHECK_INT(rows(&w), 0);
		w.rig.slow = false;
		CHECK_STR(lookup(&w), "");
		CHECK_STR(add(&w, "sip:a", 60, -1), "sip:a"); /* nobody holds it */
		teardown(&w);
	}
}

static void a_late_write_counts_when_it_is_done(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	struct edit_one e = put(&w, "sip:a", 600, -1);
	w.rig.slow = true;
	change(&e);
	pass(&w, WAIT_MS);
	CHECK(e.done);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	CHECK_STR(lookup(&w), "");
	pass(&w, 2000);
	CHECK_INT(rig_serve(&w.rig), 1);
	CHECK_INT(w.answers, 2); /* of the change and the lookup: nothing more was said */
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_INT(rows(&w), 1);
	w.rig.slow = false;
	CHECK_STR(take(&w, "sip:a"), "");
	CHECK_INT(rows(&w), 0);
	teardown(&w);
}

static void a_late_failure_changes_nothing(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	struct edit_one e = put(&w, "sip:a", 600, -1);
	w.rig.slow = true;
	change(&e);
	pass(&w, WAIT_MS);
	w.rig.broken = true;
	rig_serve(&w.rig);
	w.rig.slow = w.rig.broken = false;
	CHECK_STR(lookup(&w), "");
	CHECK_STR(add(&w, "sip:b", 60, -1), "sip:b");
	teardown(&w);
}

/* An un-REGISTER right behind a REGISTER that has not ended must not overtake it. */
static void who_comes_behind_waits_for_the_outcome(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct world w;
		set_up(&w, i ? LOCATION_STORE_ONLY : LOCATION_WRITE_THROUGH, false);
		struct edit_one first = put(&w, "sip:a", 600, -1);
		struct edit_one second = {.w = &w, .contact = "sip:a", .remove = true};
		w.rig.slow = true;
		change(&first);
		if (i)
			rig_serve(&w.rig); /* the load; its write is what waits */
		pass(&w, WAIT_MS);
		CHECK(first.done);
		change(&second);
		CHECK(!second.done);
		w.rig.slow = false;
		rig_serve(&w.rig);
		CHECK(second.done);
		CHECK_INT(w.error, STORE_OK);
		CHECK_INT(rows(&w), 0);
		teardown(&w);
	}
}

static void the_line_has_a_deadline_too(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	struct edit_one e[5];
	w.rig.slow = true;
	for (unsigned i = 0; i < 5; i++) {
		e[i] = put(&w, "sip:a", 600, -1);
		change(&e[i]);
		pass(&w, 100);
	}
	pass(&w, WAIT_MS - 500);
	CHECK(e[0].done && !e[1].done);
	pass(&w, 100);
	CHECK(e[1].done && !e[2].done);
	pass(&w, 300);
	CHECK(e[4].done);
	CHECK_INT(w.answers, 5);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	CHECK_INT(rig_serve(&w.rig), 1); /* only the first got so far */
	CHECK_INT(rows(&w), 1);
	teardown(&w);
}

/* The line's wait counts. */
static void a_change_waits_no_longer_in_all(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	struct edit_one a = put(&w, "sip:a", 600, -1), b = put(&w, "sip:b", 600, -1);
	w.rig.slow = true;
	change(&a);
	change(&b);
	pass(&w, 2000);
	CHECK_INT(rig_serve(&w.rig), 1);
	CHECK(a.done);
	pass(&w, 999);
	CHECK(!b.done);
	pass(&w, 1);
	CHECK(b.done);
	rig_serve(&w.rig);
	teardown(&w);
}

static void a_put_in_doubt_is_undone(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	w.rig.forgetful = true;
	add(&w, "sip:a", 600, -1);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	CHECK_INT(rows(&w), 1);
	CHECK_STR(lookup(&w), "");
	w.rig.forgetful = false;
	pass(&w, 1000);
	CHECK_INT(rows(&w), 0);
	CHECK_INT(w.rig.settled, 1); /* and will not come back */
	CHECK_STR(add(&w, "sip:b", 600, -1), "sip:b");
	teardown(&w);
}

static void a_refresh_in_doubt_is_undone(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	add(&w, "sip:a", 60, -1);
	w.rig.forgetful = true;
	add(&w, "sip:a", 600, -1);
	w.rig.forgetful = false;
	pass(&w, 1000);
	stop(&w);
	start(&w, LOCATION_WRITE_THROUGH);
	load(&w);
	pass(&w, 58000);
	CHECK_STR(lookup(&w), "sip:a");
	pass(&w, 2000);
	CHECK_STR(lookup(&w), "");
	teardown(&w);
}

static void a_remove_in_doubt_is_undone(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	add(&w, "sip:a", 600, -1);
	w.rig.forgetful = true;
	take(&w, "sip:a");
	CHECK_INT(rows(&w), 0);
	CHECK_STR(lookup(&w), "sip:a");
	w.rig.forgetful = false;
	pass(&w, 1000);
	CHECK_INT(rows(&w), 1);
	teardown(&w);
}

static void a_doubt_lasts_until_the_store_is_back(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	w.rig.forgetful = true;
	add(&w, "sip:a", 600, -1);
	w.rig.forgetful = false;
	w.rig.broken = true;
	struct edit_one e = put(&w, "sip:b", 600, -1);
	change(&e);
	pass(&w, 10000);
	CHECK(e.done);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	CHECK_INT(rows(&w), 1);
	unsigned before = w.rig.asked;
	pass(&w, 10000);
	CHECK(w.rig.asked - before <= 40);
	w.rig.broken = false;
	pass(&w, 300);
	CHECK_INT(rows(&w), 0);
	CHECK_STR(add(&w, "sip:b", 600, -1), "sip:b");
	teardown(&w);
}

/* The store is right: nothing is undone, but who comes next finds it settled. */
static void in_the_store_a_doubt_is_settled(void)
{
	struct world w;
	set_up(&w, LOCATION_STORE_ONLY, false);
	w.rig.forgetful = true;
	add(&w, "sip:a", 600, -1);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	w.rig.forgetful = false;
	w.rig.broken = true;
	struct edit_one e = {.w = &w, .contact = "sip:a", .remove = true};
	change(&e);
	pass(&w, 1000);
	CHECK(!e.done);
	CHECK_INT(w.rig.settled, 0);
	w.rig.broken = false;
	pass(&w, 300);
	CHECK_INT(w.rig.settled, 1);
	CHECK(e.done);
	CHECK_INT(w.error, STORE_OK);
	CHECK_INT(rows(&w), 0);
	teardown(&w);
}

static void a_close_does_not_wait_for_doubts(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	w.rig.forgetful = true;
	add(&w, "sip:a", 600, -1);
	teardown(&w);

	set_up(&w, LOCATION_WRITE_THROUGH, false);
	w.rig.forgetful = true;
	add(&w, "sip:a", 600, -1);
	w.rig.slow = true;
	pass(&w, 300); /* an attempt is under way */
	w.rig.forgetful = false;
	w.rig.broken = true;
	teardown(&w);
}

static void a_lookup_in_the_store_has_a_deadline(void)
{
	struct world w;
	set_up(&w, LOCATION_STORE_ONLY, false);
	w.rig.slow = true;
	lookup(&w);
	pass(&w, WAIT_MS);
	CHECK_INT(w.answers, 1);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	rig_serve(&w.rig);
	CHECK_INT(w.answers, 1);
	teardown(&w);
}

static void a_full_house_has_no_line(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_THROUGH, false);
	struct edit_one a = put(&w, "sip:a", 600, -1), b = put(&w, "sip:b", 600, -1);
	w.rig.slow = true;
	change(&a);
	patience.parked = 100;
	change(&b);
	CHECK(!a.done && b.done);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	rig_serve(&w.rig);
	CHECK(a.done);
	CHECK_STR(lookup(&w), "sip:a");
	teardown(&w);
}

static void flushes_have_time(void)
{
	struct world w;
	set_up(&w, LOCATION_WRITE_BACK, true);
	add(&w, "sip:a", 600, -1);
	w.rig.slow = true;
	pass(&w, 60000 + 2 * WAIT_MS);
	CHECK_INT(rows(&w), 0);
	rig_serve(&w.rig);
	CHECK_INT(rows(&w), 1);
	teardown(&w);
}

int main(void)
{
	TEST(what_never_began_leaves_nothing);
	TEST(a_late_write_counts_when_it_is_done);
	TEST(a_late_failure_changes_nothing);
	TEST(who_comes_behind_waits_for_the_outcome);
	TEST(the_line_has_a_deadline_too);
	TEST(a_change_waits_no_longer_in_all);
	TEST(a_put_in_doubt_is_undone);
	TEST(a_refresh_in_doubt_is_undone);
	TEST(a_remove_in_doubt_is_undone);
	TEST(a_doubt_lasts_until_the_store_is_back);
	TEST(in_the_store_a_doubt_is_settled);
	TEST(a_close_does_not_wait_for_doubts);
	TEST(a_lookup_in_the_store_has_a_deadline);
	TEST(a_full_house_has_no_line);
	TEST(flushes_have_time);
	return tap_done();
}
