/*
 * What every store must do, whatever stands behind it.
 */
#include "store/backend.h"

static struct backend *now;

/* Subscribers. */

static void names_are_compared_byte_for_byte(void)
{
	static const char *const names[] = {"bob", "BOB", "bob ", "böb", "bo", "b\366b"};
	for (unsigned i = 0; i < 6; i++)
		CHECK_INT(subscriber_add(now, slice_str(names[i]), "example.org", names[i]), 0);
	for (unsigned i = 0; i < 6; i++) {
		struct store_op *op = credentials(now, slice_str(names[i]));
		CHECK_INT(op->n_subscribers, 1);
		if (op->n_subscribers == 1) {
			CHECK_SLICE(op->subscribers[0].username, names[i]);
			CHECK_SLICE(op->subscribers[0].ha1, names[i]);
		}
		store_op_free(op);
	}
}

static void unknown_user_has_no_row(void)
{
	CHECK_INT(subscriber_add(now, SLICE("bob"), "example.org", "x"), STORE_OK);
	static const char *const names[] = {"", "alice", "bob'", "%", "b_b", "bob' OR '1'='1"};
	for (unsigned i = 0; i < 6; i++) {
		struct store_op *op = credentials(now, slice_str(names[i]));
		CHECK_INT(op->n_subscribers, 0);
		store_op_free(op);
	}
}

static void one_name_may_have_several_domains(void)
{
	CHECK_INT(subscriber_add(now, SLICE("10"), "a.example", "1"), STORE_OK);
	CHECK_INT(subscriber_add(now, SLICE("10"), "b.example", "2"), STORE_OK);
	CHECK_INT(subscriber_add(now, SLICE("10"), "", "3"), STORE_OK);
	struct store_op *op = credentials(now, SLICE("10"));
	unsigned found = 0;
	CHECK_INT(op->n_subscribers, 3);
	for (unsigned i = 0; i < op->n_subscribers; i++) {
		const struct store_subscriber *s = &op->subscribers[i];
		found |= slice_eq(s->domain, SLICE("a.example")) && s->ha1.p[0] == '1' ? 1 : 0;
		found |= slice_eq(s->domain, SLICE("b.example")) && s->ha1.p[0] == '2' ? 2 : 0;
		found |= s->domain.n == 0 && s->ha1.p[0] == '3' ? 4 : 0;
	}
	CHECK_INT(found, 7);
	store_op_free(op);
}

static void all_columns_of_a_subscriber_are_kept(void)
{
	struct store_subscriber s = subscriber(SLICE("10"), "a.example", "one");
	struct buf why;
	buf_init(&why, 1000);
	s.password = SLICE("abc10");
	s.ha1b = SLICE("two");
	s.ha1_sha256 = SLICE("three");
	CHECK_INT(now->driver->subscriber_add(now->connection, &s, &why), STORE_OK);
	struct store_op *op = credentials(now, SLICE("10"));
	CHECK_SLICE(op->subscribers[0].password, "abc10");
	CHECK_SLICE(op->subscribers[0].ha1, "one");
	CHECK_SLICE(op->subscribers[0].ha1b, "two");
	CHECK_SLICE(op->subscribers[0].ha1_sha256, "three");
	store_op_free(op);

	/* A new password leaves nothing of the old one behind. */
	s = subscriber(SLICE("10"), "a.example", "new");
	s.ha1b = SLICE_NULL;
	CHECK_INT(now->driver->subscriber_set(now->connection, &s, &why), STORE_OK);
	op = credentials(now, SLICE("10"));
	CHECK_INT(op->n_subscribers, 1);
	CHECK_INT(op->subscribers[0].password.n, 0);
	CHECK_SLICE(op->subscribers[0].ha1, "new");
	CHECK_INT(op->subscribers[0].ha1b.n, 0);
	CHECK_INT(op->subscribers[0].ha1_sha256.n, 0);
	store_op_free(op);
	buf_free(&why);
}

