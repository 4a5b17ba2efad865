/*
 * Several hosts in the URL: two servers that know nothing of each other, each with
 * one binding "here" whose contact tells which of them answered.
 */
#include "store/backend.h"

enum { FIRST, SECOND, SERVERS };

static struct backend db = {.name = "failover", .scheme = "mysql"};
static char hosts[SERVERS][20];

__attribute__((format(printf, 2, 3))) static const char *sql(unsigned server, const char *format,
							     ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return shell("mariadb --no-defaults -N -B -u root -S $(t/tools/mariadb.sh socket %s/%u) "
		     "lunasip -e \"%s\"",
		     test_dir, server, text);
}

static void start_server(unsigned server)
{
	shell("MARIADB_OPTIONS='--skip-networking=0 --bind-address=%s --port=3306' "
	      "t/tools/mariadb.sh start %s/%u %d",
	      hosts[server], test_dir, server, (int)getpid());
}

static void signal_server(unsigned server, const char *name)
{
	shell("kill -%s $(cat %s/%u/pid)", name, test_dir, server);
}

/* Gone without a word: what is left of it may wait for a long time to be reaped. */
static void kill_server(unsigned server)
{
	signal_server(server, "KILL");
	shell("cd %s/%u && while readlink /proc/$(cat pid)/exe >/dev/null; do sleep 0.01; done; "
	      "rm pid",
	      test_dir, server);
}

/* Until the last of its threads stands still. */
static void stop_server(unsigned server)
{
	signal_server(server, "STOP");
	shell("while grep -hs ^State /proc/$(cat %s/%u/pid)/task/*/status | grep -qv T; do "
	      "sleep 0.01; done",
	      test_dir, server);
}

static void kill_servers(void)
{
	shell("for pid in $(cat %s/*/pid 2>/dev/null); do kill -KILL $pid; done", test_dir);
}

/* Joe may change what is in the database, unless the server is read-only. */
static void prepare_server(unsigned server)
{
	start_server(server);
	sql(server, "CREATE USER joe IDENTIFIED BY 'geheim'; GRANT ALL ON lunasip.* TO joe");
	snprintf(db.url, sizeof(db.url), "mysql://joe:geheim@%s/lunasip", hosts[server]);
	backend_open(&db);
	backend_create(&db);
	put(&db, binding("here", "here", hosts[server]));
	backend_close(&db);
}

static void start_servers(void)
{
	make_test_dir();
	atexit(kill_servers);
	/* A net of its own for each process. */
	for (unsigned i = 0; i < SERVERS; i++) {
		unsigned pid = (unsigned)getpid();
		snprintf(hosts[i], sizeof(hosts[i]), "127.%u.%u.%u", 16 + pid / 250 % 200,
			 1 + pid % 250, 1 + i);
		prepare_server(i);
	}
}

static void open_both(const char *options)
{
	snprintf(db.url, sizeof(db.url), "mysql://joe:geheim@%s,%s:3306/lunasip%s", hosts[FIRST],
		 hosts[SECOND], options);
	backend_open(&db);
}

static struct store_op *ask(void)
{
	struct store_op *op = op_new(STORE_LOCATION_LOAD, "location");
	op->username = SLICE("here");
	return op;
}

/* Which server answers. */
static void check_at(unsigned server)
{
	struct store_op *op = ask();
	op_expect(&db, op);
	CHECK_INT(op->n_bindings, 1);
	if (op->n_bindings == 1)
		CHECK_SLICE(op->bindings[0].contact, hosts[server]);
	store_op_free(op);
}

static void one_that_is_down_is_passed_over(void)
{
	kill_server(FIRST);
	open_both("");
	check_at(SECOND);
	/* What works is not left. */
	start_server(FIRST);
	check_at(SECOND);
	backend_close(&db);
	open_both("");
	check_at(FIRST);
	backend_close(&db);
}

static void what_is_under_way_goes_on_at_the_next(void)
{
	open_both("");
	check_at(FIRST);
	kill_server(FIRST);
	check_at(SECOND);
	start_server(FIRST);
	kill_server(SECOND);
	put(&db, binding("moved", "moved", "sip:moved"));
	check_at(FIRST);
	CHECK_STR(sql(FIRST, "DELETE FROM location WHERE ruid = 'moved'; SELECT ROW_COUNT()"), "1");
	start_server(SECOND);
	backend_close(&db);
}

