/*
 * sql_query: a statement of a script's own, with its arguments bound.
 */
#include "sql.h"

#include <string.h>

struct result {
	struct sql_query *q;
	struct store_op *op;
	size_t bytes;
};

static void bind_args(struct sql_query *q, const struct store_op *op)
{
	for (unsigned i = 0; i < op->n_args; i++) {
		const struct store_value *v = &op->args[i];
		if (v->type == STORE_TEXT)
			sql_bind_text(q, v->text.p ? v->text : SLICE(""));
		else if (v->type == STORE_INTEGER)
			sql_bind_integer(q, v->integer);
		else if (v->type == STORE_REAL)
			sql_bind_real(q, v->real);
		else
			sql_bind_null(q);
	}
}

static void take_header(void *data, const struct slice *names, unsigned n)
{
	struct store_op *op = ((struct result *)data)->op;
	op->columns = arena_alloc(&op->arena, n * sizeof(*op->columns) + 1);
	op->n_columns = n;
	for (unsigned i = 0; i < n; i++)
		op->columns[i] = arena_dup(&op->arena, names[i]);
}

static struct store_value value_of(const struct sql_value *v)
{
	switch (v->type) {
	case SQL_TEXT:
		return (struct store_value){.type = STORE_TEXT, .text = v->text};
	case SQL_INTEGER:
	case SQL_TIME:
		return (struct store_value){.type = STORE_INTEGER, .integer = v->integer};
	case SQL_REAL:
		return (struct store_value){.type = STORE_REAL, .real = v->real};
	case SQL_NULL:
		break;
	}
	return (struct store_value){.type = STORE_NULL};
}

/* Full whenever the number of rows is a power of two, or zero. */
static struct store_value *add_row(struct store_op *op)
{
	unsigned n = op->n_rows, width = op->n_columns;
	if ((n & (n - 1)) == 0) {
		size_t room = (size_t)(n ? 2 * n : 1) * width;
		struct store_value *more = arena_alloc(&op->arena, room * sizeof(*more));
		if (n > 0)
			memcpy(more, op->values, (size_t)n * width * sizeof(*more));
		op->values = more;
	}
	op->n_rows++;
	return op->values + (size_t)n * width;
}

static void take_row(void *data, const struct sql_value *v)
{
	struct result *r = data;
	for (unsigned i = 0; i < r->op->n_columns; i++)
		r->bytes += v[i].type == SQL_TEXT ? v[i].text.n : 0;
	if (r->op->n_rows == STORE_QUERY_ROWS)
		r->q->refuse = "more rows than a script may have: say LIMIT";
	if (r->bytes > STORE_QUERY_BYTES)
		r->q->refuse = "more bytes than a script may have";
	if (r->q->refuse)
		return;
	struct store_value *row = add_row(r->op);
	for (unsigned i = 0; i < r->op->n_columns; i++)
		row[i] = value_of(&v[i]);
}

static enum store_error run_query(struct sql *s, struct store_op *op, struct buf *why)
{
	struct sql_query q;
	struct result result = {.q = &q, .op = op};
	if (slice_trim(op->sql).n == 0) {
		buf_puts(why, "not one statement");
		return STORE_FAILED;
	}
	sql_query_init(&q);
	buf_put(&q.text, op->sql);
	bind_args(&q, op);
	q.header = take_header;
	q.row = take_row;
	q.data = &result;
	q.arena = &op->arena;
	op->n_columns = op->n_rows = 0;
	enum store_error e = sql_run(s, &q, why);
	s->again = false; /* it may have done half of what it does: that is not ours to repeat */
	op->affected = q.affected;
	sql_query_free(&q);
	return e;
}

enum store_error sql_query(struct store_connection *c, struct store_op *op, struct buf *why)
{
	return sql_attempt(c, op, why, run_query);
}
