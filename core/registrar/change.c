#include "registrar/location_inside.h"

#include <stddef.h>
#include <stdlib.h>

enum {
	CHANGE_BYTES = 1024,
	REPAIR_MS = 250, /* between two attempts */
};

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
	bool from_store; /* the table was not in memory when it began */
	struct location_change what;
	int verdict;
	enum store_error error;
	struct store_op *load;    /* not in memory: its rows … */
	struct rows rows;         /* … and what they become */
	struct store_op *written; /* what is in doubt */
	void *data;
	location_merge *merge;
	void (*done)(void *data, enum store_error e, int verdict, const struct location_view *view);
	_Alignas(max_align_t) char space[]; /* where arena begins */
};

/* Answered after the commit. */
static bool writes_through(const struct change *c)
{
	return c->from_store || c->l->o.mode == LOCATION_WRITE_THROUGH;
}

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
	if (!c->from_store) {
		location_memory_view(c->l, &c->key, change_visit, c);
	} else {
		struct location_view view = location_view_of(c->l, &c->rows);
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
	location_busy_end(l);
}

static void change_end(struct change *c, enum store_error e)
{
	change_answer(c, e);
	change_free(c);
}

/* Returns the AOR; NULL when it has no bindings any more. */
static struct aor *apply_to(struct location *l, struct aor *a, const struct location_change *what)
{
	bool write_back = l->o.mode == LOCATION_WRITE_BACK;
	/* Marks first: a ruid may lie in the binding that is about to be freed. */
	for (unsigned i = 0; i < what->n_puts; i++) {
		loading_touch(&l->loading, what->puts[i].ruid);
		if (write_back)
			dirty_mark(&l->dirty, what->puts[i].ruid, a);
		aor_put(a, &what->puts[i]);
	}
	for (unsigned i = 0; i < what->n_removes; i++) {
		loading_touch(&l->loading, what->removes[i]);
		if (write_back)
			dirty_mark(&l->dirty, what->removes[i], NULL);
		aor_remove(a, what->removes[i]);
	}
	a = aor_settle(a);
	location_note_empty(l);
	return a;
}

static void apply_in_memory(struct location *l, const struct aor_key *key,
			    const struct location_change *what)
{
	apply_to(l, aor_make(&l->aors, key), what);
}

/*
 * Doubts: a commit was lost, so the store may have what was never promised, or
 * still get it.  In mode 1 memory is right, since it is what phones were told:
 * its state of these rows is written until that succeeds.  In mode 3 the store
 * is right, whatever it has, as soon as that is settled.
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
	location_note_store(l, op);
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
	if (a && aor_binding(a, ruid, &b)) {
		store_binding_copy(&op->arena, &op->puts[op->n_puts++], &b);
	} else {
		op->removes[op->n_removes++] = arena_dup(&op->arena, ruid);
		op->settles[op->n_settles++] = op->removes[op->n_removes - 1];
	}
}

static void repair_rows(struct change *c, struct store_op *op)
{
	const struct store_op *w = c->written;
	for (unsigned i = 0; i < w->n_puts; i++)
		repair_row(c, op, w->puts[i].ruid);
	for (unsigned i = 0; i < w->n_removes; i++)
		repair_row(c, op, w->removes[i]);
}

/* Changes of rows that are there are undone by whoever changes them next; what
 * must not happen is that rows come back. */
static void settle_rows(const struct change *c, struct store_op *op)
{
	const struct store_op *w = c->written;
	for (unsigned i = 0; i < w->n_puts; i++)
		op->settles[op->n_settles++] = arena_dup(&op->arena, w->puts[i].ruid);
}

