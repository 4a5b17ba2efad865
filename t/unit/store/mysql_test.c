/*
 * What is MySQL's own: databases that others made, connections that break,
 * names and passwords in URLs.
 */
#include "store/backend.h"

static struct backend db = {.name = "kamailio", .scheme = "mysql"};

/* A database made from a file beside this one. */
static void open_made_from(const char *file)
{
	place(&db);
	mariadb(db.name, "<t/unit/store/%s", file);
	backend_open(&db);
}

static enum store_error check(char *why, size_t size)
{
	struct buf b;
	buf_init(&b, 1000);
	enum store_error e = db.driver->check(db.connection, &b);
	snprintf(why, size, "%.*s", SLICE_ARG(buf_slice(&b)));
	buf_free(&b);
	return e;
}

static unsigned subscribers(struct slice name)
{
	struct store_op *op = credentials(&db, name);
	unsigned n = op->n_subscribers;
	store_op_free(op);
	return n;
}

/* Kamailio's. */

static void check_names(void)
{
	CHECK_INT(subscribers(SLICE("bob")), 1);
	CHECK_INT(subscribers(SLICE("BOB")), 0);
	CHECK_INT(subscribers(SLICE("bob ")), 0);
	CHECK_INT(subscribers(SLICE("b\303\266b")), 0);
	CHECK_INT(subscribers(SLICE("\xbf'")), 0);
	CHECK_INT(count(&db, "bob"), 1);
	CHECK_INT(count(&db, "BOB"), 0);
	CHECK_INT(count(&db, "bob "), 0);
	CHECK_INT(subscriber_add(&db, SLICE("j\xc3\xb6rg"), "example.org", "x"), STORE_OK);
	CHECK_INT(subscribers(SLICE("j\xc3\xb6rg")), 1);
	CHECK_INT(subscribers(SLICE("jorg")), 0);
	CHECK_INT(subscribers(SLICE("j\xc3\x96rg")), 0);
}

static void kamailios_names_are_compared_byte_for_byte(void)
{
	char why[200];
	open_made_from("kamailio.sql");
	CHECK_INT(check(why, sizeof(why)), STORE_OK);
	check_names();
	backend_close(&db);
}

static void so_they_are_in_unicode(void)
{
	open_made_from("kamailio.sql");
	mariadb(db.name, "-e 'ALTER TABLE subscriber CONVERT TO CHARACTER SET utf8mb4; "
			 "ALTER TABLE location CONVERT TO CHARACTER SET utf8mb4'");
	check_names();
	backend_close(&db);
}

static void kamailios_rows_are_understood(void)
{
	open_made_from("kamailio.sql");
	struct store_op *op = credentials(&db, SLICE("bob"));
	CHECK_SLICE(op->subscribers[0].password, "secret");
	CHECK_SLICE(op->subscribers[0].ha1, "ha1-bob");
	CHECK_SLICE(op->subscribers[0].ha1b, "ha1b-bob");
	CHECK(!op->subscribers[0].ha1_sha256.p);
	store_op_free(op);

	op = load(&db, SLICE("bob"), SLICE(""));
	CHECK_SLICE(op->bindings[0].contact, "sip:bob@192.0.2.7:5060");
	CHECK_INT(op->bindings[0].expires, 1900000000);
	CHECK_INT(op->bindings[0].q, -1);
	CHECK_INT(op->bindings[0].methods, 5951);
	CHECK_INT(op->bindings[0].cflags, 64);
	CHECK_SLICE(op->bindings[0].domain, "");
	store_op_free(op);

	op = load(&db, SLICE("zoe"), SLICE(""));
	CHECK_INT(op->bindings[0].expires, 0);
	CHECK_INT(op->bindings[0].q, 700);
	CHECK_INT(op->bindings[0].methods, -1);
	CHECK_SLICE(op->bindings[0].received, "sip:203.0.113.1:4000");
	store_op_free(op);
	backend_close(&db);
}

static void kamailio_can_read_what_we_write(void)
{
	open_made_from("kamailio.sql");
	struct store_binding b = binding("uloc-1-1", "bob", "sip:bob@192.0.2.99");
	b.q = 500;
	put(&db, b);
	b.ruid = SLICE("uloc-x");
	b.expires = 0;
	put(&db, b);
	CHECK_STR(mariadb(db.name, "-e \"SELECT CONCAT_WS(' ', id, contact, q, ISNULL(methods), "
				   "ISNULL(domain), UNIX_TIMESTAMP(expires), connection_id) "
				   "FROM location WHERE ruid = 'uloc-1-1'\""),
		  "1 sip:bob@192.0.2.99 0.50 1 1 1900000000 -1");
	CHECK_STR(mariadb(db.name, "-e \"SELECT UNIX_TIMESTAMP(expires) FROM location "
				   "WHERE ruid = 'uloc-x'\""),
		  "0");
	CHECK_INT(write_bindings(&db, NULL, 0, "ULOC-X"), STORE_OK);
	CHECK_INT(count(&db, "bob"), 2);
	CHECK_INT(write_bindings(&db, NULL, 0, "uloc-x"), STORE_OK);
	CHECK_INT(count(&db, "bob"), 1);
	backend_close(&db);
}

