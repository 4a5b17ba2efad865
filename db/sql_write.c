/*
 * sql_write: writing bindings, those of many operations with one commit.
 *
 * A write is always a transaction that begins and ends in words: when its
 * commit is lost its rows are still locked, so whoever writes them next, over
 * another connection, waits until its fate is decided.  At another node of a
 * Galera cluster he does not wait, but the one in doubt is undone if it has not
 * been committed by then.  Both holds for changes of rows only: who removes what
 * is not there waits for nobody, and a row that is not there may still come.  To
 * settle that, a row of its name is put there and taken out again.
 *
 * What nobody waits for any more is not begun, and not tried again: he who was
 * told so may have changed the rows elsewhere meanwhile.
 */
#include "base/log.h"
#include "sql.h"

#include <stdlib.h>
#include <string.h>

enum { N_PUT = SQL_ID, MAX_WHY_BYTES = 1024 };

static struct slice filled(struct slice text)
{
	return text.p ? text : SLICE("");
}

/* In the order of the columns.  Masks go into signed columns. */
static void bind_binding(struct sql_query *q, const struct store_binding *b)
{
	sql_bind_text(q, b->ruid);
	sql_bind_text(q, b->username);
	sql_bind_text(q, b->domain.n > 0 ? b->domain : SLICE_NULL);
	sql_bind_text(q, b->contact);
	sql_bind_text(q, b->received);
	sql_bind_text(q, b->path);
	sql_bind_time(q, b->expires);
	sql_bind_real(q, b->q < 0 ? -1.0 : b->q / 1000.0);
	sql_bind_text(q, filled(b->callid));
	sql_bind_integer(q, b->cseq);
	sql_bind_time(q, b->last_modified);
	sql_bind_integer(q, (int32_t)b->flags);
	sql_bind_integer(q, (int32_t)b->cflags);
	sql_bind_text(q, filled(b->user_agent));
	sql_bind_text(q, b->socket);
	if (b->methods < 0)
		sql_bind_null(q);
	else
		sql_bind_integer(q, (int32_t)(uint32_t)b->methods);
	sql_bind_text(q, b->instance);
	sql_bind_integer(q, b->reg_id);
}

/*
 * Rows are locked in order of their ruid, whatever was asked first: two writers
 * that want the same rows then wait for each other, but never both.
 */
struct change {
	struct slice ruid;
	const struct store_binding *put; /* NULL: a remove … */
	bool settle;                     /* … or not even that */
	unsigned place;
};

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a;
	const struct change *y = b;
	int order = store_compare(x->ruid, y->ruid);
	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static unsigned add_changes(struct change *c, unsigned n, const struct store_op *op)
{
	for (unsigned i = 0; i < op->n_removes; i++, n++)
		c[n] = (struct change){.ruid = op->removes[i], .place = n};
	for (unsigned i = 0; i < op->n_puts; i++, n++)
		c[n] = (struct change){.ruid = op->puts[i].ruid, .put = &op->puts[i], .place = n};
	for (unsigned i = 0; i < op->n_settles; i++, n++)
		c[n] = (struct change){.ruid = op->settles[i], .settle = true, .place = n};
	return n;
}

/* The operations to be written together. */
struct group {
	struct store_op *const *ops;
	unsigned n;
};

static struct change *changes_of(const struct group *g, unsigned *n)
{
	unsigned room = 0;
	for (unsigned i = 0; i < g->n; i++)
		room += g->ops[i]->n_removes + g->ops[i]->n_puts + g->ops[i]->n_settles;
	struct change *c = mem_alloc(room * sizeof(*c) + 1);
	*n = 0;
	for (unsigned i = 0; i < g->n; i++)
		if (!g->ops[i]->left_out)
			*n = add_changes(c, *n, g->ops[i]);
	qsort(c, *n, sizeof(*c), compare_changes);
	return c;
}

#define NINE "?,?,?,?,?,?,?,?,?"
_Static_assert(N_PUT == 18, "two times nine");

