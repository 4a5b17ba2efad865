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
} gate;

static enum store_error held_open(struct store_connection **out, struct slice rest,
				  struct buf *why);

static void held_close(struct store_connection *c)
{
	gate.open--;
	free(c);
}

static enum store_error held_call(struct store_connection *c, struct store_op *op, struct buf *why)
{
	(void)c;
	uv_mutex_lock(&gate.mutex);
	gate.inside++;
	uv_cond_broadcast(&gate.changed);
	while (gate.closed)
		uv_cond_wait(&gate.changed, &gate.mutex);
	gate.inside--;
	gate.ran++;
	uv_mutex_unlock(&gate.mutex);
	op->secret = arena_dup(&op->arena, op->username);
	if (gate.answer != STORE_OK)
		buf_puts(why, "held back");
	return gate.answer;
}

static const struct store_driver held = {
    .scheme = "held",
    .connections = 2,
    .open = held_open,
    .close = held_close,
    .secret = held_call,
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
	store_op_free(op);
	if (resubmit > 0 && --resubmit > 0)
		submit("more");
}

static void submit(const char *text)
{
	struct store_op *op = store_op_new(STORE_SECRET, SLICE(""), done, NULL);
	op->username = arena_dup(&op->arena, slice_str(text));
	store_submit(queue_store(queue), op);
}

static void set_up(void)
{
	struct buf why;
	buf_init(&why, 100);
	buf_init(&lines, 1000);
	buf_init(&results, 10000);
	gate = (struct gate){.mutex = gate.mutex, .changed = gate.changed};
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
}

static void results_come_home(void)
{
	set_up();
	CHECK_INT(gate.open, 2);
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
}

static void trouble_is_logged_once(void)
{
	set_up();
	gate.answer = STORE_UNAVAILABLE;
	submit("a");
	submit("b");
	run_until_idle();
	CHECK_SLICE(buf_slice(&results), "held back held back ");
	gate.answer = STORE_OK;
	submit("c");
	submit("d");
	run_until_idle();
	CHECK_SLICE(buf_slice(&lines), "store: the database fails: held back\n"
				       "store: the database answers again\n");
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
	TEST(trouble_is_logged_once);
	TEST(a_refused_connection_is_reported);
	uv_cond_destroy(&gate.changed);
	uv_mutex_destroy(&gate.mutex);
	return tap_done();
}
