#include "registrar/credentials.h"

#include "rig.h"

struct world {
	struct rig rig;
	struct credentials *c;
};

/* Somebody who asks, and what he was told. */
struct asker {
	struct credentials_waiter waiter;
	unsigned told;
	enum store_error error;
	unsigned rows;
	char password[32];
};

static void on_found(struct credentials_waiter *w, enum store_error e,
		     const struct credentials_rows *rows)
{
	struct asker *a = CONTAINER(w, struct asker, waiter);
	a->told++;
	a->error = e;
	a->rows = rows->n;
	if (rows->n > 0)
		snprintf(a->password, sizeof(a->password), "%.*s", SLICE_ARG(rows->v[0].password));
}

static void ask(struct world *w, const char *user, struct asker *a)
{
	*a = (struct asker){.waiter.found = on_found};
	credentials_ask(w->c, SLICE("subscriber"), slice_str(user), &a->waiter);
}

static unsigned ask_now(struct world *w, const char *user)
{
	struct asker a;
	ask(w, user, &a);
	CHECK_INT(a.told, 1);
	return a.rows;
}

static struct credentials_rows rows;
static bool worn;

static bool kept(struct world *w, const char *user)
{
	return credentials_find(w->c, SLICE("subscriber"), slice_str(user), &rows, &worn);
}

static void set_row(struct world *w, const char *user, const char *domain, const char *password)
{
	struct store_subscriber s = {.username = slice_str(user),
				     .domain = slice_str(domain),
				     .password = slice_str(password),
				     .ha1 = SLICE("0123456789abcdef0123456789abcdef")};
	struct buf why;
	buf_init(&why, 256);
	if (store_memory.subscriber_set(w->rig.db, &s, &why) == STORE_MISSING)
		CHECK_INT(store_memory.subscriber_add(w->rig.db, &s, &why), STORE_OK);
	buf_free(&why);
}

static void setup_size(struct world *w, size_t size)
{
	const struct credentials_options o = {size, 300};
	*w = (struct world){0};
	rig_init(&w->rig);
	w->c = credentials_new(&w->rig.sim.env, &w->rig.store, &o);
	set_row(w, "10", "a.example", "abc10");
}

static void setup(struct world *w)
{
	setup_size(w, 100);
}

static void teardown(struct world *w)
{
	credentials_free(w->c);
	rig_free(&w->rig);
}

static void a_user_is_kept_for_the_ttl(void)
{
	struct world w;
	setup(&w);
	CHECK(!kept(&w, "10"));
	CHECK_INT(ask_now(&w, "10"), 1);
	CHECK(kept(&w, "10"));
	CHECK_INT(rows.n, 1);
	CHECK_SLICE(rows.v[0].username, "10");
	CHECK_SLICE(rows.v[0].domain, "a.example");
	CHECK_SLICE(rows.v[0].password, "abc10");
	CHECK_INT(rows.v[0].ha1.n, 32);
	rig_seconds(&w.rig, 299);
	CHECK(kept(&w, "10"));
	rig_seconds(&w.rig, 1);
	CHECK(!kept(&w, "10"));
	CHECK_INT(w.rig.asked, 1);
	teardown(&w);
}

static void all_rows_of_a_name_are_kept(void)
{
	struct world w;
	setup(&w);
	set_row(&w, "10", "b.example", "other");
	set_row(&w, "10", "", "third");
	CHECK_INT(ask_now(&w, "10"), 3);
	CHECK(kept(&w, "10"));
	CHECK_INT(rows.n, 3);
	unsigned seen = 0;
	for (unsigned i = 0; i < rows.n; i++) {
		seen |= slice_eq(rows.v[i].password, SLICE("abc10")) ? 1 : 0;
		seen |= slice_eq(rows.v[i].password, SLICE("other")) ? 2 : 0;
		seen |= slice_eq(rows.v[i].password, SLICE("third")) ? 4 : 0;
	}
	CHECK_INT(seen, 7);
	teardown(&w);
}

