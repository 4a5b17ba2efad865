/*
 * The queue, over a driver that can be held: its calls wait until they are let go.
 */
#include "store/queue.h"
#include "tap.h"

#include <stdlib.h>

static struct gate {
	uv_mutex_t mutex;
	uv_cond_t changed;
	bool closed;
	unsigned inside;  /* calls that wait */
	unsigned ran;     /* calls that returned */
	unsigned open;    /* connections */
	unsigned refused; /* opens to be refused, counted from here */
	enum store_error answer;
	bool only_queries; /* none but they are held */
	bool lost;         /* there is no database */
	unsigned probes;   /* calls that found none */
	unsigned crowd;    /* most of them at a time */
	struct buf groups; /* the writes that shared a commit */
} gate;

static enum store_error held_open(struct store_connection **out, struct slice rest,
				  struct buf *why);

static void held_close(struct store_connection *c)
{
	gate.open--;
	free(c);
}

static void pass_gate(enum store_kind kind)
{
	gate.inside++;
	uv_cond_broadcast(&gate.changed);
	while (gate.closed && (!gate.only_queries || kind == STORE_QUERY))
		uv_cond_wait(&gate.changed, &gate.mutex);
	gate.crowd = gate.inside > gate.crowd ? gate.inside : gate.crowd;
	gate.inside--;
}

static enum store_error held_call(struct store_connection *c, struct store_op *op, struct buf *why)
{
	uv_mutex_lock(&gate.mutex);
	pass_gate(op->kind);
	c->lost = gate.lost;
	gate.probes += gate.lost;
	gate.ran += !gate.lost;
	uv_mutex_unlock(&gate.mutex);
	if (c->lost) {
		buf_puts(why, "nobody there");
		return STORE_UNAVAILABLE;
	}
	op->secret = arena_dup(&op->arena, op->username);
	if (gate.answer != STORE_OK)
		buf_puts(why, "held back");
	return gate.answer;
}

static void held_group(struct store_connection *c, struct store_op *const *ops, unsigned n)
{
	(void)c;
	uv_mutex_lock(&gate.mutex);
	pass_gate(STORE_LOCATION_WRITE);
	for (unsigned i = 0; i < n; i++) {
		ops[i]->secret = ops[i]->username;
		buf_put(&gate.groups, ops[i]->username);
	}
	buf_putc(&gate.groups, ' ');
	uv_mutex_unlock(&gate.mutex);
}

static enum store_error held_write(struct store_connection *c, struct store_op *op, struct buf *why)
{
	(void)why;
	held_group(c, &op, 1);
	return STORE_OK;
}

/* One thread writes, one has the queries, two the rest. */
static const struct store_driver held = {
    .scheme = "held",
    .connections = 4,
    .open = held_open,
    .close = held_close,
    .secret = held_call,
    .query = held_call,
    .location_write = held_write,
    .location_write_group = held_group,
};

static enum store_error held_open(struct store_connection **out, struct slice rest, struct buf *why)
{
	(void)rest;
	if (gate.refused > 0 && --gate.refused == 0) {
		buf_puts(why, "no more connections");
		return STORE_UNAVAILABLE;
	}
	*out = mem_zalloc(sizeof(**out));
	(*out)->driver = &held;
	gate.open++;
	return STORE_OK;
}

static void gate_shut(bool closed)
{
	uv_mutex_lock(&gate.mutex);
	gate.closed = closed;
	uv_cond_broadcast(&gate.changed);
	uv_mutex_unlock(&gate.mutex);
}

static void await_inside(unsigned n)
{
	uv_mutex_lock(&gate.mutex);
	while (gate.inside < n)
		uv_cond_wait(&gate.changed, &gate.mutex);
	uv_mutex_unlock(&gate.mutex);
}

/* A queue on a loop, and what came back. */

static uv_loop_t loop;
static struct queue *queue;
static struct buf lines, results;
static unsigned told; /* of the results, those that the log has */
static unsigned resubmit;
static uv_thread_t home;

static void write_line(struct log *l, enum log_level level, struct slice line)
{
	(void)l;
	(void)level;
	buf_put(&lines, line);
	buf_putc(&lines, '\n');
}

static struct log test_log = {.level = LOG_NOTICE, .write = write_line};

static void submit(const char *text);

static void done(struct store_op *op)
{
	uv_thread_t here = uv_thread_self();
	CHECK(uv_thread_equal(&here, &home));
	buf_put(&results, op->error == STORE_OK ? op->secret : op->message);
	buf_putc(&results, ' ');
	told += op->told;
	store_op_free(op);
	if (resubmit > 0 && --resubmit > 0)
		submit("more");
}

