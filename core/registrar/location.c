#include "registrar/location_inside.h"

#include <stdlib.h>
#include <string.h>

enum {
	BATCH_ROWS = 500, /* of a flush: one commit */
	MAX_REFUSED = 8,  /* rows in a row: then it is the table, and a flush ends */
	FEW_BINDINGS = 8, /* as many as a view has without malloc */
	FLUSH_MS = 60000, /* when options say 0 */
};

/* Start and end. */

static void leave_shards(struct shard *s)
{
	s->location = NULL;
	s->loading = NULL;
	atomic_store(&s->empty, false);
}

static void location_finish(struct location *l)
{
	void (*closed)(void *data, enum store_error e) = l->closed;
	void *data = l->closed_data;
	enum store_error e = l->close_error;
	if (l->o.shards)
		leave_shards(&l->o.shards->v[l->o.own]);
	timer_stop(&l->env->wheel, &l->tick);
	dirty_free(&l->dirty);
	holds_free(&l->holds);
	loading_free(&l->loading);
	fresh_free(&l->fresh);
	aors_free(&l->aors);
	arena_free(&l->arena);
	free(l);
	closed(data, e);
}

static void flush_start(struct location *l);

/* Ends what l->busy++ began.  l may be gone afterwards. */
void location_busy_end(struct location *l)
{
	if (--l->busy > 0 || !l->closing)
		return;
	bool lost = l->close_error != STORE_OK;
	if (l->o.mode == LOCATION_WRITE_BACK && dirty_count(&l->dirty) > 0 && !lost)
		flush_start(l);
	else
		location_finish(l);
}

static void location_tick(struct timer *t);
static void init_loading(struct location *l);

static void tick_start(struct location *l)
{
	if (l->o.mode != LOCATION_MEMORY)
		timer_start(&l->env->wheel, &l->tick, l->o.flush_ms);
}

void location_set_flush(struct location *l, uint32_t flush_ms)
{
	l->o.flush_ms = flush_ms ? flush_ms : FLUSH_MS;
	tick_start(l);
}

void location_set_wait(struct location *l, uint32_t wait_ms)
{
	l->o.wait_ms = wait_ms;
}

static void on_expired(void *data, struct slice ruid)
{
	struct location *l = data;
	if (l->o.mode == LOCATION_WRITE_BACK)
		dirty_mark(&l->dirty, ruid, NULL);
}

struct location *location_new(struct env *env, struct store *store,
			      const struct location_options *o)
{
	struct location *l = mem_zalloc(sizeof(*l));
	l->env = env;
	l->store = store;
	l->o = *o;
	arena_init(&l->arena, o->table.n);
	l->o.table = arena_dup(&l->arena, o->table);
	l->aliases = slice_eq(o->table, SLICE("aliases"));
	if (o->shards) {
		o->shards->v[o->own].location = l;
		o->shards->v[o->own].loading = &l->loading;
	}
	aors_init(&l->aors, env);
	l->aors.on_expired = on_expired;
	l->aors.data = l;
	fresh_init(&l->fresh, env, &l->aors, o->cache_ttl_ms,
		   o->shards ? o->cache_size / o->shards->crew->n + 1 : o->cache_size, l->aliases);
	dirty_init(&l->dirty, env);
	holds_init(&l->holds, env);
	list_init(&l->doubts);
	init_loading(l);
	timer_init(&l->tick, location_tick);
	location_set_flush(l, o->flush_ms);
	return l;
}

void location_count(const struct location *l, struct location_counters *c)
{
	*c = (struct location_counters){
	    .aors = l->aors.hash.count,
	    .bindings = l->aors.bindings,
	    .expired = l->aors.expired,
	    .dirty = dirty_count(&l->dirty),
	    .hits = l->fresh.hits,
	    .asked = l->fresh.asked,
	    .stale = l->fresh.stale,
	};
}

/* For those who would ask.  What expires is noted with the next change. */
void location_note_empty(struct location *l)
{
	bool empty = location_keeps(l) && !l->loading.on && l->aors.hash.count == 0;
	if (l->o.shards && atomic_load(&l->o.shards->v[l->o.own].empty) != empty)
		atomic_store(&l->o.shards->v[l->o.own].empty, empty);
}

