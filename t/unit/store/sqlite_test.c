/*
 * What is SQLite's own: its file, and one that Kamailio made.
 */
#include "store/backend.h"

#include <sqlite3.h>
#include <sys/stat.h>

static struct backend db = {.name = "sqlite", .scheme = "sqlite"};

static const char *path(void)
{
	return db.url + strlen("sqlite:");
}

/* Runs a file of SQL, or a statement. */
static void sqlite(const char *sql)
{
	sqlite3 *s;
	char *text = NULL;
	FILE *f = fopen(sql, "r");
	size_t size = 0;
	if (f && getdelim(&text, &size, EOF, f) < 0)
		bail_out("cannot read %s", sql);
	if (sqlite3_open(path(), &s) != SQLITE_OK ||
	    sqlite3_exec(s, text ? text : sql, NULL, NULL, NULL) != SQLITE_OK)
		bail_out("%s", sqlite3_errmsg(s));
	sqlite3_close(s);
	free(text);
	if (f)
		fclose(f);
}

static void open_kamailios(void)
{
	place(&db);
	sqlite("t/unit/store/kamailio_sqlite.sql");
	backend_open(&db);
}

static void kamailios_file_serves_as_it_is(void)
{
	struct buf why;
	buf_init(&why, 1000);
	open_kamailios();
	CHECK_INT(db.driver->check(db.connection, &why), STORE_OK);
	struct store_op *op = credentials(&db, SLICE("bob"));
	CHECK_SLICE(op->subscribers[0].password, "secret");
	CHECK(!op->subscribers[0].ha1_sha256.p);
	store_op_free(op);
	CHECK_INT(subscriber_add(&db, SLICE("eve"), "example.org", "x"), STORE_OK);
	op = op_new(STORE_SECRET, "");
	op->username = SLICE("nonce");
	op->proposal = SLICE("first");
	op_expect(&db, op);
	CHECK_SLICE(op->secret, "first");
	store_op_free(op);
	backend_close(&db);
	buf_free(&why);
}

static void julian_days_and_texts_are_times(void)
{
	open_kamailios();
	struct store_op *op = load(&db, SLICE("bob"), SLICE(""));
	CHECK_INT(op->n_bindings, 4);
	CHECK_INT(op->bindings[0].expires, 1900000000);
	CHECK_INT(op->bindings[0].last_modified, 1800000000);
	CHECK_INT(op->bindings[1].expires, 0);
	CHECK_INT(op->bindings[2].expires, 1900000000);
	CHECK_INT(op->bindings[2].last_modified, 1800000000);
	CHECK_INT(op->bindings[3].last_modified, 946684800);
	store_op_free(op);
	backend_close(&db);
}

static int one_text(void *data, int n, char **values, char **names)
{
	(void)n;
	(void)names;
	snprintf(data, 100, "%s", values[0] ? values[0] : "NULL");
	return 0;
}

/* The first value that a query gives. */
static const char *ask(const char *sql)
{
	static char text[100];
	sqlite3 *s;
	text[0] = '\0';
	if (sqlite3_open(path(), &s) != SQLITE_OK ||
	    sqlite3_exec(s, sql, one_text, text, NULL) != SQLITE_OK)
		bail_out("%s", sqlite3_errmsg(s));
	sqlite3_close(s);
	return text;
}

static void times_are_written_as_kamailio_reads_them(void)
{
	open_kamailios();
	put(&db, binding("ours", "zoe", "sip:zoe@b"));
	CHECK_STR(ask("SELECT CAST(86400.0 * (expires - 2440587.5) + 0.5 AS INTEGER) || ' ' || "
		      "connection_id FROM location WHERE username = 'zoe'"),
		  "1900000000 -1");
	backend_close(&db);
}

/* SQLite promises nothing for texts with a NUL inside. */
static void a_text_with_a_nul_is_a_blob(void)
{
	struct store_binding b = binding("r", "10", "sip:a@b");
	open_kamailios();
	b.callid = slice_of("a\0b", 3);
	put(&db, b);
	CHECK_STR(ask("SELECT typeof(callid) || ' ' || typeof(contact) FROM location "
		      "WHERE ruid = 'r'"),
		  "blob text");
	backend_close(&db);
}

static enum store_error open_path(const char *url, char *text, size_t size)
{
	struct store_connection *c;
	struct buf why;
	buf_init(&why, 1000);
	enum store_error e = store_sqlite.open(&c, slice_str(url), &why);
	if (e == STORE_OK) {
		e = store_sqlite.check(c, &why);
		store_sqlite.close(c);
	}
	snprintf(text, size, "%.*s", SLICE_ARG(buf_slice(&why)));
	buf_free(&why);
	return e;
}