static void repair_try(struct change *c)
{
	const struct store_op *w = c->written;
	unsigned n = w->n_puts + w->n_removes;
	struct store_op *op = store_op_new(STORE_LOCATION_WRITE, c->l->o.table, on_repaired, c);
	op->background = true;
	op->puts = arena_alloc(&op->arena, n * sizeof(*op->puts) + 1);
	op->removes = arena_alloc(&op->arena, n * sizeof(*op->removes) + 1);
	op->settles = arena_alloc(&op->arena, n * sizeof(*op->settles) + 1);
	if (location_keeps(c->l))
		repair_rows(c, op);
	else
		settle_rows(c, op);
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
void change_give_up_repairs(struct location *l)
{
	LIST_EACH_SAFE (node, &l->doubts) {
		struct change *c = CONTAINER(node, struct change, doubt);
		if (timer_running(&c->timer))
			change_free(c);
	}
}

/*
 * Of a change that began while the table was loading memory may know nothing,
 * or what a page read after the doubtful write: it gets what the store had before.
 */
static void remember_rows(struct change *c, const struct location_change *written)
{
	struct location_change before = {0};
	if (!c->from_store)
		return;
	before.puts = arena_alloc(&c->arena, (c->rows.n + 1) * sizeof(*before.puts));
	before.removes = arena_alloc(&c->arena, (written->n_puts + 1) * sizeof(*before.removes));
	for (unsigned i = 0; i < c->rows.n; i++)
		before.puts[before.n_puts++] = c->rows.v[i];
	for (unsigned i = 0; i < written->n_puts; i++)
		if (!rows_have(&c->rows, written->puts[i].ruid))
			before.removes[before.n_removes++] = written->puts[i].ruid;
	apply_in_memory(c->l, &c->key, &before);
}

/* The write has ended, in time or late. */
static void change_settle(struct change *c, struct store_op *op)
{
	struct location *l = c->l;
	enum store_error e = op->error;
	/* The op's copies: what merge was shown may have expired meanwhile. */
	const struct location_change written = {op->puts, op->n_puts, op->removes, op->n_removes};
	location_note_store(l, op);
	if (e == STORE_OK && location_keeps(l))
		apply_in_memory(l, &c->key, &written);
	if (e == STORE_OK && c->from_store)
		rows_apply(&c->rows, written.puts, written.n_puts, written.removes,
			   written.n_removes);
	fresh_written(&l->fresh, &c->key, e == STORE_OK ? &c->rows : NULL);
	change_answer(c, e);
	if (op->in_doubt && !l->closing) {
		if (location_keeps(l))
			remember_rows(c, &written);
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
	location_note_store(c->l, op);
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
		b->known = b->ruid.p != NULL;
		if (!b->known)
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
}

static void change_proceed(struct change *c)
{
	if (writes_through(c) && c->what.n_puts + c->what.n_removes > 0) {
		change_write(c);
		return;
	}
	if (c->from_store)
		fresh_written(&c->l->fresh, &c->key, &c->rows);
	change_end(c, STORE_OK);
}

static void change_loaded(struct store_op *op)
{
	struct change *c = op->data;
	c->load = op;
	c->l->fresh.down = op->error != STORE_OK;
	location_note_store(c->l, op);
	if (op->error != STORE_OK) {
		change_end(c, op->error);
		return;
	}
	rows_of(&c->rows, op, c->l->aliases, location_now_s(c->l), 0);
	struct location_view view = location_view_of(c->l, &c->rows);
	change_merge(c, &view);
	rows_of(&c->rows, op, c->l->aliases, location_now_s(c->l), c->what.n_puts);
	change_proceed(c);
}

static void change_start(struct hold_waiter *w)
{
	struct change *c = CONTAINER(w, struct change, waiter);
	timer_stop(&c->l->env->wheel, &c->timer);
	c->from_store = !location_in_memory(c->l);
	if (c->from_store) {
		struct store_op *op = location_load_op(c->l, &c->key, change_loaded, c);
		op->deadline_ms = c->deadline_ms;
		store_submit(c->l->store, op);
		return;
	}
	struct aor *a = aor_find(&c->l->aors, &c->key);
	location_aor_view(c->l, a, change_merge, c);
	if (writes_through(c)) {
		change_proceed(c);
		return;
	}
	if (c->what.n_puts + c->what.n_removes > 0)
		a = apply_to(c->l, a ? a : aor_make(&c->l->aors, &c->key), &c->what);
	location_aor_view(c->l, a, change_visit, c);
	change_free(c);
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

/* Whoever asks the owner waits here: the owner's store counts those who wait there. */
static void change_ask(struct location *l, unsigned owner, struct slice user, struct slice host,
		       void *data, location_merge *merge,
		       void (*done)(void *data, enum store_error e, int verdict,
				    const struct location_view *view))
{
	const struct asker asker = {l->o.shards, l->o.own, owner};
	const struct location_view nothing = {0};
	bool waits = l->o.mode == LOCATION_WRITE_THROUGH || !location_in_memory(l);
	if (waits && store_full(l->store)) {
		done(data, STORE_UNAVAILABLE, 0, &nothing);
		return;
	}
	l->busy++;
	shards_change(&asker, user, host, data, merge, done, location_busy_end);
}

void location_change(struct location *l, struct slice user, struct slice host, void *data,
		     location_merge *merge,
		     void (*done)(void *data, enum store_error e, int verdict,
				  const struct location_view *view))
{
	unsigned owner = location_owner(l, user);
	if (owner != l->o.own) {
		change_ask(l, owner, user, host, data, merge, done);
		return;
	}
	struct change *c = mem_alloc(sizeof(*c) + CHANGE_BYTES);
	*c = (struct change){
	    .waiter.start = change_start, .l = l, .data = data, .merge = merge, .done = done};
	arena_borrow(&c->arena, c->space, CHANGE_BYTES);
	list_init(&c->doubt);
	timer_init(&c->timer, on_line_too_long);
	aor_key_set(&c->key, arena_dup(&c->arena, user), host, l->o.use_domain);
	l->busy += 2; /* the change's and ours: it may end, and close us, from inside */
	if (l->o.mode == LOCATION_WRITE_THROUGH || !location_in_memory(l) ||
	    hold_is_taken(&l->holds, &c->key))
		change_stand_in_line(c);
	else
		change_start(&c->waiter);
	location_busy_end(l);
}