/* -1 tells Kamailio that no connection belongs to the binding. */
static void put_row(struct buf *text, bool first, bool connection)
{
	if (!first)
		buf_putc(text, ',');
	buf_put(text, connection ? SLICE("(" NINE "," NINE ",-1)") : SLICE("(" NINE "," NINE ")"));
}

static enum store_error put_rows(struct sql *s, const struct sql_table *t, const struct change *c,
				 unsigned n, struct buf *why)
{
	bool connection = sql_column(t, "connection_id") != NULL;
	const char *columns[N_PUT + 1] = {0};
	struct sql_query q;
	memcpy(columns, sql_location_columns, N_PUT * sizeof(*columns));
	sql_query_init(&q);
	buf_printf(&q.text, "INSERT INTO `%.*s` (", SLICE_ARG(t->name));
	sql_put_location_names(&q.text, N_PUT);
	buf_puts(&q.text, connection ? ", connection_id) VALUES " : ") VALUES ");
	for (unsigned i = 0; i < n; i++) {
		put_row(&q.text, i == 0, connection);
		bind_binding(&q, c[i].put);
	}
	sql_upsert(s, &q, "ruid", columns);
	enum store_error e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

/* Rows that are there, most likely: *all says whether they were. */
static enum store_error update_rows(struct sql *s, const struct sql_table *t,
				    const struct change *c, unsigned n, bool *all, struct buf *why)
{
	struct sql_query q;
	sql_query_init(&q);
	buf_printf(&q.text, "UPDATE `%.*s` SET ", SLICE_ARG(t->name));
	for (unsigned i = 0; i < N_PUT; i++)
		buf_printf(&q.text, "%s`%s` = ?", i ? ", " : "", sql_location_columns[i]);
	buf_puts(&q.text, " WHERE ");
	for (unsigned i = 0; i < n; i++) {
		bind_binding(&q, c[i].put);
		if (i == 0)
			sql_match(&q, t, "ruid", c[i].ruid);
		else
			sql_match_again(&q, t, "ruid", c[i].ruid);
	}
	q.times = n;
	enum store_error e = sql_run(s, &q, why);
	*all = q.affected == n;
	sql_query_free(&q);
	return e;
}

/* which: a condition beside, or "". */
static enum store_error take_out(struct sql *s, const struct sql_table *t, struct slice ruid,
				 const char *which, struct buf *why)
{
	struct sql_query q;
	sql_query_init(&q);
	buf_printf(&q.text, "DELETE FROM `%.*s` WHERE ", SLICE_ARG(t->name));
	sql_match(&q, t, "ruid", ruid);
	buf_puts(&q.text, which);
	enum store_error e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

/* A binding has a contact; what stands there for a moment has none. */
static enum store_error settle(struct sql *s, const struct sql_table *t, struct slice ruid,
			       struct buf *why)
{
	static const char *const ruid_only[] = {"ruid", NULL};
	struct sql_query q;
	sql_query_init(&q);
	buf_printf(&q.text, "INSERT INTO `%.*s` (ruid, username, contact) VALUES (?, '', '')",
		   SLICE_ARG(t->name));
	sql_bind_text(&q, ruid);
	sql_upsert(s, &q, "ruid", ruid_only);
	enum store_error e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e == STORE_OK ? take_out(s, t, ruid, " AND contact = ''", why) : e;
}

/*
 * Such a row is updated.  To insert it and be told that it is there takes longer, and costs
 * one of the table's numbers each time: of Kamailio's, which has 32 bits for them, the last
 * would be gone after some weeks.
 */
static bool is_known(const struct sql *s, const struct change *c)
{
	return s->update_rows > 0 && c->put && c->put->known;
}

/* How many puts the next statement takes, of rows that are known or of others. */
static unsigned next_puts(const struct sql *s, const struct change *c, unsigned n)
{
	bool known = is_known(s, c);
	unsigned puts = 0, most = known ? s->update_rows : s->dialect->insert_rows;
	while (puts < n && puts < most && c[puts].put && is_known(s, &c[puts]) == known)
		puts++;
	return puts;
}

static enum store_error write_puts(struct sql *s, const struct sql_table *t, const struct change *c,
				   unsigned n, struct buf *why)
{
	bool all = false;
	enum store_error e = STORE_OK;
	if (is_known(s, c))
		e = update_rows(s, t, c, n, &all, why);
	for (unsigned rows; e == STORE_OK && !all && n > 0; c += rows, n -= rows) {
		rows = n < s->dialect->insert_rows ? n : s->dialect->insert_rows;
		e = put_rows(s, t, c, rows, why);
	}
	return e;
}

static enum store_error write_rows(struct sql *s, const struct sql_table *t, const struct change *c,
				   unsigned n, struct buf *why)
{
	enum store_error e = STORE_OK;
	while (e == STORE_OK && n > 0) {
		unsigned rows = next_puts(s, c, n);
		if (rows > 0)
			e = write_puts(s, t, c, rows, why);
		else
			e = c->settle ? settle(s, t, c->ruid, why)
				      : take_out(s, t, c->ruid, "", why);
		c += rows ? rows : 1;
		n -= rows ? rows : 1;
	}
	return e;
}

/* How many are still waited for. */
static unsigned leave_out(const struct group *g)
{
	unsigned n = 0;
	for (unsigned i = 0; i < g->n; i++) {
		g->ops[i]->left_out = atomic_load(&g->ops[i]->given_up);
		n += !g->ops[i]->left_out;
	}
	return n;
}

static enum store_error write_group(struct sql *s, const struct group *g, struct buf *why)
{
	const struct sql_table *t;
	if (leave_out(g) == 0) {
		buf_puts(why, "its time was up");
		return STORE_UNAVAILABLE;
	}
	enum store_error e = sql_table(s, g->ops[0]->table, sql_location_columns, &t, why);
	if (e == STORE_OK)
		e = sql_begin(s, why);
	if (e != STORE_OK)
		return e;
	unsigned n;
	struct change *changes = changes_of(g, &n);
	e = sql_end(s, write_rows(s, t, changes, n, why), why);
	free(changes);
	return e;
}

/* sql_attempt() hands this through as the op. */
struct group_op {
	struct store_op op;
	struct group group;
};

static enum store_error write_all(struct sql *s, struct store_op *op, struct buf *why)
{
	return write_group(s, &CONTAINER(op, struct group_op, op)->group, why);
}

static enum store_error try_group(struct store_connection *c, const struct group *g,
				  struct buf *why)
{
	struct group_op all = {.group = *g};
	enum store_error e = sql_attempt(c, &all.op, why, write_all);
	bool doubt = CONTAINER(c, struct sql, connection)->in_doubt;
	for (unsigned i = 0; i < g->n; i++) {
		g->ops[i]->begun = all.op.begun;
		g->ops[i]->in_doubt = doubt && (e != STORE_OK || g->ops[i]->left_out);
	}
	return e;
}

enum store_error sql_location_write(struct store_connection *c, struct store_op *op,
				    struct buf *why)
{
	return try_group(c, &(struct group){&op, 1}, why);
}

static void answer(const struct group *g, enum store_error e, struct slice why)
{
	for (unsigned i = 0; i < g->n; i++) {
		struct store_op *op = g->ops[i];
		op->error = op->left_out ? STORE_UNAVAILABLE : e;
		if (op->error != STORE_OK)
			op->message =
			    arena_dup(&op->arena, op->left_out ? SLICE("its time was up") : why);
	}
}

/* What the database refuses is looked for by halves: the others shall not suffer. */
void sql_location_write_group(struct store_connection *c, struct store_op *const *ops, unsigned n)
{
	const struct group g = {ops, n};
	struct buf why;
	buf_init(&why, MAX_WHY_BYTES);
	enum store_error e = try_group(c, &g, &why);
	if (n > 1 && e != STORE_OK && e != STORE_UNAVAILABLE) {
		sql_location_write_group(c, ops, n / 2);
		sql_location_write_group(c, ops + n / 2, n - n / 2);
	} else {
		answer(&g, e, buf_slice(&why));
	}
	buf_free(&why);
}