static void subscribers_are_added_once_and_must_exist_to_change(void)
{
	struct store_subscriber s = subscriber(SLICE("10"), "a.example", "x");
	struct buf why;
	buf_init(&why, 1000);
	CHECK_INT(now->driver->subscriber_set(now->connection, &s, &why), STORE_MISSING);
	CHECK(why.n > 0);
	CHECK_INT(now->driver->subscriber_add(now->connection, &s, &why), STORE_OK);
	buf_reset(&why);
	CHECK_INT(now->driver->subscriber_add(now->connection, &s, &why), STORE_EXISTS);
	CHECK(why.n > 0);
	/* Setting what is so already is no error. */
	CHECK_INT(now->driver->subscriber_set(now->connection, &s, &why), STORE_OK);
	CHECK_INT(
	    now->driver->subscriber_remove(now->connection, SLICE("10"), SLICE("b.example"), &why),
	    STORE_MISSING);
	CHECK_INT(
	    now->driver->subscriber_remove(now->connection, SLICE("10"), SLICE("a.example"), &why),
	    STORE_OK);
	CHECK_INT(
	    now->driver->subscriber_remove(now->connection, SLICE("10"), SLICE("a.example"), &why),
	    STORE_MISSING);
	buf_free(&why);
}

static void subscribers_are_listed_in_order(void)
{
	static const char *const names[] = {"b", "a", "B", "a b", "10", "9"};
	static const char *const sorted[] = {"10", "9", "B", "a", "a", "a b", "b"};
	struct store_subscriber *rows;
	struct arena arena;
	struct buf why;
	unsigned n;
	for (unsigned i = 0; i < 6; i++)
		CHECK_INT(subscriber_add(now, slice_str(names[i]), "z.example", "x"), 0);
	CHECK_INT(subscriber_add(now, SLICE("a"), "a.example", "x"), STORE_OK);
	arena_init(&arena, 1000);
	buf_init(&why, 1000);
	CHECK_INT(now->driver->subscriber_list(now->connection, &arena, &rows, &n, &why), 0);
	CHECK_INT(n, 7);
	for (unsigned i = 0; n == 7 && i < n; i++)
		CHECK_SLICE(rows[i].username, sorted[i]);
	if (n == 7)
		CHECK_SLICE(rows[3].domain, "a.example");
	arena_free(&arena);
	buf_free(&why);
}

/* Bindings. */

static void check_binding(const struct store_binding *got, const struct store_binding *wanted)
{
	CHECK(slice_eq(got->ruid, wanted->ruid));
	CHECK(slice_eq(got->username, wanted->username));
	CHECK(slice_eq(got->domain, wanted->domain));
	CHECK(slice_eq(got->contact, wanted->contact));
	CHECK(slice_eq(got->received, wanted->received));
	CHECK(slice_eq(got->path, wanted->path));
	CHECK_INT(got->expires, wanted->expires);
	CHECK_INT(got->q, wanted->q);
	CHECK(slice_eq(got->callid, wanted->callid));
	CHECK_INT(got->cseq, wanted->cseq);
	CHECK_INT(got->last_modified, wanted->last_modified);
	CHECK_INT(got->flags, wanted->flags);
	CHECK_INT(got->cflags, wanted->cflags);
	CHECK(slice_eq(got->user_agent, wanted->user_agent));
	CHECK(slice_eq(got->socket, wanted->socket));
	CHECK_INT(got->methods, wanted->methods);
	CHECK(slice_eq(got->instance, wanted->instance));
	CHECK_INT(got->reg_id, wanted->reg_id);
	CHECK(got->id > 0);
}

/* Writes b, and compares what is read with it. */
static void check_round_trip(struct store_binding b)
{
	put(now, b);
	struct store_op *op = load(now, b.username, b.domain);
	CHECK_INT(op->n_bindings, 1);
	if (op->n_bindings == 1)
		check_binding(&op->bindings[0], &b);
	store_op_free(op);
	CHECK_INT(write_bindings(now, NULL, 0, "r"), STORE_OK);
}