static void what_equals_the_name_is_kept_like_the_rest(void)
{
	struct world w;
	setup(&w);
	set_row(&w, "1000", "1000", "1000");
	set_row(&w, "", "a.example", "");
	ask_now(&w, "1000");
	ask_now(&w, "");
	CHECK(kept(&w, "1000"));
	CHECK_SLICE(rows.v[0].username, "1000");
	CHECK_SLICE(rows.v[0].domain, "1000");
	CHECK_SLICE(rows.v[0].password, "1000");
	CHECK_SLICE(rows.v[0].ha1, "0123456789abcdef0123456789abcdef");
	CHECK(kept(&w, ""));
	CHECK_SLICE(rows.v[0].domain, "a.example");
	CHECK_SLICE(rows.v[0].password, "");
	teardown(&w);
}

static void names_and_tables_are_not_mixed_up(void)
{
	struct world w;
	struct asker a = {.waiter.found = on_found};
	setup(&w);
	ask_now(&w, "10");
	CHECK(!kept(&w, "1"));
	CHECK(!kept(&w, "10 "));
	CHECK(!credentials_find(w.c, SLICE("subscriber2"), SLICE("10"), &rows, &worn));
	credentials_ask(w.c, SLICE("subscriber2"), SLICE("10"), &a.waiter);
	CHECK_INT(w.rig.asked, 2);
	teardown(&w);
}

static void who_is_unknown_is_kept_for_a_moment(void)
{
	struct world w;
	setup(&w);
	CHECK_INT(ask_now(&w, "99"), 0);
	CHECK(kept(&w, "99"));
	CHECK_INT(rows.n, 0);
	CHECK(!worn);
	rig_seconds(&w.rig, 1);
	CHECK(!kept(&w, "99"));
	teardown(&w);
}

static void a_row_wears_within_a_second(void)
{
	struct world w;
	setup(&w);
	ask_now(&w, "10");
	CHECK(kept(&w, "10") && !worn);
	sim_advance(&w.rig.sim, 999);
	CHECK(kept(&w, "10") && !worn);
	sim_advance(&w.rig.sim, 1);
	CHECK(kept(&w, "10") && worn);
	ask_now(&w, "10");
	CHECK(kept(&w, "10") && !worn);
	teardown(&w);
}

static void the_least_used_goes_first(void)
{
	struct world w;
	char name[16];
	setup_size(&w, 20);
	for (unsigned i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		set_row(&w, name, "", "x");
		ask_now(&w, name);
		CHECK(kept(&w, "u0")); /* used all the time */
	}
	CHECK(!kept(&w, "u1") && !kept(&w, "u5"));
	CHECK(kept(&w, "u6") && kept(&w, "u24"));
	struct credentials_counters n;
	credentials_count(w.c, &n);
	CHECK_INT(n.users, 20);
	teardown(&w);
}

static void strangers_take_no_users_place(void)
{
	struct world w;
	char name[16];
	struct credentials_counters n;
	setup_size(&w, 20);
	ask_now(&w, "10");
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "stranger%u", i);
		ask_now(&w, name);
	}
	CHECK(kept(&w, "10"));
	credentials_count(w.c, &n);
	CHECK_INT(n.users, 1);
	CHECK_INT(n.unknown, 2);
	teardown(&w);
}

static void many_who_ask_share_one_question(void)
{
	struct world w;
	struct asker a[20], other;
	setup(&w);
	w.rig.slow = true;
	for (unsigned i = 0; i < 20; i++)
		ask(&w, "10", &a[i]);
	ask(&w, "11", &other);
	CHECK_INT(w.rig.asked, 2);
	CHECK_INT(a[0].told, 0);
	rig_serve(&w.rig);
	for (unsigned i = 0; i < 20; i++) {
		CHECK_INT(a[i].told, 1);
		CHECK_STR(a[i].password, "abc10");
	}
	CHECK_INT(other.told, 1);
	CHECK_INT(other.rows, 0);
	ask(&w, "10", &a[0]);
	CHECK_INT(w.rig.asked, 3);
	rig_serve(&w.rig);
	teardown(&w);
}

static bool full(struct store *s)
{
	(void)s;
	return true;
}

static void nobody_joins_a_full_house(void)
{
	struct world w;
	struct asker a, b;
	setup(&w);
	w.rig.slow = true;
	ask(&w, "10", &a);
	w.rig.store.full = full;
	ask(&w, "10", &b);
	CHECK_INT(a.told, 0);
	CHECK_INT(b.told, 1);
	CHECK_INT(b.error, STORE_UNAVAILABLE);
	rig_serve(&w.rig);
	CHECK_INT(a.told, 1);
	CHECK_INT(b.told, 1);
	teardown(&w);
}

