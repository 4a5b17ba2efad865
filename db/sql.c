#include "sql.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ATTEMPTS = 6, TABLE_FIRST_BYTES = 2048 };

void sql_init(struct sql *s, const struct store_driver *driver, const struct sql_dialect *d)
{
	s->connection.driver = driver;
	s->dialect = d;
	s->again = false;
	list_init(&s->tables);
}

void sql_free(struct sql *s)
{
	sql_forget(s);
}

/* Queries. */

void sql_query_init(struct sql_query *q)
{
	*q = (struct sql_query){0};
	buf_init(&q->text, SQL_MAX_TEXT);
}

void sql_query_free(struct sql_query *q)
{
	buf_free(&q->text);
	free(q->params);
}

static void bind(struct sql_query *q, struct sql_value v)
{
	unsigned n = q->n_params;
	if (n == SQL_MAX_VALUES)
		abort();
	/* Full whenever their number is a power of two, or zero. */
	if ((n & (n - 1)) == 0)
		q->params = mem_realloc(q->params, (n ? 2 * n : 1) * sizeof(*q->params));
	q->params[q->n_params++] = v;
}

void sql_bind_text(struct sql_query *q, struct slice text)
{
	bind(q, (struct sql_value){.type = text.p ? SQL_TEXT : SQL_NULL, .text = text});
}

void sql_bind_integer(struct sql_query *q, int64_t value)
{
	bind(q, (struct sql_value){.type = SQL_INTEGER, .integer = value});
}

void sql_bind_time(struct sql_query *q, int64_t unix_s)
{
	bind(q, (struct sql_value){.type = SQL_TIME, .integer = unix_s});
}

void sql_bind_real(struct sql_query *q, double value)
{
	bind(q, (struct sql_value){.type = SQL_REAL, .real = value});
}

void sql_bind_null(struct sql_query *q)
{
	bind(q, (struct sql_value){.type = SQL_NULL});
}

/* The first half finds rows by the index, the second those which are equal. */
void sql_match(struct sql_query *q, const struct sql_table *t, const char *column,
	       struct slice text)
{
	const struct sql_column *c = sql_column(t, column);
	if (c && c->collation.p)
		buf_printf(&q->text, "`%s` = CONVERT(? USING %.*s) COLLATE %.*s AND BINARY ",
			   column, SLICE_ARG(c->charset), SLICE_ARG(c->collation));
	buf_printf(&q->text, "`%s` = ?", column);
	sql_match_again(q, t, column, text);
}

void sql_match_again(struct sql_query *q, const struct sql_table *t, const char *column,
		     struct slice text)
{
	const struct sql_column *c = sql_column(t, column);
	struct slice value = text.p ? text : SLICE("");
	if (c && c->collation.p)
		sql_bind_text(q, value);
	sql_bind_text(q, value);
}

void sql_upsert(struct sql *s, struct sql_query *q, const char *key, const char *const *columns)
{
	if (s->dialect->on_conflict)
		buf_printf(&q->text, " ON CONFLICT (`%s`) DO UPDATE SET ", key);
	else
		buf_puts(&q->text, " ON DUPLICATE KEY UPDATE ");
	for (const char *const *c = columns; *c; c++) {
		const char *comma = c == columns ? "" : ", ";
		if (s->dialect->on_conflict)
			buf_printf(&q->text, "%s`%s` = excluded.`%s`", comma, *c, *c);
		else
			buf_printf(&q->text, "%s`%s` = VALUES(`%s`)", comma, *c, *c);
	}
}

enum store_error sql_run(struct sql *s, struct sql_query *q, struct buf *why)
{
	if (q->text.failed) {
		buf_printf(why, "%s: the statement is too long", s->dialect->name);
		return STORE_FAILED;
	}
	return s->dialect->run(s, q, why);
}

/* What is known of tables. */

static void table_free(struct sql_table *t)
{
	list_remove(&t->node);
	arena_free(&t->arena);
	free(t);
}

void sql_forget(struct sql *s)
{
	LIST_EACH_SAFE (node, &s->tables)
		table_free(CONTAINER(node, struct sql_table, node));
}

const struct sql_column *sql_column(const struct sql_table *t, const char *name)
{
	for (unsigned i = 0; i < t->n_columns; i++) {
		if (slice_ieq(t->columns[i].name, slice_str(name)))
			return &t->columns[i];
	}
	return NULL;
}

enum { MAX_COLUMNS = 256 };

static void add_column(void *data, const struct sql_value *v)
{
	struct sql_table *t = data;
	if (t->n_columns == MAX_COLUMNS)
		return;
	if (!t->columns)
		t->columns = arena_alloc(&t->arena, MAX_COLUMNS * sizeof(*t->columns));
	/* Their names go into statement texts. */
	bool has_collation = store_table_name_ok(v[1].text) && store_table_name_ok(v[2].text) &&
			     !slice_ieq(v[1].text, SLICE("binary"));
	t->columns[t->n_columns++] = (struct sql_column){
	    .name = v[0].text,
	    .charset = has_collation ? v[1].text : SLICE_NULL,
	    .collation = has_collation ? v[2].text : SLICE_NULL,
	};
}