/* One line at the begin of an outage and one at its end, not one an operation. */
void location_note_store(struct location *l, const struct store_op *op)
{
	bool down = op->error != STORE_OK;
	if (op->told)
		return;
	if (down && !l->store_down)
		log_error(l->env->log, "%.*s: the store failed: %.*s", SLICE_ARG(l->o.table),
			  SLICE_ARG(op->message));
	if (!down && l->store_down)
		log_notice(l->env->log, "%.*s: the store answers again", SLICE_ARG(l->o.table));
	l->store_down = down;
}

void location_aor_view(const struct location *l, const struct aor *a,
		       void (*visit)(void *data, const struct location_view *view), void *data)
{
	struct store_binding few[FEW_BINDINGS];
	const struct store_binding *few_order[FEW_BINDINGS];
	unsigned room = aor_count(a);
	struct rows b = {few, few_order, 0};
	if (room > FEW_BINDINGS) {
		b.v = mem_alloc(room * sizeof(*b.v));
		b.order = mem_alloc(room * sizeof(struct store_binding *));
	}
	b.n = aor_bindings(a, location_now_s(l), b.v);
	rows_sort(&b);
	struct location_view view = location_view_of(l, &b);
	visit(data, &view);
	if (room > FEW_BINDINGS) {
		free(b.v);
		free(b.order);
	}
}

void location_memory_view(struct location *l, const struct aor_key *key,
			  void (*visit)(void *data, const struct location_view *view), void *data)
{
	location_aor_view(l, aor_find(&l->aors, key), visit, data);
}

struct store_op *location_load_op(struct location *l, const struct aor_key *key,
				  void (*done)(struct store_op *op), void *data)
{
	struct store_op *op = store_op_new(STORE_LOCATION_LOAD, l->o.table, done, data);
	op->username = arena_dup(&op->arena, key->user);
	op->domain = arena_dup(&op->arena, key->domain);
	return op;
}

/* Lookups. */

struct lookup {
	struct location *l;
	void *data;
	void (*found)(void *data, enum store_error e, const struct location_view *view);
};

/* One that the store is asked for. */
struct reading {
	struct lookup lookup;
	uint32_t changes; /* of the AOR, when it began */
	struct aor_key key;
	char user[];
};

static void lookup_visit(void *data, const struct location_view *view)
{
	const struct lookup *k = data;
	k->found(k->data, STORE_OK, view);
}

/* What the store knows, or why it is silent.  b lives as long as op. */
static void reading_learn(struct reading *r, struct store_op *op, struct rows *b)
{
	struct location *l = r->lookup.l;
	location_note_store(l, op);
	/* A database may have no such table: then nobody has an alias. */
	if (l->aliases && op->no_table)
		op->error = STORE_OK;
	l->fresh.down = op->error != STORE_OK;
	if (l->fresh.down)
		return;
	rows_of(b, op, l->aliases, location_now_s(l), 0);
	fresh_read(&l->fresh, &r->key, r->changes, b);
}

static void reading_end(struct reading *r, struct store_op *op)
{
	struct location *l = r->lookup.l;
	store_op_free(op);
	free(r);
	location_busy_end(l);
}

static void on_lookup(struct store_op *op)
{
	struct reading *r = op->data;
	struct lookup *k = &r->lookup;
	struct rows b = {0};
	reading_learn(r, op, &b);
	if (op->error != STORE_OK && fresh_was(&k->l->fresh, &r->key)) {
		k->l->fresh.stale++;
		location_memory_view(k->l, &r->key, lookup_visit, k);
	} else {
		struct location_view view = location_view_of(k->l, &b);
		k->found(k->data, op->error, &view);
	}
	reading_end(r, op);
}

static void on_probe(struct store_op *op)
{
	struct reading *r = op->data;
	struct rows b = {0};
	r->lookup.l->fresh.probing = false;
	reading_learn(r, op, &b);
	reading_end(r, op);
}

