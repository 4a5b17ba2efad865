#include "location_rig.h"

/* ---- what is where, and when ---- */

static void memory_writes_nothing(void)
{
	struct world w;
	setup(&w, LOCATION_MEMORY);
	add(&w, "sip:a", 60, -1);
	rig_seconds(&w.rig, 300);
	CHECK_INT(load(&w), 0);
	CHECK_INT(w.rig.asked, 0);
	teardown(&w);
	CHECK_INT(w.rig.asked, 0);
}

static void write_through_writes_first(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_THROUGH);
	w.rig.slow = true;
	struct edit_one e = put(&w, "sip:a", 60, -1);
	change(&e);
	CHECK(!e.done);
	CHECK_STR(lookup(&w), ""); /* not blocked, and not yet */
	rig_serve(&w.rig);
	CHECK(e.done);
	CHECK_INT(rows(&w), 1);
	CHECK_STR(lookup(&w), "sip:a");
	teardown(&w);
}

/* What the next operation, a write, says of its row. */
static bool next_is_known(struct world *w)
{
	const struct store_op *op = CONTAINER(w->rig.waiting.next, struct store_op, node);
	CHECK_INT(op->kind, STORE_LOCATION_WRITE);
	CHECK_INT(op->n_puts, 1);
	return op->puts->known;
}

static void a_refresh_says_so(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_THROUGH);
	w.rig.slow = true;
	struct edit_one first = put(&w, "sip:a", 60, -1), again = first, other = first;
	other.contact = "sip:b";
	change(&first);
	CHECK(!next_is_known(&w));
	rig_serve(&w.rig);
	change(&again);
	CHECK(next_is_known(&w));
	rig_serve(&w.rig);
	change(&other);
	CHECK(!next_is_known(&w));
	rig_serve(&w.rig);
	CHECK(first.done && again.done && other.done);
	teardown(&w);
}

static void survives_a_restart(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		bool kept = *mode != LOCATION_MEMORY;
		setup(&w, *mode);
		add(&w, "sip:a", 100, 500);
		add(&w, "sip:b", 100, -1);
		add(&w, "sip:a", 100, 700);
		stop(&w);
		CHECK_INT(w.close_error, STORE_OK);
		CHECK_INT(rows(&w), kept ? 2 : 0);
		start(&w, *mode);
		load(&w);
		CHECK_STR(lookup(&w), kept ? "sip:b sip:a" : "");
		add(&w, "sip:a", 100, -1);
		stop(&w);
		CHECK_INT(rows(&w), kept ? 2 : 0);
		start(&w, *mode);
		load(&w);
		CHECK_STR(lookup(&w), kept ? "sip:a sip:b" : "");
		teardown(&w);
	}
}

static void write_back_waits_for_the_tick(void)
{
	struct world w;
	struct location_counters c;
	setup(&w, LOCATION_WRITE_BACK);
	add(&w, "sip:a", 600, -1);
	add(&w, "sip:b", 600, -1);
	add(&w, "sip:a", 700, -1);
	CHECK_INT(w.rig.asked, 0);
	location_count(w.l, &c);
	CHECK_INT(c.dirty, 2);
	rig_seconds(&w.rig, 60);
	CHECK_INT(rows(&w), 2);
	location_count(w.l, &c);
	CHECK_INT(c.dirty, 0);
	take(&w, "sip:a");
	CHECK_INT(rows(&w), 2);
	rig_seconds(&w.rig, 60);
	CHECK_INT(rows(&w), 1);
	teardown(&w);
}

static void add_many(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		char contact[32];
		snprintf(contact, sizeof(contact), "sip:%d", i);
		add(w, contact, 600, -1);
	}
}

static void write_back_writes_at_the_end(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_BACK);
	w.rig.slow = true;
	add_many(&w, 1200); /* more than a batch */
	stop(&w);
	CHECK_INT(w.close_error, STORE_OK);
	CHECK_INT(rows(&w), 1200);
	rig_free(&w.rig);
}

static void a_failed_flush_keeps_its_dirt(void)
{
	struct world w;
	struct location_counters c;
	setup(&w, LOCATION_WRITE_BACK);
	add(&w, "sip:a", 600, -1);
	w.rig.broken = true;
	rig_seconds(&w.rig, 180);
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_INT(rig_logged(&w.rig, "it is unplugged"), 1);
	location_count(w.l, &c);
	CHECK_INT(c.dirty, 1);
	w.rig.broken = false;
	rig_seconds(&w.rig, 60);
	CHECK_INT(rows(&w), 1);
	CHECK_INT(rig_logged(&w.rig, "answers again"), 1);
	teardown(&w);
}

