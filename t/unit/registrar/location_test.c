#include "location_rig.h"

/* ---- in all modes ---- */

static void what_is_put_is_found(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		setup(&w, *mode);
		CHECK_STR(lookup(&w), "");
		CHECK_STR(add(&w, "sip:a", 100, -1), "sip:a");
		CHECK_STR(lookup(&w), "sip:a");
		CHECK_STR(lookup_at(&w, SLICE("BOB"), SLICE("example.org")), "");
		CHECK_STR(take(&w, "sip:a"), "");
		CHECK_STR(lookup(&w), "");
		teardown(&w);
	}
}

static void best_q_then_oldest(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		setup(&w, *mode);
		add(&w, "sip:a", 100, 500);
		add(&w, "sip:b", 100, 1000);
		add(&w, "sip:c", 100, -1);
		CHECK_STR(add(&w, "sip:d", 100, 0), "sip:b sip:c sip:a sip:d");
		CHECK_STR(add(&w, "sip:b", 100, 1000), "sip:b sip:c sip:a sip:d");
		CHECK_STR(add(&w, "sip:b", 100, 500), "sip:c sip:a sip:b sip:d");
		CHECK_STR(lookup(&w), "sip:c sip:a sip:b sip:d");
		teardown(&w);
	}
}

static void expires_at_the_second(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		setup(&w, *mode);
		add(&w, "sip:a", 60, -1);
		add(&w, "sip:b", 61, -1);
		add(&w, "sip:forever", 0, -1);
		sim_advance(&w.rig.sim, 59999);
		CHECK_STR(lookup(&w), "sip:a sip:b sip:forever");
		sim_advance(&w.rig.sim, 1);
		CHECK_STR(lookup(&w), "sip:b sip:forever");
		rig_seconds(&w.rig, 1000000);
		CHECK_STR(lookup(&w), "sip:forever");
		teardown(&w);
	}
}

static void a_refresh_extends(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		setup(&w, *mode);
		add(&w, "sip:a", 60, -1);
		rig_seconds(&w.rig, 30);
		add(&w, "sip:a", 60, -1);
		rig_seconds(&w.rig, 59);
		CHECK_STR(lookup(&w), "sip:a");
		rig_seconds(&w.rig, 1);
		CHECK_STR(lookup(&w), "");
		teardown(&w);
	}
}

static void a_verdict_changes_nothing(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		setup(&w, *mode);
		struct edit_one e = put(&w, "sip:a", 60, -1);
		e.verdict = 400;
		change(&e);
		CHECK(e.done);
		CHECK_INT(w.verdict, 400);
		CHECK_INT(w.error, STORE_OK);
		CHECK_STR(lookup(&w), "");
		CHECK_INT(rows(&w), 0);
		teardown(&w);
	}
}

static void domains_count_when_asked_to(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		for (int use_domain = 0; use_domain < 2; use_domain++) {
			setup(&w, LOCATION_MEMORY);
			stop(&w);
			w.o.use_domain = use_domain;
			start(&w, *mode);
			add(&w, "sip:a", 60, -1);
			CHECK_STR(lookup_at(&w, bob, SLICE("EXAMPLE.org")), "sip:a");
			CHECK_STR(lookup_at(&w, bob, SLICE("example.net")),
				  use_domain ? "" : "sip:a");
			teardown(&w);
		}
	}
}

static void users_may_hold_any_byte(void)
{
	struct world w;
	EACH_MODE(mode)
	{
		setup(&w, *mode);
		struct edit_one e = put(&w, "sip:a", 60, -1);
		location_change(w.l, slice_of("nu\0l", 4), SLICE("h"), &e, merge, changed);
		CHECK_STR(lookup_at(&w, slice_of("nu\0l", 4), SLICE("h")), "sip:a");
		CHECK_STR(lookup_at(&w, SLICE("nu"), SLICE("h")), "");
		CHECK_STR(lookup_at(&w, slice_of("nu\0m", 4), SLICE("h")), "");
		teardown(&w);
	}
}

static void many_bindings_and_users(void)
{
	struct world w;
	setup(&w, LOCATION_MEMORY);
	for (int i = 0; i < 40; i++) {
		char contact[32];
		snprintf(contact, sizeof(contact), "sip:%d", i);
		add(&w, contact, 60 + i, -1);
	}
	for (int i = 0; i < 5000; i++) {
		char user[16];
		struct edit_one e = put(&w, "sip:x", 1000, -1);
		snprintf(user, sizeof(user), "u%d", i);
		location_change(w.l, slice_str(user), SLICE("h"), &e, merge, changed);
	}
	struct location_counters c;
	location_count(w.l, &c);
	CHECK_INT(c.aors, 5001);
	CHECK_INT(c.bindings, 5040);
	rig_seconds(&w.rig, 98);
	CHECK_STR(lookup(&w), "sip:39");
	rig_seconds(&w.rig, 1000);
	location_count(w.l, &c);
	CHECK_INT(c.aors, 0);
	CHECK_INT(c.bindings, 0);
	CHECK_INT(c.expired, 5040);
	teardown(&w);
}

