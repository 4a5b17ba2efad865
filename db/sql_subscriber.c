/*
 * sql_subscriber: rows of `subscriber` and other tables of its shape.
 *
 * Columns beyond username are optional when read (a table without ha1_sha256
 * serves MD5), and written where they are there.
 */
#include "sql.h"

#include <stdlib.h>
#include <string.h>

enum { USERNAME, DOMAIN, PASSWORD, HA1, HA1B, HA1_SHA256, N_COLUMNS };

static const char *const names[N_COLUMNS] = {
    [USERNAME] = "username", [DOMAIN] = "domain", [PASSWORD] = "password",
    [HA1] = "ha1",           [HA1B] = "ha1b",     [HA1_SHA256] = "ha1_sha256",
};

const char *const sql_subscriber_columns[] = {"username", "domain", "password", "ha1", NULL};
static const char *const least_columns[] = {"username", NULL};

static const struct slice subscriber = {"subscriber", sizeof("subscriber") - 1};

/* Rows as they come in. */
struct rows {
	struct arena *arena;
	struct store_subscriber *v;
	unsigned n;
};

static void add_row(void *data, const struct sql_value *v)
{
	struct rows *r = data;
	if ((r->n & (r->n - 1)) == 0) {
		struct store_subscriber *more =
		    arena_alloc(r->arena, (r->n ? 2 * r->n : 1) * sizeof(*more));
		if (r->n > 0)
			memcpy(more, r->v, r->n * sizeof(*more));
		r->v = more;
	}
	r->v[r->n++] = (struct store_subscriber){
	    .username = v[USERNAME].text,
	    .domain = v[DOMAIN].text,
	    .password = v[PASSWORD].text,
	    .ha1 = v[HA1].text,
	    .ha1b = v[HA1B].text,
	    .ha1_sha256 = v[HA1_SHA256].text,
	};
}

static void select_rows(struct sql_query *q, const struct sql_table *t, struct rows *r)
{
	sql_query_init(q);
	for (unsigned i = 0; i < N_COLUMNS; i++) {
		buf_puts(&q->text, i == 0 ? "SELECT " : ", ");
		buf_puts(&q->text, sql_column(t, names[i]) ? names[i] : "NULL");
		q->columns[i] = SQL_TEXT;
	}
	buf_printf(&q->text, " FROM `%.*s`", SLICE_ARG(t->name));
	q->n_columns = N_COLUMNS;
	q->row = add_row;
	q->data = r;
	q->arena = r->arena;
}

static enum store_error credentials(struct sql *s, struct store_op *op, struct buf *why)
{
	const struct sql_table *t;
	struct sql_query q;
	struct rows rows = {.arena = &op->arena};
	enum store_error e = sql_table(s, op->table, least_columns, &t, why);
	if (e != STORE_OK)
		return e;
	select_rows(&q, t, &rows);
	buf_puts(&q.text, " WHERE ");
	sql_match(&q, t, "username", op->username);
	e = sql_run(s, &q, why);
	sql_query_free(&q);
	op->subscribers = rows.v;
	op->n_subscribers = rows.n;
	return e;
}

enum store_error sql_credentials(struct store_connection *c, struct store_op *op, struct buf *why)
{
	return sql_attempt(c, op, why, credentials);
}

/* For lunactl. */

static enum store_error prepare(struct store_connection *c, const struct sql_table **t,
				struct buf *why)
{
	struct sql *s = CONTAINER(c, struct sql, connection);
	enum store_error e = s->dialect->connect(s, why);
	if (e == STORE_OK)
		e = sql_table(s, subscriber, sql_subscriber_columns, t, why);
	if (e == STORE_FAILED)
		sql_forget(s);
	return e;
}

/* Runs q and frees it; none: what it means that no row was affected. */
static enum store_error finish(struct store_connection *c, struct sql_query *q, struct buf *why,
			       enum store_error none)
{
	enum store_error e = sql_run(CONTAINER(c, struct sql, connection), q, why);
	if (e == STORE_OK && q->affected == 0 && none != STORE_OK) {
		buf_puts(why, "there is no such subscriber");
		e = none;
	}
	sql_query_free(q);
	return e;
}

