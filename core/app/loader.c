#include "app/loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WHY_MAX_BYTES = 16 * 1024,
	/* Who saves a file writes it in pieces, but not this far apart. */
	SETTLE_MS = 50,
};

struct loader {
	uv_async_t ended;
	uv_thread_t thread;
	uv_mutex_t mutex;
	bool left; /* under mutex: nobody waits at the loop */
	atomic_bool stop;
	atomic_int holds; /* the loop's and the thread's: the last one frees */

	struct log *log;
	char *path;
	struct source source;
	struct script **scripts;
	unsigned n;
	struct buf why;
	uint64_t took_us;

	void *data;
	void (*done)(void *data, struct loader *l, const struct loaded *what);
};

static void release(struct loader *l)
{
	if (atomic_fetch_sub(&l->holds, 1) > 1)
		return;
	for (unsigned i = 0; i < l->n; i++)
		script_free(l->scripts[i]);
	free(l->scripts);
	source_free(&l->source);
	buf_free(&l->why);
	uv_mutex_destroy(&l->mutex);
	free(l->path);
	free(l);
}

/* The thread */

static int64_t wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void load_all(struct loader *l)
{
	const struct script_loading how = {
	    .log = l->log,
	    .source = &l->source,
	    .stop = &l->stop,
	};

	for (unsigned i = 0; i < l->n && l->why.n == 0; i++)
		if (script_load(&l->scripts[i], l->path, &how, &l->why))
			l->scripts[i] = NULL;
}

/* Half a file may be a script too: so a fresh one is looked at again. */
static void settle(struct loader *l)
{
	int64_t age_ms = wall_ms() - source_changed_ms(&l->source);

	if (age_ms >= 0 && age_ms < SETTLE_MS)
		uv_sleep((unsigned)(SETTLE_MS - age_ms));
	const char *changed = source_changed(&l->source);
	if (changed)
		buf_printf(&l->why, "%s: changed while it was loaded: is it being saved?", changed);
}

static void run(void *data)
{
	struct loader *l = data;
	uint64_t begin_ns = uv_hrtime();

	load_all(l);
	l->took_us = (uv_hrtime() - begin_ns) / 1000;
	if (l->why.n == 0)
		settle(l);
	uv_mutex_lock(&l->mutex);
	if (!l->left)
		uv_async_send(&l->ended);
	uv_mutex_unlock(&l->mutex);
	release(l);
}

/* The loop */

static void on_closed(uv_handle_t *h)
{
	release(h->data);
}

static void on_ended(uv_async_t *a)
{
	struct loader *l = a->data;

	uv_thread_join(&l->thread);
	const struct loaded what = {
	    .why = buf_slice(&l->why),
	    .scripts = l->scripts,
	    .source = &l->source,
	    .took_us = l->took_us,
	};
	l->done(l->data, l, &what);
	uv_close((uv_handle_t *)&l->ended, on_closed);
}

struct loader *loader_start(uv_loop_t *loop, struct log *log, const char *path, unsigned n,
			    void *data,
			    void (*done)(void *data, struct loader *l, const struct loaded *what))
{
	struct loader *l = mem_zalloc(sizeof *l);

	l->log = log;
	l->path = mem_alloc(strlen(path) + 1);
	memcpy(l->path, path, strlen(path) + 1);
	l->scripts = mem_zalloc(n * sizeof(struct script *));
	l->n = n;
	l->data = data;
	l->done = done;
	source_init(&l->source);
	buf_init(&l->why, WHY_MAX_BYTES);
	atomic_init(&l->stop, false);
	atomic_init(&l->holds, 2);
	uv_mutex_init(&l->mutex);
	uv_async_init(loop, &l->ended, on_ended);
	l->ended.data = l;
	if (uv_thread_create(&l->thread, run, l) == 0)
		return l;
	uv_close((uv_handle_t *)&l->ended, on_closed);
	release(l);
	return NULL;
}

void loader_stop(struct loader *l)
{
	atomic_store(&l->stop, true);
}

void loader_leave(struct loader *l)
{
	loader_stop(l);
	uv_mutex_lock(&l->mutex);
	l->left = true;
	uv_mutex_unlock(&l->mutex);
	pthread_detach(l->thread);
	uv_close((uv_handle_t *)&l->ended, on_closed);
}