static void paths_that_will_not_do_are_refused(void)
{
	char why[300], long_path[600];
	place(&db);
	CHECK_INT(open_path("", why, sizeof(why)), STORE_FAILED);
	CHECK_INT(open_path(":memory:", why, sizeof(why)), STORE_FAILED);
	CHECK(strstr(why, "memory:"));
	CHECK(open_path(test_dir, why, sizeof(why)) != STORE_OK);
	CHECK(why[0]);
	snprintf(long_path, sizeof(long_path), "%s/nothing/x.sqlite", test_dir);
	CHECK(open_path(long_path, why, sizeof(why)) != STORE_OK);
	CHECK(strstr(why, "No such"));
	shell("echo this is no database, just a text of some length >%s", path());
	CHECK(open_path(path(), why, sizeof(why)) == STORE_FAILED);
	CHECK(why[0] && !strchr(why, '\n'));
}

/* Where root runs the tests, somebody else tries: to root all files can be written. */
static void a_file_that_cannot_be_written_is_refused(void)
{
	enum { NOBODY = 65534 };
	char dir[] = P_tmpdir "/lunasip.XXXXXX", file[64], why[300];
	bool root = geteuid() == 0;
	CHECK(mkdtemp(dir) != NULL && chmod(dir, 0755) == 0);
	snprintf(file, sizeof(file), "%s/db.sqlite", dir);
	FILE *f = fopen(file, "w");
	CHECK(f && fclose(f) == 0 && chmod(file, 0444) == 0);
	CHECK(!root || seteuid(NOBODY) == 0);
	CHECK_INT(open_path(file, why, sizeof(why)), STORE_UNAVAILABLE);
	CHECK(!root || seteuid(0) == 0);
	CHECK_STR(why, "the file cannot be written");
	CHECK(unlink(file) == 0 && rmdir(dir) == 0);
}

static void only_create_makes_the_file(void)
{
	char why[300];
	struct stat st;
	place(&db);
	CHECK_INT(open_path(path(), why, sizeof(why)), STORE_UNAVAILABLE);
	CHECK(strstr(why, "db init"));
	CHECK(stat(path(), &st) < 0);
	backend_open(&db);
	backend_create(&db);
	CHECK(stat(path(), &st) == 0);
	CHECK_INT(st.st_mode & 0777, 0600); /* passwords are inside */
	backend_close(&db);
	CHECK_INT(open_path(path(), why, sizeof(why)), STORE_OK);
}

/* What others do to the file meanwhile. */

static void a_reader_does_not_wait_for_a_writer(void)
{
	sqlite3 *writer;
	place(&db);
	backend_open(&db);
	backend_create(&db);
	put(&db, binding("r1", "10", "sip:a@b"));
	sqlite3_open(path(), &writer);
	CHECK_INT(sqlite3_exec(writer, "BEGIN EXCLUSIVE; DELETE FROM location", 0, 0, 0), 0);
	CHECK_INT(count(&db, "10"), 1);
	CHECK_INT(sqlite3_exec(writer, "COMMIT", 0, 0, 0), 0);
	CHECK_INT(count(&db, "10"), 0);
	sqlite3_close(writer);
	backend_close(&db);
}

static void a_column_for_sha256_that_was_added_is_used(void)
{
	struct store_subscriber s = subscriber(SLICE("eve"), "example.org", "md5");
	struct buf why;
	buf_init(&why, 1000);
	open_kamailios();
	backend_close(&db);
	sqlite("ALTER TABLE subscriber ADD ha1_sha256 VARCHAR(64) DEFAULT '' NOT NULL");
	backend_open(&db);
	s.ha1_sha256 = SLICE("sha");
	CHECK_INT(db.driver->subscriber_add(db.connection, &s, &why), STORE_OK);
	struct store_op *op = credentials(&db, SLICE("eve"));
	CHECK_SLICE(op->subscribers[0].ha1_sha256, "sha");
	store_op_free(op);
	backend_close(&db);
	buf_free(&why);
}

int main(void)
{
	TEST(kamailios_file_serves_as_it_is);
	TEST(julian_days_and_texts_are_times);
	TEST(times_are_written_as_kamailio_reads_them);
	TEST(a_text_with_a_nul_is_a_blob);
	TEST(paths_that_will_not_do_are_refused);
	TEST(a_file_that_cannot_be_written_is_refused);
	TEST(only_create_makes_the_file);
	TEST(a_reader_does_not_wait_for_a_writer);
	TEST(a_column_for_sha256_that_was_added_is_used);
	return tap_done();
}
