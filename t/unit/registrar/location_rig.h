/*
 * location_rig: a location over the rig's store, and changes in a few words.
 */
#ifndef REGISTRAR_LOCATION_RIG_H
#define REGISTRAR_LOCATION_RIG_H

#include "registrar/location.h"
#include "rig.h"

static const struct slice bob = {"bob", 3};

struct world {
	struct rig rig;
	struct store *store; /* the rig's, when it is not set */
	struct location *l;
	struct location_options o;
	/* Of the last answer. */
	unsigned answers;
	enum store_error error;
	int verdict;
	char seen[512]; /* contacts of the view, with blanks between them */
	unsigned closed;
	enum store_error close_error;
};

static inline void start(struct world *w, enum location_mode mode)
{
	w->o = (struct location_options){
	    .table = w->o.table.p ? w->o.table : SLICE("location"),
	    .mode = mode,
	    .flush_ms = 60000,
	    .use_domain = w->o.use_domain,
	    .wait_ms = w->o.wait_ms,
	    .cache_ttl_ms = w->o.cache_ttl_ms,
	    .cache_size = w->o.cache_size,
	};
	w->l = location_new(&w->rig.sim.env, w->store ? w->store : &w->rig.store, &w->o);
}

static inline void setup(struct world *w, enum location_mode mode)
{
	*w = (struct world){0};
	rig_init(&w->rig);
	start(w, mode);
}

static inline void on_closed(void *data, enum store_error e)
{
	struct world *w = data;
	w->closed++;
	w->close_error = e;
}

static inline void stop(struct world *w)
{
	unsigned before = w->closed;
	location_close(w->l, on_closed, w);
	while (w->closed == before && rig_serve(&w->rig) > 0)
		;
	CHECK_INT(w->closed, before + 1);
}

static inline void teardown(struct world *w)
{
	stop(w);
	rig_free(&w->rig);
}

static inline void see(struct world *w, const struct location_view *view)
{
	size_t n = 0;
	w->seen[0] = '\0';
	for (unsigned i = 0; i < view->n && n < sizeof(w->seen); i++)
		n += (size_t)snprintf(w->seen + n, sizeof(w->seen) - n, "%s%.*s", i ? " " : "",
				      SLICE_ARG(view->v[i]->contact));
}

static inline void found(void *data, enum store_error e, const struct location_view *view)
{
	struct world *w = data;
	w->answers++;
	w->error = e;
	see(w, view);
}

static inline const char *lookup_at(struct world *w, struct slice user, struct slice host)
{
	snprintf(w->seen, sizeof(w->seen), "(no answer)");
	location_lookup(w->l, user, host, w, found);
	return w->seen;
}

static inline const char *lookup(struct world *w)
{
	return lookup_at(w, bob, SLICE("example.org"));
}

/* One change: put a contact (by its text), or remove one. */
struct edit_one {
	struct world *w;
	const char *contact;
	int64_t expires;
	int q;
	bool remove;
	int verdict;
	bool done;
};

static inline int merge(void *data, struct arena *a, const struct location_view *now,
			struct location_change *change)
{
	const struct edit_one *e = data;
	struct slice ruid = SLICE_NULL;
	for (unsigned i = 0; i < now->n; i++)
		if (slice_eq(now->v[i]->contact, slice_str(e->contact)))
			ruid = now->v[i]->ruid;
	if (e->remove && ruid.p) {
		change->removes = arena_alloc(a, sizeof(*change->removes));
		change->removes[change->n_removes++] = ruid;
	} else if (!e->remove) {
		change->puts = arena_alloc(a, sizeof(*change->puts));
		change->puts[change->n_puts++] = (struct store_binding){
		    .ruid = ruid,
		    .contact = slice_str(e->contact),
		    .expires = e->expires,
		    .q = e->q,
		    .callid = SLICE("call"),
		    .cseq = 1,
		    .user_agent = SLICE("phone"),
		    .socket = SLICE("udp:192.0.2.15:5060"),
		    .methods = -1,
		};
	}
	return e->verdict;
}

static inline void changed(void *data, enum store_error e, int verdict,
			   const struct location_view *view)
{
	struct edit_one *edit = data;
	edit->done = true;
	edit->w->answers++;
	edit->w->error = e;
	edit->w->verdict = verdict;
	see(edit->w, view);
}

static inline struct edit_one put(struct world *w, const char *contact, int64_t seconds, int q)
{
	int64_t now = env_wall_s(&w->rig.sim.env);
	return (struct edit_one){
	    .w = w, .contact = contact, .expires = seconds ? now + seconds : 0, .q = q};
}

static inline void change(struct edit_one *e)
{
	location_change(e->w->l, bob, SLICE("example.org"), e, merge, changed);
}

static inline const char *add(struct world *w, const char *contact, int64_t seconds, int q)
{
	struct edit_one e = put(w, contact, seconds, q);
	change(&e);
	CHECK(e.done);
	return w->seen;
}

static inline const char *take(struct world *w, const char *contact)
{
	struct edit_one e = {.w = w, .contact = contact, .remove = true};
	change(&e);
	CHECK(e.done);
	return w->seen;
}

static inline void loaded(void *data, enum store_error e, struct slice message, size_t rows)
{
	struct world *w = data;
	(void)message;
	w->answers++;
	w->error = e;
	w->verdict = (int)rows;
}

static inline int load(struct world *w)
{
	w->verdict = -1;
	location_load(w->l, loaded, w);
	return w->verdict;
}

/* Rows in the store, whatever the location knows. */
static inline void on_scan(struct store_op *op)
{
	unsigned *n = op->data;
	*n = op->n_bindings;
	store_op_free(op);
}

static inline unsigned rows(struct world *w)
{
	unsigned n = 0;
	struct store_op *op = store_op_new(STORE_LOCATION_SCAN, w->o.table, on_scan, &n);
	op->limit = 10000;
	store_run(w->rig.db, op);
	op->done(op);
	return n;
}

static inline void on_row_written(struct store_op *op)
{
	CHECK_INT(op->error, STORE_OK);
	store_op_free(op);
}

/* A row as some other program wrote it. */
static inline void write_row(struct world *w, const char *ruid, const char *user,
			     const char *contact, int64_t expires)
{
	struct store_op *op = store_op_new(STORE_LOCATION_WRITE, w->o.table, on_row_written, NULL);
	struct store_binding b = {
	    .ruid = slice_str(ruid),
	    .username = slice_str(user),
	    .domain = SLICE("Example.ORG"),
	    .contact = slice_str(contact),
	    .expires = expires,
	    .q = -1,
	    .callid = SLICE("Default-Call-ID"),
	    .user_agent = SLICE("x"),
	    .methods = -1,
	};
	op->puts = &b;
	op->n_puts = 1;
	store_run(w->rig.db, op);
	op->done(op);
}

static const enum location_mode modes[] = {LOCATION_MEMORY, LOCATION_WRITE_THROUGH,
					   LOCATION_WRITE_BACK, LOCATION_STORE_ONLY};
#define EACH_MODE(m) for (const enum location_mode *m = modes; m < modes + 4; m++)

#endif
