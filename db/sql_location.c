/*
 * sql_location: reading bindings in `location`, `aliases` and other tables of their
 * shape, and purging them.
 */
#include "sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const sql_location_columns[] = {
    [SQL_RUID] = "ruid",
    [SQL_USERNAME] = "username",
    [SQL_DOMAIN] = "domain",
    [SQL_CONTACT] = "contact",
    [SQL_RECEIVED] = "received",
    [SQL_PATH] = "path",
    [SQL_EXPIRES] = "expires",
    [SQL_Q] = "q",
    [SQL_CALLID] = "callid",
    [SQL_CSEQ] = "cseq",
    [SQL_LAST_MODIFIED] = "last_modified",
    [SQL_FLAGS] = "flags",
    [SQL_CFLAGS] = "cflags",
    [SQL_USER_AGENT] = "user_agent",
    [SQL_SOCKET] = "socket",
    [SQL_METHODS] = "methods",
    [SQL_INSTANCE] = "instance",
    [SQL_REG_ID] = "reg_id",
    [SQL_ID] = "id",
    NULL,
};

static const enum sql_type types[SQL_LOCATION_COLUMNS] = {
    [SQL_RUID] = SQL_TEXT,          [SQL_USERNAME] = SQL_TEXT,
    [SQL_DOMAIN] = SQL_TEXT,        [SQL_CONTACT] = SQL_TEXT,
    [SQL_RECEIVED] = SQL_TEXT,      [SQL_PATH] = SQL_TEXT,
    [SQL_EXPIRES] = SQL_TIME,       [SQL_Q] = SQL_REAL,
    [SQL_CALLID] = SQL_TEXT,        [SQL_CSEQ] = SQL_INTEGER,
    [SQL_LAST_MODIFIED] = SQL_TIME, [SQL_FLAGS] = SQL_INTEGER,
    [SQL_CFLAGS] = SQL_INTEGER,     [SQL_USER_AGENT] = SQL_TEXT,
    [SQL_SOCKET] = SQL_TEXT,        [SQL_METHODS] = SQL_INTEGER,
    [SQL_INSTANCE] = SQL_TEXT,      [SQL_REG_ID] = SQL_INTEGER,
    [SQL_ID] = SQL_INTEGER,
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
	    .ruid = text_of(&v[SQL_RUID]),
	    .username = text_of(&v[SQL_USERNAME]),
	    .domain = text_of(&v[SQL_DOMAIN]),
	    .contact = text_of(&v[SQL_CONTACT]),
	    .received = v[SQL_RECEIVED].text,
	    .path = v[SQL_PATH].text,
	    .expires = v[SQL_EXPIRES].integer,
	    .q = q_of(&v[SQL_Q]),
	    .callid = text_of(&v[SQL_CALLID]),
	    .cseq = (uint32_t)v[SQL_CSEQ].integer,
	    .last_modified = v[SQL_LAST_MODIFIED].integer,
	    .flags = (uint32_t)v[SQL_FLAGS].integer,
	    .cflags = (uint32_t)v[SQL_CFLAGS].integer,
	    .user_agent = text_of(&v[SQL_USER_AGENT]),
	    .socket = v[SQL_SOCKET].text,
	    .methods = mask_of(&v[SQL_METHODS]),
	    .instance = v[SQL_INSTANCE].text,
	    .reg_id = (uint32_t)v[SQL_REG_ID].integer,
	    .id = (uint64_t)v[SQL_ID].integer,
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

void sql_put_location_names(struct buf *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_printf(text, "%s`%s`", i == 0 ? "" : ", ", sql_location_columns[i]);
}

static void select_bindings(struct sql_query *q, struct store_op *op)
{
	sql_query_init(q);
	buf_puts(&q->text, "SELECT ");
	sql_put_location_names(&q->text, SQL_LOCATION_COLUMNS);
	buf_printf(&q->text, " FROM `%.*s` WHERE ", SLICE_ARG(op->table));
	memcpy(q->columns, types, sizeof(types));
	q->n_columns = SQL_LOCATION_COLUMNS;
	q->row = add_binding;
	q->data = op;
	q->arena = &op->arena;
	op->n_bindings = 0;
}

static enum store_error load(struct sql *s, struct store_op *op, struct buf *why)
{
	const struct sql_table *t = NULL;
	struct sql_query q;
	enum store_error e = sql_table(s, op->table, sql_location_columns, &t, why);
	op->no_table = e == STORE_FAILED && t && t->n_columns == 0;
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
		buf_printf(&q.text, "DELETE FROM `%.*s` WHERE ", SLICE_ARG(op->table));
		if (!s->dialect->delete_limit)
			buf_printf(&q.text, "id IN (SELECT id FROM `%.*s` WHERE ",
				   SLICE_ARG(op->table));
		buf_printf(&q.text, "expires > ? AND expires < ? LIMIT %d%s", SQL_DELETE_ROWS,
			   s->dialect->delete_limit ? "" : ")");
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
