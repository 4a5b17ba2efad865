/*
 * sql_location: bindings in `location`, `aliases` and other tables of their shape.
 */
#include "sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUID,
	USERNAME,
	DOMAIN,
	CONTACT,
	RECEIVED,
	PATH,
	EXPIRES,
	Q,
	CALLID,
	CSEQ,
	LAST_MODIFIED,
	FLAGS,
	CFLAGS,
	USER_AGENT,
	SOCKET,
	METHODS,
	INSTANCE,
	REG_ID,
	ID,
	N_COLUMNS
};

const char *const sql_location_columns[] = {
    [RUID] = "ruid",
    [USERNAME] = "username",
    [DOMAIN] = "domain",
    [CONTACT] = "contact",
    [RECEIVED] = "received",
    [PATH] = "path",
    [EXPIRES] = "expires",
    [Q] = "q",
    [CALLID] = "callid",
    [CSEQ] = "cseq",
    [LAST_MODIFIED] = "last_modified",
    [FLAGS] = "flags",
    [CFLAGS] = "cflags",
    [USER_AGENT] = "user_agent",
    [SOCKET] = "socket",
    [METHODS] = "methods",
    [INSTANCE] = "instance",
    [REG_ID] = "reg_id",
    [ID] = "id",
    NULL,
};

static const enum sql_type types[N_COLUMNS] = {
    [RUID] = SQL_TEXT,          [USERNAME] = SQL_TEXT,
    [DOMAIN] = SQL_TEXT,        [CONTACT] = SQL_TEXT,
    [RECEIVED] = SQL_TEXT,      [PATH] = SQL_TEXT,
    [EXPIRES] = SQL_TIME,       [Q] = SQL_REAL,
    [CALLID] = SQL_TEXT,        [CSEQ] = SQL_INTEGER,
    [LAST_MODIFIED] = SQL_TIME, [FLAGS] = SQL_INTEGER,
    [CFLAGS] = SQL_INTEGER,     [USER_AGENT] = SQL_TEXT,
    [SOCKET] = SQL_TEXT,        [METHODS] = SQL_INTEGER,
    [INSTANCE] = SQL_TEXT,      [REG_ID] = SQL_INTEGER,
    [ID] = SQL_INTEGER,
};

/* Reading. */

/* Columns of bit masks are signed. */
static int64_t mask_of(const struct sql_value *v)
{
	return v->type == SQL_NULL ? -1 : v->integer & UINT32_MAX;
}

static struct slice text_of(const struct sql_value *v)
{
	return v->text.p ? v->text : SLICE("");
}

static int q_of(const struct sql_value *v)
{
	if (v->type == SQL_NULL || !(v->real >= 0))
		return -1;
	return v->real >= 1 ? 1000 : (int)lround(v->real * 1000);
}

static void binding_of(struct store_binding *b, const struct sql_value *v)
{
	*b = (struct store_binding){
	    .ruid = text_of(&v[RUID]),
	    .username = text_of(&v[USERNAME]),
	    .domain = text_of(&v[DOMAIN]),
	    .contact = text_of(&v[CONTACT]),
	    .received = v[RECEIVED].text,
	    .path = v[PATH].text,
	    .expires = v[EXPIRES].integer,
	    .q = q_of(&v[Q]),
	    .callid = text_of(&v[CALLID]),
	    .cseq = (uint32_t)v[CSEQ].integer,
	    .last_modified = v[LAST_MODIFIED].integer,
	    .flags = (uint32_t)v[FLAGS].integer,
	    .cflags = (uint32_t)v[CFLAGS].integer,
	    .user_agent = text_of(&v[USER_AGENT]),
	    .socket = v[SOCKET].text,
	    .methods = mask_of(&v[METHODS]),
	    .instance = v[INSTANCE].text,
	    .reg_id = (uint32_t)v[REG_ID].integer,
	    .id = (uint64_t)v[ID].integer,
	};
}

/* Full whenever the number of bindings is a power of two, or zero. */
static void add_binding(void *data, const struct sql_value *v)
{
	struct store_op *op = data;
	unsigned n = op->n_bindings;
	if ((n & (n - 1)) == 0) {
		struct store_binding *more =
		    arena_alloc(&op->arena, (n ? 2 * n : 1) * sizeof(*more));
		if (n > 0)
			memcpy(more, op->bindings, n * sizeof(*more));
		op->bindings = more;
	}
	binding_of(&op->bindings[op->n_bindings++], v);
}

static void put_names(struct buf *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_printf(text, "%s`%s`", i == 0 ? "" : ", ", sql_location_columns[i]);
}

static void select_bindings(struct sql_query *q, struct store_op *op)
{
	sql_query_init(q);
	buf_puts(&q->text, "SELECT ");
	put_names(&q->text, N_COLUMNS);
	buf_printf(&q->text, " FROM `%.*s` WHERE ", SLICE_ARG(op->table));
	memcpy(q->columns, types, sizeof(types));
	q->n_columns = N_COLUMNS;
	q->row = add_binding;
	q->data = op;
	q->arena = &op->arena;
	op->n_bindings = 0;
}