static void one_that_hangs_is_left(void)
{
	open_both("?timeout=1&connect_timeout=1");
	check_at(FIRST);
	stop_server(FIRST);
	check_at(SECOND);
	signal_server(FIRST, "CONT");
	check_at(SECOND);
	backend_close(&db);
}

static void one_that_takes_no_changes_is_left(void)
{
	open_both("");
	check_at(FIRST);
	sql(FIRST, "SET GLOBAL read_only = ON");
	put(&db, binding("there", "there", "sip:there"));
	check_at(SECOND);
	CHECK_STR(sql(SECOND, "DELETE FROM location WHERE ruid = 'there'; SELECT ROW_COUNT()"),
		  "1");
	backend_close(&db);
	/* Nor is it chosen. */
	open_both("");
	check_at(SECOND);
	backend_close(&db);
	sql(FIRST, "SET GLOBAL read_only = OFF");
}

/* It is not the server that refuses: there is nothing to be had from another one. */
static void a_wrong_statement_goes_nowhere_else(void)
{
	open_both("");
	struct store_op *op = op_new(STORE_QUERY, "");
	op->sql = SLICE("SELECT nonsense");
	CHECK_INT(op_run(&db, op), STORE_FAILED);
	store_op_free(op);
	check_at(FIRST);
	backend_close(&db);
}

static void check_connection_at(struct store_connection *c, unsigned server)
{
	struct store_op *op = ask();
	store_run(c, op);
	CHECK_INT(op->error, STORE_OK);
	CHECK_SLICE(op->n_bindings == 1 ? op->bindings[0].contact : SLICE(""), hosts[server]);
	store_op_free(op);
}

static void the_connections_of_a_store_meet(void)
{
	struct store_connection *c;
	struct buf why;
	buf_init(&why, 1000);
	kill_server(FIRST);
	open_both("?timeout=1&connect_timeout=1");
	start_server(FIRST);
	CHECK_INT(db.driver->open_beside(&c, rest_of(&db), db.connection, &why), STORE_OK);
	check_connection_at(c, SECOND);
	/* Who has to look for another one tells the others. */
	kill_server(SECOND);
	check_at(FIRST);
	start_server(SECOND);
	check_connection_at(c, FIRST);
	/* So nobody finds out for himself that a server hangs. */
	stop_server(FIRST);
	check_at(SECOND);
	signal_server(FIRST, "CONT");
	check_connection_at(c, SECOND);
	db.driver->close(c);
	backend_close(&db);
	buf_free(&why);
}

static void try_open(const char *url, struct buf *why)
{
	struct store_connection *c;
	struct slice rest;
	buf_reset(why);
	const struct store_driver *d = store_driver_of(slice_str(url), &rest);
	CHECK_INT(d->open(&c, rest, why), STORE_UNAVAILABLE);
	buf_putc(why, '\0');
}

static void all_that_were_tried_are_named(void)
{
	char url[200];
	struct buf why;
	buf_init(&why, 2000);
	snprintf(url, sizeof(url), "mysql://joe:falsch@127.0.0.1:1,%s,[::1]:2/lunasip",
		 hosts[FIRST]);
	try_open(url, &why);
	CHECK(strstr(why.p, "127.0.0.1 port 1: ") && strstr(why.p, "::1 port 2: "));
	CHECK(strstr(why.p, hosts[FIRST]) && strstr(why.p, "denied"));
	CHECK(!strstr(why.p, "falsch") && !strchr(why.p, '\n'));
	sql(FIRST, "SET GLOBAL read_only = ON");
	snprintf(url, sizeof(url), "mysql://joe:geheim@127.0.0.1:1,%s/lunasip", hosts[FIRST]);
	try_open(url, &why);
	CHECK(strstr(why.p, "read-only"));
	sql(FIRST, "SET GLOBAL read_only = OFF");
	buf_free(&why);
}

/* Nobody waits for it any more. */