static void a_binding_comes_back_as_it_was(void)
{
	struct store_binding b = binding("r", "10", "sip:10@192.0.2.7:5062;transport=udp");
	check_round_trip(b);
	b.domain = SLICE("example.org");
	b.received = SLICE("sip:203.0.113.9:40123");
	b.path = SLICE("<sip:edge.example.org;lr>,<sip:[2001:db8::1]:5060;lr>");
	b.q = 700;
	b.cseq = 2147483647;
	b.flags = 3;
	b.cflags = 0x80000001;
	b.socket = SLICE("udp:192.0.2.1:5060");
	b.methods = 5951;
	b.instance = SLICE("<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>");
	b.reg_id = 1;
	check_round_trip(b);
	b.methods = UINT32_MAX;
	b.user_agent = SLICE("");
	check_round_trip(b);
}

static void times_and_preferences_are_exact(void)
{
	static const int64_t times[] = {100000,     999999999,  1700000000, 1785542399,
					1785542400, 1785542401, 2147483647, 4102444800};
	static const int q[] = {-1, 0, 1, 9, 100, 333, 500, 999, 1000};
	struct store_binding b = binding("r", "10", "sip:a@b");
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		b.expires = times[i];
		b.last_modified = times[i] - 1;
		check_round_trip(b);
	}
	for (unsigned i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		b.q = q[i];
		check_round_trip(b);
	}
	b.expires = 0;
	check_round_trip(b);
}

/* In minutes they share, and in others with the same place in a cache. */
static void times_of_many_rows_are_exact(void)
{
	enum { ROWS = 400, PLACES = 256 };
	static const int64_t began = 1785542400;
	static char ruids[ROWS][16];
	static struct store_binding rows[ROWS];
	for (int64_t i = 0; i < ROWS; i++) {
		snprintf(ruids[i], sizeof(ruids[i]), "r%03u", (unsigned)i);
		rows[i] = binding(ruids[i], "10", "sip:a@b");
		rows[i].expires = began + i * 17;
		rows[i].last_modified = began + i % 2 * PLACES * 60 + i / 4;
	}
	CHECK_INT(write_bindings(now, rows, ROWS, NULL), STORE_OK);
	struct store_op *op = load(now, SLICE("10"), SLICE(""));
	CHECK_INT(op->n_bindings, ROWS);
	for (unsigned i = 0; i < op->n_bindings; i++) {
		CHECK_INT(op->bindings[i].expires, began + i * 17);
		CHECK_INT(op->bindings[i].last_modified, began + i % 2 * PLACES * 60 + i / 4);
	}
	store_op_free(op);
}

static void odd_bytes_are_kept(void)
{
	static const struct slice odd[] = {
	    {"'\"`;-- \\", 8},
	    {"\xbf\x27 OR 1=1", 9}, /* a quote in disguise, in GBK */
	    {"a\0b", 3},
	    {"\xff\xfe\x80", 3},
	    {"j\xc3\xb6rg \xf0\x9f\x98\x80", 10},
	    {"\r\n\t\x1b[31m", 8},
	    {"%s%n", 4},
	    {" ", 1},
	    {"10 ", 3},
	};
	for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct store_binding b = binding("r", "x", "y");
		b.username = b.domain = b.contact = b.callid = b.user_agent = odd[i];
		b.received = b.path = b.socket = b.instance = odd[i];
		check_round_trip(b);
		CHECK_INT(subscriber_add(now, odd[i], "example.org", "h"), STORE_OK);
		struct store_op *op = credentials(now, odd[i]);
		CHECK_INT(op->n_subscribers, 1);
		if (op->n_subscribers == 1)
			CHECK(slice_eq(op->subscribers[0].username, odd[i]));
		store_op_free(op);
	}
}

