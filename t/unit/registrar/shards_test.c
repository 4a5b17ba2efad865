#include "location_rig.h"
#include "registrar/shards.h"

/* Three threads share a table; all of them are us, who read their mail by hand. */

enum { N = 3, ROWS = 2500 };

struct team {
	struct world w; /* rig, options, and what was answered; w.l is who asks */
	struct crew crew;
	struct mate mates[N];
	struct shard shard[N];
	struct shards shards;
	struct location *locations[N];
	unsigned loaded;
};

static bool woken;

static void wake(void *data)
{
	(void)data;
	woken = true;
}

static void read_mail(struct team *t)
{
	do {
		woken = false;
		for (unsigned i = 0; i < N; i++) {
			mailbox_rest(&t->mates[i].mailbox);
			crew_ring(&t->crew, i);
		}
	} while (woken);
}

static void team_init_cached(struct team *t, enum location_mode mode, uint32_t cache_ttl_ms)
{
	memset(t, 0, sizeof(*t));
	t->w.o.cache_ttl_ms = cache_ttl_ms;
	rig_init(&t->w.rig);
	t->crew = (struct crew){.n = N, .key = "not zero", .mates = t->mates};
	t->shards = (struct shards){&t->crew, t->shard};
	for (unsigned i = 0; i < N; i++)
		mailbox_init(&t->mates[i].mailbox, wake, NULL);
	for (unsigned i = 0; i < N; i++) {
		const struct location_options o = {.table = SLICE("location"),
						   .mode = mode,
						   .flush_ms = 60000,
						   .cache_ttl_ms = t->w.o.cache_ttl_ms,
						   .cache_size = 100,
						   .shards = &t->shards,
						   .own = i};
		t->locations[i] = location_new(&t->w.rig.sim.env, &t->w.rig.store, &o);
	}
	t->w.l = t->locations[0];
	t->w.o.table = SLICE("location");
}

static void team_init(struct team *t, enum location_mode mode)
{
	team_init_cached(t, mode, 0);
}

static void close_one(struct team *t, unsigned i)
{
	location_close(t->locations[i], on_closed, &t->w);
	t->locations[i] = NULL;
	while (rig_serve(&t->w.rig) > 0)
		;
	read_mail(t);
}

static void team_free(struct team *t)
{
	for (unsigned i = 0; i < N; i++)
		if (t->locations[i])
			close_one(t, i);
	CHECK_INT(t->w.closed, N);
	rig_free(&t->w.rig);
}

static unsigned owner(const struct team *t, const char *user)
{
	return shards_owner(&t->shards, slice_str(user));
}

static const char *lookup_by(struct team *t, unsigned i, const char *user)
{
	t->w.l = t->locations[i];
	lookup_at(&t->w, slice_str(user), SLICE("example.org"));
	read_mail(t);
	return t->w.seen;
}

static void add_by(struct team *t, unsigned i, const char *contact)
{
	struct edit_one e = put(&t->w, contact, 100, -1);
	t->w.l = t->locations[i];
	change(&e);
	read_mail(t);
	CHECK(e.done);
}

static unsigned bindings_of(const struct team *t, unsigned i)
{
	struct location_counters c;
	location_count(t->locations[i], &c);
	return (unsigned)c.bindings;
}

static void what_one_changes_all_find(void)
{
	EACH_MODE(m)
	{
		struct team t;
		team_init(&t, *m);
		add_by(&t, 0, "sip:zero");
		add_by(&t, 1, "sip:one");
		add_by(&t, 2, "sip:two");
		for (unsigned i = 0; i < N; i++)
			CHECK_STR(lookup_by(&t, i, "bob"), "sip:zero sip:one sip:two");
		team_free(&t);
	}
}

static void the_owner_alone_keeps_it(void)
{
	struct team t;
	team_init(&t, LOCATION_WRITE_THROUGH);
	add_by(&t, (owner(&t, "bob") + 1) % N, "sip:there");
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(bindings_of(&t, i), i == owner(&t, "bob"));
	CHECK_INT(rows(&t.w), 1);
	team_free(&t);
}