static void failures_reach_all_and_are_not_kept(void)
{
	struct world w;
	struct asker a, b;
	setup(&w);
	w.rig.slow = w.rig.broken = true;
	ask(&w, "10", &a);
	ask(&w, "10", &b);
	rig_serve(&w.rig);
	CHECK_INT(a.error, STORE_UNAVAILABLE);
	CHECK_INT(b.error, STORE_UNAVAILABLE);
	CHECK(!kept(&w, "10"));
	ask(&w, "10", &a);
	rig_serve(&w.rig);
	CHECK_INT(rig_logged(&w.rig, "no credentials from subscriber: it is unplugged"), 1);
	w.rig.broken = false;
	ask(&w, "10", &a);
	rig_serve(&w.rig);
	CHECK_INT(a.rows, 1);
	CHECK_INT(rig_logged(&w.rig, "answers again"), 1);
	teardown(&w);
}

static void what_the_store_has_told_is_not_told_again(void)
{
	struct world w;
	struct asker a = {0};
	setup(&w);
	w.rig.broken = w.rig.told = true;
	ask(&w, "10", &a);
	CHECK_INT(a.error, STORE_UNAVAILABLE);
	w.rig.broken = w.rig.told = false;
	ask(&w, "10", &a);
	CHECK_INT(a.rows, 1);
	CHECK_INT(rig_logged(&w.rig, "auth:"), 0);
	teardown(&w);
}

static void a_failure_leaves_what_was_kept(void)
{
	struct world w;
	setup(&w);
	ask_now(&w, "10");
	w.rig.broken = true;
	ask_now(&w, "10");
	CHECK(kept(&w, "10"));
	teardown(&w);
}

static void who_is_forgotten_is_asked_for_again(void)
{
	struct world w;
	setup(&w);
	set_row(&w, "11", "", "abc11");
	ask_now(&w, "10");
	ask_now(&w, "11");
	credentials_forget(w.c, SLICE("10"));
	CHECK(!kept(&w, "10"));
	CHECK(kept(&w, "11"));
	credentials_forget_all(w.c);
	CHECK(!kept(&w, "11"));
	teardown(&w);
}

/* A question from before the change may bring the old password. */
static void what_was_read_before_forgetting_is_not_kept(void)
{
	struct world w;
	struct asker before, after;
	setup(&w);
	w.rig.slow = true;
	ask(&w, "10", &before);
	credentials_forget(w.c, SLICE("10"));
	ask(&w, "10", &after);
	CHECK_INT(w.rig.asked, 2);
	/* The first answer arrives alone. */
	struct list *first = list_shift(&w.rig.waiting);
	rig_answer(&w.rig, CONTAINER(first, struct store_op, node));
	CHECK_INT(before.told, 1);
	CHECK_INT(after.told, 0);
	CHECK(!kept(&w, "10"));
	rig_serve(&w.rig);
	CHECK_INT(after.told, 1);
	CHECK(kept(&w, "10"));
	teardown(&w);
}

static void without_size_nothing_is_kept(void)
{
	struct world w;
	setup_size(&w, 0);
	CHECK_INT(ask_now(&w, "10"), 1);
	CHECK_INT(ask_now(&w, "99"), 0);
	CHECK(!kept(&w, "10"));
	CHECK(!kept(&w, "99"));
	teardown(&w);
}

static void a_smaller_size_holds_at_once(void)
{
	struct world w;
	const struct credentials_options off = {0, 300};
	setup(&w);
	ask_now(&w, "10");
	ask_now(&w, "99");
	credentials_set_options(w.c, &off);
	CHECK(!kept(&w, "10"));
	CHECK(!kept(&w, "99"));
	teardown(&w);
}

/* What no phone can send, but a store can hold. */
static void rows_too_large_are_asked_for_each_time(void)
{
	struct world w;
	static char large[70000];
	setup(&w);
	memset(large, 'x', sizeof(large) - 1);
	set_row(&w, "11", "", large);
	CHECK_INT(ask_now(&w, "11"), 1);
	CHECK(!kept(&w, "11"));
	teardown(&w);
}

/* Two caches of one crew: the second is read to by hand. */

struct pair {
	struct world w;
	struct crew crew;
	struct mate mates[2];
	struct credentials *members[2];
	struct credentials_crew shared;
	struct credentials *other;
};