static enum store_error load(struct sql *s, struct store_op *op, struct buf *why)
{
	const struct sql_table *t;
	struct sql_query q;
	enum store_error e = sql_table(s, op->table, sql_location_columns, &t, why);
	if (e != STORE_OK)
		return e;
	select_bindings(&q, op);
	sql_match(&q, t, "username", op->username);
	if (op->domain.n > 0) {
		buf_puts(&q.text, " AND ");
		sql_match(&q, t, "domain", op->domain);
	}
	buf_puts(&q.text, " ORDER BY id");
	e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

enum store_error sql_location_load(struct store_connection *c, struct store_op *op, struct buf *why)
{
	return sql_attempt(c, op, why, load);
}

static enum store_error scan(struct sql *s, struct store_op *op, struct buf *why)
{
	const struct sql_table *t;
	struct sql_query q;
	enum store_error e = sql_table(s, op->table, sql_location_columns, &t, why);
	if (e != STORE_OK)
		return e;
	select_bindings(&q, op);
	buf_puts(&q.text, "id > ? ORDER BY id LIMIT ?");
	sql_bind_integer(&q, (int64_t)op->after_id);
	sql_bind_integer(&q, op->limit);
	e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

enum store_error sql_location_scan(struct store_connection *c, struct store_op *op, struct buf *why)
{
	return sql_attempt(c, op, why, scan);
}

/* Writing. */

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

static enum store_error put(struct sql *s, const struct sql_table *t, const struct store_binding *b,
			    struct buf *why)
{
	/* -1 tells Kamailio that no connection belongs to the binding. */
	bool connection = sql_column(t, "connection_id") != NULL;
	const char *columns[N_COLUMNS] = {0};
	struct sql_query q;
	memcpy(columns, sql_location_columns, ID * sizeof(*columns));
	sql_query_init(&q);
	buf_printf(&q.text, "INSERT INTO `%.*s` (", SLICE_ARG(t->name));
	put_names(&q.text, ID);
	buf_puts(&q.text, connection ? ", connection_id) VALUES (" : ") VALUES (");
	for (unsigned i = 0; i < ID; i++)
		buf_puts(&q.text, i == 0 ? "?" : ", ?");
	buf_puts(&q.text, connection ? ", -1)" : ")");
	sql_upsert(s, &q, "ruid", columns);
	bind_binding(&q, b);
	enum store_error e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

static enum store_error take_out(struct sql *s, const struct sql_table *t, struct slice ruid,
				 struct buf *why)
{
	struct sql_query q;
	sql_query_init(&q);
	buf_printf(&q.text, "DELETE FROM `%.*s` WHERE ", SLICE_ARG(t->name));
	sql_match(&q, t, "ruid", ruid);
	enum store_error e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

/*
 * Rows are locked in order of their ruid, whatever was asked first: two writers
 * that want the same rows then wait for each other, but never both.
 */
struct change {
	struct slice ruid;
	const struct store_binding *put; /* NULL: a remove */
	unsigned place;
};

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a;
	const struct change *y = b;
	int order = store_compare(x->ruid, y->ruid);
	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static struct change *changes_of(struct store_op *op, unsigned n)
{
	struct change *c = arena_alloc(&op->arena, n * sizeof(*c) + 1);
	for (unsigned i = 0; i < op->n_removes; i++)
		c[i] = (struct change){.ruid = op->removes[i], .place = i};
	for (unsigned i = op->n_removes; i < n; i++) {
		const struct store_binding *b = &op->puts[i - op->n_removes];
		c[i] = (struct change){.ruid = b->ruid, .put = b, .place = i};
	}
	qsort(c, n, sizeof(*c), compare_changes);
	return c;
}

static enum store_error write_rows(struct sql *s, const struct sql_table *t, const struct change *c,
				   unsigned n, struct buf *why)
{
	enum store_error e = STORE_OK;
	for (unsigned i = 0; e == STORE_OK && i < n; i++)
		e = c[i].put ? put(s, t, c[i].put, why) : take_out(s, t, c[i].ruid, why);
	return e;
}

static enum store_error write_all(struct sql *s, struct store_op *op, struct buf *why)
{
	const struct sql_table *t;
	enum store_error e = sql_table(s, op->table, sql_location_columns, &t, why);
	if (e != STORE_OK)
		return e;
	unsigned n = op->n_removes + op->n_puts;
	const struct change *changes = changes_of(op, n);
	/* One statement is a transaction by itself, and two round trips cheaper. */
	if (n <= 1)
		return write_rows(s, t, changes, n, why);
	e = sql_begin(s, why);
	if (e != STORE_OK)
		return e;
	return sql_end(s, write_rows(s, t, changes, n, why), why);
}

enum store_error sql_location_write(struct store_connection *c, struct store_op *op,
				    struct buf *why)
{
	return sql_attempt(c, op, why, write_all);
}

/*
 * Rows of the first day of 1970 stay: 0 means "never", and where DATETIMEs are
 * in local time that day holds 0 of every zone.
 */
static enum store_error purge(struct sql *s, struct store_op *op, struct buf *why)
{
	const struct sql_table *t;
	uint64_t affected = SQL_DELETE_ROWS;
	enum store_error e = sql_table(s, op->table, sql_location_columns, &t, why);
	while (e == STORE_OK && affected >= SQL_DELETE_ROWS) {
		struct sql_query q;
		sql_query_init(&q);
		buf_printf(&q.text, "DELETE FROM `%.*s` WHERE expires > ? AND expires < ?%s",
			   SLICE_ARG(op->table), s->dialect->delete_limit);
		sql_bind_time(&q, 24 * 60 * 60);
		sql_bind_time(&q, op->before);
		e = sql_run(s, &q, why);
		affected = q.affected;
		sql_query_free(&q);
	}
	return e;
}

enum store_error sql_location_purge(struct store_connection *c, struct store_op *op,
				    struct buf *why)
{
	return sql_attempt(c, op, why, purge);
}
