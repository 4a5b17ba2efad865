#include "app/daemon.h"
#include "app/console.h"
#include "app/control.h"
#include "app/listen.h"
#include "app/reload.h"
#include "app/stats.h"
#include "app/unbind.h"
#include "script/settings_change.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { WHY_MAX = 16 * 1024, ANSWER_MAX = 1024 * 1024, N_SIGNALS = 3 };

struct daemon {
	const struct options *options;
	struct log log;
	struct buf why;
	struct script *script;    /* until the worker takes it */
	struct source files;      /* of the first load, for --watch */
	struct settings flags;    /* owns the texts of the flags */
	struct settings asked;    /* the first script's settings, with the flags laid over … */
	struct settings settings; /* … and with addresses that sockets can have */
	uv_loop_t loop;
	uv_signal_t signals[N_SIGNALS];
	struct control *control;
	struct reload *reload;
	struct database database;
	struct worker worker;
	uint64_t started_ms;
	bool started;       /* else a signal waits until it is */
	bool reload_wanted; /* a signal asked for it too early */
	bool leaving;       /* a signal asked for it */
	bool stopping, stopped;
};

static int fail(struct daemon *d, int status)
{
	fprintf(stderr, "lunasip: %.*s\n", SLICE_ARG(buf_slice(&d->why)));
	return status;
}

/* Settings: the script's, then the flags. */

/* What is wrong here is misuse, whatever the script says. */
static int read_flags(struct daemon *d)
{
	const struct options *o = d->options;
	for (unsigned i = 0; i < o->n_listen; i++)
		if (settings_add_listen(&d->flags, slice_str(o->listen[i]), &d->why) < 0)
			return -1;
	return o->store ? database_check_url(slice_str(o->store), &d->why) : 0;
}

/* out borrows the texts of both. */
static int lay(const struct daemon *d, const struct script *s, struct settings *out,
	       struct buf *why)
{
	const struct options *o = d->options;
	*out = *script_settings(s);
	if (o->store)
		out->store = slice_str(o->store);
	if (o->control)
		out->control = slice_str(o->control);
	for (unsigned i = 0; i < d->flags.n_listen; i++) {
		out->listen[i] = d->flags.listen[i];
		out->advertise[i] = d->flags.advertise[i];
		out->n_listen = d->flags.n_listen;
	}
	return database_check_url(out->store, why);
}

static void configure_log(struct daemon *d, const struct settings *s)
{
	console_configure(&d->log, s->log_level, d->options->verbose, s->log_colour);
}

static int load(struct daemon *d)
{
	const struct script_loading how = {.log = &d->log, .source = &d->files};
	struct settings laid;
	if (script_load(&d->script, d->options->script, &how, &d->why) < 0 ||
	    lay(d, d->script, &laid, &d->why) < 0)
		return -1;
	configure_log(d, &laid);
	settings_copy(&d->asked, &laid);
	settings_copy(&d->settings, &laid);
	return listen_expand(&d->settings, &d->why);
}

static void init(struct daemon *d)
{
	settings_init(&d->flags);
	source_init(&d->files);
	buf_init(&d->why, WHY_MAX);
	console_init(&d->log);
}

static void forget(struct daemon *d)
{
	script_free(d->script);
	settings_free(&d->settings);
	settings_free(&d->asked);
	settings_free(&d->flags);
	source_free(&d->files);
	buf_free(&d->why);
}

/* Reload */

static int have_room(void *data, struct buf *why)
{
	const struct daemon *d = data;
	return generations_have_room(&d->worker.node.scripts, why) ? 0 : -1;
}

/* Also what waits for a restart must be fit for it. */
static int lay_fresh(const struct daemon *d, const struct script *s, struct settings *out,
		     struct buf *why)
{
	buf_printf(why, "%s: ", d->options->script);
	if (lay(d, s, out, why) < 0)
		return -1;
	struct settings expanded = *out;
	if (listen_expand(&expanded, why) < 0)
		return -1;
	buf_reset(why);
	return 0;
}

static int take_over(void *data, struct script *const *scripts, uint64_t load_us, struct buf *news)
{
	struct daemon *d = data;
	struct settings fresh;
	struct buf waiting;
	if (lay_fresh(d, scripts[0], &fresh, news) < 0)
		return -1;
	clock_tick(&d->worker.clock);
	node_take_over(&d->worker.node, scripts[0], &fresh);
	configure_log(d, &fresh);
	buf_printf(news, "generation %u is in service, loaded in %llu.%llu ms\n",
		   d->worker.node.scripts.newest, (unsigned long long)(load_us / 1000),
		   (unsigned long long)(load_us / 100 % 10));
	buf_init(&waiting, WHY_MAX);
	settings_waiting(&d->asked, &fresh, &waiting);
	if (waiting.n)
		buf_printf(news, "waiting for a restart: %.*s\n", SLICE_ARG(buf_slice(&waiting)));
	buf_free(&waiting);
	return 0;
}

static void open_reload(struct daemon *d)
{
	const struct reload_user user = {d, have_room, take_over};
	reload_open(&d->reload, &d->loop, &d->log, d->options->script, 1, &user);
	if (d->options->watch)
		reload_watch(d->reload, &d->files);
	source_free(&d->files);
	if (d->reload_wanted)
		reload_request(d->reload, NULL, NULL);
}

/* Stop */

static void on_stopped(void *data)
{
	struct daemon *d = data;
	d->stopped = true;
	uv_stop(&d->loop);
}