/* A text is kept whole or refused whole. */
static void long_texts_are_never_cut(void)
{
	static char text[70000];
	memset(text, 'x', sizeof(text));
	static const size_t lengths[] = {255, 256, 1024, 1025, 70000};
	for (unsigned i = 0; i < 5; i++) {
		struct store_binding b = binding("r", "long", "sip:a@b");
		b.contact = slice_of(text, lengths[i]);
		enum store_error e = write_bindings(now, &b, 1, NULL);
		CHECK(e == STORE_OK || (e == STORE_FAILED && lengths[i] > 1024));
		struct store_op *op = load(now, SLICE("long"), SLICE(""));
		CHECK_INT(op->n_bindings, e == STORE_OK ? 1 : 0);
		if (op->n_bindings == 1)
			CHECK_INT(op->bindings[0].contact.n, lengths[i]);
		store_op_free(op);
		write_bindings(now, NULL, 0, "r");
	}
	struct store_op *op = credentials(now, slice_of(text, sizeof(text)));
	CHECK_INT(op->n_subscribers, 0);
	store_op_free(op);
}

static void a_put_replaces_the_row_of_its_ruid(void)
{
	struct store_binding b = binding("r1", "10", "sip:first@b");
	put(now, b);
	struct store_op *op = load(now, SLICE("10"), SLICE(""));
	uint64_t id = op->bindings[0].id;
	store_op_free(op);

	b.contact = SLICE("sip:second@b");
	b.received = SLICE("sip:192.0.2.1:5");
	b.expires = 0;
	put(now, b);
	op = load(now, SLICE("10"), SLICE(""));
	CHECK_INT(op->n_bindings, 1);
	check_binding(&op->bindings[0], &b);
	CHECK_INT(op->bindings[0].id, id);
	store_op_free(op);

	/* To another user even. */
	b.username = SLICE("11");
	b.received = SLICE_NULL;
	put(now, b);
	CHECK_INT(count(now, "10"), 0);
	op = load(now, SLICE("11"), SLICE(""));
	CHECK_INT(op->n_bindings, 1);
	check_binding(&op->bindings[0], &b);
	store_op_free(op);
}

static void bindings_are_found_by_exact_name(void)
{
	put(now, binding("r1", "bob", "sip:1@b"));
	put(now, binding("r2", "BOB", "sip:2@b"));
	put(now, binding("r3", "bob ", "sip:3@b"));
	put(now, binding("r4", "bob", "sip:4@b"));
	CHECK_INT(count(now, "bob"), 2);
	CHECK_INT(count(now, "BOB"), 1);
	CHECK_INT(count(now, "bob "), 1);
	CHECK_INT(count(now, "Bob"), 0);
	struct store_op *op = load(now, SLICE("bob"), SLICE(""));
	CHECK_SLICE(op->bindings[0].contact, "sip:1@b");
	CHECK_SLICE(op->bindings[1].contact, "sip:4@b");
	store_op_free(op);
}

static void a_domain_narrows_unless_it_is_empty(void)
{
	struct store_binding b = binding("r1", "10", "sip:1@b");
	b.domain = SLICE("a.example");
	put(now, b);
	b.ruid = SLICE("r2");
	b.domain = SLICE("b.example");
	put(now, b);
	put(now, binding("r3", "10", "sip:3@b"));
	struct store_op *op = load(now, SLICE("10"), SLICE("b.example"));
	CHECK_INT(op->n_bindings, 1);
	CHECK_SLICE(op->bindings[0].ruid, "r2");
	store_op_free(op);
	CHECK_INT(count(now, "10"), 3);
}

static void tables_are_kept_apart(void)
{
	struct store_binding b = binding("r1", "info", "sip:10@example.org");
	struct store_op *op = write_op(&b, 1, NULL);
	op->table = SLICE("aliases");
	op_expect(now, op);
	store_op_free(op);
	CHECK_INT(count(now, "info"), 0);
	op = op_new(STORE_LOCATION_LOAD, "aliases");
	op->username = SLICE("info");
	op_expect(now, op);
	CHECK_INT(op->n_bindings, 1);
	store_op_free(op);
}

