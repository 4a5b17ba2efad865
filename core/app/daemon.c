#include "app/daemon.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/listen.h"
#include "script/settings_change.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 16 * 1024, N_SIGNALS = 3 };

struct daemon {
	const struct options *options;
	struct log log;
	struct buf why;
	unsigned n;               /* of workers */
	struct script **scripts;  /* [n], until the workers take them */
	struct source files;      /* of the first load, for --watch */
	struct settings flags;    /* owns the texts of the flags */
	struct settings asked;    /* the first script's settings, with the flags laid over … */
	struct settings settings; /* … and with addresses that sockets can have */
	uv_loop_t loop;
	uv_signal_t signals[N_SIGNALS];
	struct control *control;
	struct reload *reload;
	struct database database;
	struct team *team;
	struct commands commands; /* as of the last one */
	uint64_t load_us;         /* of the scripts that are being taken */
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
	if (o->workers)
		out->workers = o->workers;
	for (unsigned i = 0; i < d->flags.n_listen; i++) {
		out->listen[i] = d->flags.listen[i];
		out->advertise[i] = d->flags.advertise[i];
		out->n_listen = d->flags.n_listen;
	}
	return database_check_url(out->store, why);
}

static void configure_log(const struct daemon *d, struct log *log, const struct settings *s)
{
	console_configure(log, s->log_level, d->options->verbose, s->log_colour);
}

static unsigned workers_of(const struct daemon *d)
{
	unsigned n = d->settings.workers ? d->settings.workers : uv_available_parallelism();
	return n < CREW_MAX ? n : CREW_MAX;
}

static int load_one(struct daemon *d, unsigned i)
{
	const struct script_loading how = {.log = &d->log, .source = &d->files};
	return script_load(&d->scripts[i], d->options->script, &how, &d->why);
}

/* The first one tells how many there shall be. */
static int load_all(struct daemon *d)
{
	d->n = workers_of(d);
	d->scripts = mem_realloc(d->scripts, d->n * sizeof(struct script *));
	for (unsigned i = 1; i < d->n; i++)
		d->scripts[i] = NULL;
	for (unsigned i = 1; i < d->n; i++)
		if (load_one(d, i) < 0)
			return -1;
	return 0;
}

static int load(struct daemon *d)
{
	struct settings laid;
	d->n = 1;
	d->scripts = mem_zalloc(sizeof(struct script *));
	if (load_one(d, 0) < 0 || lay(d, d->scripts[0], &laid, &d->why) < 0)
		return -1;
	configure_log(d, &d->log, &laid);
	settings_copy(&d->asked, &laid);
	settings_copy(&d->settings, &laid);
	if (listen_expand(&d->settings, &d->why) < 0)
		return -1;
	return d->options->check ? 0 : load_all(d);
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
	for (unsigned i = 0; i < d->n; i++)
		script_free(d->scripts[i]);
	free(d->scripts);
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
	return team_has_room(d->team, why) ? 0 : -1;
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

/* On each worker's thread.  That it can be laid has been seen. */
static void take_one(struct errand *e)
{
	const struct daemon *d = e->data;
	struct worker *w = e->worker;
	struct settings fresh;
	struct buf nothing;
	buf_init(&nothing, 0);
	lay(d, d->scripts[w->number], &fresh, &nothing);
	buf_free(&nothing);
	node_take_over(&w->node, d->scripts[w->number], &fresh);
	configure_log(d, &w->log, &fresh);
	errand_end(e);
}

static void tell_waiting(const struct daemon *d, const struct settings *fresh, struct buf *news)
{
	struct buf waiting;
	buf_init(&waiting, WHY_MAX);
	settings_waiting(&d->asked, fresh, &waiting);
	if (waiting.n)
		buf_printf(news, "waiting for a restart: %.*s\n", SLICE_ARG(buf_slice(&waiting)));
	buf_free(&waiting);
}

static void on_taken(void *data)
{
	struct daemon *d = data;
	const struct script *first = d->scripts[0];
	struct settings fresh;
	struct buf news;
	memset(d->scripts, 0, d->n * sizeof(struct script *)); /* they are the workers' now */
	if (!d->reload)
		return;
	buf_init(&news, WHY_MAX);
	lay(d, first, &fresh, &news);
	configure_log(d, &d->log, &fresh);
	buf_printf(&news, "generation %u is in service, loaded in %llu.%llu ms\n",
		   team_first(d->team)->node.scripts.newest,
		   (unsigned long long)(d->load_us / 1000),
		   (unsigned long long)(d->load_us / 100 % 10));
	tell_waiting(d, &fresh, &news);
	reload_taken(d->reload, buf_slice(&news));
	buf_free(&news);
}

static int take_over(void *data, struct script *const *scripts, uint64_t load_us, struct buf *why)
{
	struct daemon *d = data;
	struct settings fresh;
	for (unsigned i = 0; i < d->n; i++)
		if (lay_fresh(d, scripts[i], &fresh, why) < 0)
			return -1;
	memcpy(d->scripts, scripts, d->n * sizeof(struct script *));
	d->load_us = load_us;
	team_expect_scripts(d->team);
	team_round(d->team, take_one, on_taken, d);
	return 0;
}

static void open_reload(struct daemon *d)
{
	const struct reload_user user = {d, have_room, take_over};
	reload_open(&d->reload, &d->loop, &d->log, d->options->script, d->n, &user);
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
	d->reload = d->commands.reload = NULL; /* "stats" may be on its way round */
	if (d->control)
		control_close(d->control);
	d->control = NULL;
	team_stop(d->team, on_stopped, d);
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

static void on_command(void *data, struct slice line, struct question *q)
{
	struct daemon *d = data;
	d->commands = (struct commands){&d->loop, d->started_ms, d->team, d->reload};
	commands_run(&d->commands, line, q);
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
	const struct team_options o = {
	    .n = d->n,
	    .loop = &d->loop,
	    .log = &d->log,
	    .database = &d->database,
	    .settings = &d->settings,
	};
	if (team_open(&d->team, &o, d->scripts, &d->why) < 0 || open_control(d) < 0 ||
	    team_start(d->team, &d->why) < 0)
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
	team_close(d->team);
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