/* Other proxies' changes may be seen late, another thread's not. */
static void the_owner_alone_caches_it(void)
{
	struct team t;
	team_init_cached(&t, LOCATION_WRITE_THROUGH, 10000);
	add_by(&t, 0, "sip:zero");
	CHECK_STR(lookup_by(&t, 1, "bob"), "sip:zero");
	add_by(&t, 2, "sip:two");
	unsigned asked = t.w.rig.asked;
	for (unsigned i = 0; i < N; i++) {
		CHECK_STR(lookup_by(&t, i, "bob"), "sip:zero sip:two");
		CHECK_INT(bindings_of(&t, i), i == owner(&t, "bob") ? 2 : 0);
	}
	CHECK_INT(t.w.rig.asked, asked);
	team_free(&t);
}

static void a_refusal_comes_home(void)
{
	struct team t;
	team_init(&t, LOCATION_MEMORY);
	struct edit_one e = put(&t.w, "sip:there", 100, -1);
	e.verdict = 400;
	t.w.l = t.locations[(owner(&t, "bob") + 1) % N];
	change(&e);
	CHECK(!e.done);
	read_mail(&t);
	CHECK_INT(t.w.verdict, 400);
	CHECK_STR(t.w.seen, "");
	team_free(&t);
}

static void an_owner_who_has_left_is_no_answer(void)
{
	struct team t;
	team_init(&t, LOCATION_MEMORY);
	unsigned gone = owner(&t, "bob"), here = (gone + 1) % N;
	close_one(&t, gone);
	lookup_by(&t, here, "bob");
	CHECK_INT(t.w.error, STORE_UNAVAILABLE);
	add_by(&t, here, "sip:there");
	CHECK_INT(t.w.error, STORE_UNAVAILABLE);
	team_free(&t);
}

static bool full(struct store *s)
{
	(void)s;
	return true;
}

/* Where he asks too many wait for the store already; the owner, who has room, hears nothing. */
static void in_a_full_house_nobody_asks_for_a_change(void)
{
	struct team t;
	team_init(&t, LOCATION_WRITE_THROUGH);
	struct edit_one e = put(&t.w, "sip:there", 100, -1);
	t.w.l = t.locations[(owner(&t, "bob") + 1) % N];
	t.w.rig.store.full = full;
	change(&e);
	CHECK(e.done);
	CHECK_INT(t.w.error, STORE_UNAVAILABLE);
	read_mail(&t);
	CHECK_INT(t.w.answers, 1);
	CHECK_INT(rows(&t.w), 0);
	team_free(&t);
}

static void who_asks_is_not_closed_before_the_answer(void)
{
	struct team t;
	team_init(&t, LOCATION_MEMORY);
	unsigned asker = (owner(&t, "bob") + 1) % N;
	t.w.l = t.locations[asker];
	lookup(&t.w);
	location_close(t.locations[asker], on_closed, &t.w);
	t.locations[asker] = NULL;
	CHECK_INT(t.w.closed, 0);
	read_mail(&t);
	CHECK_INT(t.w.answers, 1);
	CHECK_INT(t.w.closed, 1);
	team_free(&t);
}

/* Loading. */

static void count_loaded(void *data, enum store_error e, struct slice message, size_t rows_read)
{
	struct team *t = data;
	(void)message;
	(void)rows_read;
	CHECK_INT(e, STORE_OK);
	t->loaded++;
}

static void write_rows(struct team *t)
{
	int64_t expires = env_wall_s(&t->w.rig.sim.env) + 1000;
	for (int i = 0; i < ROWS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "u%d", i);
		write_row(&t->w, name, name, "sip:there", expires);
	}
}

static void load_all(struct team *t)
{
	for (unsigned i = 0; i < N; i++)
		location_load(t->locations[i], count_loaded, t);
	read_mail(t);
}