static void scan_of(unsigned limit, unsigned expected)
{
	uint64_t after = 0;
	unsigned seen = 0;
	for (;;) {
		struct store_op *op = op_new(STORE_LOCATION_SCAN, "location");
		op->after_id = after;
		op->limit = limit;
		op_expect(now, op);
		unsigned n = op->n_bindings;
		CHECK(n <= limit);
		for (unsigned i = 0; i < n; i++) {
			CHECK(op->bindings[i].id > after);
			after = op->bindings[i].id;
		}
		seen += n;
		store_op_free(op);
		if (n == 0)
			break;
	}
	CHECK_INT(seen, expected);
}

static void a_scan_sees_every_row_once(void)
{
	struct store_binding b[10];
	char ruid[50][20];
	scan_of(7, 0);
	for (unsigned i = 0; i < 50; i++) {
		snprintf(ruid[i], sizeof(ruid[i]), "r%u", i);
		b[i % 10] = binding(ruid[i], "10", "sip:a@b");
		if (i % 10 == 9)
			CHECK_INT(write_bindings(now, b, 10, NULL), STORE_OK);
	}
	CHECK_INT(write_bindings(now, NULL, 0, "r13"), STORE_OK);
	scan_of(7, 49);
	scan_of(49, 49);
	scan_of(1000, 49);
}

static void a_write_is_all_or_nothing(void)
{
	struct store_binding b[3] = {
	    binding("r1", "10", "sip:1@b"),
	    binding("r2", "10", "sip:2@b"),
	    binding("r3", "10", "sip:3@b"),
	};
	put(now, binding("r0", "10", "sip:0@b"));
	CHECK_INT(write_bindings(now, b, 2, "r0"), STORE_OK);
	CHECK_INT(count(now, "10"), 2);

	b[0].contact = SLICE("sip:changed@b");
	b[2].contact = SLICE_NULL;
	CHECK_INT(write_bindings(now, b, 3, "r2"), STORE_FAILED);
	struct store_op *op = load(now, SLICE("10"), SLICE(""));
	CHECK_INT(op->n_bindings, 2);
	CHECK_SLICE(op->bindings[0].contact, "sip:1@b");
	CHECK_SLICE(op->bindings[1].contact, "sip:2@b");
	store_op_free(op);
	/* And the store is fit for more. */
	b[2].contact = SLICE("sip:3@b");
	CHECK_INT(write_bindings(now, b, 3, "r2"), STORE_OK);
	CHECK_INT(count(now, "10"), 3);
}

static void removing_what_is_not_there_is_no_error(void)
{
	CHECK_INT(write_bindings(now, NULL, 0, "nothing"), STORE_OK);
	CHECK_INT(write_bindings(now, NULL, 0, NULL), STORE_OK);
}

static void removes_come_before_puts(void)
{
	struct store_binding b = binding("r1", "10", "sip:new@b");
	put(now, binding("r1", "10", "sip:old@b"));
	CHECK_INT(write_bindings(now, &b, 1, "r1"), STORE_OK);
	struct store_op *op = load(now, SLICE("10"), SLICE(""));
	CHECK_INT(op->n_bindings, 1);
	CHECK_SLICE(op->bindings[0].contact, "sip:new@b");
	store_op_free(op);
}

static void purge_removes_what_has_expired(void)
{
	static const int64_t expires[] = {0, 1799999999, 1800000000, 1800000001};
	static const char *const ruids[] = {"never", "past", "present", "future"};
	for (unsigned i = 0; i < 4; i++) {
		struct store_binding b = binding(ruids[i], "10", "sip:a@b");
		b.expires = expires[i];
		put(now, b);
	}
	struct store_op *op = op_new(STORE_LOCATION_PURGE, "location");
	op->before = 1800000000;
	op_expect(now, op);
	store_op_free(op);
	op = load(now, SLICE("10"), SLICE(""));
	CHECK_INT(op->n_bindings, 3);
	CHECK_SLICE(op->bindings[0].ruid, "never");
	CHECK_SLICE(op->bindings[1].ruid, "present");
	CHECK_SLICE(op->bindings[2].ruid, "future");
	store_op_free(op);
}

