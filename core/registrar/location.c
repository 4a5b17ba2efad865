#include "registrar/location.h"

#include "registrar/aor.h"
#include "registrar/dirty.h"
#include "registrar/hold.h"
#include "registrar/rows.h"

#include <stdlib.h>

enum {
	PAGE_ROWS = 1000, /* of a scan */
	BATCH_ROWS = 500, /* of a flush: one commit */
	MAX_REFUSED = 8,  /* rows in a row: then it is the table, and a flush ends */
	FEW_BINDINGS = 8, /* as many as a view has without malloc */
	CHANGE_BYTES = 1024,
	FLUSH_MS = 60000, /* when options say 0 */
	REPAIR_MS = 250,  /* between two attempts */
};

struct location {
	struct env *env;
	struct store *store;
	struct location_options o;
	struct arena arena; /* holds the table's name */
	bool aliases;
	struct aors aors;   /* modes 0, 1, 2 */
	struct dirty dirty; /* mode 2 */
	struct holds holds; /* modes 1, 3 */
	struct list doubts; /* of changes: the store may have, or lack, what they wrote */
	struct timer tick;
	bool flushing;
	size_t flush_left; /* rows this flush still has to write … */
	unsigned batch;    /* … so many at once */
	unsigned refused;  /* since one was written */
	bool store_down;   /* said so in the log already */
	unsigned busy;     /* what is under way and needs this struct */
	bool closing;
	enum store_error close_error;
	void (*closed)(void *data, enum store_error e);
	void *closed_data;
};

static bool in_memory(const struct location *l)
{
	return l->o.mode != LOCATION_STORE_ONLY;
}

static int64_t now_s(const struct location *l)
{
	return env_wall_s(l->env);
}

/* Start and end. */

static void location_finish(struct location *l)
{
	void (*closed)(void *data, enum store_error e) = l->closed;
	void *data = l->closed_data;
	enum store_error e = l->close_error;
	timer_stop(&l->env->wheel, &l->tick);
	dirty_free(&l->dirty);
	holds_free(&l->holds);
	aors_free(&l->aors);
	arena_free(&l->arena);
	free(l);
	closed(data, e);
}

static void flush_start(struct location *l);

/* Ends what l->busy++ began.  l may be gone afterwards. */
static void busy_end(struct location *l)
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
	aors_init(&l->aors, env);
	l->aors.on_expired = on_expired;
	l->aors.data = l;
	dirty_init(&l->dirty, env);
	holds_init(&l->holds, env);
	list_init(&l->doubts);
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
	};
}

/* One line at the begin of an outage and one at its end, not one an operation. */
static void note_store(struct location *l, const struct store_op *op)
{
	bool down = op->error != STORE_OK;
	if (down && !l->store_down)
		log_error(l->env->log, "%.*s: the store failed: %.*s", SLICE_ARG(l->o.table),
			  SLICE_ARG(op->message));
	if (!down && l->store_down)
		log_notice(l->env->log, "%.*s: the store answers again", SLICE_ARG(l->o.table));
	l->store_down = down;
}

static struct location_view view_of(const struct rows *b)
{
	return (struct location_view){b->order, b->n};
}

/* Calls visit with the bindings in memory. */
static void memory_view(struct location *l, const struct aor_key *key,
			void (*visit)(void *data, const struct location_view *view), void *data)
{
	struct store_binding few[FEW_BINDINGS];
	const struct store_binding *few_order[FEW_BINDINGS];
	const struct aor *a = aor_find(&l->aors, key);
	unsigned room = aor_count(a);
	struct rows b = {few, few_order, 0};
	if (room > FEW_BINDINGS) {
		b.v = mem_alloc(room * sizeof(*b.v));
		b.order = mem_alloc(room * sizeof(struct store_binding *));
	}
	b.n = aor_bindings(a, now_s(l), b.v);
	rows_sort(&b);
	struct location_view view = view_of(&b);
	visit(data, &view);
	if (room > FEW_BINDINGS) {
		free(b.v);
		free(b.order);
	}
}

