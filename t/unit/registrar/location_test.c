#include "registrar/location.h"

#include "rig.h"

static const struct slice bob = {"bob", 3};

struct world {
	struct rig rig;
	struct location *l;
	struct location_options o;
	/* Of the last answer. */
	unsigned answers;
	enum store_error error;
	int verdict;
	char seen[512]; /* contacts of the view, with blanks between them */
	unsigned closed;
	enum store_error close_error;
};

static void start(struct world *w, enum location_mode mode)
{
	w->o = (struct location_options){
	    .table = w->o.table.p ? w->o.table : SLICE("location"),
	    .mode = mode,
	    .flush_ms = 60000,
	    .use_domain = w->o.use_domain,
	};
	w->l = location_new(&w->rig.sim.env, &w->rig.store, &w->o);
}

static void setup(struct world *w, enum location_mode mode)
{
	*w = (struct world){0};
	rig_init(&w->rig);
	start(w, mode);
}

static void on_closed(void *data, enum store_error e)
{
	struct world *w = data;
	w->closed++;
	w->close_error = e;
}

static void stop(struct world *w)
{
	unsigned before = w->closed;
	location_close(w->l, on_closed, w);
	while (w->closed == before && rig_serve(&w->rig) > 0)
		;
	CHECK_INT(w->closed, before + 1);
}

static void teardown(struct world *w)
{
	stop(w);
	rig_free(&w->rig);
}

static void see(struct world *w, const struct location_view *view)
{
	size_t n = 0;
	w->seen[0] = '\0';
	for (unsigned i = 0; i < view->n && n < sizeof(w->seen); i++)
		n += (size_t)snprintf(w->seen + n, sizeof(w->seen) - n, "%s%.*s", i ? " " : "",
				      SLICE_ARG(view->v[i]->contact));
}

static void found(void *data, enum store_error e, const struct location_view *view)
{
	struct world *w = data;
	w->answers++;
	w->error = e;
	see(w, view);
}

static const char *lookup_at(struct world *w, struct slice user, struct slice host)
{
	snprintf(w->seen, sizeof(w->seen), "(no answer)");
	location_lookup(w->l, user, host, w, found);
	return w->seen;
}

static const char *lookup(struct world *w)
{
	return lookup_at(w, bob, SLICE("example.org"));
}

/* One change: put a contact (by its text), or remove one. */
struct edit_one {
	struct world *w;
	const char *contact;
	int64_t expires;
	int q;
	bool remove;
	int verdict;
	bool done;
};

static int merge(void *data, struct arena *a, const struct location_view *now,
		 struct location_change *change)
{
	const struct edit_one *e = data;
	struct slice ruid = SLICE_NULL;
	for (unsigned i = 0; i < now->n; i++)
		if (slice_eq(now->v[i]->contact, slice_str(e->contact)))
			ruid = now->v[i]->ruid;
	if (e->remove && ruid.p) {
		change->removes = arena_alloc(a, sizeof(*change->removes));
		change->removes[change->n_removes++] = ruid;
	} else if (!e->remove) {
		change->puts = arena_alloc(a, sizeof(*change->puts));
		change->puts[change->n_puts++] = (struct store_binding){
		    .ruid = ruid,
		    .contact = slice_str(e->contact),
		    .expires = e->expires,
		    .q = e->q,
		    .callid = SLICE("call"),
		    .cseq = 1,
		    .user_agent = SLICE("phone"),
		    .socket = SLICE("udp:192.0.2.15:5060"),
		    .methods = -1,
		};
	}
	return e->verdict;
}

static void changed(void *data, enum store_error e, int verdict, const struct location_view *view)
{
	struct edit_one *edit = data;
	edit->done = true;
	edit->w->answers++;
	edit->w->error = e;
	edit->w->verdict = verdict;
	see(edit->w, view);
}