static void wake(void *data)
{
	(void)data;
}

static void pair_setup(struct pair *p)
{
	setup(&p->w);
	p->crew = (struct crew){.n = 2, .mates = p->mates};
	p->shared = (struct credentials_crew){&p->crew, p->members};
	p->other = credentials_new(&p->w.rig.sim.env, &p->w.rig.store,
				   &(struct credentials_options){100, 300});
	mailbox_init(&p->mates[0].mailbox, wake, NULL);
	mailbox_init(&p->mates[1].mailbox, wake, NULL);
	credentials_join(p->w.c, &p->shared, 0);
	credentials_join(p->other, &p->shared, 1);
}

static void pair_teardown(struct pair *p)
{
	credentials_free(p->other);
	mailbox_read(&p->mates[1].mailbox);
	teardown(&p->w);
}

static bool other_keeps(struct pair *p, const char *user)
{
	mailbox_read(&p->mates[1].mailbox);
	return credentials_find(p->other, SLICE("subscriber"), slice_str(user), &rows, &worn);
}

static void what_one_reads_all_know(void)
{
	struct pair p;
	pair_setup(&p);
	ask_now(&p.w, "10");
	CHECK(other_keeps(&p, "10"));
	CHECK_SLICE(rows.v[0].password, "abc10");
	set_row(&p.w, "10", "a.example", "new");
	ask_now(&p.w, "10");
	CHECK(other_keeps(&p, "10"));
	CHECK_INT(rows.n, 1);
	CHECK_SLICE(rows.v[0].password, "new");
	CHECK_INT(p.w.rig.asked, 2);
	pair_teardown(&p);
}

static void that_a_user_is_gone_is_news_a_stranger_is_none(void)
{
	struct pair p;
	pair_setup(&p);
	ask_now(&p.w, "99");
	CHECK(!other_keeps(&p, "99"));
	ask_now(&p.w, "99");
	CHECK(!other_keeps(&p, "99"));
	ask_now(&p.w, "10");
	store_memory.subscriber_remove(p.w.rig.db, SLICE("10"), SLICE("a.example"), NULL);
	ask_now(&p.w, "10");
	CHECK(other_keeps(&p, "10"));
	CHECK_INT(rows.n, 0);
	pair_teardown(&p);
}

/* The news may be from before the change that the other was told of. */
static void news_from_before_forgetting_are_not_kept(void)
{
	struct pair p;
	pair_setup(&p);
	ask_now(&p.w, "10");
	credentials_forget(p.other, SLICE("10"));
	CHECK(!other_keeps(&p, "10"));
	credentials_forget(p.w.c, SLICE("10"));
	ask_now(&p.w, "10");
	CHECK(other_keeps(&p, "10"));
	pair_teardown(&p);
}

static void who_has_left_is_told_in_vain(void)
{
	struct pair p;
	pair_setup(&p);
	ask_now(&p.w, "10");
	credentials_free(p.other);
	p.other = NULL;
	pair_teardown(&p);
}

int main(void)
{
	TEST(a_user_is_kept_for_the_ttl);
	TEST(all_rows_of_a_name_are_kept);
	TEST(what_equals_the_name_is_kept_like_the_rest);
	TEST(names_and_tables_are_not_mixed_up);
	TEST(who_is_unknown_is_kept_for_a_moment);
	TEST(a_row_wears_within_a_second);
	TEST(the_least_used_goes_first);
	TEST(strangers_take_no_users_place);
	TEST(many_who_ask_share_one_question);
	TEST(nobody_joins_a_full_house);
	TEST(failures_reach_all_and_are_not_kept);
	TEST(what_the_store_has_told_is_not_told_again);
	TEST(a_failure_leaves_what_was_kept);
	TEST(who_is_forgotten_is_asked_for_again);
	TEST(what_was_read_before_forgetting_is_not_kept);
	TEST(without_size_nothing_is_kept);
	TEST(a_smaller_size_holds_at_once);
	TEST(rows_too_large_are_asked_for_each_time);
	TEST(what_one_reads_all_know);
	TEST(that_a_user_is_gone_is_news_a_stranger_is_none);
	TEST(news_from_before_forgetting_are_not_kept);
	TEST(who_has_left_is_told_in_vain);
	return tap_done();
}
