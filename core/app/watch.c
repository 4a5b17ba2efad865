#include "app/watch.h"
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAX_FOLDERS = 16,
	QUIET_MS = 100, /* an editor that saves makes several changes */
};

struct folder {
	uv_fs_event_t event;
	struct watch *watch;
	char *path;
};

struct watch {
	uv_loop_t *loop;
	struct log *log;
	const char *script;
	void *data;
	void (*saved)(void *data);
	uv_timer_t quiet;
	struct folder *folders[MAX_FOLDERS];
	unsigned n;
};

static void on_quiet(uv_timer_t *t)
{
	struct watch *w = t->data;
	w->saved(w->data);
}

/* Editors, and databases, keep other files beside them. */
static bool is_ours(const struct watch *w, const char *name)
{
	const char *slash = strrchr(w->script, '/');
	size_t n = strlen(name);
	if (n > 4 && strcmp(name + n - 4, ".lua") == 0)
		return true;
	return strcmp(name, slash ? slash + 1 : w->script) == 0;
}

/* No name: it may be one of ours. */
static void on_event(uv_fs_event_t *e, const char *name, int events, int status)
{
	const struct folder *f = e->data;
	(void)events;
	if (status == 0 && (!name || is_ours(f->watch, name)))
		uv_timer_start(&f->watch->quiet, on_quiet, QUIET_MS, 0);
}

static void folder_gone(uv_handle_t *h)
{
	struct folder *f = h->data;
	free(f->path);
	free(f);
}

static void folder_add(struct watch *w, struct slice path)
{
	struct folder *f = mem_zalloc(sizeof *f);
	f->watch = w;
	f->path = mem_alloc(path.n + 1);
	memcpy(f->path, path.p, path.n);
	f->path[path.n] = '\0';
	f->event.data = f;
	uv_fs_event_init(w->loop, &f->event);
	w->folders[w->n++] = f;
	int error = uv_fs_event_start(&f->event, on_event, f->path, 0);
	if (error)
		log_warn(w->log, "cannot watch %s: %s", f->path, uv_strerror(error));
}

static struct slice folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return SLICE(".");
	return slash == path ? SLICE("/") : slice_range(path, slash);
}

static bool is_watched(const struct watch *w, struct slice path)
{
	for (unsigned i = 0; i < w->n; i++)
		if (slice_eq(slice_str(w->folders[i]->path), path))
			return true;
	return false;
}

void watch_set(struct watch *w, const struct source *files)
{
	const char *path;
	for (unsigned i = 0; (path = source_path(files, i)); i++)
		if (w->n < MAX_FOLDERS && !is_watched(w, folder_of(path)))
			folder_add(w, folder_of(path));
}

void watch_open(struct watch **out, uv_loop_t *loop, struct log *log, const char *script,
		void *data, void (*saved)(void *data))
{
	struct watch *w = mem_zalloc(sizeof *w);
	w->loop = loop;
	w->log = log;
	w->script = script;
	w->data = data;
	w->saved = saved;
	uv_timer_init(loop, &w->quiet);
	w->quiet.data = w;
	*out = w;
}

static void watch_gone(uv_handle_t *h)
{
	free(h->data);
}

void watch_close(struct watch *w)
{
	for (unsigned i = 0; i < w->n; i++)
		uv_close((uv_handle_t *)&w->folders[i]->event, folder_gone);
	uv_close((uv_handle_t *)&w->quiet, watch_gone);
}