static enum store_error table_read(struct sql *s, struct sql_table *t, struct buf *why)
{
	struct sql_query q;
	sql_query_init(&q);
	buf_puts(&q.text, s->dialect->columns_of);
	sql_bind_text(&q, t->name);
	for (q.n_columns = 0; q.n_columns < 3; q.n_columns++)
		q.columns[q.n_columns] = SQL_TEXT;
	q.row = add_column;
	q.data = t;
	q.arena = &t->arena;
	enum store_error e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

static struct sql_table *table_known(struct sql *s, struct slice name)
{
	LIST_EACH (node, &s->tables) {
		struct sql_table *t = CONTAINER(node, struct sql_table, node);
		if (slice_eq(t->name, name))
			return t;
	}
	return NULL;
}

static enum store_error table_get(struct sql *s, struct slice name, struct sql_table **out,
				  struct buf *why)
{
	*out = table_known(s, name);
	if (*out)
		return STORE_OK;
	struct sql_table *t = mem_zalloc(sizeof(*t));
	list_init(&t->node);
	arena_init(&t->arena, TABLE_FIRST_BYTES);
	t->name = arena_dup(&t->arena, name);
	enum store_error e = table_read(s, t, why);
	if (e != STORE_OK) {
		table_free(t);
		return e;
	}
	list_push(&s->tables, &t->node);
	*out = t;
	return STORE_OK;
}

enum store_error sql_table(struct sql *s, struct slice name, const char *const *required,
			   const struct sql_table **out, struct buf *why)
{
	struct sql_table *t;
	enum store_error e = table_get(s, name, &t, why);
	if (e != STORE_OK)
		return e;
	*out = t;
	if (t->n_columns == 0) {
		buf_printf(why, "there is no table %.*s (`lunactl db init` makes the usual ones)",
			   SLICE_ARG(name));
		return STORE_FAILED;
	}
	for (; *required; required++) {
		if (!sql_column(t, *required)) {
			buf_printf(why, "table %.*s has no column %s", SLICE_ARG(name), *required);
			return STORE_FAILED;
		}
	}
	return STORE_OK;
}

/* Attempts and transactions. */

/* A moment that grows: those who collided shall not meet again. */
static void pause_before(unsigned attempt)
{
	const struct timespec pause = {.tv_nsec = (1L << attempt) * 500000L};
	nanosleep(&pause, NULL);
}

static enum store_error attempt(struct sql *s, struct store_op *op, struct buf *why,
				sql_operation *f)
{
	s->again = false;
	buf_reset(why);
	enum store_error e = s->dialect->connect(s, why);
	if (e != STORE_OK)
		return e;
	if (atomic_load(&op->given_up)) {
		buf_puts(why, "its time was up");
		return STORE_UNAVAILABLE;
	}
	op->begun = true;
	e = f(s, op, why);
	if (e == STORE_FAILED)
		sql_forget(s);
	return e;
}

enum store_error sql_attempt(struct store_connection *c, struct store_op *op, struct buf *why,
			     sql_operation *f)
{
	struct sql *s = CONTAINER(c, struct sql, connection);
	enum store_error e;
	struct store_op none = {0}; /* of check and create */
	op = op ? op : &none;
	s->in_doubt = false;
	for (unsigned i = 1;; i++) {
		e = attempt(s, op, why, f);
		if (e == STORE_OK || !s->again || i == MAX_ATTEMPTS)
			break;
		pause_before(i);
	}
	c->lost = !s->connected;
	op->in_doubt = e != STORE_OK && s->in_doubt;
	return e;
}

enum store_error sql_begin(struct sql *s, struct buf *why)
{
	enum store_error e = STORE_OK;
	if (s->begin)
		e = s->dialect->command(s, slice_str(s->begin), why);
	s->in_transaction = e == STORE_OK;
	return e;
}

enum store_error sql_end(struct sql *s, enum store_error e, struct buf *why)
{
	s->in_transaction = false;
	if (e == STORE_OK) {
		e = s->dialect->command(s, SLICE("COMMIT"), why);
		if (e == STORE_OK)
			return e;
		s->in_doubt |= !s->undone;
		e = s->undone ? e : STORE_UNAVAILABLE;
	}
	/* Why the undoing fails is of no interest beside why it was needed. */
	bool again = s->again;
	struct buf ignored;
	buf_init(&ignored, SQL_MAX_TEXT);
	s->dialect->command(s, SLICE("ROLLBACK"), &ignored);
	buf_free(&ignored);
	s->again = again;
	return e;
}

/* The schema. */

/* The next statement of *rest with its semicolon; null at the end. */
static struct slice next_statement(struct slice *rest)
{
	for (size_t i = 0; i + 1 < rest->n; i++) {
		if (rest->p[i] != ';' || rest->p[i + 1] != '\n')
			continue;
		struct slice statement = slice_of(rest->p, i);
		*rest = slice_of(rest->p + i + 1, rest->n - i - 1);
		return statement;
	}
	return SLICE_NULL;
}

/* Runs the statements of the schema that hold word. */
static enum store_error create_matching(struct sql *s, struct slice word, struct buf *why)
{
	struct slice rest = slice_str(s->dialect->schema);
	for (;;) {
		struct slice statement = next_statement(&rest);
		if (!statement.p)
			return STORE_OK;
		if (!memmem(statement.p, statement.n, word.p, word.n))
			continue;
		enum store_error e = s->dialect->command(s, statement, why);
		if (e != STORE_OK)
			return e;
	}
}

static enum store_error create(struct sql *s, struct store_op *op, struct buf *why)
{
	(void)op;
	sql_forget(s);
	return create_matching(s, SLICE(""), why);
}

enum store_error sql_create(struct store_connection *c, struct buf *why)
{
	return sql_attempt(c, NULL, why, create);
}

static void take_integer(void *data, const struct sql_value *v)
{
	int64_t *out = data;
	*out = v[0].integer;
}

/* The version that a table claims to have, or -1. */
static int64_t table_version(struct sql *s, struct slice name)
{
	int64_t version = -1;
	struct buf ignored;
	struct sql_query q;
	buf_init(&ignored, SQL_MAX_TEXT);
	sql_query_init(&q);
	buf_puts(&q.text, "SELECT table_version FROM version WHERE table_name = ?");
	sql_bind_text(&q, name);
	q.columns[q.n_columns++] = SQL_INTEGER;
	q.row = take_integer;
	q.data = &version;
	sql_run(s, &q, &ignored);
	sql_query_free(&q);
	buf_free(&ignored);
	return version;
}

/* A table that is there must be of a shape we know; says what to do if not. */
static enum store_error check_table(struct sql *s, struct slice name, unsigned version,
				    const char *const *required, struct buf *why)
{
	const struct sql_table *t = NULL;
	enum store_error e = sql_table(s, name, required, &t, why);
	if (e != STORE_FAILED || !t || t->n_columns == 0)
		return e;
	int64_t found = table_version(s, name);
	if (found >= 0)
		buf_printf(why, " (its version is %lld)", (long long)found);
	buf_printf(why,
		   "; it must be of version %u: rename it, let `lunactl db init` make "
		   "a new one, and copy the rows",
		   version);
	return e;
}

static enum store_error check(struct sql *s, struct store_op *op, struct buf *why)
{
	(void)op;
	sql_forget(s);
	enum store_error e = check_table(s, SLICE("subscriber"), 7, sql_subscriber_columns, why);
	if (e == STORE_OK)
		e = check_table(s, SLICE("location"), 9, sql_location_columns, why);
	return e;
}

enum store_error sql_check(struct store_connection *c, struct buf *why)
{
	return sql_attempt(c, NULL, why, check);
}

/* Secrets. */

static const char *const secret_columns[] = {"name", "value", NULL};

/* A database made by others has no such table. */
static enum store_error secret_table(struct sql *s, const struct sql_table **t, struct buf *why)
{
	enum store_error e = sql_table(s, SLICE("lunasip_secret"), secret_columns, t, why);
	if (e != STORE_FAILED || !*t || (*t)->n_columns > 0)
		return e;
	buf_reset(why);
	sql_forget(s);
	e = create_matching(s, SLICE("lunasip_secret ("), why);
	if (e != STORE_OK)
		return e;
	return sql_table(s, SLICE("lunasip_secret"), secret_columns, t, why);
}

/* The first proposal stays: a later one finds the name taken and changes nothing. */
static enum store_error propose(struct sql *s, const struct store_op *op, struct buf *why)
{
	static const char *const name_only[] = {"name", NULL};
	struct sql_query q;
	sql_query_init(&q);
	buf_puts(&q.text, "INSERT INTO lunasip_secret (name, value) VALUES (?, ?)");
	sql_upsert(s, &q, "name", name_only);
	sql_bind_text(&q, op->username);
	sql_bind_text(&q, op->proposal);
	enum store_error e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

static void take_secret(void *data, const struct sql_value *v)
{
	struct store_op *op = data;
	op->secret = v[0].text;
}

static enum store_error look(struct sql *s, struct store_op *op, const struct sql_table *t,
			     struct buf *why)
{
	struct sql_query q;
	sql_query_init(&q);
	buf_puts(&q.text, "SELECT value FROM lunasip_secret WHERE ");
	sql_match(&q, t, "name", op->username);
	q.columns[q.n_columns++] = SQL_TEXT;
	q.row = take_secret;
	q.data = op;
	q.arena = &op->arena;
	enum store_error e = sql_run(s, &q, why);
	sql_query_free(&q);
	return e;
}

static enum store_error secret(struct sql *s, struct store_op *op, struct buf *why)
{
	const struct sql_table *t = NULL;
	op->secret = SLICE_NULL;
	enum store_error e = secret_table(s, &t, why);
	if (e == STORE_OK)
		e = look(s, op, t, why);
	if (e != STORE_OK || op->secret.p || !op->proposal.p)
		return e;
	e = propose(s, op, why);
	return e == STORE_OK ? look(s, op, t, why) : e;
}

enum store_error sql_secret(struct store_connection *c, struct store_op *op, struct buf *why)
{
	return sql_attempt(c, op, why, secret);
}