static void refuse_all(struct store *s, struct store_op *op)
{
	(void)s;
	op->error = STORE_FAILED;
	op->no_table = true;
	op->message = SLICE("there is no such table");
	op->done(op);
}

static void a_database_may_have_no_aliases(void)
{
	const struct slice tables[] = {SLICE("location"), SLICE("aliases")};
	for (unsigned i = 0; i < 2; i++) {
		struct store none = {.submit = refuse_all};
		struct world w = {.o.table = tables[i], .store = &none};
		rig_init(&w.rig);
		start(&w, LOCATION_STORE_ONLY);
		CHECK_STR(lookup(&w), "");
		CHECK_INT(w.error, i == 0 ? STORE_FAILED : STORE_OK);
		CHECK_INT(rig_logged(&w.rig, "there is no such table"), 1);
		teardown(&w);
	}
}

/* ---- loading ---- */

static void loads_page_by_page(void)
{
	struct world w;
	struct location_counters c;
	setup(&w, LOCATION_WRITE_THROUGH);
	for (int i = 0; i < 2500; i++) {
		char ruid[16], user[16];
		snprintf(ruid, sizeof(ruid), "r%d", i);
		snprintf(user, sizeof(user), "u%d", i % 1250);
		write_row(&w, ruid, user, ruid, i < 2499 ? 0 : 1);
	}
	w.rig.asked = 0;
	CHECK_INT(load(&w), 1000); /* told after the first page */
	CHECK_INT(w.error, STORE_OK);
	CHECK_INT(w.rig.asked, 3);
	location_count(w.l, &c);
	CHECK_INT(c.bindings, 2499);
	CHECK_INT(c.aors, 1250);
	CHECK_STR(lookup_at(&w, SLICE("u0"), SLICE("h")), "r0 r1250");
	teardown(&w);
}

static void a_failed_load_is_told(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_BACK);
	w.rig.broken = true;
	load(&w);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	w.rig.broken = false;
	teardown(&w);
}

static void loaded_rows_keep_their_ruid(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_THROUGH);
	write_row(&w, "uloc-other-7", "bob", "sip:a", 0);
	load(&w);
	add(&w, "sip:a", 600, -1);
	CHECK_INT(rows(&w), 1);
	teardown(&w);
}

static void other_programs_domain_is_ignored_without_use_domain(void)
{
	struct world w;
	setup(&w, LOCATION_STORE_ONLY);
	write_row(&w, "r1", "bob", "sip:a", 0);
	CHECK_STR(lookup_at(&w, bob, SLICE("elsewhere.example")), "sip:a");
	teardown(&w);
}

static void default_dates_of_aliases_mean_never(void)
{
	struct world w;
	for (int mode = LOCATION_MEMORY; mode <= LOCATION_STORE_ONLY; mode++) {
		setup(&w, LOCATION_MEMORY);
		stop(&w);
		w.o.table = SLICE("aliases");
		start(&w, (enum location_mode)mode);
		write_row(&w, "r1", "bob", "sip:a", 1590701535);         /* 2020, UTC */
		write_row(&w, "r2", "bob", "sip:b", 1590701535 - 7200);  /* 2020, UTC+2 */
		write_row(&w, "r3", "bob", "sip:c", 1906234335);         /* 2030 */
		write_row(&w, "r4", "bob", "sip:d", 1590701535 - 86400); /* really over */
		write_row(&w, "r5", "bob", "sip:e", 1590701535 - 60);
		load(&w);
		CHECK_STR(lookup(&w), "sip:a sip:b sip:c");
		rig_seconds(&w.rig, 5ull * 366 * 86400); /* 2031 */
		CHECK_STR(lookup(&w), "sip:a sip:b sip:c");
		CHECK_INT(rows(&w), 5);
		teardown(&w);
	}
}

static void the_same_dates_end_a_location(void)
{
	struct world w;
	setup(&w, LOCATION_STORE_ONLY);
	write_row(&w, "r1", "bob", "sip:a", 1590701535);
	CHECK_STR(lookup(&w), "");
	teardown(&w);
}

int main(void)
{
	TEST(what_is_put_is_found);
	TEST(best_q_then_oldest);
	TEST(expires_at_the_second);
	TEST(a_refresh_extends);
	TEST(a_verdict_changes_nothing);
	TEST(domains_count_when_asked_to);
	TEST(users_may_hold_any_byte);
	TEST(many_bindings_and_users);
	TEST(a_database_may_have_no_aliases);
	TEST(loads_page_by_page);
	TEST(a_failed_load_is_told);
	TEST(loaded_rows_keep_their_ruid);
	TEST(other_programs_domain_is_ignored_without_use_domain);
	TEST(default_dates_of_aliases_mean_never);
	TEST(the_same_dates_end_a_location);
	return tap_done();
}
