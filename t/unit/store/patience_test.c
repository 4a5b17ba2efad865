/*
 * Who waits for the store waits so long and no longer.
 */
#include "store/patience.h"

#include "sim/sim.h"
#include "sim/simstore.h"
#include "tap.h"

static struct sim sim;
static struct simstore behind;
static struct patience patience;
static struct store_connection *memory;

/* What came back. */
static unsigned done, late;
static enum store_error error;
static bool unfinished;
static void *data_seen;

static void on_done(struct store_op *op)
{
	done++;
	error = op->error;
	unfinished = op->unfinished;
	data_seen = op->data;
	store_op_free(op);
}

static void on_late(struct store_op *op)
{
	late++;
	error = op->error;
	data_seen = op->data;
	store_op_free(op);
}

static void set_up(void)
{
	const char *listen[] = {"192.0.2.15:5060"};
	struct buf why;
	buf_init(&why, 256);
	sim_init(&sim, 1, listen, 1);
	CHECK_INT(store_memory.open(&memory, SLICE(""), &why), STORE_OK);
	simstore_init(&behind, &sim.env.wheel, memory);
	patience_init(&patience, &sim.env, &behind.store, 3000, 100);
	buf_free(&why);
	done = late = 0;
}

static void tear_down(void)
{
	simstore_free(&behind);
	CHECK_INT(sim.env.wheel.count, 0);
	memory->driver->close(memory);
	sim_free(&sim);
}

static struct store_op *submit(enum store_kind kind)
{
	struct store_op *op = store_op_new(kind, SLICE("location"), on_done, &sim);
	op->late = on_late;
	op->username = SLICE("10");
	store_submit(&patience.store, op);
	return op;
}

static void answers_in_time_pass(void)
{
	set_up();
	submit(STORE_LOCATION_LOAD);
	CHECK_INT(done, 1);
	behind.delay_ms = 2999;
	submit(STORE_LOCATION_LOAD);
	sim_advance(&sim, 2999);
	CHECK_INT(done, 2);
	CHECK_INT(error, STORE_OK);
	CHECK(data_seen == &sim);
	CHECK_INT(patience.timeouts, 0);
	tear_down();
}

static void what_has_not_begun_never_happens(void)
{
	set_up();
	behind.delay_ms = 5000;
	struct store_op *op = submit(STORE_LOCATION_WRITE);
	struct store_binding b = {
	    .ruid = SLICE("r"), .username = SLICE("10"), .contact = SLICE("sip:x")};
	op->puts = &b;
	op->n_puts = 1;
	sim_advance(&sim, 3000);
	CHECK_INT(done, 1);
	CHECK_INT(error, STORE_UNAVAILABLE);
	CHECK(!unfinished);
	CHECK_INT(patience.timeouts, 1);
	sim_advance(&sim, 10000);
	CHECK_INT(late, 0);
	behind.delay_ms = 0;
	struct store_op *look = store_op_new(STORE_LOCATION_LOAD, SLICE("location"), on_done, NULL);
	look->username = SLICE("10");
	store_run(memory, look);
	CHECK_INT(look->n_bindings, 0);
	store_op_free(look);
	tear_down();
}

static void what_is_under_way_ends_late(void)
{
	set_up();
	behind.delay_ms = 5000;
	behind.begun = true;
	submit(STORE_LOCATION_LOAD);
	sim_advance(&sim, 3000);
	CHECK_INT(done, 1);
	CHECK(unfinished);
	CHECK_INT(error, STORE_UNAVAILABLE);
	CHECK(data_seen == &sim);
	sim_advance(&sim, 2000);
	CHECK_INT(done, 1);
	CHECK_INT(late, 1);
	CHECK_INT(error, STORE_OK);
	CHECK(data_seen == &sim);
	tear_down();
}

static void nobody_has_to_care_for_what_is_late(void)
{
	set_up();
	behind.delay_ms = 5000;
	behind.begun = true;
	submit(STORE_LOCATION_LOAD)->late = NULL;
	sim_advance(&sim, 5000);
	CHECK_INT(done, 1);
	tear_down();
}

static void the_background_has_time(void)
{
	set_up();
	behind.delay_ms = 60000;
	submit(STORE_LOCATION_SCAN);
	sim_advance(&sim, 59999);
	CHECK_INT(done, 0);
	sim_advance(&sim, 1);
	CHECK_INT(done, 1);
	CHECK_INT(error, STORE_OK);
	tear_down();
}

static void no_more_than_so_many_wait(void)
{
	set_up();
	behind.delay_ms = 10;
	patience.parked = 100;
	submit(STORE_LOCATION_LOAD);
	CHECK_INT(done, 1);
	CHECK_INT(error, STORE_UNAVAILABLE);
	CHECK_INT(patience.refused, 1);
	submit(STORE_LOCATION_SCAN);
	patience.parked = 99;
	submit(STORE_LOCATION_LOAD);
	CHECK_INT(done, 1);
	sim_advance(&sim, 10);
	CHECK_INT(done, 3);
	CHECK_INT(error, STORE_OK);
	tear_down();
}

int main(void)
{
	TEST(answers_in_time_pass);
	TEST(what_has_not_begun_never_happens);
	TEST(what_is_under_way_ends_late);
	TEST(nobody_has_to_care_for_what_is_late);
	TEST(the_background_has_time);
	TEST(no_more_than_so_many_wait);
	return tap_done();
}
