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
static struct queue_port *port;
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
	store_submit(queue_store(port), op);
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
	CHECK_INT(queue_open(&queue, &test_log, &held, SLICE(""), &why), 0);
	CHECK_INT(queue_attach(&port, queue, &loop, &why), 0);
	buf_free(&why);
}

static void run_until_idle(void)
{
	while (queue_pending(port) > 0)
		uv_run(&loop, UV_RUN_ONCE);
}

static void mark(void *data)
{
	*(bool *)data = true;
}

/* The port is detached. */
static void finish(const bool *closed)
{
	queue_close(queue);
	CHECK_INT(gate.open, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(*closed);
	CHECK_INT(uv_loop_close(&loop), 0);
	buf_free(&lines);
	buf_free(&results);
	buf_free(&gate.groups);
}

static void tear_down(void)
{
	bool closed = false;
	queue_detach(port, mark, &closed);
	CHECK(!closed);
	finish(&closed);
}

static void results_come_home(void)
{
	set_up();
	CHECK_INT(gate.open, 4);
	submit("a");
	CHECK_INT(queue_pending(port), 1);
	CHECK_INT(results.n, 0);
	run_until_idle();
	CHECK_SLICE(buf_slice(&results), "a ");
	CHECK_INT(queue_pending(port), 0);
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
	CHECK_INT(queue_pending(port), 5);
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
	queue_detach(port, mark, &closed);
	CHECK_SLICE(buf_slice(&results), "a more more ");
	/* Who comes too late is told so at once. */
	submit("late");
	CHECK_SLICE(buf_slice(&results), "a more more the store is closed ");
	finish(&closed);
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
	while (queue_pending(port) > 2)
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
	CHECK(!store_withdraw(queue_store(port), running));
	CHECK(store_withdraw(queue_store(port), waiting));
	CHECK(!store_withdraw(queue_store(port), waiting));
	CHECK_INT(queue_pending(port), 1);
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
	while (queue_pending(port) > 2 || probes() < 3)
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
	queue_detach(port, mark, &closed);
	CHECK(gate.probes - before <= 3);
	CHECK(memmem(results.p, results.n, "gone when the proxy stopped", 27));
	finish(&closed);
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
	gate.refused = 2;
	CHECK_INT(queue_open(&q, &test_log, &held, SLICE(""), &why), -1);
	CHECK_SLICE(buf_slice(&why), "no more connections");
	CHECK_INT(gate.open, 0);
	buf_free(&why);
}

/* Several loops, each on a thread of its own. */

enum { LOOPS = 3, WRITES = 500 };

struct side {
	uv_thread_t thread;
	uv_thread_t self;
	uv_loop_t loop;
	struct queue_port *port;
	char name; /* of its writes */
	unsigned submitted, done, batches;
	unsigned astray; /* answers in another order, on another thread or of another side */
	bool closed;
};

static void side_write(struct side *s);

static void side_done(struct store_op *op)
{
	struct side *s = op->data;
	uv_thread_t here = uv_thread_self();
	char expected[20];
	snprintf(expected, sizeof(expected), "%c%u ", s->name, s->done++);
	s->astray +=
	    !uv_thread_equal(&here, &s->self) || !slice_eq(op->secret, slice_str(expected));
	store_op_free(op);
	if (s->submitted < WRITES)
		side_write(s);
}

static void side_write(struct side *s)
{
	struct store_op *op = store_op_new(STORE_LOCATION_WRITE, SLICE("location"), side_done, s);
	char text[20];
	snprintf(text, sizeof(text), "%c%u ", s->name, s->submitted++);
	op->username = arena_dup(&op->arena, slice_str(text));
	store_submit(queue_store(s->port), op);
}

static void side_batch(void *data)
{
	((struct side *)data)->batches++;
}

/* The last ones come home while the port closes. */
static void side_run(void *data)
{
	struct side *s = data;
	s->self = uv_thread_self();
	for (unsigned i = 0; i < 10; i++)
		side_write(s);
	while (s->submitted < WRITES)
		uv_run(&s->loop, UV_RUN_ONCE);
	queue_detach(s->port, mark, &s->closed);
	uv_run(&s->loop, UV_RUN_DEFAULT);
}

static void side_open(struct side *s, char name)
{
	struct buf why;
	*s = (struct side){.name = name};
	buf_init(&why, 100);
	uv_loop_init(&s->loop);
	CHECK_INT(queue_attach(&s->port, queue, &s->loop, &why), 0);
	queue_on_batch(s->port, side_batch, s);
	buf_free(&why);
}

/* What stands in the database is in this side's order. */
static void check_order(const struct side *s)
{
	const char *p = gate.groups.p;
	for (unsigned i = 0; i < WRITES; i++) {
		char text[20];
		snprintf(text, sizeof(text), "%c%u ", s->name, i);
		const char *end = gate.groups.p + gate.groups.n;
		const char *found = memmem(p, (size_t)(end - p), text, strlen(text));
		CHECK(found);
		p = found ? found : p;
	}
}

static void side_check(struct side *s)
{
	CHECK_INT(s->done, WRITES);
	CHECK_INT(s->astray, 0);
	CHECK(s->batches > 0);
	CHECK(s->closed);
	CHECK_INT(uv_loop_close(&s->loop), 0);
	check_order(s);
}

static void loops_share_a_queue(void)
{
	struct side sides[LOOPS];
	set_up();
	buf_free(&gate.groups);
	buf_init(&gate.groups, (size_t)LOOPS * WRITES * 20);
	for (unsigned i = 0; i < LOOPS; i++)
		side_open(&sides[i], (char)('a' + i));
	for (unsigned i = 0; i < LOOPS; i++)
		uv_thread_create(&sides[i].thread, side_run, &sides[i]);
	for (unsigned i = 0; i < LOOPS; i++)
		uv_thread_join(&sides[i].thread);
	for (unsigned i = 0; i < LOOPS; i++)
		side_check(&sides[i]);
	tear_down();
}

/* A port takes its own home, whatever another one has under way. */
static void a_port_waits_for_its_own_only(void)
{
	struct side other;
	set_up();
	side_open(&other, 'o');
	other.self = uv_thread_self();
	gate_shut(true);
	gate.only_queries = true;
	submit_kind(STORE_QUERY, "", "slow");
	await_inside(1);
	other.submitted = WRITES - 1;
	other.done = WRITES - 1;
	side_write(&other);
	queue_detach(other.port, mark, &other.closed);
	CHECK_INT(other.done, WRITES);
	CHECK_INT(other.astray, 0);
	CHECK_INT(queue_pending(port), 1);
	uv_run(&other.loop, UV_RUN_DEFAULT);
	CHECK(other.closed);
	CHECK_INT(uv_loop_close(&other.loop), 0);
	gate_shut(false);
	run_until_idle();
	CHECK_SLICE(buf_slice(&results), "slow ");
	tear_down();
}

static void writes_of_all_ports_share_a_commit(void)
{
	struct side other;
	set_up();
	side_open(&other, 'o');
	other.self = uv_thread_self();
	gate_shut(true);
	submit_writes("location", "a");
	await_inside(1);
	submit_writes("location", "b");
	other.submitted = other.done = WRITES - 1;
	side_write(&other);
	submit_writes("location", "c");
	gate_shut(false);
	run_until_idle();
	CHECK_SLICE(buf_slice(&gate.groups), "a bo499 c ");
	CHECK_SLICE(buf_slice(&results), "a b c ");
	CHECK_INT(queue_pending(other.port), 1);
	queue_detach(other.port, mark, &other.closed);
	CHECK_INT(other.done, WRITES);
	uv_run(&other.loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&other.loop), 0);
	tear_down();
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
	TEST(loops_share_a_queue);
	TEST(a_port_waits_for_its_own_only);
	TEST(writes_of_all_ports_share_a_commit);
	uv_cond_destroy(&gate.changed);
	uv_mutex_destroy(&gate.mutex);
	return tap_done();
}