static uint32_t stale_patience_ms(const struct location *l)
{
	bool brief = l->o.wait_ms > 0 && l->o.wait_ms < FRESH_PATIENCE_MS;
	return brief ? l->o.wait_ms : FRESH_PATIENCE_MS;
}

static void read_rows(const struct lookup *k, const struct aor_key *key, bool probe)
{
	struct location *l = k->l;
	struct reading *r = mem_alloc(sizeof(*r) + key->user.n);
	r->lookup = *k;
	if (key->user.n > 0)
		memcpy(r->user, key->user.p, key->user.n);
	aor_key_set(&r->key, slice_of(r->user, key->user.n), key->domain, l->o.use_domain);
	r->changes = fresh_changes(&l->fresh, key);
	struct store_op *op = location_load_op(l, &r->key, probe ? on_probe : on_lookup, r);
	op->background = probe;
	if (fresh_was(&l->fresh, key))
		op->deadline_ms = env_now_ms(l->env) + stale_patience_ms(l);
	l->busy++;
	l->fresh.asked++;
	store_submit(l->store, op);
}

/*
 * Others write the table too.  Nobody waits for a store that gave no answer the
 * last time, where memory has one; a read beside it finds out whether it does again.
 */
static void lookup_stale(struct lookup *k, const struct aor_key *key)
{
	struct location *l = k->l;
	l->fresh.stale++;
	if (!l->fresh.probing) {
		l->fresh.probing = true;
		read_rows(k, key, true);
	}
	location_memory_view(l, key, lookup_visit, k);
}

/* Most often nobody has an alias: that costs no question. */
static void lookup_elsewhere(const struct lookup *k, unsigned owner, struct slice user,
			     struct slice host)
{
	struct location *l = k->l;
	const struct asker asker = {l->o.shards, l->o.own, owner};
	if (atomic_load(&asker.shards->v[owner].empty)) {
		const struct location_view nobody = {.now_s = location_now_s(l)};
		k->found(k->data, STORE_OK, &nobody);
		location_busy_end(l);
	} else {
		shards_lookup(&asker, user, host, k->data, k->found, location_busy_end);
	}
}

void location_lookup(struct location *l, struct slice user, struct slice host, void *data,
		     void (*found)(void *data, enum store_error e,
				   const struct location_view *view))
{
	struct aor_key key;
	struct lookup k = {l, data, found};
	unsigned owner = location_owner(l, user);
	l->busy++;
	if (location_remembers(l) && owner != l->o.own) {
		lookup_elsewhere(&k, owner, user, host);
		return;
	}
	aor_key_set(&key, user, host, l->o.use_domain);
	bool fresh = fresh_is(&l->fresh, &key);
	if (location_in_memory(l) || fresh) {
		l->fresh.hits += fresh;
		location_memory_view(l, &key, lookup_visit, &k);
	} else if (l->fresh.down && fresh_was(&l->fresh, &key)) {
		lookup_stale(&k, &key);
	} else {
		read_rows(&k, &key, false);
	}
	location_busy_end(l);
}

void location_close(struct location *l, void (*done)(void *data, enum store_error e), void *data)
{
	l->closing = true;
	l->closed = done;
	l->closed_data = data;
	timer_stop(&l->env->wheel, &l->tick);
	l->busy++;
	loading_stop(&l->loading);
	change_give_up_repairs(l);
	location_busy_end(l);
}

/* Loading. */

static void on_loading_ended(void *owner)
{
	location_note_empty(owner);
	location_busy_end(owner);
}

static void init_loading(struct location *l)
{
	l->loading = (struct loading){
	    .env = l->env,
	    .store = l->store,
	    .aors = &l->aors,
	    .table = l->o.table,
	    .aliases = l->aliases,
	    .use_domain = l->o.use_domain,
	    .shards = l->o.shards,
	    .own = l->o.own,
	    .whole = l->o.mode == LOCATION_MEMORY,
	    .ended = on_loading_ended,
	    .owner = l,
	};
	loading_init(&l->loading);
}