static void without_our_column_md5_is_stored(void)
{
	struct store_subscriber s = subscriber(SLICE("eve"), "example.org", "md5");
	struct buf why;
	buf_init(&why, 1000);
	open_made_from("kamailio.sql");
	s.ha1_sha256 = SLICE("sha");
	CHECK_INT(db.driver->subscriber_add(db.connection, &s, &why), STORE_OK);
	struct store_op *op = credentials(&db, SLICE("eve"));
	CHECK_SLICE(op->subscribers[0].ha1, "md5");
	CHECK(!op->subscribers[0].ha1_sha256.p);
	store_op_free(op);
	/* Its key takes BOB for bob; changes do not. */
	s.username = SLICE("BOB");
	CHECK_INT(db.driver->subscriber_add(db.connection, &s, &why), STORE_EXISTS);
	CHECK_INT(db.driver->subscriber_set(db.connection, &s, &why), STORE_MISSING);
	CHECK_INT(db.driver->subscriber_remove(db.connection, s.username, s.domain, &why),
		  STORE_MISSING);
	CHECK_INT(subscribers(SLICE("bob")), 1);
	backend_close(&db);
	buf_free(&why);
}

static void the_table_of_secrets_is_made_when_needed(void)
{
	open_made_from("kamailio.sql");
	for (unsigned i = 0; i < 2; i++) {
		struct store_op *op = op_new(STORE_SECRET, "");
		op->username = SLICE("nonce");
		op->proposal = i == 0 ? SLICE("first") : SLICE("second");
		op_expect(&db, op);
		CHECK_SLICE(op->secret, "first");
		store_op_free(op);
	}
	CHECK_STR(mariadb(db.name, "-e \"SHOW TABLES LIKE 'ac%%'\""), "");
	backend_close(&db);
}

/* Of another shape. */

static void an_old_location_table_is_named_with_its_version(void)
{
	char why[300];
	open_made_from("openser.sql");
	CHECK_INT(check(why, sizeof(why)), STORE_FAILED);
	CHECK(strstr(why, "location") && strstr(why, "ruid") && strstr(why, "1004") &&
	      strstr(why, "version 9"));
	CHECK_INT(subscribers(SLICE("10")), 1);
	backend_close(&db);
}

static void missing_tables_are_named(void)
{
	char why[300];
	place(&db);
	backend_open(&db);
	CHECK_INT(check(why, sizeof(why)), STORE_FAILED);
	CHECK(strstr(why, "subscriber") && strstr(why, "db init"));
	/* Made meanwhile by somebody else: seen at once. */
	mariadb(db.name, "<t/unit/store/kamailio.sql");
	CHECK_INT(check(why, sizeof(why)), STORE_OK);
	backend_close(&db);
}

/* DATETIMEs. */

