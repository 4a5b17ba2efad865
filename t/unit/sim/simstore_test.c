#include "tap.h"

#include "sim/simstore.h"

struct rig {
	struct wheel wheel;
	struct store_connection *connection;
	struct simstore store;
	unsigned answers;
	enum store_error error;
	unsigned n_subscribers;
};

static void rig_open(struct rig *rig)
{
	struct store_subscriber row = {.username = SLICE("10"), .domain = SLICE("example.org")};
	struct buf why;

	memset(rig, 0, sizeof(*rig));
	buf_init(&why, 1000);
	wheel_init(&rig->wheel, 0);
	CHECK_INT(store_memory.open(&rig->connection, SLICE(""), &why), STORE_OK);
	CHECK_INT(store_memory.create(rig->connection, &why), STORE_OK);
	CHECK_INT(store_memory.subscriber_add(rig->connection, &row, &why), STORE_OK);
	simstore_init(&rig->store, &rig->wheel, rig->connection);
	buf_free(&why);
}

static void rig_close(struct rig *rig)
{
	simstore_free(&rig->store);
	store_memory.close(rig->connection);
}

static void on_answer(struct store_op *op)
{
	struct rig *rig = op->data;

	rig->answers++;
	rig->error = op->error;
	rig->n_subscribers = op->n_subscribers;
	store_op_free(op);
}

static void ask(struct rig *rig)
{
	struct store_op *op = store_op_new(STORE_CREDENTIALS, SLICE("subscriber"), on_answer, rig);

	op->username = SLICE("10");
	store_submit(&rig->store.store, op);
}

static void answers_in_place(void)
{
	struct rig rig;

	rig_open(&rig);
	ask(&rig);
	CHECK_INT(rig.answers, 1);
	CHECK_INT(rig.error, STORE_OK);
	CHECK_INT(rig.n_subscribers, 1);
	rig_close(&rig);
}

static void can_be_slow(void)
{
	struct rig rig;

	rig_open(&rig);
	rig.store.delay_ms = 500;
	ask(&rig);
	wheel_advance(&rig.wheel, 499);
	CHECK_INT(rig.answers, 0);
	wheel_advance(&rig.wheel, 500);
	CHECK_INT(rig.answers, 1);
	CHECK_INT(rig.n_subscribers, 1);
	rig_close(&rig);
}

static void can_be_gone_and_come_back(void)
{
	struct rig rig;

	rig_open(&rig);
	rig.store.gone = true;
	ask(&rig);
	CHECK_INT(rig.error, STORE_UNAVAILABLE);
	rig.store.gone = false;
	ask(&rig);
	CHECK_INT(rig.error, STORE_OK);
	CHECK_INT(rig.store.submitted, 2);
	rig_close(&rig);
}

static void can_fail_a_number_of_times(void)
{
	struct rig rig;

	rig_open(&rig);
	rig.store.fail_next = 1;
	ask(&rig);
	CHECK_INT(rig.error, STORE_FAILED);
	ask(&rig);
	CHECK_INT(rig.error, STORE_OK);
	rig_close(&rig);
}

static void what_waits_is_answered_at_the_end(void)
{
	struct rig rig;

	rig_open(&rig);
	rig.store.delay_ms = 500;
	ask(&rig);
	ask(&rig);
	rig_close(&rig);
	CHECK_INT(rig.answers, 2);
	CHECK_INT(rig.error, STORE_UNAVAILABLE);
}

int main(void)
{
	TEST(answers_in_place);
	TEST(can_be_slow);
	TEST(can_be_gone_and_come_back);
	TEST(can_fail_a_number_of_times);
	TEST(what_waits_is_answered_at_the_end);
	return tap_done();
}
