#include "app/reload.h"
#include "app/loader.h"
#include "app/watch.h"
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
	LIMIT_MS = 3000, /* then a load is stopped … */
	GRACE_MS = 500,  /* … and, when it does not hear that, left to itself */
	MAX_HUNG = 4,
	NEWS_MAX_BYTES = 16 * 1024,
};

/* Who wants to know what became of it. */
struct waiter {
	struct list node;
	void *data;
	void (*done)(void *data, bool ok, struct slice news);
};

struct reload {
	uv_loop_t *loop;
	struct log *log;
	const char *path;
	unsigned n;
	struct reload_user user;
	uv_timer_t limit;
	struct watch *watch; /* NULL: nobody asked for it */

	struct loader *loader;         /* under way, or NULL … */
	bool taking;                   /* … and then the workers take over … */
	struct list waiting;           /* for both … */
	struct list next;              /* … for the load after it … */
	bool again;                    /* … which is wanted */
	struct loader *hung[MAX_HUNG]; /* they do not end */
	struct reload_counters counters;
};

static void start(struct reload *r);

/* The answer. */

static void answer(struct list *waiters, bool ok, struct slice news)
{
	struct list *node;

	while ((node = list_shift(waiters))) {
		struct waiter *w = CONTAINER(node, struct waiter, node);
		if (w->done)
			w->done(w->data, ok, news);
		free(w);
	}
}

/* Lua breaks its longer reasons: lines that begin with a blank go on with the one before. */
static void tidy(struct buf *out, struct slice text)
{
	text = slice_trim(text);
	for (size_t i = 0; i < text.n; i++) {
		const char *p = text.p + i;
		bool more = i + 1 < text.n;
		if (*p == '\n' && !(more && (p[1] == '\t' || p[1] == ' ')))
			buf_putc(out, '\n');
		else if (*p == '\t' || *p == ' ')
			buf_puts(out, more && (p[1] == '\t' || p[1] == ' ') ? "" : " ");
		else if (*p != '\n')
			log_clean(out, slice_of(p, 1), false);
	}
}

static void log_lines(struct reload *r, enum log_level level, const char *what, struct slice text)
{
	while (text.n) {
		const char *lf = slice_chr(text, '\n');
		struct slice line = lf ? slice_range(text.p, lf) : text;
		log_printf(r->log, level, "%s: %.*s", what, SLICE_ARG(line));
		text = lf ? slice_range(lf + 1, slice_end(text)) : SLICE("");
	}
}

static void refuse(struct reload *r, struct slice why)
{
	struct buf reason;

	buf_init(&reason, NEWS_MAX_BYTES);
	tidy(&reason, why);
	r->counters.refused++;
	log_lines(r, LOG_ERROR, "reload refused, nothing has changed", buf_slice(&reason));
	answer(&r->waiting, false, buf_slice(&reason));
	buf_free(&reason);
}

static void go_on(struct reload *r)
{
	if (r->again && !r->taking)
		start(r);
}

void reload_taken(struct reload *r, struct slice news)
{
	r->taking = false;
	r->counters.done++;
	log_lines(r, LOG_NOTICE, "reload", news);
	answer(&r->waiting, true, news);
	go_on(r);
}

static void take_over(struct reload *r, const struct loaded *what)
{
	struct buf why;

	buf_init(&why, NEWS_MAX_BYTES);
	r->taking = true;
	if (r->user.take_over(r->user.data, what->scripts, what->took_us, &why)) {
		r->taking = false;
		refuse(r, buf_slice(&why));
	} else {
		memset(what->scripts, 0, r->n * sizeof(struct script *));
	}
	buf_free(&why);
}

/* A load has ended. */

static bool forget_hung(struct reload *r, const struct loader *l)
{
	for (unsigned i = 0; i < MAX_HUNG; i++)
		if (r->hung[i] == l) {
			r->hung[i] = NULL;
			return true;
		}
	return false;
}

static void on_loaded(void *data, struct loader *l, const struct loaded *what)
{
	struct reload *r = data;

	if (forget_hung(r, l))
		return;
	r->loader = NULL;
	uv_timer_stop(&r->limit);
	if (r->watch)
		watch_set(r->watch, what->source);
	if (what->why.n)
		refuse(r, what->why);
	else
		take_over(r, what);
	go_on(r);
}

static void on_grace(uv_timer_t *t)
{
	struct reload *r = t->data;
	unsigned i = 0;

	while (r->hung[i])
		i++;
	r->hung[i] = r->loader;
	r->loader = NULL;
	refuse(r, SLICE("the top level does not come back: it waits for something outside of Lua"));
	go_on(r);
}

static void on_limit(uv_timer_t *t)
{
	struct reload *r = t->data;

	loader_stop(r->loader);
	uv_timer_start(&r->limit, on_grace, GRACE_MS, 0);
}

/* A load begins. */

static bool may_load(struct reload *r, struct buf *why)
{
	unsigned hung = 0;

	for (unsigned i = 0; i < MAX_HUNG; i++)
		hung += r->hung[i] != NULL;
	if (hung < MAX_HUNG)
		return r->user.room(r->user.data, why) == 0;
	buf_printf(why, "%u earlier loads have not come back", hung);
	return false;
}

static void start(struct reload *r)
{
	struct list *node;
	struct buf why;

	r->again = false;
	while ((node = list_shift(&r->next)))
		list_push(&r->waiting, node);
	buf_init(&why, NEWS_MAX_BYTES);
	if (may_load(r, &why)) {
		r->loader = loader_start(r->loop, r->log, r->path, r->n, r, on_loaded);
		if (!r->loader)
			buf_puts(&why, "no thread to load it on");
	}
	if (r->loader)
		uv_timer_start(&r->limit, on_limit, LIMIT_MS, 0);
	else
		refuse(r, buf_slice(&why));
	buf_free(&why);
}

void reload_request(struct reload *r, void *data,
		    void (*done)(void *data, bool ok, struct slice news))
{
	struct waiter *w = mem_zalloc(sizeof *w);

	w->data = data;
	w->done = done;
	list_push(&r->next, &w->node);
	r->again = true;
	if (!r->loader && !r->taking)
		start(r);
}

void reload_count(const struct reload *r, struct reload_counters *c)
{
	*c = r->counters;
}

/* Life. */

void reload_open(struct reload **out, uv_loop_t *loop, struct log *log, const char *path,
		 unsigned n, const struct reload_user *user)
{
	struct reload *r = mem_zalloc(sizeof *r);

	r->loop = loop;
	r->log = log;
	r->path = path;
	r->n = n;
	r->user = *user;
	list_init(&r->waiting);
	list_init(&r->next);
	uv_timer_init(loop, &r->limit);
	r->limit.data = r;
	*out = r;
}

static void on_saved(void *data)
{
	reload_request(data, NULL, NULL);
}

void reload_watch(struct reload *r, const struct source *files)
{
	watch_open(&r->watch, r->loop, r->log, r->path, r, on_saved);
	watch_set(r->watch, files);
}

static void on_gone(uv_handle_t *h)
{
	free(h->data);
}

void reload_close(struct reload *r)
{
	struct slice why = SLICE("the proxy is stopping");

	if (r->loader)
		loader_leave(r->loader);
	for (unsigned i = 0; i < MAX_HUNG; i++)
		if (r->hung[i])
			loader_leave(r->hung[i]);
	answer(&r->waiting, false, why);
	answer(&r->next, false, why);
	if (r->watch)
		watch_close(r->watch);
	uv_close((uv_handle_t *)&r->limit, on_gone);
}
