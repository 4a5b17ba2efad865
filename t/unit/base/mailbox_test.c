#include "base/mailbox.h"
#include "tap.h"

#include "base/list.h"

#include <pthread.h>
#include <stdbool.h>

enum { WRITERS = 4, LETTERS = 2000, BATCH = 4 };

struct number {
	struct letter letter;
	struct reader *reader;
	int writer;
	int value;
};

struct reader {
	struct mailbox box;
	int woken;
	int n;
	int seen[WRITERS]; /* the next value of each */
	bool in_order;
	pthread_mutex_t mutex;
	pthread_cond_t rung;
	bool bell;
};

static void open_number(struct letter *l)
{
	struct number *x = CONTAINER(l, struct number, letter);
	struct reader *r = x->reader;
	r->in_order = r->in_order && x->value == r->seen[x->writer];
	r->seen[x->writer] = x->value + 1;
	r->n++;
}

static void count(void *data)
{
	((struct reader *)data)->woken++;
}

static void post(struct reader *r, struct number *x, int value)
{
	*x = (struct number){{NULL, open_number}, r, 0, value};
	mailbox_post(&r->box, &x->letter);
}

static void letters_are_read_in_the_order_they_were_posted(void)
{
	struct reader r = {.in_order = true};
	struct number x[3];
	mailbox_init(&r.box, count, &r);
	for (int i = 0; i < 3; i++)
		post(&r, &x[i], i);
	CHECK_INT(r.n, 0);
	mailbox_read(&r.box);
	CHECK_INT(r.n, 3);
	CHECK(r.in_order);
}

static void a_reader_that_sleeps_is_woken_once(void)
{
	struct reader r = {.in_order = true};
	struct number x[4];
	mailbox_init(&r.box, count, &r);
	post(&r, &x[0], 0);
	post(&r, &x[1], 1);
	CHECK_INT(r.woken, 1);
	mailbox_rise(&r.box);
	mailbox_rest(&r.box);
	CHECK_INT(r.n, 2);
	post(&r, &x[2], 2);
	CHECK_INT(r.woken, 2);
}

static void a_reader_that_is_up_is_not_woken(void)
{
	struct reader r = {.in_order = true};
	struct number x;
	mailbox_init(&r.box, count, &r);
	mailbox_rise(&r.box);
	post(&r, &x, 0);
	CHECK_INT(r.woken, 0);
	mailbox_rest(&r.box);
	CHECK_INT(r.n, 1);
	CHECK_INT(r.woken, 0);
}

static void what_is_put_waits_until_it_is_rung(void)
{
	struct reader r = {.in_order = true};
	struct number x[2];
	mailbox_init(&r.box, count, &r);
	for (int i = 0; i < 2; i++) {
		x[i] = (struct number){{NULL, open_number}, &r, 0, i};
		mailbox_put(&r.box, &x[i].letter);
	}
	CHECK_INT(r.woken, 0);
	mailbox_ring(&r.box);
	mailbox_ring(&r.box);
	CHECK_INT(r.woken, 1);
	mailbox_read(&r.box);
	CHECK_INT(r.n, 2);
	CHECK(r.in_order);
}

static void open_and_post(struct letter *l)
{
	struct number *x = CONTAINER(l, struct number, letter);
	struct reader *r = x->reader;
	open_number(l);
	post(r, x, r->n);
}

static void what_is_posted_while_reading_waits_for_the_next_time(void)
{
	struct reader r = {.in_order = true};
	struct number x = {{NULL, open_and_post}, &r, 0, 0};
	mailbox_init(&r.box, count, &r);
	mailbox_post(&r.box, &x.letter);
	mailbox_read(&r.box);
	CHECK_INT(r.n, 1);
	mailbox_read(&r.box);
	CHECK_INT(r.n, 2);
}

static void what_is_posted_while_it_lies_down_wakes_it(void)
{
	struct reader r = {.in_order = true};
	struct number x = {{NULL, open_and_post}, &r, 0, 0};
	mailbox_init(&r.box, count, &r);
	mailbox_rise(&r.box);
	mailbox_post(&r.box, &x.letter);
	mailbox_rest(&r.box);
	CHECK_INT(r.n, 1);
	CHECK_INT(r.woken, 1);
}

static void ring(void *data)
{
	struct reader *r = data;
	pthread_mutex_lock(&r->mutex);
	r->bell = true;
	pthread_cond_signal(&r->rung);
	pthread_mutex_unlock(&r->mutex);
}

static void wait_for_bell(struct reader *r)
{
	pthread_mutex_lock(&r->mutex);
	while (!r->bell)
		pthread_cond_wait(&r->rung, &r->mutex);
	r->bell = false;
	pthread_mutex_unlock(&r->mutex);
}

struct writer {
	pthread_t thread;
	struct number numbers[LETTERS];
};

static void *write_all(void *data)
{
	struct writer *w = data;
	struct mailbox *box = &w->numbers[0].reader->box;
	for (int i = 0; i < LETTERS; i++) {
		mailbox_put(box, &w->numbers[i].letter);
		if (i % BATCH == BATCH - 1)
			mailbox_ring(box);
	}
	return NULL;
}

static struct writer writers[WRITERS];

static void start_writer(struct reader *r, int number)
{
	struct writer *w = &writers[number];
	for (int i = 0; i < LETTERS; i++)
		w->numbers[i] = (struct number){{NULL, open_number}, r, number, i};
	pthread_create(&w->thread, NULL, write_all, w);
}

static void nothing_is_lost_between_threads(void)
{
	struct reader r = {.in_order = true};
	pthread_mutex_init(&r.mutex, NULL);
	pthread_cond_init(&r.rung, NULL);
	mailbox_init(&r.box, ring, &r);
	for (int i = 0; i < WRITERS; i++)
		start_writer(&r, i);
	while (r.n < WRITERS * LETTERS) {
		mailbox_rest(&r.box);
		if (r.n < WRITERS * LETTERS)
			wait_for_bell(&r);
		mailbox_rise(&r.box);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	CHECK_INT(r.n, WRITERS * LETTERS);
	CHECK(r.in_order);
}

int main(void)
{
	TEST(letters_are_read_in_the_order_they_were_posted);
	TEST(a_reader_that_sleeps_is_woken_once);
	TEST(a_reader_that_is_up_is_not_woken);
	TEST(what_is_put_waits_until_it_is_rung);
	TEST(what_is_posted_while_reading_waits_for_the_next_time);
	TEST(what_is_posted_while_it_lies_down_wakes_it);
	TEST(nothing_is_lost_between_threads);
	return tap_done();
}
