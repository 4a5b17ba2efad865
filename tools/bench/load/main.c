/*
 * load: phones that call each other through a proxy, and look closely at what it does.
 *
 * A window of sessions is kept under way, or sessions begin at a rate; while they are measured
 * the CPU time of the proxy is too.  load --help tells more, doc/performance.md what for.
 */
#include "callee.h"
#include "caller.h"
#include "cpu.h"
#include "drive.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	PREPARING_WINDOW = 32,
	PREPARING_S = 120,
	RATE_SESSIONS = 20000, /* places for sessions that begin at a rate */
	PROBE_EVERY_MS = 20,
	PROBE_TIMEOUT_MS = 400,
	EXIT_FAILURES = 1,
	EXIT_MISUSE = 2,
	EXIT_UNPREPARED = 3,
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	stop = signal;
}

static const enum task TASKS[WORKLOADS] = {
    [WORKLOAD_PROBE] = TASK_OPTIONS,     [WORKLOAD_OPTIONS] = TASK_OPTIONS,
    [WORKLOAD_REGISTER] = TASK_REGISTER, [WORKLOAD_CALL] = TASK_CALL,
    [WORKLOAD_MESSAGE] = TASK_MESSAGE,   [WORKLOAD_INFO] = TASK_INFO,
    [WORKLOAD_RING] = TASK_ANSWER,
};

/* --- what comes before --------------------------------------------------------------------------
 */

/* All `count` sessions of a task must do well. */
static int prepare(struct load *l, enum task task, uint64_t count, const char *what)
{
	struct pace p = {.window = PREPARING_WINDOW, .count = count, .seconds = PREPARING_S};

	if (p.window > l->options->window)
		p.window = l->options->window;
	drive(l, task, &p, &stop);
	if (l->stats.failed == 0 && l->ended >= count)
		return 0;
	fprintf(stderr, "load: %s: %llu of %llu, %llu failed:", what, (unsigned long long)l->ended,
		(unsigned long long)count, (unsigned long long)l->stats.failed);
	stats_print(&l->stats, 1, stderr);
	fputc('\n', stderr);
	return -1;
}

static int prepare_all(struct load *l)
{
	const struct options *o = l->options;
	bool need = o->workload > WORKLOAD_OPTIONS && !o->registered;

	if (need && prepare(l, TASK_REGISTER, o->users, "registrations") < 0)
		return -1;
	if (o->workload == WORKLOAD_INFO && prepare(l, TASK_DIAL, o->window, "dialogs") < 0)
		return -1;
	if (o->workload == WORKLOAD_RING && prepare(l, TASK_RING, o->count, "calls that ring") < 0)
		return -1;
	l->next_user = 0;
	return 0;
}

/* --- the workloads ------------------------------------------------------------------------------
 */

static int probe(struct load *l)
{
	const struct pace one = {.rate = 1, .seconds = 0.001}, none = {.seconds = 0.001};
	uint64_t end_us = drive_now_us() + (uint64_t)(l->options->seconds * 1e6);

	l->stats.measuring = true;
	while (drive_now_us() < end_us && !stop && l->stats.done == 0) {
		drive(l, TASK_OPTIONS, &one, &stop);
		for (unsigned i = 0; i < PROBE_EVERY_MS && l->stats.done == 0; i++)
			drive(l, TASK_OPTIONS, &none, &stop);
	}
	return l->stats.done ? 0 : EXIT_FAILURES;
}

/* Says that all rings, and waits until somebody says something. */
static void wait_for_line(const struct load *l)
{
	char line[64];

	printf("ringing=%u\n", l->sessions.idle_n);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		clearerr(stdin);
}

static void print_watched(const struct options *o, unsigned i, const struct cpu *before,
			  const struct cpu *after, uint64_t done)
{
	double s = after->seconds - before->seconds, sessions = done ? (double)done : 1;
	struct cpu_thread busiest = cpu_busiest(before, after);
	const char *name = o->watched[i].name;

	printf(" %s_s=%.3f %s_us=%.3f %s_busiest_us=%.3f %s_busiest_sleeps=%.3f"
	       " %s_kernel_percent=%.1f",
	       name, s, name, s * 1e6 / sessions, name, busiest.seconds * 1e6 / sessions, name,
	       (double)busiest.sleeps / sessions, name,
	       s > 0 ? 100 * (after->kernel_s - before->kernel_s) / s : 0);
}