static struct edit_one put(struct world *w, const char *contact, int64_t seconds, int q)
{
	int64_t now = env_wall_s(&w->rig.sim.env);
	return (struct edit_one){
	    .w = w, .contact = contact, .expires = seconds ? now + seconds : 0, .q = q};
}

static void change(struct edit_one *e)
{
	location_change(e->w->l, bob, SLICE("example.org"), e, merge, changed);
}

static const char *add(struct world *w, const char *contact, int64_t seconds, int q)
{
	struct edit_one e = put(w, contact, seconds, q);
	change(&e);
	CHECK(e.done);
	return w->seen;
}

static const char *take(struct world *w, const char *contact)
{
	struct edit_one e = {.w = w, .contact = contact, .remove = true};
	change(&e);
	CHECK(e.done);
	return w->seen;
}

static void loaded(void *data, enum store_error e, struct slice message, size_t rows)
{
	struct world *w = data;
	(void)message;
	w->answers++;
	w->error = e;
	w->verdict = (int)rows;
}

static int load(struct world *w)
{
	w->verdict = -1;
	location_load(w->l, loaded, w);
	return w->verdict;
}

/* Rows in the store, whatever the location knows. */
static void on_scan(struct store_op *op)
{
	unsigned *n = op->data;
	*n = op->n_bindings;
	store_op_free(op);
}

static unsigned rows(struct world *w)
{
	unsigned n = 0;
	struct store_op *op = store_op_new(STORE_LOCATION_SCAN, w->o.table, on_scan, &n);
	op->limit = 10000;
	store_run(w->rig.db, op);
	op->done(op);
	return n;
}

static void on_row_written(struct store_op *op)
{
	CHECK_INT(op->error, STORE_OK);
	store_op_free(op);
}

/* A row as some other program wrote it. */
static void write_row(struct world *w, const char *ruid, const char *user, const char *contact,
		      int64_t expires)
{
	struct store_op *op = store_op_new(STORE_LOCATION_WRITE, w->o.table, on_row_written, NULL);
	struct store_binding b = {
	    .ruid = slice_str(ruid),
	    .username = slice_str(user),
	    .domain = SLICE("Example.ORG"),
	    .contact = slice_str(contact),
	    .expires = expires,
	    .q = -1,
	    .callid = SLICE("Default-Call-ID"),
	    .user_agent = SLICE("x"),
	    .methods = -1,
	};
	op->puts = &b;
	op->n_puts = 1;
	store_run(w->rig.db, op);
	op->done(op);
}

static const enum location_mode modes[] = {LOCATION_MEMORY, LOCATION_WRITE_THROUGH,
					   LOCATION_WRITE_BACK, LOCATION_STORE_ONLY};
#define EACH_MODE(m) for (const enum location_mode *m = modes; m < modes + 4; m++)

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

static void write_back_writes_at_the_end(void)
{
	struct world w;
	setup(&w, LOCATION_WRITE_BACK);
	w.rig.slow = true;
	for (int i = 0; i < 1200; i++) { /* more than a batch */
		char contact[32];
		snprintf(contact, sizeof(contact), "sip:%d", i);
		add(&w, contact, 600, -1);
	}
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
	CHECK_INT(load(&w), 2500);
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
	for (int mode = LOCATION_WRITE_THROUGH; mode <= LOCATION_STORE_ONLY; mode++) {
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
	TEST(memory_writes_nothing);
	TEST(write_through_writes_first);
	TEST(survives_a_restart);
	TEST(write_back_waits_for_the_tick);
	TEST(write_back_writes_at_the_end);
	TEST(a_failed_flush_keeps_its_dirt);
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
	TEST(loads_page_by_page);
	TEST(a_failed_load_is_told);
	TEST(loaded_rows_keep_their_ruid);
	TEST(other_programs_domain_is_ignored_without_use_domain);
	TEST(default_dates_of_aliases_mean_never);
	TEST(the_same_dates_end_a_location);
	return tap_done();
}