/* Not kept, and said so once: the others are written, now and at the end. */
static void a_refused_row_keeps_no_other(void)
{
	struct world w;
	struct location_counters c;
	setup(&w, LOCATION_WRITE_BACK);
	add_many(&w, 1200);
	w.rig.refused = "sip:700";
	rig_seconds(&w.rig, 60);
	CHECK_INT(rows(&w), 1199);
	CHECK(w.rig.asked < 50);
	CHECK_INT(rig_logged(&w.rig, "sip:700 of bob is not kept: incorrect string value"), 1);
	location_count(w.l, &c);
	CHECK_INT(c.dirty, 0);
	rig_seconds(&w.rig, 120);
	CHECK_INT(rig_logged(&w.rig, "sip:700"), 1);
	teardown(&w);
	CHECK_INT(w.close_error, STORE_OK);
}

static void a_refused_row_at_the_end_keeps_no_other(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_BACK);
	add_many(&w, 1200);
	w.rig.refused = "sip:3";
	stop(&w);
	CHECK_INT(rows(&w), 1199);
	CHECK_INT(w.close_error, STORE_FAILED);
	rig_free(&w.rig);
}

/* When nothing is taken it is not the rows: most are there for the next time. */
static void a_refusing_table_ends_the_flush(void)
{
	struct world w;
	struct location_counters c;
	setup(&w, LOCATION_WRITE_BACK);
	add_many(&w, 1200);
	w.rig.refused = "*";
	rig_seconds(&w.rig, 60);
	CHECK(w.rig.asked < 50);
	location_count(w.l, &c);
	CHECK(c.dirty > 1190);
	w.rig.refused = NULL;
	rig_seconds(&w.rig, 60);
	CHECK_INT(rows(&w), c.dirty);
	teardown(&w);
}

static void a_failed_last_flush_is_told(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_BACK);
	add(&w, "sip:a", 600, -1);
	w.rig.broken = true;
	stop(&w);
	CHECK_INT(w.close_error, STORE_UNAVAILABLE);
	rig_free(&w.rig);
}

/* A binding that changes while its old state is being written is written again. */
static void changes_during_a_flush(void)
{
	struct world w;
	struct location_counters c;
	setup(&w, LOCATION_WRITE_BACK);
	add(&w, "sip:a", 600, -1);
	add(&w, "sip:b", 600, -1);
	w.rig.slow = true;
	rig_seconds(&w.rig, 60);
	take(&w, "sip:a");
	add(&w, "sip:c", 600, -1);
	while (rig_serve(&w.rig) > 0)
		;
	location_count(w.l, &c);
	CHECK_INT(c.dirty, 2);
	CHECK_INT(rows(&w), 2);
	rig_seconds(&w.rig, 60);
	while (rig_serve(&w.rig) > 0)
		;
	location_count(w.l, &c);
	CHECK_INT(c.dirty, 0);
	CHECK_INT(rows(&w), 2);
	CHECK_STR(lookup(&w), "sip:b sip:c");
	teardown(&w);
}

static void expired_rows_leave_the_store(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		if (*mode == LOCATION_MEMORY)
			continue;
		setup(&w, *mode);
		add(&w, "sip:a", 70, -1);
		add(&w, "sip:b", 600, -1);
		rig_seconds(&w.rig, 60);
		CHECK_INT(rows(&w), 2);
		rig_seconds(&w.rig, 61);
		CHECK_INT(rows(&w), 1);
		teardown(&w);
	}
}

static void flush_interval_can_change(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_BACK);
	location_set_flush(w.l, 1000);
	add(&w, "sip:a", 600, -1);
	rig_seconds(&w.rig, 1);
	CHECK_INT(rows(&w), 1);
	teardown(&w);
}

/* ---- slow and broken stores ---- */

static void a_broken_store_changes_nothing(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		if (*mode != LOCATION_WRITE_THROUGH && *mode != LOCATION_STORE_ONLY)
			continue;
		setup(&w, *mode);
		add(&w, "sip:a", 600, -1);
		w.rig.broken = true;
		struct edit_one e = put(&w, "sip:b", 600, -1);
		change(&e);
		CHECK(e.done);
		CHECK_INT(w.error, STORE_UNAVAILABLE);
		take(&w, "sip:a");
		CHECK_INT(w.error, STORE_UNAVAILABLE);
		lookup(&w);
		CHECK_INT(w.error, *mode == LOCATION_STORE_ONLY ? STORE_UNAVAILABLE : STORE_OK);
		CHECK_INT(rig_logged(&w.rig, "it is unplugged"), 1);
		w.rig.broken = false;
		CHECK_STR(lookup(&w), "sip:a");
		CHECK_INT(rows(&w), 1);
		teardown(&w);
	}
}