static void one_reads_for_all(void)
{
	struct team t;
	team_init(&t, LOCATION_WRITE_THROUGH);
	write_rows(&t);
	unsigned asked = t.w.rig.asked;
	load_all(&t);
	CHECK_INT(t.w.rig.asked - asked, ROWS / 1000 + 1);
	CHECK_INT(t.loaded, N);
	unsigned sum = 0;
	for (unsigned i = 0; i < N; i++) {
		CHECK(bindings_of(&t, i) > ROWS / N / 2);
		sum += bindings_of(&t, i);
		CHECK_STR(lookup_by(&t, i, "u77"), "sip:there");
	}
	CHECK_INT(sum, ROWS);
	team_free(&t);
}

/* As most tables of aliases are: whoever looks into it need not ask its owner. */
static void an_empty_table_is_known_to_all(void)
{
	struct team t;
	team_init(&t, LOCATION_WRITE_THROUGH);
	unsigned asker = (owner(&t, "bob") + 1) % N;
	t.w.l = t.locations[asker];
	CHECK_STR(lookup(&t.w), "(no answer)");
	read_mail(&t);
	load_all(&t);
	CHECK_STR(lookup(&t.w), "");
	CHECK_INT(t.w.error, STORE_OK);
	add_by(&t, asker, "sip:there");
	CHECK_STR(lookup(&t.w), "(no answer)");
	read_mail(&t);
	CHECK_STR(t.w.seen, "sip:there");
	team_free(&t);
}

/* Who came and went tells nothing of rows that nobody has read yet. */
static void a_table_that_is_loading_is_not_known_to_be_empty(void)
{
	struct team t;
	team_init(&t, LOCATION_WRITE_THROUGH);
	unsigned bobs = owner(&t, "bob");
	t.w.rig.slow = true;
	load_all(&t);
	t.w.rig.slow = false;
	add_by(&t, bobs, "sip:there");
	take(&t.w, "sip:there");
	t.w.l = t.locations[(bobs + 1) % N];
	CHECK_STR(lookup(&t.w), "(no answer)");
	read_mail(&t);
	CHECK_STR(t.w.seen, "");
	rig_serve(&t.w.rig);
	read_mail(&t);
	CHECK_STR(lookup(&t.w), "");
	team_free(&t);
}

static void one_who_closes_while_pages_come_takes_no_more(void)
{
	struct team t;
	team_init(&t, LOCATION_WRITE_THROUGH);
	write_rows(&t);
	for (unsigned i = 0; i < N; i++)
		location_load(t.locations[i], count_loaded, &t);
	location_close(t.locations[1], on_closed, &t.w);
	t.locations[1] = NULL;
	read_mail(&t);
	CHECK_INT(t.w.closed, 1);
	CHECK_INT(t.loaded, N);
	team_free(&t);
}

static void expired_rows_are_purged_once(void)
{
	struct team t;
	team_init(&t, LOCATION_WRITE_THROUGH);
	unsigned asked = t.w.rig.asked;
	sim_advance(&t.w.rig.sim, 60000);
	CHECK_INT(t.w.rig.asked - asked, 1);
	team_free(&t);
}

int main(void)
{
	TEST(what_one_changes_all_find);
	TEST(the_owner_alone_keeps_it);
	TEST(the_owner_alone_caches_it);
	TEST(a_refusal_comes_home);
	TEST(an_owner_who_has_left_is_no_answer);
	TEST(in_a_full_house_nobody_asks_for_a_change);
	TEST(who_asks_is_not_closed_before_the_answer);
	TEST(one_reads_for_all);
	TEST(an_empty_table_is_known_to_all);
	TEST(a_table_that_is_loading_is_not_known_to_be_empty);
	TEST(one_who_closes_while_pages_come_takes_no_more);
	TEST(expired_rows_are_purged_once);
	return tap_done();
}