static void never_is_never_in_every_zone(void)
{
	static const char *const zones[] = {"America/New_York", "UTC", "Asia/Tokyo"};
	for (unsigned i = 0; i < 3; i++) {
		setenv("TZ", zones[i], 1);
		tzset();
		place(&db);
		backend_open(&db);
		backend_create(&db);
		mariadb(db.name, "-e \"INSERT INTO location (ruid, username, contact) "
				 "VALUES ('r', '10', 'sip:by-hand')\"");
		struct store_binding b = binding("r2", "10", "sip:ours");
		b.expires = 0;
		put(&db, b);
		struct store_op *op = op_new(STORE_LOCATION_PURGE, "location");
		op->before = 2000000000;
		op_expect(&db, op);
		store_op_free(op);
		op = load(&db, SLICE("10"), SLICE(""));
		CHECK_INT(op->n_bindings, 2);
		for (unsigned k = 0; k < op->n_bindings; k++)
			CHECK_INT(op->bindings[k].expires, 0);
		store_op_free(op);
		backend_close(&db);
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

/* Connections. */

static void kill_connections(void)
{
	shell("s=$(t/tools/mariadb.sh socket %s/mariadb); for id in $(mariadb --no-defaults -N -B "
	      "-u root -S $s -e \"SELECT id FROM information_schema.processlist WHERE db = "
	      "'%s'\"); do mariadb --no-defaults -u root -S $s -e \"KILL $id\"; done",
	      test_dir, db.name);
}

static void a_killed_connection_is_made_anew(void)
{
	place(&db);
	backend_open(&db);
	backend_create(&db);
	put(&db, binding("r1", "10", "sip:a@b"));
	for (unsigned i = 0; i < 3; i++) {
		kill_connections();
		CHECK_INT(count(&db, "10"), 1);
		kill_connections();
		CHECK_INT(write_bindings(&db, NULL, 0, "nothing"), STORE_OK);
	}
	backend_close(&db);
}

static enum store_error try_load(void)
{
	struct store_op *op = op_new(STORE_LOCATION_LOAD, "location");
	op->username = SLICE("10");
	enum store_error e = op_run(&db, op);
	CHECK(e == STORE_OK || op->message.n > 0);
	store_op_free(op);
	return e;
}

/* Asks until there is an answer, 10 s at most. */
static void await_answer(void)
{
	enum store_error e = STORE_UNAVAILABLE;
	for (uint64_t began = uv_hrtime(); e != STORE_OK && uv_hrtime() - began < 10000000000;)
		e = try_load();
	CHECK_INT(e, STORE_OK);
}

static void a_stopped_server_is_reported_at_once_and_found_again(void)
{
	place(&db);
	backend_open(&db);
	backend_create(&db);
	put(&db, binding("r1", "10", "sip:a@b"));
	shell("t/tools/mariadb.sh stop %s/mariadb", test_dir);
	uint64_t began = uv_hrtime();
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(try_load(), STORE_UNAVAILABLE);
	CHECK(uv_hrtime() - began < 2000000000);
	start_mariadb();
	await_answer();
	CHECK_INT(count(&db, "10"), 1);
	backend_close(&db);
}

/* Until the last of its threads stands still. */
static void suspend_mariadb(void)
{
	shell("kill -STOP $(cat %s/mariadb/pid)", test_dir);
	shell("while grep -hs ^State /proc/$(cat %s/mariadb/pid)/task/*/status | grep -qv T; do "
	      "sleep 0.01; done",
	      test_dir);
}

/* It costs the wait for an answer and the one for a connection, not 100 of them. */
static void a_hung_server_is_waited_for_once(void)
{
	place(&db);
	strcat(db.url, "&timeout=1&connect_timeout=1");
	backend_open(&db);
	backend_create(&db);
	put(&db, binding("r1", "10", "sip:a@b"));
	suspend_mariadb();
	uint64_t began = uv_hrtime();
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(try_load(), STORE_UNAVAILABLE);
	CHECK(uv_hrtime() - began < 5000000000);
	shell("kill -CONT $(cat %s/mariadb/pid)", test_dir);
	await_answer();
	backend_close(&db);
}

/* URLs. */

static enum store_error try_open(const char *url, char *why, size_t size)
{
	struct store_connection *c;
	struct slice rest;
	struct buf b;
	buf_init(&b, 1000);
	const struct store_driver *d = store_driver_of(slice_str(url), &rest);
	enum store_error e = d->open(&c, rest, &b);
	if (e == STORE_OK)
		d->close(c);
	snprintf(why, size, "%.*s", SLICE_ARG(buf_slice(&b)));
	buf_free(&b);
	return e;
}

static void passwords_work_and_stay_secret(void)
{
	char why[300], url[600];
	place(&db);
	mariadb("",
		"-e \"CREATE OR REPLACE USER joe IDENTIFIED BY 'p@s:s/?%%w'; "
		"GRANT ALL ON %s.* TO joe\"",
		db.name);
	const char *socket = strchr(db.url, '?');
	snprintf(url, sizeof(url), "mysql://joe:p%%40s%%3as%%2F%%3f%%25w@localhost/%s%s", db.name,
		 socket);
	CHECK_INT(try_open(url, why, sizeof(why)), STORE_OK);
	snprintf(url, sizeof(url), "mysql://joe:geheim@localhost/%s%s", db.name, socket);
	CHECK_INT(try_open(url, why, sizeof(why)), STORE_UNAVAILABLE);
	CHECK(strstr(why, "denied") && !strstr(why, "geheim") && !strchr(why, '\n'));
}

static void a_server_that_is_not_there_gives_a_reason(void)
{
	char why[300];
	CHECK_INT(try_open("mysql://joe:geheim@127.0.0.1:1/x", why, sizeof(why)),
		  STORE_UNAVAILABLE);
	CHECK(strstr(why, "127.0.0.1") && !strstr(why, "geheim") && !strchr(why, '\n'));
	CHECK_INT(try_open("mysql://joe:geheim@127.0.0.1:x/x", why, sizeof(why)), STORE_FAILED);
	CHECK(why[0] && !strstr(why, "geheim"));
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	start_mariadb();
	TEST(kamailios_names_are_compared_byte_for_byte);
	TEST(so_they_are_in_unicode);
	TEST(kamailios_rows_are_understood);
	TEST(kamailio_can_read_what_we_write);
	TEST(without_our_column_md5_is_stored);
	TEST(the_table_of_secrets_is_made_when_needed);
	TEST(an_old_location_table_is_named_with_its_version);
	TEST(missing_tables_are_named);
	TEST(never_is_never_in_every_zone);
	TEST(a_killed_connection_is_made_anew);
	TEST(a_stopped_server_is_reported_at_once_and_found_again);
	TEST(a_hung_server_is_waited_for_once);
	TEST(passwords_work_and_stay_secret);
	TEST(a_server_that_is_not_there_gives_a_reason);
	return tap_done();
}
