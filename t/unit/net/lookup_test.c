/* Host names, with a resolver of our own in libc's place: "….slow" waits until it is let go. */
#include "tap.h"

#include "net/lookup.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static sem_t gate;
static atomic_int asked;

#pragma GCC visibility push(default) /* libuv shall find them */

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	struct answer {
		struct addrinfo info;
		struct sockaddr_in in;
	} * a;

	(void)service;
	(void)hints;
	asked++;
	if (strstr(name, ".slow"))
		sem_wait(&gate);
	if (strstr(name, "none"))
		return EAI_NONAME;
	if (strstr(name, "again"))
		return EAI_AGAIN;
	a = calloc(1, sizeof(*a));
	a->in.sin_family = AF_INET;
	a->in.sin_addr.s_addr = htonl(0xc0000201);
	a->info.ai_addr = (void *)&a->in;
	*found = &a->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *a)
{
	free(a);
}

#pragma GCC visibility pop

struct rig {
	uv_loop_t loop;
	struct lookups lookups;
	struct log log;
	unsigned lines;
	unsigned answers, with_address, begins;
	unsigned wanted; /* answers after which the loop stops */
};

static void write_log(struct log *l, enum log_level level, struct slice line)
{
	struct rig *r = CONTAINER(l, struct rig, log);

	(void)level;
	(void)line;
	r->lines++;
}

static void begin(void *data)
{
	((struct rig *)data)->begins++;
}

static void setup(struct rig *r)
{
	*r = (struct rig){.log = {LOG_WARN, false, write_log}};
	sem_init(&gate, 0, 0);
	asked = 0;
	uv_loop_init(&r->loop);
	lookups_init(&r->lookups, &r->loop, &r->log);
	r->lookups.begin = begin;
	r->lookups.begin_data = r;
}

static void let_go(unsigned n)
{
	while (n--)
		sem_post(&gate);
}

static void teardown(struct rig *r)
{
	lookups_close(&r->lookups);
	uv_close((uv_handle_t *)&r->lookups.timer, NULL);
	let_go(1000);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&r->loop), 0);
	sem_destroy(&gate);
}

static void on_answer(void *data, const struct addr *addrs, unsigned n)
{
	struct rig *r = data;

	r->answers++;
	r->with_address += n > 0 && addrs[0].ip[0] == 192;
	if (r->answers == r->wanted)
		uv_stop(&r->loop);
}

static void ask(struct rig *r, const char *name)
{
	lookup_start(&r->lookups, slice_str(name), r, on_answer);
}

static void run_until(struct rig *r, unsigned answers)
{
	r->wanted = answers;
	if (r->answers < answers)
		uv_run(&r->loop, UV_RUN_DEFAULT);
	CHECK_INT(r->answers, answers);
}

/* Patience runs out soon. */
static void hurry(struct rig *r)
{
	uv_timer_set_repeat(&r->lookups.timer, 1);
	uv_timer_again(&r->lookups.timer);
}

static void equal_names_are_asked_for_once(void)
{
	struct rig r;

	setup(&r);
	for (int i = 0; i < 1000; i++)
		ask(&r, i % 2 ? "a.slow" : "A.Slow");
	let_go(1);
	run_until(&r, 1000);
	CHECK_INT(r.with_address, 1000);
	CHECK_INT(asked, 1);
	CHECK_INT(r.begins, 1);
	CHECK_INT(r.lines, 0);
	teardown(&r);
}

static void patience_has_an_end(void)
{
	struct rig r;

	setup(&r);
	ask(&r, "a.slow");
	ask(&r, "b.slow");
	ask(&r, "a.slow");
	hurry(&r);
	run_until(&r, 3);
	CHECK_INT(r.with_address, 0);
	CHECK(r.begins > 0);
	CHECK_INT(r.lines, 1);
	ask(&r, "a.slow"); /* it is slow: nobody waits for it any more */
	CHECK_INT(r.answers, 4);
	CHECK(asked <= 2);
	teardown(&r);
	CHECK_INT(r.answers, 4);
}

static void a_late_answer_is_remembered(void)
{
	struct rig r;

	setup(&r);
	ask(&r, "a.slow");
	while (!asked) /* a thread has it */
		uv_run(&r.loop, UV_RUN_NOWAIT);
	hurry(&r);
	run_until(&r, 1);
	let_go(1);
	while (r.lookups.n_running)
		uv_run(&r.loop, UV_RUN_ONCE);
	ask(&r, "a.slow");
	CHECK_INT(r.answers, 2);
	CHECK_INT(r.with_address, 1);
	CHECK_INT(asked, 1);
	teardown(&r);
}

static void answers_are_remembered_when_they_are_certain(void)
{
	struct rig r;

	setup(&r);
	ask(&r, "a.example");
	ask(&r, "none.example");
	ask(&r, "again.example");
	run_until(&r, 3);
	CHECK_INT(r.with_address, 1);
	ask(&r, "a.EXAMPLE");
	ask(&r, "none.example");
	CHECK_INT(r.answers, 5);
	CHECK_INT(r.with_address, 2);
	CHECK_INT(asked, 3);
	ask(&r, "again.example");
	CHECK_INT(r.answers, 5);
	run_until(&r, 6);
	CHECK_INT(asked, 4);
	teardown(&r);
}

static void not_for_ever(void)
{
	struct rig r;

	setup(&r);
	ask(&r, "a.example");
	run_until(&r, 1);
	r.loop.time += 29999;
	ask(&r, "a.example");
	CHECK_INT(r.answers, 2);
	r.loop.time += 1;
	ask(&r, "a.example");
	CHECK_INT(r.answers, 2);
	run_until(&r, 3);
	CHECK_INT(asked, 2);
	teardown(&r);
}

static void memory_has_an_end(void)
{
	struct rig r;
	char name[32];

	setup(&r);
	for (unsigned i = 0; i <= LOOKUP_MAX_KNOWN; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		ask(&r, name);
		run_until(&r, i + 1);
	}
	CHECK_INT(r.lookups.n_known, LOOKUP_MAX_KNOWN);
	ask(&r, "n1.example");
	CHECK_INT(r.answers, LOOKUP_MAX_KNOWN + 2);
	ask(&r, "n0.example"); /* gone */
	CHECK_INT(r.answers, LOOKUP_MAX_KNOWN + 2);
	run_until(&r, LOOKUP_MAX_KNOWN + 3);
	teardown(&r);
}

static void too_many_are_refused_and_warned_of_once(void)
{
	struct rig r;
	char name[32];

	setup(&r);
	for (unsigned i = 0; i < LOOKUP_MAX_RUNNING + 100; i++) {
		snprintf(name, sizeof(name), "n%u.slow", i);
		ask(&r, name);
	}
	CHECK_INT(r.answers, 100);
	CHECK_INT(r.lines, 1);
	ask(&r, "n0.slow"); /* joins */
	CHECK_INT(r.answers, 100);
	teardown(&r);
	CHECK_INT(r.answers, LOOKUP_MAX_RUNNING + 101);
	CHECK_INT(r.with_address, 0);
}

int main(void)
{
	TEST(equal_names_are_asked_for_once);
	TEST(patience_has_an_end);
	TEST(a_late_answer_is_remembered);
	TEST(answers_are_remembered_when_they_are_certain);
	TEST(not_for_ever);
	TEST(memory_has_an_end);
	TEST(too_many_are_refused_and_warned_of_once);
	return tap_done();
}