static void stop(struct daemon *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	if (d->reload)
		reload_close(d->reload);
	d->reload = NULL;
	if (d->control)
		control_close(d->control);
	d->control = NULL;
	worker_stop(&d->worker, on_stopped, d);
}

static void on_signal(uv_signal_t *h, int number)
{
	struct daemon *d = h->data;
	if (number == SIGHUP) {
		d->reload_wanted = true;
		if (d->reload)
			reload_request(d->reload, NULL, NULL);
		return;
	}
	log_notice(&d->log, "stopping: %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
	d->leaving = true;
	if (d->started)
		stop(d);
}

/* Start */

static void watch_signals(struct daemon *d)
{
	static const int numbers[N_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < N_SIGNALS; i++) {
		uv_signal_init(&d->loop, &d->signals[i]);
		d->signals[i].data = d;
		uv_signal_start(&d->signals[i], on_signal, numbers[i]);
	}
}

static void put_stats(const struct daemon *d, struct buf *out)
{
	struct reload_counters c = {0};
	if (d->reload)
		reload_count(d->reload, &c);
	buf_printf(out, "uptime_s %llu\nreloads %llu\nreloads.refused %llu\n",
		   (unsigned long long)((uv_now(&d->loop) - d->started_ms) / 1000),
		   (unsigned long long)c.done, (unsigned long long)c.refused);
	stats_put(&d->worker, out);
}

static void on_reloaded(void *data, bool ok, struct slice news)
{
	struct buf out;
	buf_init(&out, WHY_MAX + sizeof("error \n"));
	buf_printf(&out, ok ? "ok %.*s" : "error %.*s\n", SLICE_ARG(news));
	question_answer(data, buf_slice(&out));
	buf_free(&out);
}

/* "forget USER": that subscriber has changed. */
static bool forget_user(struct daemon *d, struct slice line)
{
	struct slice word = SLICE("forget ");
	if (!slice_starts(line, word) || !d->started)
		return false;
	auth_forget(d->worker.node.auth, slice_range(line.p + word.n, slice_end(line)));
	return true;
}

static void on_command(void *data, struct slice line, struct question *q)
{
	struct daemon *d = data;
	struct buf out;
	if (slice_eq(line, SLICE("reload")) && d->reload) {
		reload_request(d->reload, q, on_reloaded);
		return;
	}
	if (d->started && unbind_request(&d->worker.node, line, q))
		return;
	buf_init(&out, ANSWER_MAX);
	if (slice_eq(line, SLICE("stats")))
		put_stats(d, &out);
	else if (forget_user(d, line))
		buf_puts(&out, "ok\n");
	else
		buf_puts(&out, d->reload ? "error unknown command\n" : "error not yet\n");
	question_answer(q, buf_slice(&out));
	buf_free(&out);
}

static int open_control(struct daemon *d)
{
	const struct control_user user = {d, on_command};
	if (d->settings.control.n == 0)
		return 0;
	return control_open(&d->control, &d->loop, d->settings.control, &user, &d->why);
}

static void tell_ready(struct daemon *d)
{
	struct buf store;
	buf_init(&store, WHY_MAX);
	store_url_clean(d->settings.store, &store);
	if (slice_starts(d->settings.store, SLICE("memory:")))
		log_warn(&d->log, "store memory: has no subscribers, so nobody can authorize "
				  "(-d STORE names another)");
	log_notice(&d->log, "lunasip " LUNASIP_VERSION " ready: %s, store %.*s, db_mode %d",
		   d->options->script, SLICE_ARG(buf_slice(&store)), (int)d->settings.db_mode);
	buf_free(&store);
}

static int start(struct daemon *d)
{
	struct worker *w = &d->worker;
	if (worker_open(w, &d->loop, &d->log, &d->database, &d->settings, d->script, &d->why) < 0)
		return -1;
	d->script = NULL;
	if (open_control(d) < 0 || worker_start(w, &d->why) < 0)
		return -1;
	d->started = true;
	tell_ready(d);
	open_reload(d);
	return 0;
}

static void run_until_stopped(struct daemon *d)
{
	while (!d->stopped)
		uv_run(&d->loop, UV_RUN_DEFAULT);
}

static int run(struct daemon *d)
{
	int status = EXIT_SUCCESS;
	if (start(d) < 0) {
		status = fail(d, EXIT_FAILURE);
		stop(d);
	} else if (d->leaving) {
		stop(d);
	}
	run_until_stopped(d);
	worker_close(&d->worker);
	return status;
}

static void close_loop(struct daemon *d)
{
	for (unsigned i = 0; i < N_SIGNALS; i++)
		uv_close((uv_handle_t *)&d->signals[i], NULL);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	uv_loop_close(&d->loop);
}

static int serve(struct daemon *d)
{
	int status;
	uv_loop_init(&d->loop);
	d->started_ms = uv_now(&d->loop);
	watch_signals(d);
	if (database_open(&d->database, &d->log, d->settings.store, &d->why) < 0)
		status = fail(d, EXIT_FAILURE);
	else
		status = run(d);
	close_loop(d);
	database_close(&d->database);
	if (status == EXIT_SUCCESS)
		log_notice(&d->log, "stopped");
	return status;
}

int daemon_run(const struct options *o)
{
	struct daemon d = {.options = o};
	int status = EXIT_SUCCESS;
	init(&d);
	if (read_flags(&d) < 0)
		status = fail(&d, EXIT_USAGE);
	else if (load(&d) < 0)
		status = fail(&d, EXIT_FAILURE);
	else if (o->check)
		printf("%s: ok\n", o->script);
	else
		status = serve(&d);
	forget(&d);
	return status;
}
