/*
 * The memory driver, called in place by several threads.
 */
#include "store/direct.h"
#include "tap.h"

#include <stdlib.h>

enum { THREADS = 3, ROUNDS = 500 };

struct caller {
	uv_thread_t thread;
	struct store *store;
	char name[2];
	unsigned answers, mine; /* … and those that found what this one wrote */
};

static void done(struct store_op *op)
{
	struct caller *c = op->data;
	c->answers++;
	c->mine += op->error == STORE_OK && op->n_bindings == 1 &&
		   slice_eq(op->bindings[0].username, slice_str(c->name));
	store_op_free(op);
}

static struct store_op *op_new(struct caller *c, enum store_kind kind)
{
	struct store_op *op = store_op_new(kind, SLICE("location"), done, c);
	op->username = arena_dup(&op->arena, slice_str(c->name));
	return op;
}

static void write_one(struct caller *c)
{
	struct store_op *op = op_new(c, STORE_LOCATION_WRITE);
	op->puts = arena_zalloc(&op->arena, sizeof(*op->puts));
	op->n_puts = 1;
	op->puts->ruid = op->puts->username = op->username;
	op->puts->contact = SLICE("sip:a@192.0.2.1");
	store_submit(c->store, op);
}

static void call(void *data)
{
	struct caller *c = data;
	for (unsigned i = 0; i < ROUNDS; i++) {
		write_one(c);
		store_submit(c->store, op_new(c, STORE_LOCATION_LOAD));
	}
}

static void threads_take_turns(void)
{
	struct store_connection *connection;
	struct direct d;
	struct buf why;
	struct caller callers[THREADS];
	buf_init(&why, 100);
	CHECK_INT(store_memory.open(&connection, SLICE(""), &why), STORE_OK);
	direct_init(&d, connection);
	for (unsigned i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){.store = &d.store, .name = {(char)('a' + i)}};
		uv_thread_create(&callers[i].thread, call, &callers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		uv_thread_join(&callers[i].thread);
		CHECK_INT(callers[i].answers, 2 * ROUNDS);
		CHECK_INT(callers[i].mine, ROUNDS);
	}
	direct_free(&d);
	store_memory.close(connection);
	buf_free(&why);
}

int main(void)
{
	TEST(threads_take_turns);
	return tap_done();
}