static struct store_op *load_op(struct location *l, const struct aor_key *key,
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

static void lookup_visit(void *data, const struct location_view *view)
{
	const struct lookup *k = data;
	k->found(k->data, STORE_OK, view);
}

static void on_lookup(struct store_op *op)
{
	struct lookup *k = op->data;
	struct location *l = k->l;
	struct rows b = {0};
	note_store(l, op);
	if (op->error == STORE_OK)
		rows_of(&b, op, l->aliases, now_s(l), 0);
	struct location_view view = view_of(&b);
	k->found(k->data, op->error, &view);
	store_op_free(op);
	free(k);
	busy_end(l);
}

void location_lookup(struct location *l, struct slice user, struct slice host, void *data,
		     void (*found)(void *data, enum store_error e,
				   const struct location_view *view))
{
	struct aor_key key;
	struct lookup k = {l, data, found};
	aor_key_set(&key, user, host, l->o.use_domain);
	l->busy++;
	if (in_memory(l)) {
		memory_view(l, &key, lookup_visit, &k);
		busy_end(l);
		return;
	}
	struct lookup *waiting = mem_alloc(sizeof(*waiting));
	*waiting = k;
	store_submit(l->store, load_op(l, &key, on_lookup, waiting));
}

/* Changes. */

struct change {
	struct hold_waiter waiter;
	struct list doubt;  /* of the location's doubts */
	struct timer timer; /* in line: the deadline; in doubt: the next attempt */
	struct location *l;
	struct arena arena;
	struct aor_key key;
	uint64_t deadline_ms;
	bool held;
	bool answered;
	struct location_change what;
	int verdict;
	enum store_error error;
	struct store_op *load;    /* mode 3: its rows … */
	struct rows rows;         /* … and what they become */
	struct store_op *written; /* what is in doubt */
	void *data;
	location_merge *merge;
	void (*done)(void *data, enum store_error e, int verdict, const struct location_view *view);
};

static void change_visit(void *data, const struct location_view *view)
{
	const struct change *c = data;
	c->done(c->data, c->error, c->verdict, view);
}

/* Tells who asked; what he gave us may be gone afterwards. */
static void change_answer(struct change *c, enum store_error e)
{
	if (c->answered)
		return;
	c->answered = true;
	c->error = e;
	if (in_memory(c->l)) {
		memory_view(c->l, &c->key, change_visit, c);
	} else {
		struct location_view view = view_of(&c->rows);
		change_visit(c, &view);
	}
}

static void change_free(struct change *c)
{
	struct location *l = c->l;
	timer_stop(&l->env->wheel, &c->timer);
	list_remove(&c->doubt);
	if (c->held)
		hold_release(&l->holds, &c->waiter);
	store_op_free(c->load);
	store_op_free(c->written);
	arena_free(&c->arena);
	free(c);
	busy_end(l);
}

static void change_end(struct change *c, enum store_error e)
{
	change_answer(c, e);
	change_free(c);
}

static void apply_in_memory(struct location *l, const struct aor_key *key,
			    const struct location_change *what)
{
	bool write_back = l->o.mode == LOCATION_WRITE_BACK;
	struct aor *a = aor_make(&l->aors, key);
	/* Marks first: a ruid may lie in the binding that is about to be freed. */
	for (unsigned i = 0; i < what->n_puts; i++) {
		if (write_back)
			dirty_mark(&l->dirty, what->puts[i].ruid, a);
		aor_put(a, &what->puts[i]);
	}
	for (unsigned i = 0; i < what->n_removes; i++) {
		if (write_back)
			dirty_mark(&l->dirty, what->removes[i], NULL);
		aor_remove(a, what->removes[i]);
	}
	aor_settle(a);
}

/*
 * Doubts (mode 1): a commit was lost, so the store may have what memory has
 * not.  Memory is right, since it is what phones were told: its state of these
 * rows is written until that succeeds.
 */

static void repair_try(struct change *c);

static void on_repair_due(struct timer *t)
{
	repair_try(CONTAINER(t, struct change, timer));
}

static void on_repaired(struct store_op *op)
{
	struct change *c = op->data;
	struct location *l = c->l;
	bool over = op->error != STORE_UNAVAILABLE || l->closing;
	note_store(l, op);
	store_op_free(op);
	if (over)
		change_free(c);
	else
		timer_start(&l->env->wheel, &c->timer, REPAIR_MS);
}

static void repair_row(struct change *c, struct store_op *op, struct slice ruid)
{
	struct store_binding b;
	const struct aor *a = aor_find(&c->l->aors, &c->key);
	if (a && aor_binding(a, ruid, &b))
		store_binding_copy(&op->arena, &op->puts[op->n_puts++], &b);
	else
		op->removes[op->n_removes++] = arena_dup(&op->arena, ruid);
}

static void repair_try(struct change *c)
{
	const struct store_op *w = c->written;
	unsigned n = w->n_puts + w->n_removes;
	struct store_op *op = store_op_new(STORE_LOCATION_WRITE, c->l->o.table, on_repaired, c);
	op->background = true;
	op->puts = arena_alloc(&op->arena, n * sizeof(*op->puts) + 1);
	op->removes = arena_alloc(&op->arena, n * sizeof(*op->removes) + 1);
	for (unsigned i = 0; i < w->n_puts; i++)
		repair_row(c, op, w->puts[i].ruid);
	for (unsigned i = 0; i < w->n_removes; i++)
		repair_row(c, op, w->removes[i]);
	store_submit(c->l->store, op);
}

static void repair(struct change *c, struct store_op *written)
{
	c->written = written;
	list_push(&c->l->doubts, &c->doubt);
	timer_init(&c->timer, on_repair_due);
	timer_start(&c->l->env->wheel, &c->timer, REPAIR_MS);
}

/* Whoever waits for an attempt waits no longer: the location closes. */
static void repairs_give_up(struct location *l)
{
	LIST_EACH_SAFE (node, &l->doubts) {
		struct change *c = CONTAINER(node, struct change, doubt);
		if (timer_running(&c->timer))
			change_free(c);
	}
}

/* The write has ended, in time or late. */
static void change_settle(struct change *c, struct store_op *op)
{
	struct location *l = c->l;
	enum store_error e = op->error;
	/* The op's copies: what merge was shown may have expired meanwhile. */
	const struct location_change written = {op->puts, op->n_puts, op->removes, op->n_removes};
	note_store(l, op);
	if (e == STORE_OK && in_memory(l))
		apply_in_memory(l, &c->key, &written);
	if (e == STORE_OK && !in_memory(l))
		rows_apply(&c->rows, c->what.puts, c->what.n_puts, c->what.removes,
			   c->what.n_removes);
	change_answer(c, e);
	if (op->in_doubt && in_memory(l) && !l->closing) {
		repair(c, op);
		return;
	}
	store_op_free(op);
	change_free(c);
}

static void change_late(struct store_op *op)
{
	change_settle(op->data, op);
}

static void change_written(struct store_op *op)
{
	struct change *c = op->data;
	if (!op->unfinished) {
		change_settle(c, op);
		return;
	}
	note_store(c->l, op);
	store_op_free(op);
	change_answer(c, STORE_UNAVAILABLE);
}

static void change_write(struct change *c)
{
	const struct location_change *what = &c->what;
	struct store_op *op = store_op_new(STORE_LOCATION_WRITE, c->l->o.table, change_written, c);
	op->late = change_late;
	op->deadline_ms = c->deadline_ms;
	op->puts = arena_alloc(&op->arena, what->n_puts * sizeof(*op->puts));
	op->removes = arena_alloc(&op->arena, what->n_removes * sizeof(*op->removes));
	for (unsigned i = 0; i < what->n_puts; i++)
		store_binding_copy(&op->arena, &op->puts[i], &what->puts[i]);
	for (unsigned i = 0; i < what->n_removes; i++)
		op->removes[i] = arena_dup(&op->arena, what->removes[i]);
	op->n_puts = what->n_puts;
	op->n_removes = what->n_removes;
	store_submit(c->l->store, op);
}

static bool ruid_is_taken(const struct change *c, const struct location_view *now, unsigned puts,
			  struct slice ruid)
{
	for (unsigned i = 0; i < now->n; i++)
		if (slice_eq(now->v[i]->ruid, ruid))
			return true;
	for (unsigned i = 0; i < puts; i++)
		if (slice_eq(c->what.puts[i].ruid, ruid))
			return true;
	return false;
}

/*
 * A new binding's ruid: a hash of AOR and contact, or of instance and reg-id
 * (RFC 5626), which outlive a change of contact.  A contact that was replaced
 * by an equivalent one keeps its ruid, so the one at hand may be taken.
 */
static void give_ruid(struct change *c, const struct location_view *now, unsigned i)
{
	struct store_binding *b = &c->what.puts[i];
	struct slice identity = b->contact;
	char ruid[40];
	if (b->instance.p && b->reg_id)
		identity = arena_printf(&c->arena, "%.*s;reg-id=%u", SLICE_ARG(b->instance),
					(unsigned)b->reg_id);
	store_ruid(b->username, b->domain, identity, ruid);
	for (unsigned n = 2; ruid_is_taken(c, now, i, slice_str(ruid)); n++) {
		struct slice other = arena_printf(&c->arena, "%.*s %u", SLICE_ARG(identity), n);
		store_ruid(b->username, b->domain, other, ruid);
	}
	b->ruid = arena_dup(&c->arena, slice_str(ruid));
}

static void complete_puts(struct change *c, const struct location_view *now)
{
	for (unsigned i = 0; i < c->what.n_puts; i++) {
		struct store_binding *b = &c->what.puts[i];
		b->username = c->key.user;
		b->domain = c->key.domain;
		if (!b->ruid.p)
			give_ruid(c, now, i);
	}
}

static void change_merge(void *data, const struct location_view *now)
{
	struct change *c = data;
	c->verdict = c->merge(c->data, &c->arena, now, &c->what);
	if (c->verdict != 0)
		c->what = (struct location_change){0};
	complete_puts(c, now);
	if (c->l->o.mode == LOCATION_MEMORY || c->l->o.mode == LOCATION_WRITE_BACK)
		if (c->what.n_puts + c->what.n_removes > 0)
			apply_in_memory(c->l, &c->key, &c->what);
}

static void change_proceed(struct change *c)
{
	bool writes = c->l->o.mode == LOCATION_WRITE_THROUGH || !in_memory(c->l);
	if (writes && c->what.n_puts + c->what.n_removes > 0)
		change_write(c);
	else
		change_end(c, STORE_OK);
}

static void change_loaded(struct store_op *op)
{
	struct change *c = op->data;
	c->load = op;
	note_store(c->l, op);
	if (op->error != STORE_OK) {
		change_end(c, op->error);
		return;
	}
	rows_of(&c->rows, op, c->l->aliases, now_s(c->l), 0);
	struct location_view view = view_of(&c->rows);
	change_merge(c, &view);
	rows_of(&c->rows, op, c->l->aliases, now_s(c->l), c->what.n_puts);
	change_proceed(c);
}

static void change_start(struct hold_waiter *w)
{
	struct change *c = CONTAINER(w, struct change, waiter);
	timer_stop(&c->l->env->wheel, &c->timer);
	if (!in_memory(c->l)) {
		struct store_op *op = load_op(c->l, &c->key, change_loaded, c);
		op->deadline_ms = c->deadline_ms;
		store_submit(c->l->store, op);
		return;
	}
	memory_view(c->l, &c->key, change_merge, c);
	change_proceed(c);
}

/* Who came before has not ended: the store keeps him. */
static void on_line_too_long(struct timer *t)
{
	struct change *c = CONTAINER(t, struct change, timer);
	hold_leave(&c->waiter);
	c->held = false;
	change_end(c, STORE_UNAVAILABLE);
}

static void change_stand_in_line(struct change *c)
{
	struct location *l = c->l;
	if (store_full(l->store) && hold_is_taken(&l->holds, &c->key)) {
		change_end(c, STORE_UNAVAILABLE);
		return;
	}
	c->held = true;
	if (l->o.wait_ms > 0) {
		c->deadline_ms = env_now_ms(l->env) + l->o.wait_ms;
		timer_start(&l->env->wheel, &c->timer, l->o.wait_ms);
	}
	hold_take(&l->holds, &c->key, &c->waiter);
}

void location_change(struct location *l, struct slice user, struct slice host, void *data,
		     location_merge *merge,
		     void (*done)(void *data, enum store_error e, int verdict,
				  const struct location_view *view))
{
	struct change *c = mem_zalloc(sizeof(*c));
	arena_init(&c->arena, CHANGE_BYTES);
	list_init(&c->doubt);
	timer_init(&c->timer, on_line_too_long);
	c->l = l;
	c->waiter.start = change_start;
	c->data = data;
	c->merge = merge;
	c->done = done;
	aor_key_set(&c->key, arena_dup(&c->arena, user), host, l->o.use_domain);
	l->busy += 2; /* the change's and ours: it may end, and close us, from inside */
	if (l->o.mode == LOCATION_WRITE_THROUGH || l->o.mode == LOCATION_STORE_ONLY)
		change_stand_in_line(c);
	else
		change_start(&c->waiter);
	busy_end(l);
}

void location_close(struct location *l, void (*done)(void *data, enum store_error e), void *data)
{
	l->closing = true;
	l->closed = done;
	l->closed_data = data;
	timer_stop(&l->env->wheel, &l->tick);
	l->busy++;
	repairs_give_up(l);
	busy_end(l);
}

/* Loading. */

struct load {
	struct location *l;
	size_t rows;
	void (*done)(void *data, enum store_error e, struct slice message, size_t rows);
	void *data;
};

static void load_page(struct load *k, uint64_t after_id);

/* What a running proxy has changed meanwhile is newer than its row. */
static void load_row(struct location *l, struct store_binding *row)
{
	struct aor_key key;
	struct store_binding newer;
	row_read(row, l->aliases);
	if (binding_is_expired(row, now_s(l)))
		return;
	aor_key_set(&key, row->username, row->domain, l->o.use_domain);
	struct aor *a = aor_make(&l->aors, &key);
	if (!aor_binding(a, row->ruid, &newer))
		aor_put(a, row);
	aor_settle(a);
}

static void load_end(struct load *k, enum store_error e, struct slice message)
{
	struct location *l = k->l;
	k->done(k->data, e, message, k->rows);
	free(k);
	busy_end(l);
}

static void on_page(struct store_op *op)
{
	struct load *k = op->data;
	uint64_t last = 0;
	for (unsigned i = 0; i < op->n_bindings && op->error == STORE_OK; i++) {
		load_row(k->l, &op->bindings[i]);
		last = op->bindings[i].id;
	}
	bool more = op->error == STORE_OK && op->n_bindings == op->limit;
	if (op->error == STORE_OK)
		k->rows += op->n_bindings;
	if (!more)
		load_end(k, op->error, op->message);
	store_op_free(op);
	if (more)
		load_page(k, last);
}

static void load_page(struct load *k, uint64_t after_id)
{
	struct store_op *op = store_op_new(STORE_LOCATION_SCAN, k->l->o.table, on_page, k);
	op->after_id = after_id;
	op->limit = PAGE_ROWS;
	store_submit(k->l->store, op);
}

void location_load(struct location *l,
		   void (*done)(void *data, enum store_error e, struct slice message, size_t rows),
		   void *data)
{
	if (l->o.mode == LOCATION_MEMORY || l->o.mode == LOCATION_STORE_ONLY) {
		done(data, STORE_OK, SLICE_NULL, 0);
		return;
	}
	struct load *k = mem_zalloc(sizeof(*k));
	*k = (struct load){.l = l, .done = done, .data = data};
	l->busy++;
	load_page(k, 0);
}

/* The tick: write-back and purge. */

static void flush_batch(struct location *l);

static void flush_end(struct location *l)
{
	l->flushing = false;
	busy_end(l);
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
	note_store(l, op);
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
	note_store(l, op);
	store_op_free(op);
	busy_end(l);
}

/* Rows of a refreshed binding carry its new time, so this needs no hold.  An
 * aliases table is its owner's: rows with a date in the past may mean never. */
static void purge(struct location *l)
{
	if (l->aliases) // NOLINT(clang-analyzer-unix.Malloc): the tick keeps l busy, so alive
		return;
	struct store_op *op = store_op_new(STORE_LOCATION_PURGE, l->o.table, on_purged, l);
	op->before = now_s(l);
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
	purge(l);
	busy_end(l);
}