static void what_was_given_up_does_not_begin(void)
{
	struct store_binding b = binding("late", "late", "sip:late");
	open_both("");
	struct store_op *op = ask();
	atomic_store(&op->given_up, true);
	CHECK_INT(op_run(&db, op), STORE_UNAVAILABLE);
	CHECK(!op->begun);
	store_op_free(op);
	op = write_op(&b, 1, NULL);
	atomic_store(&op->given_up, true);
	CHECK_INT(op_run(&db, op), STORE_UNAVAILABLE);
	CHECK(!op->in_doubt && op->message.n > 0);
	store_op_free(op);
	CHECK_INT(count(&db, "late"), 0);
	backend_close(&db);
}

static void the_others_of_its_group_are_written(void)
{
	struct store_binding late = binding("late", "late", "sip:late");
	struct store_binding good = binding("good", "good", "sip:good");
	struct store_op *ops[] = {write_op(&late, 1, NULL), write_op(&good, 1, NULL)};
	open_both("");
	atomic_store(&ops[0]->given_up, true);
	store_run_group(db.connection, ops, 2);
	CHECK_INT(ops[0]->error, STORE_UNAVAILABLE);
	CHECK(!ops[0]->in_doubt && ops[0]->message.n > 0);
	CHECK_INT(ops[1]->error, STORE_OK);
	store_op_free(ops[0]);
	store_op_free(ops[1]);
	CHECK_INT(count(&db, "late"), 0);
	CHECK_INT(count(&db, "good"), 1);
	CHECK_INT(write_bindings(&db, NULL, 0, "good"), STORE_OK);
	backend_close(&db);
}

/* Settling. */

static enum store_error settle(const char *ruid)
{
	struct store_op *op = write_op(NULL, 0, NULL);
	struct slice ruids[] = {slice_str(ruid)};
	op->settles = ruids;
	op->n_settles = 1;
	enum store_error e = op_run(&db, op);
	store_op_free(op);
	return e;
}

static void settling_changes_nothing(void)
{
	open_both("");
	CHECK_INT(settle("here"), STORE_OK);
	check_at(FIRST);
	CHECK_INT(settle("nobody"), STORE_OK);
	CHECK_STR(sql(FIRST, "SELECT COUNT(*) FROM location"), "1");
	backend_close(&db);
}

/* A row that somebody may still commit. */
static void settling_waits_for_what_is_under_way(void)
{
	open_both("");
	shell("(echo \"BEGIN; INSERT INTO location (ruid, username, contact) VALUES ('x', 'x', "
	      "'sip:x'); SELECT 1;\"; until [ -e %s/go ]; do sleep 0.05; done; echo 'COMMIT;') | "
	      "mariadb --no-defaults -n -u root -S $(t/tools/mariadb.sh socket %s/0) lunasip "
	      ">%s/inserted 2>&1 & until grep -qs 1 %s/inserted; do sleep 0.05; done",
	      test_dir, test_dir, test_dir, test_dir);
	CHECK_INT(write_bindings(&db, NULL, 0, "elsewhere"), STORE_OK);
	CHECK_INT(count(&db, "x"), 0);
	CHECK_INT(settle("x"), STORE_UNAVAILABLE);
	shell("touch %s/go", test_dir);
	while (settle("x") != STORE_OK) {
	}
	CHECK_INT(count(&db, "x"), 1);
	CHECK_INT(write_bindings(&db, NULL, 0, "x"), STORE_OK);
	backend_close(&db);
}

int main(void)
{
	start_servers();
	TEST(one_that_is_down_is_passed_over);
	TEST(what_is_under_way_goes_on_at_the_next);
	TEST(one_that_hangs_is_left);
	TEST(one_that_takes_no_changes_is_left);
	TEST(a_wrong_statement_goes_nowhere_else);
	TEST(the_connections_of_a_store_meet);
	TEST(all_that_were_tried_are_named);
	TEST(what_was_given_up_does_not_begin);
	TEST(the_others_of_its_group_are_written);
	TEST(settling_changes_nothing);
	TEST(settling_waits_for_what_is_under_way);
	return tap_done();
}