static struct store_op *submit_kind(enum store_kind kind, const char *table, const char *text)
{
	struct store_op *op = store_op_new(kind, slice_str(table), done, NULL);
	op->username = arena_dup(&op->arena, slice_str(text));
	op->patient = kind == STORE_QUERY;
	store_submit(queue_store(queue), op);
	return op;
}

static void submit(const char *text)
{
	submit_kind(STORE_SECRET, "", text);
}

static void set_up(void)
{
	struct buf why;
	buf_init(&why, 100);
	buf_init(&lines, 1000);
	buf_init(&results, 10000);
	told = 0;
	gate = (struct gate){.mutex = gate.mutex, .changed = gate.changed};
	buf_init(&gate.groups, 10000);
	home = uv_thread_self();
	resubmit = 0;
	uv_loop_init(&loop);
	CHECK_INT(queue_open(&queue, &loop, &test_log, &held, SLICE(""), &why), 0);
	buf_free(&why);
}

static void run_until_idle(void)
{
	while (queue_pending(queue) > 0)
		uv_run(&loop, UV_RUN_ONCE);
}

static void mark(void *data)
{
	*(bool *)data = true;
}

static void tear_down(void)
{
	bool closed = false;
	queue_close(queue, mark, &closed);
	CHECK(!closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(closed);
	CHECK_INT(uv_loop_close(&loop), 0);
	CHECK_INT(gate.open, 0);
	buf_free(&lines);
	buf_free(&results);
	buf_free(&gate.groups);
}

static void results_come_home(void)
{
	set_up();
	CHECK_INT(gate.open, 4);
	submit("a");
	CHECK_INT(queue_pending(queue), 1);
	CHECK_INT(results.n, 0);
	run_until_idle();
	CHECK_SLICE(buf_slice(&results), "a ");
	CHECK_INT(queue_pending(queue), 0);
	tear_down();
}

static void the_loop_turns_while_calls_wait(void)
{
	set_up();
	gate_shut(true);
	for (unsigned i = 0; i < 5; i++)
		submit("x");
	await_inside(2);
	uv_run(&loop, UV_RUN_NOWAIT);
	CHECK_INT(queue_pending(queue), 5);
	gate_shut(false);
	run_until_idle();
	CHECK_SLICE(buf_slice(&results), "x x x x x ");
	tear_down();
}

static void many_come_back_each_once(void)
{
	set_up();
	for (unsigned i = 0; i < 2000; i++)
		submit("x");
	run_until_idle();
	CHECK_INT(results.n, 4000);
	CHECK_INT(gate.ran, 2000);
	tear_down();
}

static void closing_finishes_what_was_submitted(void)
{
	set_up();
	submit("a");
	resubmit = 3; /* and what is submitted meanwhile */
	bool closed = false;
	queue_close(queue, mark, &closed);
	CHECK_SLICE(buf_slice(&results), "a more more ");
	CHECK_INT(gate.open, 0);
	/* Who comes too late is told so at once. */
	submit("late");
	CHECK_SLICE(buf_slice(&results), "a more more the store is closed ");
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(closed);
	CHECK_INT(uv_loop_close(&loop), 0);
	buf_free(&lines);
	buf_free(&results);
	buf_free(&gate.groups);
}

static void submit_writes(const char *table, const char *names)
{
	for (char name[2] = {0}; *names; names++) {
		name[0] = *names;
		submit_kind(STORE_LOCATION_WRITE, table, name);
	}
}

static void writes_that_wait_share_a_commit(void)
{
	set_up();
	gate_shut(true);
	submit_writes("location", "a");
	await_inside(1);
	submit_writes("location", "bcd");
	submit_writes("aliases", "e");
	submit_writes("location", "fg");
	gate_shut(false);
	run_until_idle();
	CHECK_SLICE(buf_slice(&gate.groups), "a bcd e fg ");
	CHECK_SLICE(buf_slice(&results), "a b c d e f g ");
	tear_down();
}

static void a_slow_query_keeps_nobody_waiting(void)
{
	set_up();
	gate_shut(true);
	gate.only_queries = true;
	submit_kind(STORE_QUERY, "", "slow");
	await_inside(1);
	submit_kind(STORE_QUERY, "", "behind");
	submit_writes("location", "w");
	submit("r");
	while (queue_pending(queue) > 2)
		uv_run(&loop, UV_RUN_ONCE);
	CHECK_INT(results.n, 4);
	gate_shut(false);
	run_until_idle();
	CHECK(memmem(results.p, results.n, "slow behind", 11));
	tear_down();
}

static void what_has_not_begun_can_be_withdrawn(void)
{
	set_up();
	gate_shut(true);
	struct store_op *running = submit_kind(STORE_QUERY, "", "running");
	await_inside(1);
	struct store_op *waiting = submit_kind(STORE_QUERY, "", "waiting");
	CHECK(!store_withdraw(queue_store(queue), running));
	CHECK(store_withdraw(queue_store(queue), waiting));
	CHECK(!store_withdraw(queue_store(queue), waiting));
	CHECK_INT(queue_pending(queue), 1);
	store_op_free(waiting);
	gate_shut(false);
	run_until_idle();
	CHECK_SLICE(buf_slice(&results), "running ");
	CHECK_INT(gate.ran, 1);
	tear_down();
}

static void lose(bool lost)
{
	uv_mutex_lock(&gate.mutex);
	gate.lost = lost;
	uv_mutex_unlock(&gate.mutex);
}

static unsigned probes(void)
{
	uv_mutex_lock(&gate.mutex);
	unsigned n = gate.probes;
	uv_mutex_unlock(&gate.mutex);
	return n;
}

/* All four threads have found out. */
static void lose_all(void)
{
	lose(true);
	for (unsigned i = 0; i < 20; i++)
		submit("x");
	run_until_idle();
}

static void patient_ones_wait_for_the_database(void)
{
	set_up();
	lose(true);
	submit("impatient");
	submit_kind(STORE_QUERY, "", "a");
	submit_kind(STORE_QUERY, "", "b");
	while (queue_pending(queue) > 2 || probes() < 3)
		uv_run(&loop, UV_RUN_ONCE);
	CHECK_SLICE(buf_slice(&results), "nobody there ");
	CHECK_SLICE(buf_slice(&lines), "store: the database fails: nobody there\n");
	lose(false);
	run_until_idle();
	CHECK_SLICE(buf_slice(&results), "nobody there a b ");
	tear_down();
}

static void a_lost_database_meets_one_probe_at_a_time(void)
{
	set_up();
	lose_all();
	gate.crowd = gate.probes = 0;
	uint64_t began = uv_hrtime();
	for (unsigned i = 0; i < 8; i++)
		submit_kind(i % 2 ? STORE_QUERY : STORE_SECRET, "", "x");
	while (probes() < 4)
		uv_run(&loop, UV_RUN_ONCE);
	CHECK_INT(gate.crowd, 1);
	CHECK(uv_hrtime() - began > 300000000); /* with pauses between them */
	lose(false);
	run_until_idle();
	tear_down();
}

static void closing_waits_for_no_database(void)
{
	set_up();
	lose_all();
	buf_reset(&results);
	for (unsigned i = 0; i < 100; i++)
		submit_kind(STORE_QUERY, "", "x");
	unsigned before = probes();
	bool closed = false;
	queue_close(queue, mark, &closed);
	CHECK(gate.probes - before <= 3);
	CHECK(memmem(results.p, results.n, "gone when the proxy stopped", 27));
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(closed);
	CHECK_INT(uv_loop_close(&loop), 0);
	buf_free(&lines);
	buf_free(&results);
	buf_free(&gate.groups);
}

static void trouble_is_logged_once(void)
{
	set_up();
	gate.answer = STORE_UNAVAILABLE;
	submit("a");
	submit("b");
	run_until_idle();
	CHECK_SLICE(buf_slice(&results), "held back held back ");
	CHECK_INT(told, 2);
	gate.answer = STORE_OK;
	submit("c");
	submit("d");
	run_until_idle();
	CHECK_SLICE(buf_slice(&lines), "store: the database fails: held back\n"
				       "store: the database answers again\n");
	CHECK_INT(told, 2);
	tear_down();
}

static void a_refused_connection_is_reported(void)
{
	struct buf why;
	struct queue *q;
	buf_init(&why, 100);
	uv_loop_init(&loop);
	gate.refused = 2;
	CHECK_INT(queue_open(&q, &loop, &test_log, &held, SLICE(""), &why), -1);
	CHECK_SLICE(buf_slice(&why), "no more connections");
	CHECK_INT(gate.open, 0);
	CHECK_INT(uv_loop_close(&loop), 0);
	buf_free(&why);
}

int main(void)
{
	uv_mutex_init(&gate.mutex);
	uv_cond_init(&gate.changed);
	TEST(results_come_home);
	TEST(the_loop_turns_while_calls_wait);
	TEST(many_come_back_each_once);
	TEST(closing_finishes_what_was_submitted);
	TEST(writes_that_wait_share_a_commit);
	TEST(a_slow_query_keeps_nobody_waiting);
	TEST(what_has_not_begun_can_be_withdrawn);
	TEST(patient_ones_wait_for_the_database);
	TEST(a_lost_database_meets_one_probe_at_a_time);
	TEST(closing_waits_for_no_database);
	TEST(trouble_is_logged_once);
	TEST(a_refused_connection_is_reported);
	uv_cond_destroy(&gate.changed);
	uv_mutex_destroy(&gate.mutex);
	return tap_done();
}
