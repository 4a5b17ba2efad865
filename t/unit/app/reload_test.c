#include "tap.h"

#include "app/reload.h"

#include <stdlib.h>
#include <unistd.h>

/* Loads on real threads; nothing here waits longer than the load takes. */

enum { N = 3 };

struct rig {
	uv_loop_t loop;
	struct log log;
	char dir[64], path[96];
	struct reload *reload;
	uv_async_t later;
	struct script *taken[N];
	unsigned takes, answers, good;
	bool full, refuse;
	char news[400];
};

static void on_line(struct log *l, enum log_level level, struct slice line)
{
	(void)l;
	(void)level;
	(void)line;
}

static void put_script(struct rig *r, const char *text)
{
	FILE *f = fopen(r->path, "w");

	CHECK(f != NULL);
	fputs(text, f);
	fclose(f);
}

static int have_room(void *data, struct buf *why)
{
	const struct rig *r = data;

	if (r->full)
		buf_puts(why, "no room");
	return r->full ? -1 : 0;
}

static void free_taken(struct rig *r)
{
	for (unsigned i = 0; i < N; i++) {
		script_free(r->taken[i]);
		r->taken[i] = NULL;
	}
}

/* With the loop's next turn. */
static void on_taken(uv_async_t *a)
{
	struct rig *r = a->data;

	if (r->reload)
		reload_taken(r->reload, SLICE("it serves\n"));
}

static int take_over(void *data, struct script *const *scripts, uint64_t load_us, struct buf *why)
{
	struct rig *r = data;

	(void)load_us;
	buf_puts(why, "the flags say no");
	if (r->refuse)
		return -1;
	uv_async_send(&r->later);
	free_taken(r);
	for (unsigned i = 0; i < N; i++)
		r->taken[i] = scripts[i];
	r->takes++;
	return 0;
}

static void on_answer(void *data, bool ok, struct slice news)
{
	struct rig *r = data;

	r->answers++;
	r->good += ok;
	snprintf(r->news, sizeof(r->news), "%.*s", SLICE_ARG(news));
}

static void rig_open(struct rig *r)
{
	const struct reload_user user = {r, have_room, take_over};

	memset(r, 0, sizeof(*r));
	r->log = (struct log){.level = LOG_DEBUG, .write = on_line};
	snprintf(r->dir, sizeof(r->dir), "/tmp/reload-test-XXXXXX");
	CHECK(mkdtemp(r->dir) != NULL);
	snprintf(r->path, sizeof(r->path), "%s/a.lua", r->dir);
	put_script(r, "return { request = function() end }");
	uv_loop_init(&r->loop);
	uv_async_init(&r->loop, &r->later, on_taken);
	r->later.data = r;
	reload_open(&r->reload, &r->loop, &r->log, r->path, N, &user);
}

static void rig_close(struct rig *r)
{
	if (r->reload)
		reload_close(r->reload);
	uv_close((uv_handle_t *)&r->later, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&r->loop), 0);
	free_taken(r);
	unlink(r->path);
	rmdir(r->dir);
}

static void ask(struct rig *r)
{
	reload_request(r->reload, r, on_answer);
}

static void wait_for(struct rig *r, unsigned answers)
{
	while (r->answers < answers)
		uv_run(&r->loop, UV_RUN_ONCE);
}

static void gives_a_script_to_each_worker(void)
{
	struct rig r;

	rig_open(&r);
	ask(&r);
	wait_for(&r, 1);
	CHECK_INT(r.good, 1);
	CHECK_STR(r.news, "it serves\n");
	CHECK(r.taken[0] && r.taken[1] && r.taken[2]);
	CHECK(r.taken[0] != r.taken[1] && r.taken[1] != r.taken[2]);
	rig_close(&r);
}

static void all_or_none(void)
{
	struct rig r;
	struct reload_counters c;

	rig_open(&r);
	put_script(&r, "return {\n request = 1 }");
	ask(&r);
	wait_for(&r, 1);
	CHECK(strstr(r.news, "a.lua:2: handler 'request' must be a function") != NULL);
	r.refuse = true;
	put_script(&r, "return { request = function() end }");
	ask(&r);
	wait_for(&r, 2);
	CHECK_STR(r.news, "the flags say no");
	CHECK_INT(r.good, 0);
	CHECK_INT(r.takes, 0);
	reload_count(r.reload, &c);
	CHECK_INT(c.done, 0);
	CHECK_INT(c.refused, 2);
	rig_close(&r);
}

/* Those that come while one is loaded may mean a newer file: they share the next load. */
static void requests_share_a_load(void)
{
	struct rig r;

	rig_open(&r);
	for (unsigned i = 0; i < 10; i++)
		ask(&r);
	wait_for(&r, 10);
	CHECK_INT(r.takes, 2);
	CHECK_INT(r.good, 10);
	rig_close(&r);
}

static void is_refused_without_room(void)
{
	struct rig r;

	rig_open(&r);
	r.full = true;
	ask(&r);
	CHECK_INT(r.answers, 1);
	CHECK_STR(r.news, "no room");
	rig_close(&r);
}

static void an_endless_top_level_ends(void)
{
	struct rig r;

	rig_open(&r);
	put_script(&r, "while true do end");
	ask(&r);
	wait_for(&r, 1);
	CHECK_INT(r.good, 0);
	CHECK(strstr(r.news, "a.lua:1: too many instructions: an endless loop?") != NULL);
	rig_close(&r);
}

/* Few instructions, each of them slow. */
static void a_slow_top_level_is_stopped(void)
{
	struct rig r;

	rig_open(&r);
	put_script(&r, "local s = ('x'):rep(1 << 14)\n"
		       "for i = 1, 1e6 do s:find('xy', 1, true) end");
	ask(&r);
	wait_for(&r, 1);
	CHECK_INT(r.good, 0);
	CHECK(strstr(r.news, "a.lua:2: it takes too long: an endless loop?") != NULL);
	rig_close(&r);
}

static void lines_of_a_reason_are_tidy(void)
{
	struct rig r;

	rig_open(&r);
	put_script(&r, "error 'one\\n\\ttwo\\n  three\\nfour\\27[31m'");
	ask(&r);
	wait_for(&r, 1);
	CHECK(strstr(r.news, "a.lua:1: one two three\nfour\\x1b[31m") != NULL);
	rig_close(&r);
}

/* Not before all workers have it: whoever was told may try it at once. */
static void who_waits_is_told_when_it_serves(void)
{
	struct rig r;

	rig_open(&r);
	ask(&r);
	while (r.takes == 0)
		uv_run(&r.loop, UV_RUN_ONCE);
	ask(&r); /* the next load waits for the workers too */
	CHECK_INT(r.answers, 0);
	wait_for(&r, 2);
	CHECK_INT(r.takes, 2);
	rig_close(&r);
}

static void who_waits_is_told_of_the_end(void)
{
	struct rig r;

	rig_open(&r);
	ask(&r);
	ask(&r);
	reload_close(r.reload);
	r.reload = NULL;
	CHECK_INT(r.answers, 2);
	CHECK_INT(r.good, 0);
	CHECK_STR(r.news, "the proxy is stopping");
	rig_close(&r);
}

int main(void)
{
	TEST(gives_a_script_to_each_worker);
	TEST(all_or_none);
	TEST(requests_share_a_load);
	TEST(is_refused_without_room);
	TEST(an_endless_top_level_ends);
	TEST(a_slow_top_level_is_stopped);
	TEST(lines_of_a_reason_are_tidy);
	TEST(who_waits_is_told_when_it_serves);
	TEST(who_waits_is_told_of_the_end);
	return tap_done();
}
