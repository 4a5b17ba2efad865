/*
 * db_mode 1 with a cache_ttl: the table has other writers.
 */
#include "location_rig.h"

enum { TTL_S = 10, HOUR_S = 3600 };

static void set_up(struct world *w, const char *table, size_t size)
{
	*w = (struct world){
	    .o = {.table = slice_str(table), .cache_ttl_ms = TTL_S * 1000, .cache_size = size}};
	rig_init(&w->rig);
	start(w, LOCATION_WRITE_THROUGH);
}

/* Another proxy registered bob. */
static void elsewhere(struct world *w, const char *ruid, const char *contact, int64_t seconds)
{
	write_row(w, ruid, "bob", contact, env_wall_s(&w->rig.sim.env) + seconds);
}

static void elsewhere_removed(struct world *w, const char *ruid)
{
	struct slice r = slice_str(ruid);
	struct store_op *op = store_op_new(STORE_LOCATION_WRITE, w->o.table, on_row_written, NULL);
	op->removes = &r;
	op->n_removes = 1;
	store_run(w->rig.db, op);
	op->done(op);
}

static struct location_counters count(const struct world *w)
{
	struct location_counters c;
	location_count(w->l, &c);
	return c;
}

static void nothing_is_loaded(void)
{
	struct world w;
	set_up(&w, "location", 100);
	elsewhere(&w, "r", "sip:a", 600);
	CHECK_INT(load(&w), 0);
	CHECK_INT(w.rig.asked, 0);
	CHECK_INT(count(&w).bindings, 0);
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_INT(count(&w).bindings, 1);
	teardown(&w);
}

static void the_store_is_asked_once_a_ttl(void)
{
	struct world w;
	set_up(&w, "location", 100);
	elsewhere(&w, "r", "sip:a", 600);
	CHECK_STR(lookup(&w), "sip:a");
	elsewhere(&w, "q", "sip:b", 600);
	rig_seconds(&w.rig, TTL_S - 1);
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_INT(w.rig.asked, 1);
	rig_seconds(&w.rig, 1);
	CHECK_STR(lookup(&w), "sip:a sip:b");
	CHECK_INT(w.rig.asked, 2);
	elsewhere_removed(&w, "r");
	rig_seconds(&w.rig, TTL_S);
	CHECK_STR(lookup(&w), "sip:b");
	CHECK_INT(count(&w).hits, 1);
	CHECK_INT(count(&w).asked, 3);
	CHECK_INT(count(&w).bindings, 1);
	teardown(&w);
}

static void a_change_begins_with_what_the_store_has(void)
{
	struct world w;
	set_up(&w, "location", 100);
	CHECK_STR(add(&w, "sip:a", 600, -1), "sip:a");
	elsewhere(&w, "q", "sip:b", 600);
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_STR(add(&w, "sip:c", 600, 900), "sip:a sip:b sip:c");
	unsigned asked = w.rig.asked;
	CHECK_STR(lookup(&w), "sip:a sip:b sip:c");
	CHECK_INT(w.rig.asked, asked);
	CHECK_INT(rows(&w), 3);
	CHECK_STR(take(&w, "sip:b"), "sip:a sip:c");
	CHECK_STR(lookup(&w), "sip:a sip:c");
	teardown(&w);
}

/* As `lunactl location rm` does where nothing is left to remove. */
static void a_change_of_nothing_shows_what_the_store_has(void)
{
	struct world w;
	set_up(&w, "location", 100);
	CHECK_STR(lookup(&w), "");
	elsewhere(&w, "r", "sip:a", 600);
	CHECK_STR(lookup(&w), "");
	take(&w, "sip:none");
	CHECK_STR(lookup(&w), "sip:a");
	teardown(&w);
}

static void absence_is_believed_for_a_second(void)
{
	struct world w;
	set_up(&w, "location", 100);
	CHECK_STR(lookup(&w), "");
	elsewhere(&w, "r", "sip:a", 600);
	CHECK_STR(lookup(&w), "");
	CHECK_INT(w.rig.asked, 1);
	rig_seconds(&w.rig, 1);
	CHECK_STR(lookup(&w), "sip:a");
	teardown(&w);
}

/* Few have an alias, and each call asks. */
static void absence_of_an_alias_is_believed_as_long_as_presence(void)
{
	struct world w;
	set_up(&w, "aliases", 100);
	CHECK_STR(lookup(&w), "");
	rig_seconds(&w.rig, TTL_S - 1);
	CHECK_STR(lookup(&w), "");
	CHECK_INT(w.rig.asked, 1);
	w.rig.broken = true;
	rig_seconds(&w.rig, 1);
	CHECK_STR(lookup(&w), "");
	CHECK_INT(w.error, STORE_OK);
	rig_seconds(&w.rig, HOUR_S);
	lookup(&w);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	teardown(&w);
}