void location_load(struct location *l,
		   void (*done)(void *data, enum store_error e, struct slice message, size_t rows),
		   void *data)
{
	if (!location_keeps(l) || (l->o.mode == LOCATION_MEMORY && !l->aliases)) {
		done(data, STORE_OK, SLICE_NULL, 0);
		return;
	}
	l->loading.done = done;
	l->loading.data = data;
	l->busy++;
	loading_start(&l->loading);
}

/* The tick: write-back and purge. */

static void flush_batch(struct location *l);

static void flush_end(struct location *l)
{
	l->flushing = false;
	location_busy_end(l);
}

/* One row that the database does not take must not keep the others. */
static void row_refused(struct location *l, const struct store_op *op)
{
	const struct store_binding *b = op->puts;
	if (op->n_puts)
		log_error(l->env->log, "%.*s: %.*s of %.*s is not kept: %.*s",
			  SLICE_ARG(l->o.table), SLICE_ARG(b->contact), SLICE_ARG(b->username),
			  SLICE_ARG(op->message));
	else
		log_error(l->env->log, "%.*s: a row could not be removed: %.*s",
			  SLICE_ARG(l->o.table), SLICE_ARG(op->message));
	l->refused++;
}

/* It is looked for by halves.  Returns whether the flush goes on. */
static bool batch_refused(struct location *l, const struct store_op *op, unsigned n)
{
	dirty_done(&l->dirty, n == 1);
	if (n == 1) {
		row_refused(l, op);
		return l->refused < MAX_REFUSED;
	}
	l->flush_left += n;
	l->batch = n / 2;
	return true;
}

static bool batch_written(struct location *l, const struct store_op *op)
{
	location_note_store(l, op);
	dirty_done(&l->dirty, op->error == STORE_OK);
	l->refused = 0;
	l->batch = l->batch < BATCH_ROWS / 2 ? 2 * l->batch : BATCH_ROWS;
	return op->error == STORE_OK;
}

static void on_flushed(struct store_op *op)
{
	struct location *l = op->data;
	unsigned n = op->n_puts + op->n_removes;
	bool refused = op->error != STORE_OK && op->error != STORE_UNAVAILABLE;
	if (l->closing && op->error != STORE_OK && (n == 1 || !refused))
		l->close_error = op->error;
	bool on = refused ? batch_refused(l, op, n) : batch_written(l, op);
	store_op_free(op);
	if (on && l->flush_left > 0)
		flush_batch(l);
	else
		flush_end(l);
}

static void flush_batch(struct location *l)
{
	struct store_op *op = store_op_new(STORE_LOCATION_WRITE, l->o.table, on_flushed, l);
	op->background = true;
	unsigned n = dirty_batch(&l->dirty, op, l->batch);
	l->flush_left -= n < l->flush_left ? n : l->flush_left;
	if (n > 0) {
		store_submit(l->store, op);
		return;
	}
	store_op_free(op);
	flush_end(l);
}

static void flush_start(struct location *l)
{
	if (l->flushing)
		return;
	l->flushing = true;
	l->flush_left = dirty_count(&l->dirty);
	l->batch = BATCH_ROWS;
	l->refused = 0;
	l->busy++;
	flush_batch(l);
}

static void on_purged(struct store_op *op)
{
	struct location *l = op->data;
	location_note_store(l, op);
	store_op_free(op);
	location_busy_end(l);
}

/* Rows of a refreshed binding carry its new time, so this needs no hold.  An
 * aliases table is its owner's: rows with a date in the past may mean never. */
static void purge(struct location *l)
{
	if (l->aliases) // NOLINT(clang-analyzer-unix.Malloc): the tick keeps l busy, so alive
		return;
	if (l->o.shards && l->o.own != 0) /* the first does it for all */
		return;
	struct store_op *op = store_op_new(STORE_LOCATION_PURGE, l->o.table, on_purged, l);
	op->before = location_now_s(l);
	l->busy++;
	store_submit(l->store, op);
}

static void location_tick(struct timer *t)
{
	struct location *l = CONTAINER(t, struct location, tick);
	tick_start(l);
	l->busy++; /* so that a close from inside waits for us */
	if (l->o.mode == LOCATION_WRITE_BACK)
		flush_start(l);
	fresh_sweep(&l->fresh);
	purge(l);
	location_busy_end(l);
}