static int measure(struct load *l)
{
	const struct options *o = l->options;
	enum task task = TASKS[o->workload];
	struct pace p = {o->window, o->rate, o->count, o->count ? PREPARING_S : o->seconds};
	struct cpu before[OPTIONS_WATCHED], after[OPTIONS_WATCHED];
	double own, stolen, seconds;

	if (o->warmup_s > 0)
		drive(l, task, &(struct pace){o->window, o->rate, 0, o->warmup_s}, &stop);
	if (o->workload == WORKLOAD_RING)
		wait_for_line(l);
	for (unsigned i = 0; i < o->watched_n; i++)
		cpu_look(&before[i], o->watched[i].pid);
	own = cpu_own();
	stolen = cpu_stolen();
	l->stats.measuring = true;
	l->stats.held_back = 0;
	seconds = drive(l, task, &p, &stop);
	l->stats.measuring = false;
	for (unsigned i = 0; i < o->watched_n; i++)
		cpu_look(&after[i], o->watched[i].pid);
	own = cpu_own() - own;
	stolen = cpu_stolen() - stolen;
	drive_out(l, &stop);
	if (o->workload == WORKLOAD_INFO)
		prepare(l, TASK_HANGUP, l->sessions.idle_n, "hang up");
	stats_print(&l->stats, seconds, stdout);
	for (unsigned i = 0; i < o->watched_n; i++)
		print_watched(o, i, &before[i], &after[i], l->stats.done);
	printf(" load_percent=%.1f stolen_percent=%.2f\n", 100 * own / seconds,
	       100 * stolen / seconds);
	return stop || l->stats.failed || stats_violations(&l->stats) ? EXIT_FAILURES : 0;
}

/* --- the program --------------------------------------------------------------------------------
 */

static unsigned places(const struct options *o)
{
	unsigned n = o->rate > 0 && o->workload != WORKLOAD_INFO ? RATE_SESSIONS : o->window;

	if (o->workload == WORKLOAD_RING && n < o->count)
		n = (unsigned)o->count;
	if (o->workload == WORKLOAD_PROBE)
		n = 100;
	return n < PREPARING_WINDOW ? PREPARING_WINDOW : n;
}

static int open_all(struct load *l)
{
	const struct options *o = l->options;
	struct text domain = text_in(l->domain, sizeof(l->domain));

	phone_put_address(&domain, o->proxy);
	TEXT_PUTS(&domain, ":");
	text_number(&domain, o->port, 1);
	l->domain_n = domain.n;
	l->caller = wire_open(o->proxy, o->port, 0);
	l->callee = wire_open(o->proxy, o->port, o->callee_port);
	if (!l->caller || !l->callee) {
		fprintf(stderr, "load: no socket: %s\n", strerror(errno));
		return -1;
	}
	l->digest = digest_new(PHONE_USERS_MAX);
	sessions_init(&l->sessions, places(o), (uint32_t)drive_now_us() ^ (uint32_t)getpid() << 20);
	return 0;
}

static void close_all(struct load *l)
{
	if (l->digest) {
		digest_free(l->digest);
		sessions_fini(&l->sessions);
	}
	wire_close(l->caller);
	wire_close(l->callee);
	free(l);
}

static int run(struct load *l)
{
	if (open_all(l) < 0)
		return EXIT_UNPREPARED;
	if (l->options->workload == WORKLOAD_PROBE)
		return probe(l);
	if (prepare_all(l) < 0)
		return EXIT_UNPREPARED;
	return measure(l);
}

int main(int argc, char **argv)
{
	struct options o;
	struct load *l;
	int code;

	if (options_read(&o, argc, argv) < 0)
		return EXIT_MISUSE;
	if (o.workload == WORKLOAD_PROBE)
		o.timeout_ms = PROBE_TIMEOUT_MS;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	prctl(PR_SET_TIMERSLACK, 1000UL); /* 1 us: naps are as short as they say */
	l = calloc(1, sizeof(*l));
	if (!l)
		return EXIT_UNPREPARED;
	l->options = &o;
	code = run(l);
	close_all(l);
	return code;
}