static void what_is_known_serves_when_the_store_does_not(void)
{
	struct world w;
	set_up(&w, "location", 100);
	elsewhere(&w, "r", "sip:a", 600);
	CHECK_STR(lookup(&w), "sip:a");
	lookup_at(&w, SLICE("carol"), SLICE("example.org"));
	w.rig.broken = true;
	rig_seconds(&w.rig, 590);
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_INT(w.error, STORE_OK);
	rig_seconds(&w.rig, 10);
	lookup(&w); /* its time is over, and nobody knows of a new one */
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	lookup_at(&w, SLICE("carol"), SLICE("example.org")); /* she may have come meanwhile */
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	add(&w, "sip:b", 600, -1);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	w.rig.broken = false;
	elsewhere(&w, "r", "sip:c", 600);
	CHECK_STR(lookup(&w), "sip:c");
	teardown(&w);
}

static void for_an_hour(void)
{
	struct world w;
	set_up(&w, "location", 100);
	elsewhere(&w, "r", "sip:a", 3 * HOUR_S);
	CHECK_STR(lookup(&w), "sip:a");
	w.rig.broken = true;
	rig_seconds(&w.rig, HOUR_S - 1);
	CHECK_STR(lookup(&w), "sip:a");
	rig_seconds(&w.rig, 1);
	lookup(&w);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	teardown(&w);
}

/* The first one waited; the next ones need not, and one read finds out for all. */
static void nobody_waits_for_a_store_that_was_silent(void)
{
	struct world w;
	set_up(&w, "location", 100);
	elsewhere(&w, "r", "sip:a", 900);
	lookup(&w);
	rig_seconds(&w.rig, TTL_S);
	w.rig.broken = true;
	CHECK_STR(lookup(&w), "sip:a");
	w.rig.broken = false;
	w.rig.slow = true;
	elsewhere(&w, "r", "sip:b", 900);
	unsigned asked = w.rig.asked;
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_INT(w.rig.asked, asked + 1);
	CHECK_INT(count(&w).stale, 3);
	rig_serve(&w.rig);
	CHECK_STR(lookup(&w), "sip:b");
	CHECK_INT(w.rig.asked, asked + 1);
	w.rig.slow = false;
	teardown(&w);
}

static void a_probe_may_outlive_the_wish_to_close(void)
{
	struct world w;
	set_up(&w, "location", 100);
	elsewhere(&w, "r", "sip:a", 900);
	lookup(&w);
	rig_seconds(&w.rig, TTL_S);
	w.rig.broken = true;
	lookup(&w);
	w.rig.slow = true;
	CHECK_STR(lookup(&w), "sip:a");
	teardown(&w);
}

/* A store that reads at once but is slow to tell: what it tells is of before. */
struct late {
	struct store store;
	struct world *w;
	struct store_op *told_later;
	bool slow;
};

static void late_submit(struct store *s, struct store_op *op)
{
	struct late *x = CONTAINER(s, struct late, store);
	if (!x->slow || op->kind != STORE_LOCATION_LOAD) {
		rig_submit(&x->w->rig.store, op);
		return;
	}
	store_run(x->w->rig.db, op);
	x->told_later = op;
	x->slow = false;
}

static void a_read_that_a_change_overtook_is_not_kept(void)
{
	struct world w = {.o = {.cache_ttl_ms = TTL_S * 1000, .cache_size = 100}};
	struct late x = {.store = {.submit = late_submit}, .w = &w, .slow = true};
	rig_init(&w.rig);
	w.store = &x.store;
	start(&w, LOCATION_WRITE_THROUGH);
	CHECK_STR(lookup(&w), "(no answer)");
	CHECK_STR(add(&w, "sip:a", 600, -1), "sip:a");
	x.told_later->done(x.told_later);
	CHECK_STR(w.seen, ""); /* it asked before */
	CHECK_STR(lookup(&w), "sip:a");
	teardown(&w);
}

static void a_write_that_was_lost_on_its_way_is_asked_for(void)
{
	struct world w;
	set_up(&w, "location", 100);
	CHECK_STR(add(&w, "sip:a", 600, -1), "sip:a");
	w.rig.forgetful = true;
	add(&w, "sip:b", 600, -1);
	CHECK_INT(w.error, STORE_UNAVAILABLE);
	w.rig.forgetful = false;
	CHECK_STR(lookup(&w),
		  "sip:a sip:b"); /* and nothing is taken back: memory is not the truth */
	rig_seconds(&w.rig, 5);
	CHECK_INT(rows(&w), 2);
	teardown(&w);
}