static struct slice value_of(const struct store_subscriber *s, unsigned column)
{
	const struct slice values[N_COLUMNS] = {
	    [USERNAME] = s->username, [DOMAIN] = s->domain, [PASSWORD] = s->password,
	    [HA1] = s->ha1,           [HA1B] = s->ha1b,     [HA1_SHA256] = s->ha1_sha256,
	};
	return values[column].p ? values[column] : SLICE("");
}

enum store_error sql_subscriber_add(struct store_connection *c, const struct store_subscriber *s,
				    struct buf *why)
{
	const struct sql_table *t;
	struct sql_query q;
	enum store_error e = prepare(c, &t, why);
	if (e != STORE_OK)
		return e;
	sql_query_init(&q);
	buf_puts(&q.text, "INSERT INTO subscriber");
	for (unsigned i = 0; i < N_COLUMNS; i++) {
		if (!sql_column(t, names[i]))
			continue;
		buf_printf(&q.text, "%s%s", i == 0 ? " (" : ", ", names[i]);
		sql_bind_text(&q, value_of(s, i));
	}
	for (unsigned i = 0; i < q.n_params; i++)
		buf_puts(&q.text, i == 0 ? ") VALUES (?" : ", ?");
	buf_putc(&q.text, ')');
	return finish(c, &q, why, STORE_OK);
}

static void where_account(struct sql_query *q, const struct sql_table *t, struct slice username,
			  struct slice domain)
{
	buf_puts(&q->text, " WHERE ");
	sql_match(q, t, "username", username);
	buf_puts(&q->text, " AND ");
	sql_match(q, t, "domain", domain);
}

enum store_error sql_subscriber_set(struct store_connection *c, const struct store_subscriber *s,
				    struct buf *why)
{
	const struct sql_table *t;
	struct sql_query q;
	enum store_error e = prepare(c, &t, why);
	if (e != STORE_OK)
		return e;
	sql_query_init(&q);
	buf_puts(&q.text, "UPDATE subscriber");
	for (unsigned i = PASSWORD; i < N_COLUMNS; i++) {
		if (!sql_column(t, names[i]))
			continue;
		buf_printf(&q.text, "%s%s = ?", i == PASSWORD ? " SET " : ", ", names[i]);
		sql_bind_text(&q, value_of(s, i));
	}
	where_account(&q, t, s->username, s->domain);
	return finish(c, &q, why, STORE_MISSING);
}

enum store_error sql_subscriber_remove(struct store_connection *c, struct slice username,
				       struct slice domain, struct buf *why)
{
	const struct sql_table *t;
	struct sql_query q;
	enum store_error e = prepare(c, &t, why);
	if (e != STORE_OK)
		return e;
	sql_query_init(&q);
	buf_puts(&q.text, "DELETE FROM subscriber");
	where_account(&q, t, username, domain);
	return finish(c, &q, why, STORE_MISSING);
}

static int compare_rows(const void *a, const void *b)
{
	const struct store_subscriber *x = a;
	const struct store_subscriber *y = b;
	int order = store_compare(x->username, y->username);
	return order != 0 ? order : store_compare(x->domain, y->domain);
}

enum store_error sql_subscriber_list(struct store_connection *c, struct arena *a,
				     struct store_subscriber **rows, unsigned *n, struct buf *why)
{
	const struct sql_table *t;
	struct sql_query q;
	struct rows all = {.arena = a};
	enum store_error e = prepare(c, &t, why);
	if (e != STORE_OK)
		return e;
	select_rows(&q, t, &all);
	e = finish(c, &q, why, STORE_OK);
	/* Sorted here: the table's collation may have another order. */
	if (e == STORE_OK && all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), compare_rows);
	*rows = all.v;
	*n = all.n;
	return e;
}
