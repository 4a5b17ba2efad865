/*
 * Many writes with one commit, and commits whose outcome nobody knows.
 */
#include "store/backend.h"

static struct backend *now;

enum { MANY = 100 };

static struct store_op *put_op(unsigned i, const char *contact)
{
	char ruid[16], user[16];
	snprintf(ruid, sizeof(ruid), "r%03u", i);
	snprintf(user, sizeof(user), "u%u", i);
	struct store_binding b = binding(ruid, user, contact);
	return write_op(&b, 1, NULL);
}

/* Runs the operations together; how many were answered OK. */
static unsigned run_group(struct store_op **ops, unsigned n)
{
	unsigned ok = 0;
	store_run_group(now->connection, ops, n);
	for (unsigned i = 0; i < n; i++)
		ok += ops[i]->error == STORE_OK;
	return ok;
}

static void free_ops(struct store_op **ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		store_op_free(ops[i]);
}

static bool is_at(const char *user, const char *contact)
{
	struct store_op *op = load(now, slice_str(user), SLICE(""));
	bool is = op->n_bindings == 1 && slice_eq(op->bindings[0].contact, slice_str(contact));
	store_op_free(op);
	return is;
}

static void all_of_a_group_are_written(void)
{
	struct store_op *ops[MANY];
	for (unsigned round = 0; round < 2; round++) { /* inserted, then replaced */
		const char *contact = round ? "sip:two" : "sip:one";
		for (unsigned i = 0; i < MANY; i++)
			ops[i] = put_op(i, contact);
		CHECK_INT(run_group(ops, MANY), MANY);
		free_ops(ops, MANY);
		CHECK(is_at("u0", contact) && is_at("u63", contact) && is_at("u99", contact));
	}
}

static uint64_t last_id(void)
{
	struct store_op *op = op_new(STORE_LOCATION_SCAN, "location");
	op->limit = 2 * MANY + 10;
	op_expect(now, op);
	uint64_t id = op->n_bindings ? op->bindings[op->n_bindings - 1].id : 0;
	store_op_free(op);
	return id;
}

/* A row that is known is updated, and one that is gone all the same is put back. */
static void known_rows_are_updated(void)
{
	struct store_op *ops[MANY];
	for (unsigned i = 0; i < MANY; i++)
		ops[i] = put_op(i, "sip:one");
	CHECK_INT(run_group(ops, MANY), MANY);
	free_ops(ops, MANY);
	uint64_t id = last_id();
	for (unsigned i = 0; i < MANY; i++) {
		ops[i] = put_op(i, "sip:two");
		ops[i]->puts->known = i % 10 != 9; /* others among them */
		ops[i]->puts->received = i % 2 ? SLICE("sip:192.0.2.1:5060") : SLICE_NULL;
		ops[i]->puts->methods = i % 3 ? 5951 : -1;
	}
	CHECK_INT(run_group(ops, MANY), MANY);
	free_ops(ops, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		char user[16];
		snprintf(user, sizeof(user), "u%u", i);
		struct store_op *op = load(now, slice_str(user), SLICE(""));
		CHECK_INT(op->n_bindings, 1);
		CHECK_SLICE(op->bindings->contact, "sip:two");
		CHECK_INT(op->bindings->received.n, i % 2 ? 18 : 0);
		CHECK_INT(op->bindings->methods, i % 3 ? 5951 : -1);
		store_op_free(op);
	}
	CHECK_INT(last_id(), id);
}

static void known_rows_that_are_gone_come_back(void)
{
	struct store_op *ops[MANY];
	for (unsigned round = 0; round < 3; round++) { /* none there, half of them, all */
		for (unsigned i = 0; i < MANY; i++) {
			ops[i] = put_op(i, "sip:here");
			ops[i]->puts->known = true;
		}
		CHECK_INT(run_group(ops, MANY), MANY);
		free_ops(ops, MANY);
		CHECK(is_at("u0", "sip:here") && is_at("u50", "sip:here"));
		CHECK(is_at("u99", "sip:here"));
		for (unsigned i = 0; round == 0 && i < MANY; i += 2) {
			struct store_op *gone = put_op(i, "");
			gone->removes = &gone->puts->ruid;
			gone->n_puts = 0;
			gone->n_removes = 1;
			CHECK_INT(run_group(&gone, 1), 1);
			store_op_free(gone);
		}
	}
}

/* Kamailio's table has 32 bits for them. */
static void refreshing_takes_no_numbers(void)
{
	for (unsigned i = 0; i < 50; i++) {
		struct store_op *op = put_op(1, "sip:x");
		op->puts->known = i > 0;
		CHECK_INT(run_group(&op, 1), 1);
		store_op_free(op);
	}
	uint64_t id = last_id();
	struct store_op *op = put_op(2, "sip:x");
	CHECK_INT(run_group(&op, 1), 1);
	store_op_free(op);
	CHECK_INT(last_id(), id + 1);
}

static void a_known_row_that_is_refused_spoils_no_other(void)
{
	struct store_op *ops[20];
	for (unsigned i = 0; i < 20; i++)
		ops[i] = put_op(i, "sip:x");
	CHECK_INT(run_group(ops, 20), 20);
	free_ops(ops, 20);
	for (unsigned i = 0; i < 20; i++) {
		ops[i] = put_op(i, "sip:y");
		ops[i]->puts->known = true;
	}
	ops[13]->puts[0].contact = SLICE_NULL;
	CHECK_INT(run_group(ops, 20), 19);
	CHECK_INT(ops[13]->error, STORE_FAILED);
	free_ops(ops, 20);
	CHECK(is_at("u0", "sip:y") && is_at("u12", "sip:y") && is_at("u19", "sip:y"));
	CHECK(is_at("u13", "sip:x"));
}