static void changes_of_one_aor_wait_in_line(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_THROUGH);
	add(&w, "sip:a", 600, -1);
	w.rig.slow = true;
	struct edit_one e[3] = {put(&w, "sip:b", 600, -1),
				{.w = &w, .contact = "sip:b", .remove = true},
				put(&w, "sip:c", 600, -1)};
	for (unsigned i = 0; i < 3; i++)
		change(&e[i]);
	CHECK_INT(w.rig.asked, 1 + 1); /* the others have not even read */
	CHECK_STR(lookup(&w), "sip:a");
	rig_serve(&w.rig);
	CHECK(e[0].done && !e[1].done);
	CHECK_STR(lookup(&w), "sip:a sip:b");
	rig_serve(&w.rig);
	CHECK(e[1].done && !e[2].done); /* it saw sip:b, so it could remove it */
	CHECK_STR(lookup(&w), "sip:a");
	rig_serve(&w.rig);
	CHECK(e[2].done);
	CHECK_STR(lookup(&w), "sip:a sip:c");
	CHECK_INT(rows(&w), 2);
	teardown(&w);
}

static void other_aors_do_not_wait(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_THROUGH);
	w.rig.slow = true;
	struct edit_one e = put(&w, "sip:a", 600, -1), f = put(&w, "sip:b", 600, -1);
	change(&e);
	location_change(w.l, SLICE("alice"), SLICE("h"), &f, merge, changed);
	CHECK_INT(rig_serve(&w.rig), 2);
	CHECK(e.done && f.done);
	teardown(&w);
}

static void a_long_line_on_a_broken_store(void)
{
	enum { N = 20000 };
	static struct edit_one e[N];
	struct world w;
	unsigned done = 0;
	setup(&w, LOCATION_STORE_ONLY);
	w.rig.slow = true;
	for (unsigned i = 0; i < N; i++) {
		e[i] = put(&w, "sip:a", 600, -1);
		change(&e[i]);
	}
	w.rig.slow = false;
	w.rig.broken = true;
	rig_serve(&w.rig);
	for (unsigned i = 0; i < N; i++)
		done += e[i].done;
	CHECK_INT(done, N);
	teardown(&w);
}

/* What the change was made of expires while the store is still at it. */
static void expiry_during_a_write(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_THROUGH);
	add(&w, "sip:a", 60, -1);
	w.rig.slow = true;
	rig_seconds(&w.rig, 59);
	struct edit_one e = put(&w, "sip:a", 600, -1);
	change(&e);
	rig_seconds(&w.rig, 10);
	CHECK_STR(lookup(&w), "");
	while (rig_serve(&w.rig) > 0)
		;
	CHECK(e.done);
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_INT(rows(&w), 1);
	teardown(&w);
}

static void a_close_waits_for_changes(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		setup(&w, *mode);
		w.rig.slow = true;
		struct edit_one e = put(&w, "sip:a", 600, -1), f = put(&w, "sip:b", 600, -1);
		change(&e);
		change(&f);
		stop(&w);
		CHECK(e.done && f.done);
		CHECK_INT(rows(&w), *mode == LOCATION_MEMORY ? 0 : 2);
		rig_free(&w.rig);
	}
}

static void close_in_answer(void *data, enum store_error e, int verdict,
			    const struct location_view *view)
{
	struct edit_one *edit = data;
	changed(data, e, verdict, view);
	location_close(edit->w->l, on_closed, edit->w);
}

static void a_close_from_inside_an_answer(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		setup(&w, *mode);
		struct edit_one e = put(&w, "sip:a", 600, -1);
		location_change(w.l, bob, SLICE("h"), &e, merge, close_in_answer);
		CHECK_INT(w.closed, 1);
		CHECK_STR(w.seen, "sip:a");
		rig_free(&w.rig);
	}
}

int main(void)
{
	TEST(memory_writes_nothing);
	TEST(write_through_writes_first);
	TEST(a_refresh_says_so);
	TEST(survives_a_restart);
	TEST(write_back_waits_for_the_tick);
	TEST(write_back_writes_at_the_end);
	TEST(a_failed_flush_keeps_its_dirt);
	TEST(a_refused_row_keeps_no_other);
	TEST(a_refused_row_at_the_end_keeps_no_other);
	TEST(a_refusing_table_ends_the_flush);
	TEST(a_failed_last_flush_is_told);
	TEST(changes_during_a_flush);
	TEST(expired_rows_leave_the_store);
	TEST(flush_interval_can_change);
	TEST(a_broken_store_changes_nothing);
	TEST(changes_of_one_aor_wait_in_line);
	TEST(other_aors_do_not_wait);
	TEST(a_long_line_on_a_broken_store);
	TEST(expiry_during_a_write);
	TEST(a_close_waits_for_changes);
	TEST(a_close_from_inside_an_answer);
	return tap_done();
}
