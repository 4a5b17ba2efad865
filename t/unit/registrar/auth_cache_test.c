/*
 * Authentication from what is kept of users.
 */
#include "auth_rig.h"

static void keep_users(struct world *w)
{
	w->options.cache_size = 100;
	w->options.cache_ttl_s = 300;
	auth_set_options(w->auth, &w->options);
}

static void set_password(struct world *w, const char *user, const char *password)
{
	struct buf why;
	buf_init(&why, 256);
	struct store_subscriber s = {
	    .username = slice_str(user), .domain = SLICE(""), .password = slice_str(password)};
	CHECK_INT(store_memory.subscriber_set(w->rig.db, &s, &why), STORE_OK);
	buf_free(&why);
}

static void the_store_is_asked_once_a_ttl(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	keep_users(&w);
	for (unsigned i = 0; i < 10; i++) {
		CHECK_RESULT(check_fresh(&w, &p), "");
		rig_seconds(&w.rig, 29);
	}
	CHECK_INT(w.rig.asked, 1);
	rig_seconds(&w.rig, 10);
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_INT(w.rig.asked, 2);
	w.rig.broken = true;
	CHECK_RESULT(check_fresh(&w, &p), "");
	teardown(&w);
}

static void a_new_password_works_at_once(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	keep_users(&w);
	CHECK_RESULT(check_fresh(&w, &p), "");
	rig_seconds(&w.rig, 5);
	set_password(&w, "10", "changed");
	p.password = "changed";
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_INT(w.rig.asked, 2);
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_INT(w.rig.asked, 2);
	teardown(&w);
}

static void guessing_costs_the_store_a_question_a_second(void)
{
	struct world w;
	struct phone p = phone(), honest = phone();
	setup(&w);
	keep_users(&w);
	p.password = "guess";
	for (unsigned i = 0; i < 300; i++) {
		CHECK_RESULT(check_fresh(&w, &p), "password");
		CHECK_RESULT(check_fresh(&w, &honest), "");
		sim_advance(&w.rig.sim, 10);
	}
	CHECK(w.rig.asked <= 4);
	p.username = "99";
	w.rig.asked = 0;
	for (unsigned i = 0; i < 300; i++) {
		CHECK_RESULT(check_fresh(&w, &p), "user");
		sim_advance(&w.rig.sim, 10);
	}
	CHECK(w.rig.asked <= 4);
	teardown(&w);
}

static void a_refusal_that_cannot_be_looked_up_is_no_refusal(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	keep_users(&w);
	CHECK_RESULT(check_fresh(&w, &p), "");
	rig_seconds(&w.rig, 5);
	w.rig.broken = true;
	p.password = "changed";
	CHECK_RESULT(check_fresh(&w, &p), "db");
	teardown(&w);
}

static void who_was_removed_is_out_when_forgotten(void)
{
	struct world w;
	struct phone p = phone();
	struct buf why;
	setup(&w);
	buf_init(&why, 256);
	keep_users(&w);
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_INT(store_memory.subscriber_remove(w.rig.db, SLICE("10"), SLICE(""), &why), STORE_OK);
	CHECK_RESULT(check_fresh(&w, &p), "");
	auth_forget(w.auth, SLICE("10"));
	CHECK_RESULT(check_fresh(&w, &p), "user");
	buf_free(&why);
	teardown(&w);
}

int main(void)
{
	TEST(the_store_is_asked_once_a_ttl);
	TEST(a_new_password_works_at_once);
	TEST(guessing_costs_the_store_a_question_a_second);
	TEST(a_refusal_that_cannot_be_looked_up_is_no_refusal);
	TEST(who_was_removed_is_out_when_forgotten);
	return tap_done();
}