static void the_last_word_on_a_row_stands(void)
{
	struct store_op *ops[] = {put_op(1, "sip:first"),    put_op(1, "sip:second"),
				  put_op(2, "sip:gone"),     write_op(NULL, 0, "r002"),
				  write_op(NULL, 0, "r003"), put_op(3, "sip:back")};
	CHECK_INT(run_group(ops, 6), 6);
	free_ops(ops, 6);
	CHECK(is_at("u1", "sip:second"));
	CHECK_INT(count(now, "u2"), 0);
	CHECK(is_at("u3", "sip:back"));
}

static void one_that_is_refused_spoils_no_other(void)
{
	struct store_op *ops[20];
	for (unsigned i = 0; i < 20; i++)
		ops[i] = put_op(i, "sip:x");
	ops[13]->puts[0].contact = SLICE_NULL;
	CHECK_INT(run_group(ops, 20), 19);
	CHECK_INT(ops[13]->error, STORE_FAILED);
	CHECK(ops[13]->message.n > 0);
	free_ops(ops, 20);
	CHECK(is_at("u0", "sip:x") && is_at("u12", "sip:x") && is_at("u19", "sip:x"));
	CHECK_INT(count(now, "u13"), 0);
}

static void removes_and_puts_mix(void)
{
	struct store_op *ops[MANY];
	for (unsigned i = 0; i < MANY; i++)
		ops[i] = put_op(i, "sip:x");
	CHECK_INT(run_group(ops, MANY), MANY);
	free_ops(ops, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		char ruid[16];
		snprintf(ruid, sizeof(ruid), "r%03u", i);
		ops[i] = i % 3 ? put_op(i, "sip:y") : write_op(NULL, 0, ruid);
	}
	CHECK_INT(run_group(ops, MANY), MANY);
	free_ops(ops, MANY);
	CHECK_INT(count(now, "u0"), 0);
	CHECK(is_at("u1", "sip:y") && is_at("u98", "sip:y"));
	CHECK_INT(count(now, "u99"), 0);
}

/* Through the queue: what is submitted meanwhile shares the next commit. */
static unsigned answers;

static void on_done(struct store_op *op)
{
	CHECK_INT(op->error, STORE_OK);
	answers++;
	store_op_free(op);
}

static void a_thousand_at_once(void)
{
	answers = 0;
	for (unsigned i = 0; i < 1000; i++) {
		struct store_op *op = put_op(i, "sip:x");
		op->done = on_done;
		store_submit(now->store, op);
	}
	while (answers < 1000)
		uv_run(&now->loop, UV_RUN_ONCE);
	CHECK(is_at("u0", "sip:x") && is_at("u999", "sip:x"));
}

static void clean(void)
{
	struct store_op *op = op_new(STORE_LOCATION_PURGE, "location");
	op->before = INT64_C(4000000000);
	op_expect(now, op);
	store_op_free(op);
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
	RUN(all_of_a_group_are_written);
	RUN(known_rows_are_updated);
	RUN(known_rows_that_are_gone_come_back);
	RUN(refreshing_takes_no_numbers);
	RUN(a_known_row_that_is_refused_spoils_no_other);
	RUN(the_last_word_on_a_row_stands);
	RUN(one_that_is_refused_spoils_no_other);
	RUN(removes_and_puts_mix);
	if (b->queued)
		RUN(a_thousand_at_once);
	backend_close(b);
}

/* A commit that the server holds back, and then stands still. */
static void a_lost_commit_is_in_doubt(void)
{
	static struct backend db = {.name = "doubt", .scheme = "mysql"};
	now = &db;
	place(&db);
	strcat(db.url, "&timeout=1&connect_timeout=1");
	backend_open(&db);
	backend_create(&db);
	struct store_op *op = put_op(1, "sip:lost");
	CHECK_INT(op_run(&db, op), STORE_OK);
	CHECK(!op->in_doubt);
	store_op_free(op);
	shell("mariadb --no-defaults -n -u root -S $(t/tools/mariadb.sh socket %s/mariadb) -e "
	      "'BACKUP "
	      "STAGE START; BACKUP STAGE BLOCK_COMMIT; SELECT 1; SELECT SLEEP(4)' "
	      ">%s/blocked 2>&1 & until grep -qs 1 %s/blocked; do sleep 0.1; done",
	      test_dir, test_dir, test_dir);
	shell("(sleep 0.5; kill -STOP $(cat %s/mariadb/pid); sleep 1.5; kill -CONT $(cat "
	      "%s/mariadb/pid)) >/dev/null 2>&1 &",
	      test_dir, test_dir);
	op = put_op(1, "sip:doubt");
	CHECK_INT(op_run(&db, op), STORE_UNAVAILABLE);
	CHECK(op->in_doubt);
	CHECK(op->begun);
	store_op_free(op);
	/* Whatever became of it, the next one to be written stands. */
	enum store_error e = STORE_UNAVAILABLE;
	for (uint64_t began = uv_hrtime(); e != STORE_OK && uv_hrtime() - began < 10000000000;) {
		op = put_op(1, "sip:clear");
		e = op_run(&db, op);
		store_op_free(op);
	}
	CHECK_INT(e, STORE_OK);
	CHECK(is_at("u1", "sip:clear"));
	backend_close(&db);
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
	for (unsigned i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		run_all(&backends[i]);
	TEST(a_lost_commit_is_in_doubt);
	return tap_done();
}