/* More than go at once. */
static void purge_is_thorough(void)
{
	enum { N = 2500 };
	static struct store_binding b[N];
	static char ruid[N][16];
	for (unsigned i = 0; i < N; i++) {
		snprintf(ruid[i], sizeof(ruid[i]), "r%u", i);
		b[i] = binding(ruid[i], "10", "sip:a@b");
	}
	CHECK_INT(write_bindings(now, b, N, NULL), STORE_OK);
	struct store_op *op = op_new(STORE_LOCATION_PURGE, "location");
	op->before = 2000000000;
	op_expect(now, op);
	store_op_free(op);
	CHECK_INT(count(now, "10"), 0);
}

/* Secrets. */

static void check_secret(const char *name, struct slice proposal, const char *expected)
{
	struct store_op *op = op_new(STORE_SECRET, "");
	op->username = slice_str(name);
	op->proposal = proposal;
	op_expect(now, op);
	if (expected)
		CHECK_SLICE(op->secret, expected);
	else
		CHECK(!op->secret.p);
	store_op_free(op);
}

static void the_first_proposal_of_a_secret_wins(void)
{
	check_secret("nonce", SLICE_NULL, NULL);
	check_secret("nonce", SLICE("one\xff"), "one\xff");
	check_secret("nonce", SLICE("two"), "one\xff");
	check_secret("nonce", SLICE_NULL, "one\xff");
	check_secret("Nonce", SLICE("three"), "three");
}

/* Misuse. */

static void a_table_must_have_a_table_name(void)
{
	static const char *const names[] = {"", "a b", "location;", "`location`", "a.b", "ä"};
	for (unsigned i = 0; i < 6; i++) {
		struct store_op *op = op_new(STORE_LOCATION_LOAD, names[i]);
		op->username = SLICE("10");
		CHECK_INT(op_run(now, op), STORE_FAILED);
		CHECK(op->message.n > 0);
		store_op_free(op);
	}
}

static void a_missing_table_is_named(void)
{
	struct store_op *op = op_new(STORE_CREDENTIALS, "nobody");
	op->username = SLICE("10");
	CHECK_INT(op_run(now, op), STORE_FAILED);
	CHECK(memmem(op->message.p, op->message.n, "nobody", 6) != NULL);
	store_op_free(op);
}

/* Side by side. */

struct swarm {
	unsigned left;
	unsigned failed;
};

static void swarm_done(struct store_op *op)
{
	struct swarm *s = op->data;
	s->left--;
	if (op->error != STORE_OK && s->failed++ == 0)
		printf("# %s: %d %.*s\n", now->name, op->error, SLICE_ARG(op->message));
	store_op_free(op);
}

/* Each writes two rows that others write too, in either order. */
static void swarm_submit(struct swarm *s, unsigned i)
{
	struct store_binding b[2] = {
	    binding(i % 2 ? "r1" : "r2", "10", "sip:a@b"),
	    binding(i % 2 ? "r2" : "r1", "10", "sip:a@b"),
	};
	b[0].cseq = b[1].cseq = i;
	struct store_op *op = write_op(b, 2, i % 10 == 9 ? "r1" : NULL);
	op->done = swarm_done;
	op->data = s;
	s->left++;
	store_submit(now->store, op);
}

static void writers_do_not_hinder_each_other(void)
{
	struct swarm s = {0};
	for (unsigned i = 0; i < 200; i++)
		swarm_submit(&s, i);
	while (s.left > 0)
		uv_run(&now->loop, UV_RUN_ONCE);
	CHECK_INT(s.failed, 0);
	struct store_op *op = load(now, SLICE("10"), SLICE(""));
	CHECK_INT(op->n_bindings, 2);
	/* Both rows come from one write. */
	if (op->n_bindings == 2)
		CHECK_INT(op->bindings[0].cseq, op->bindings[1].cseq);
	store_op_free(op);
}

/* Stores that outlive the program. */

