#include "app/daemon.h"
#include "app/console.h"
#include "app/control.h"
#include "app/listen.h"
#include "app/stats.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { WHY_MAX = 16 * 1024, N_SIGNALS = 3 };

struct daemon {
	const struct options *options;
	struct log log;
	struct buf why;
	struct script *script;
	struct settings settings; /* the script's with the flags laid over; borrows its texts */
	struct settings flags;    /* owns the texts of the flags */
	uv_loop_t loop;
	uv_signal_t signals[N_SIGNALS];
	struct control *control;
	struct worker worker;
	uint64_t started_ms;
	bool started; /* else a signal waits until it is */
	bool leaving; /* a signal asked for it */
	bool stopping, stopped;
};

static int fail(struct daemon *d)
{
	fprintf(stderr, "lunasip: %.*s\n", SLICE_ARG(buf_slice(&d->why)));
	return EXIT_FAILURE;
}

/* Settings: the script's, then the flags. */

static int lay_listen(struct daemon *d)
{
	const struct options *o = d->options;
	if (o->n_listen > 0)
		d->flags.n_listen = 0;
	for (unsigned i = 0; i < o->n_listen; i++)
		if (settings_add_listen(&d->flags, slice_str(o->listen[i]), &d->why) < 0)
			return -1;
	for (unsigned i = 0; o->n_listen > 0 && i < d->flags.n_listen; i++) {
		d->settings.listen[i] = d->flags.listen[i];
		d->settings.advertise[i] = d->flags.advertise[i];
		d->settings.n_listen = i + 1;
	}
	return listen_expand(&d->settings, &d->why);
}

static int lay_flags(struct daemon *d)
{
	const struct options *o = d->options;
	d->settings = *script_settings(d->script);
	if (o->store)
		d->settings.store = slice_str(o->store);
	if (o->control)
		d->settings.control = slice_str(o->control);
	console_configure(&d->log, d->settings.log_level, o->verbose, d->settings.log_colour);
	if (lay_listen(d) < 0)
		return -1;
	return database_check_url(d->settings.store, &d->why);
}

static int configure(struct daemon *d)
{
	settings_init(&d->flags);
	buf_init(&d->why, WHY_MAX);
	console_init(&d->log);
	if (script_load(&d->script, d->options->script, &d->log, NULL, &d->why) < 0)
		return -1;
	return lay_flags(d);
}

static void forget(struct daemon *d)
{
	if (d->script)
		script_free(d->script);
	settings_free(&d->flags);
	buf_free(&d->why);
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
	if (d->control)
		control_close(d->control);
	d->control = NULL;
	worker_stop(&d->worker, on_stopped, d);
}

static void on_signal(uv_signal_t *h, int number)
{
	struct daemon *d = h->data;
	if (number == SIGHUP) {
		log_notice(&d->log, "SIGHUP does nothing: restart to take up a changed script");
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

static void on_command(void *data, struct slice line, struct buf *out)
{
	struct daemon *d = data;
	if (!slice_eq(line, SLICE("stats"))) {
		buf_puts(out, "error unknown command\n");
		return;
	}
	buf_printf(out, "uptime_s %llu\n",
		   (unsigned long long)((uv_now(&d->loop) - d->started_ms) / 1000));
	stats_put(&d->worker, out);
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
	log_notice(&d->log, "lunasip " LUNASIP_VERSION " ready: %s, store %.*s, db_mode %d",
		   d->options->script, SLICE_ARG(buf_slice(&store)), (int)d->settings.db_mode);
	buf_free(&store);
}

static int start(struct daemon *d)
{
	struct worker *w = &d->worker;
	if (worker_open(w, &d->loop, &d->log, &d->settings, d->script, &d->why) < 0 ||
	    open_control(d) < 0 || worker_start(w, &d->why) < 0)
		return -1;
	d->started = true;
	tell_ready(d);
	return 0;
}

static void run_until_stopped(struct daemon *d)
{
	while (!d->stopped)
		uv_run(&d->loop, UV_RUN_DEFAULT);
}

static void close_loop(struct daemon *d)
{
	worker_close(&d->worker);
	for (unsigned i = 0; i < N_SIGNALS; i++)
		uv_close((uv_handle_t *)&d->signals[i], NULL);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	uv_loop_close(&d->loop);
}

static int serve(struct daemon *d)
{
	int status = EXIT_SUCCESS;
	uv_loop_init(&d->loop);
	d->started_ms = uv_now(&d->loop);
	watch_signals(d);
	if (start(d) < 0) {
		status = fail(d);
		stop(d);
	} else if (d->leaving) {
		stop(d);
	}
	run_until_stopped(d);
	close_loop(d);
	if (status == EXIT_SUCCESS)
		log_notice(&d->log, "stopped");
	return status;
}

int daemon_run(const struct options *o)
{
	struct daemon d = {.options = o};
	int status = EXIT_SUCCESS;
	if (configure(&d) < 0)
		status = fail(&d);
	else if (o->check)
		printf("%s: ok\n", o->script);
	else
		status = serve(&d);
	forget(&d);
	return status;
}