static void a_phone_may_have_refreshed_elsewhere(void)
{
	struct world w;
	set_up(&w, "location", 100);
	elsewhere(&w, "r", "sip:a", 5);
	CHECK_STR(lookup(&w), "sip:a");
	elsewhere(&w, "r", "sip:a", 600);
	rig_seconds(&w.rig, 5);
	CHECK_STR(lookup(&w), "sip:a");
	teardown(&w);
}

static void ask_for_many(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof(name), "u%u", i);
		lookup_at(w, slice_str(name), SLICE("example.org"));
	}
}

static void room_is_limited(void)
{
	struct world w;
	set_up(&w, "location", 20);
	for (unsigned i = 0; i < 30; i++) {
		char name[16];
		snprintf(name, sizeof(name), "u%u", i);
		write_row(&w, name, name, "sip:a", env_wall_s(&w.rig.sim.env) + 600);
	}
	ask_for_many(&w, 1000);
	CHECK_INT(count(&w).aors, 20);
	CHECK_INT(w.rig.asked, 1000);
	lookup_at(&w, SLICE("u29"), SLICE("example.org")); /* strangers do not push phones out */
	CHECK_INT(w.rig.asked, 1000);
	lookup_at(&w, SLICE("u9"), SLICE("example.org"));
	CHECK_INT(w.rig.asked, 1001);
	lookup_at(&w, SLICE("u998"), SLICE("example.org"));
	CHECK_INT(w.rig.asked, 1001);
	lookup_at(&w, SLICE("u900"), SLICE("example.org"));
	CHECK_INT(w.rig.asked, 1002);
	teardown(&w);
}

static void long_names_are_not_kept(void)
{
	struct world w;
	char name[300];
	set_up(&w, "location", 20);
	memset(name, 'x', sizeof(name));
	for (unsigned i = 0; i < 2; i++)
		lookup_at(&w, slice_of(name, 255 + i), SLICE("example.org"));
	CHECK_INT(w.rig.asked, 2);
	lookup_at(&w, slice_of(name, 255), SLICE("example.org"));
	CHECK_INT(w.rig.asked, 2);
	lookup_at(&w, slice_of(name, 256), SLICE("example.org"));
	CHECK_INT(w.rig.asked, 3);
	teardown(&w);
}

static void what_nobody_asks_for_goes_away(void)
{
	struct world w;
	set_up(&w, "location", 100);
	elsewhere(&w, "r", "sip:a", 3 * HOUR_S);
	lookup(&w);
	rig_seconds(&w.rig, HOUR_S - 1);
	CHECK_INT(count(&w).aors, 1);
	rig_seconds(&w.rig, 120);
	CHECK_INT(count(&w).aors, 0);
	CHECK_INT(count(&w).bindings, 0);
	teardown(&w);
}

static void two_domains_are_two(void)
{
	struct world w = {.o = {.cache_ttl_ms = TTL_S * 1000, .cache_size = 9, .use_domain = true}};
	rig_init(&w.rig);
	start(&w, LOCATION_WRITE_THROUGH);
	CHECK_STR(add(&w, "sip:a", 600, -1), "sip:a");
	CHECK_STR(lookup_at(&w, bob, SLICE("EXAMPLE.org")), "sip:a");
	CHECK_STR(lookup_at(&w, bob, SLICE("example.com")), "");
	CHECK_STR(lookup_at(&w, bob, SLICE("example.com")), "");
	CHECK_STR(lookup(&w), "sip:a");
	CHECK_INT(w.rig.asked, 3);
	teardown(&w);
}

int main(void)
{
	TEST(nothing_is_loaded);
	TEST(the_store_is_asked_once_a_ttl);
	TEST(a_change_begins_with_what_the_store_has);
	TEST(a_change_of_nothing_shows_what_the_store_has);
	TEST(absence_is_believed_for_a_second);
	TEST(absence_of_an_alias_is_believed_as_long_as_presence);
	TEST(what_is_known_serves_when_the_store_does_not);
	TEST(for_an_hour);
	TEST(nobody_waits_for_a_store_that_was_silent);
	TEST(a_probe_may_outlive_the_wish_to_close);
	TEST(a_read_that_a_change_overtook_is_not_kept);
	TEST(a_write_that_was_lost_on_its_way_is_asked_for);
	TEST(a_phone_may_have_refreshed_elsewhere);
	TEST(room_is_limited);
	TEST(long_names_are_not_kept);
	TEST(what_nobody_asks_for_goes_away);
	TEST(two_domains_are_two);
	return tap_done();
}