static void what_was_written_is_there_after_a_restart(void)
{
	put(now, binding("r1", "10", "sip:a@b"));
	CHECK_INT(subscriber_add(now, SLICE("10"), "example.org", "x"), STORE_OK);
	check_secret("nonce", SLICE("one"), "one");
	backend_close(now);
	backend_open(now);
	CHECK_INT(count(now, "10"), 1);
	check_secret("nonce", SLICE("two"), "one");
	struct store_op *op = credentials(now, SLICE("10"));
	CHECK_INT(op->n_subscribers, 1);
	store_op_free(op);
}

static void connections_see_what_others_wrote(void)
{
	struct backend other = *now;
	other.queued = false;
	backend_open(&other);
	put(&other, binding("r1", "10", "sip:a@b"));
	CHECK_INT(count(now, "10"), 1);
	CHECK_INT(write_bindings(now, NULL, 0, "r1"), STORE_OK);
	CHECK_INT(count(&other, "10"), 0);
	backend_close(&other);
}

static void creating_again_changes_nothing(void)
{
	struct buf why;
	buf_init(&why, 1000);
	put(now, binding("r1", "10", "sip:a@b"));
	backend_create(now);
	CHECK_INT(now->driver->check(now->connection, &why), STORE_OK);
	CHECK_INT(count(now, "10"), 1);
	buf_free(&why);
}

/* All of it for each. */

static void clean(void)
{
	if (strcmp(now->scheme, "mysql") == 0) {
		mariadb(now->name, "-e 'DELETE FROM subscriber; DELETE FROM location; "
				   "DELETE FROM aliases; DELETE FROM lunasip_secret'");
		return;
	}
	backend_close(now);
	place(now);
	backend_open(now);
	backend_create(now);
}

static void run(const char *name, void (*test)(void))
{
	char title[200];
	snprintf(title, sizeof(title), "%s: %s", now->name, name);
	clean();
	tap_run(title, test);
}

#define RUN(test) run(#test, test)

static void run_all(struct backend *b)
{
	now = b;
	place(b);
	backend_open(b);
	backend_create(b);
	RUN(names_are_compared_byte_for_byte);
	RUN(unknown_user_has_no_row);
	RUN(one_name_may_have_several_domains);
	RUN(all_columns_of_a_subscriber_are_kept);
	RUN(subscribers_are_added_once_and_must_exist_to_change);
	RUN(subscribers_are_listed_in_order);
	RUN(a_binding_comes_back_as_it_was);
	RUN(times_and_preferences_are_exact);
	RUN(times_of_many_rows_are_exact);
	RUN(odd_bytes_are_kept);
	RUN(long_texts_are_never_cut);
	RUN(a_put_replaces_the_row_of_its_ruid);
	RUN(bindings_are_found_by_exact_name);
	RUN(a_domain_narrows_unless_it_is_empty);
	RUN(tables_are_kept_apart);
	RUN(a_scan_sees_every_row_once);
	RUN(a_write_is_all_or_nothing);
	RUN(removing_what_is_not_there_is_no_error);
	RUN(removes_come_before_puts);
	RUN(purge_removes_what_has_expired);
	RUN(purge_is_thorough);
	RUN(the_first_proposal_of_a_secret_wins);
	RUN(a_table_must_have_a_table_name);
	RUN(a_missing_table_is_named);
	RUN(writers_do_not_hinder_each_other);
	if (strcmp(b->scheme, "memory") != 0) {
		RUN(what_was_written_is_there_after_a_restart);
		RUN(connections_see_what_others_wrote);
		RUN(creating_again_changes_nothing);
	}
	backend_close(b);
}

int main(void)
{
	static struct backend backends[] = {
	    {.name = "memory", .scheme = "memory"},
	    {.name = "sqlite", .scheme = "sqlite"},
	    {.name = "sqlite_queue", .scheme = "sqlite", .queued = true},
	    {.name = "mysql", .scheme = "mysql"},
	    {.name = "mysql_queue", .scheme = "mysql", .queued = true},
	};
	/* A zone that is not UTC, with summer time: DATETIMEs are in local time. */
	setenv("TZ", "Europe/Berlin", 1);
	for (unsigned i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		run_all(&backends[i]);
	return tap_done();
}
