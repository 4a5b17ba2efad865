/*
 * Statements of a script's own.
 */
#include "store/backend.h"

static struct backend *now;
static struct store_op *op;

static void ask(const char *sql, const struct store_value *args, unsigned n)
{
	store_op_free(op);
	op = op_new(STORE_QUERY, "");
	op->sql = slice_str(sql);
	op->args = args;
	op->n_args = n;
	op_run(now, op);
	if (op->error == STORE_OK)
		CHECK_INT(op->message.n, 0);
}

static void ask_ok(const char *sql, const struct store_value *args, unsigned n)
{
	ask(sql, args, n);
	if (op->error != STORE_OK)
		printf("# %s: %.*s\n", now->name, SLICE_ARG(op->message));
	CHECK_INT(op->error, STORE_OK);
}

static void refused(const char *sql, const struct store_value *args, unsigned n, const char *why)
{
	ask(sql, args, n);
	CHECK_INT(op->error, STORE_FAILED);
	if (why && !memmem(op->message.p, op->message.n, why, strlen(why))) {
		printf("# %s: %.*s\n", now->name, SLICE_ARG(op->message));
		CHECK(false);
	}
}

static struct store_value text(const char *s)
{
	return (struct store_value){.type = STORE_TEXT, .text = slice_str(s)};
}

static void values_come_back_with_their_types(void)
{
	const struct store_value args[] = {
	    text("b\303\266b'"),
	    {.type = STORE_INTEGER, .integer = -5000000000},
	    {.type = STORE_REAL, .real = 0.5},
	    {.type = STORE_NULL},
	};
	ask_ok("CREATE TABLE thing (t VARCHAR(100), i BIGINT, r DOUBLE, n INTEGER)", NULL, 0);
	CHECK_INT(op->n_columns, 0);
	ask_ok("INSERT INTO thing (t, i, r, n) VALUES (?, ?, ?, ?)", args, 4);
	CHECK_INT(op->affected, 1);
	CHECK_INT(op->n_rows, 0);
	ask_ok("SELECT t, i, r, n AS empty_one FROM thing", NULL, 0);
	CHECK_INT(op->n_rows, 1);
	CHECK_INT(op->n_columns, 4);
	if (op->n_rows != 1 || op->n_columns != 4)
		return;
	CHECK_SLICE(op->columns[3], "empty_one");
	CHECK_SLICE(op->values[0].text, "b\303\266b'");
	CHECK_INT(op->values[1].type, STORE_INTEGER);
	CHECK_INT(op->values[1].integer, -5000000000);
	CHECK_INT(op->values[2].type, STORE_REAL);
	CHECK(op->values[2].real == 0.5);
	CHECK_INT(op->values[3].type, STORE_NULL);
	CHECK_INT(op->affected, 0);
}

static void arguments_are_never_part_of_the_statement(void)
{
	const struct store_value evil = text("' OR '1'='1");
	ask_ok("SELECT t FROM thing WHERE t = ?", &evil, 1);
	CHECK_INT(op->n_rows, 0);
	CHECK_INT(op->n_columns, 1);
}

static void rows_come_in_order(void)
{
	for (int i = 0; i < 9; i++) {
		const struct store_value arg = {.type = STORE_INTEGER, .integer = i};
		ask_ok("INSERT INTO thing (i) VALUES (?)", &arg, 1);
	}
	ask_ok("SELECT i FROM thing WHERE t IS NULL ORDER BY i", NULL, 0);
	CHECK_INT(op->n_rows, 9);
	for (int i = 0; i < 9; i++)
		CHECK_INT(op->values[i].integer, i);
	ask_ok("UPDATE thing SET r = 1 WHERE i < 3 AND t IS NULL", NULL, 0);
	CHECK_INT(op->affected, 3);
}

static void results_have_limits(void)
{
	refused("SELECT a.i FROM thing a, thing b, thing c, thing d", NULL, 0, "LIMIT");
	ask_ok("SELECT a.i FROM thing a, thing b, thing c, thing d LIMIT 1000", NULL, 0);
	CHECK_INT(op->n_rows, 1000);
	if (strcmp(now->scheme, "sqlite") == 0)
		refused("SELECT zeroblob(1100000)", NULL, 0, "bytes");
	else
		refused("SELECT REPEAT('x', 1100000)", NULL, 0, "bytes");
	ask_ok("SELECT 1", NULL, 0); /* nothing is left over */
}

static void what_is_no_statement_is_refused(void)
{
	const struct store_value args[] = {text("1"), text("2")};
	refused("SELEC 1", NULL, 0, "SELEC");
	refused("SELECT * FROM nowhere", NULL, 0, "nowhere");
	refused("SELECT 1; DROP TABLE thing", NULL, 0, NULL);
	refused("SELECT ?", NULL, 0, "arguments");
	refused("SELECT ?", args, 2, "arguments");
	refused("", NULL, 0, NULL);
	ask_ok("SELECT COUNT(*) FROM thing", NULL, 0);
	CHECK(op->values[0].integer > 0);
}

static void no_transaction_is_left_open(void)
{
	ask("BEGIN", NULL, 0);
	CHECK_INT(op->error, STORE_FAILED);
	ask_ok("INSERT INTO thing (t) VALUES ('kept')", NULL, 0);
	ask("ROLLBACK", NULL, 0);
	ask_ok("SELECT t FROM thing WHERE t = 'kept'", NULL, 0);
	CHECK_INT(op->n_rows, 1);
}

static void dates_are_texts(void)
{
	if (strcmp(now->scheme, "sqlite") == 0)
		ask_ok("SELECT date('2030-01-02')", NULL, 0);
	else
		ask_ok("SELECT DATE '2030-01-02', TIMESTAMP '2030-01-02 03:04:05', 1.50", NULL, 0);
	CHECK_SLICE(op->values[0].text, "2030-01-02");
	if (op->n_columns == 3) {
		CHECK_SLICE(op->values[1].text, "2030-01-02 03:04:05");
		CHECK_SLICE(op->values[2].text, "1.50");
	}
}

static void run(const char *name, void (*test)(void))
{
	char title[200];
	snprintf(title, sizeof(title), "%s: %s", now->name, name);
	tap_run(title, test);
}

#define RUN(test) run(#test, test)

static void run_all(struct backend *b)
{
	now = b;
	place(b);
	backend_open(b);
	backend_create(b);
	RUN(values_come_back_with_their_types);
	RUN(arguments_are_never_part_of_the_statement);
	RUN(rows_come_in_order);
	RUN(results_have_limits);
	RUN(what_is_no_statement_is_refused);
	RUN(no_transaction_is_left_open);
	RUN(dates_are_texts);
	store_op_free(op);
	op = NULL;
	backend_close(b);
}

static void memory_has_no_sql(void)
{
	static struct backend memory = {.name = "memory", .scheme = "memory"};
	now = &memory;
	place(now);
	backend_open(now);
	refused("SELECT 1", NULL, 0, "without SQL");
	store_op_free(op);
	op = NULL;
	backend_close(now);
}

int main(void)
{
	static struct backend backends[] = {
	    {.name = "sqlite", .scheme = "sqlite"},
	    {.name = "sqlite_queue", .scheme = "sqlite", .queued = true},
	    {.name = "mysql", .scheme = "mysql"},
	    {.name = "mysql_queue", .scheme = "mysql", .queued = true},
	};
	for (unsigned i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		run_all(&backends[i]);
	TEST(memory_has_no_sql);
	return tap_done();
}
