#include "mysql_stmt.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Values to the library. */

/* DATETIMEs are in local time. */
static MYSQL_TIME datetime_of(int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct tm tm;
	if (!localtime_r(&t, &tm))
		tm = (struct tm){.tm_year = 70, .tm_mday = 1};
	return (MYSQL_TIME){
	    .year = (unsigned)tm.tm_year + 1900,
	    .month = (unsigned)tm.tm_mon + 1,
	    .day = (unsigned)tm.tm_mday,
	    .hour = (unsigned)tm.tm_hour,
	    .minute = (unsigned)tm.tm_min,
	    .second = (unsigned)tm.tm_sec,
	    .time_type = MYSQL_TIMESTAMP_DATETIME,
	};
}

static int64_t minute_began(const MYSQL_TIME *t)
{
	struct tm tm = {
	    .tm_year = (int)t->year - 1900,
	    .tm_mon = (int)t->month - 1,
	    .tm_mday = (int)t->day,
	    .tm_hour = (int)t->hour,
	    .tm_min = (int)t->minute,
	    .tm_isdst = -1,
	};
	return (int64_t)mktime(&tm);
}

/* Rows that are read together share their minutes. */
static int64_t minute_of(struct mysql_clock *c, const MYSQL_TIME *t)
{
	uint64_t day = ((uint64_t)t->year * 13 + t->month) * 32 + t->day;
	uint64_t local = (day * 24 + t->hour) * 60 + t->minute;
	unsigned i = local % MYSQL_MINUTES;
	if (c->minutes[i].local != local) {
		c->minutes[i].unix_s = minute_began(t);
		c->minutes[i].local = local;
	}
	return c->minutes[i].unix_s;
}

static int64_t unix_of(struct mysql_clock *c, const MYSQL_TIME *t)
{
	/* What people write for "never" is not 0 west of Greenwich. */
	bool never =
	    t->year <= 1970 && t->month <= 1 && t->day <= 1 && !t->hour && !t->minute && !t->second;
	int64_t unix_s = never ? 0 : minute_of(c, t) + t->second;
	return unix_s > 0 ? unix_s : 0;
}

/* The library reads from buffer only, but its type does not say so. */
static void point(MYSQL_BIND *b, const void *p)
{
	memcpy(&b->buffer, &p, sizeof(p));
}

static void bind_param(MYSQL_BIND *b, const struct sql_value *v, MYSQL_TIME *time)
{
	*b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
	switch (v->type) {
	case SQL_TEXT:
		b->buffer_type = MYSQL_TYPE_STRING;
		b->buffer_length = v->text.n;
		point(b, v->text.p);
		break;
	case SQL_INTEGER:
		b->buffer_type = MYSQL_TYPE_LONGLONG;
		point(b, &v->integer);
		break;
	case SQL_REAL:
		b->buffer_type = MYSQL_TYPE_DOUBLE;
		point(b, &v->real);
		break;
	case SQL_TIME:
		*time = datetime_of(v->integer);
		b->buffer_type = MYSQL_TYPE_DATETIME;
		b->buffer = time;
		break;
	case SQL_NULL:
		break;
	}
}

/* Many sets of values: column after column, in the library's own terms. */

union slot {
	const void *p; /* of a text or a time */
	int64_t integer;
	double real;
};

struct many {
	struct arena arena;
	const struct sql_value *v; /* set after set */
	unsigned n_columns;
	unsigned n;
};

/* NULL when nothing is there to tell. */
static enum sql_type many_type(const struct many *m, unsigned column)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct sql_value *v = &m->v[i * m->n_columns + column];
		if (v->type != SQL_NULL)
			return v->type;
	}
	return SQL_NULL;
}

static enum enum_field_types field_type_of(enum sql_type type)
{
	switch (type) {
	case SQL_INTEGER:
		return MYSQL_TYPE_LONGLONG;
	case SQL_REAL:
		return MYSQL_TYPE_DOUBLE;
	case SQL_TIME:
		return MYSQL_TYPE_DATETIME;
	case SQL_TEXT:
	case SQL_NULL:
		break;
	}
	return MYSQL_TYPE_STRING;
}

static void fill_slot(struct many *m, union slot *slot, const struct sql_value *v)
{
	if (v->type == SQL_INTEGER) {
		slot->integer = v->integer;
	} else if (v->type == SQL_REAL) {
		slot->real = v->real;
	} else if (v->type == SQL_TIME) {
		MYSQL_TIME *time = arena_alloc(&m->arena, sizeof(*time));
		*time = datetime_of(v->integer);
		slot->p = time;
	} else {
		slot->p = v->text.p;
	}
}

static void bind_many_column(struct many *m, MYSQL_BIND *b, unsigned column)
{
	union slot *slots = arena_zalloc(&m->arena, m->n * sizeof(*slots));
	unsigned long *lengths = arena_zalloc(&m->arena, m->n * sizeof(*lengths));
	char *indicators = arena_alloc(&m->arena, m->n);
	*b = (MYSQL_BIND){.buffer_type = field_type_of(many_type(m, column))};
	for (unsigned i = 0; i < m->n; i++) {
		const struct sql_value *v = &m->v[i * m->n_columns + column];
		indicators[i] = v->type == SQL_NULL ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
		lengths[i] = v->text.n;
		fill_slot(m, &slots[i], v);
	}
	b->buffer = slots;
	b->length = lengths;
	b->u.indicator = indicators;
}

static int execute_many(MYSQL_STMT *stmt, const struct sql_query *q)
{
	struct many m = {.v = q->params, .n_columns = q->n_params / q->times, .n = q->times};
	arena_init(&m.arena, q->n_params * (sizeof(union slot) + sizeof(MYSQL_TIME)));
	MYSQL_BIND *binds = arena_alloc(&m.arena, m.n_columns * sizeof(*binds));
	for (unsigned i = 0; i < m.n_columns; i++)
		bind_many_column(&m, &binds[i], i);
	int rc = -1;
	if (!mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &m.n) &&
	    !mysql_stmt_bind_param(stmt, binds))
		rc = mysql_stmt_execute(stmt);
	arena_free(&m.arena);
	return rc;
}

bool mysql_runs_many(MYSQL *h)
{
	unsigned long capabilities = 0;
	if (mariadb_get_infov(h, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &capabilities))
		return false;
	return (capabilities & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
}

/* Values from the library. */

struct column {
	my_bool is_null;
	my_bool error;
	unsigned long length;
	long long integer;
	double real;
	MYSQL_TIME time;
};

/* A result. */
struct reading {
	MYSQL_STMT *stmt;
	const struct sql_query *q;
	struct mysql_clock *clock;
	struct column columns[SQL_MAX_COLUMNS];
};

/* Texts are fetched one by one when their length is known. */
static void bind_column(MYSQL_BIND *b, struct column *c, enum sql_type type)
{
	*b = (MYSQL_BIND){.is_null = &c->is_null, .error = &c->error, .length = &c->length};
	if (type == SQL_INTEGER) {
		b->buffer_type = MYSQL_TYPE_LONGLONG;
		b->buffer = &c->integer;
	} else if (type == SQL_REAL) {
		b->buffer_type = MYSQL_TYPE_DOUBLE;
		b->buffer = &c->real;
	} else if (type == SQL_TIME) {
		b->buffer_type = MYSQL_TYPE_DATETIME;
		b->buffer = &c->time;
	} else {
		b->buffer_type = MYSQL_TYPE_STRING;
	}
}

static int read_text(MYSQL_STMT *stmt, unsigned i, unsigned long n, struct arena *a,
		     struct slice *out)
{
	char *text = arena_alloc(a, n + 1);
	MYSQL_BIND b = {.buffer_type = MYSQL_TYPE_STRING, .buffer = text, .buffer_length = n};
	*out = slice_of(text, n);
	return n > 0 ? mysql_stmt_fetch_column(stmt, &b, i, 0) : 0;
}

static int read_value(struct reading *r, unsigned i, struct sql_value *v)
{
	const struct column *c = &r->columns[i];
	enum sql_type type = r->q->columns[i];
	*v = (struct sql_value){.type = c->is_null ? SQL_NULL : type};
	if (v->type == SQL_TEXT)
		return read_text(r->stmt, i, c->length, r->q->arena, &v->text);
	if (v->type == SQL_INTEGER)
		v->integer = c->integer;
	else if (v->type == SQL_REAL)
		v->real = c->real;
	else if (v->type == SQL_TIME)
		v->integer = unix_of(r->clock, &c->time);
	return 0;
}

/* Executing. */

static int execute(MYSQL_STMT *stmt, const struct sql_query *q)
{
	unsigned n = q->n_params;
	MYSQL_BIND *binds = mem_alloc(n * sizeof(*binds) + 1);
	MYSQL_TIME *times = mem_alloc(n * sizeof(*times) + 1);
	for (unsigned i = 0; i < n; i++)
		bind_param(&binds[i], &q->params[i], &times[i]);
	int rc = n > 0 && mysql_stmt_bind_param(stmt, binds) ? -1 : mysql_stmt_execute(stmt);
	free(binds);
	free(times);
	return rc;
}

static int read_row(struct reading *r)
{
	struct sql_value values[SQL_MAX_COLUMNS];
	for (unsigned i = 0; i < r->q->n_columns; i++) {
		if (read_value(r, i, &values[i]))
			return -1;
	}
	r->q->row(r->q->data, values);
	return 0;
}

static int read_rows(MYSQL_STMT *stmt, const struct sql_query *q, struct mysql_clock *clock)
{
	MYSQL_BIND binds[SQL_MAX_COLUMNS];
	struct reading r;
	int rc;
	r.stmt = stmt;
	r.q = q;
	r.clock = clock;
	for (unsigned i = 0; i < q->n_columns; i++)
		bind_column(&binds[i], &r.columns[i], q->columns[i]);
	if (mysql_stmt_bind_result(stmt, binds))
		return -1;
	while ((rc = mysql_stmt_fetch(stmt)) == 0 || rc == MYSQL_DATA_TRUNCATED) {
		if (read_row(&r))
			return -1;
		if (q->refuse)
			return 0;
	}
	return rc == MYSQL_NO_DATA ? 0 : -1;
}

/* A script's statement. */

/* Dates and decimals are texts: Lua has nothing that holds them. */
static enum sql_type type_of(const MYSQL_FIELD *f)
{
	switch (f->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
		return SQL_INTEGER;
	case MYSQL_TYPE_FLOAT:
	case MYSQL_TYPE_DOUBLE:
		return SQL_REAL;
	default:
		return SQL_TEXT;
	}
}

static void look_at_columns(struct sql_query *q, MYSQL_RES *meta)
{
	struct slice names[SQL_MAX_COLUMNS];
	unsigned n = mysql_num_fields(meta);
	const MYSQL_FIELD *fields = mysql_fetch_fields(meta);
	if (n > SQL_MAX_COLUMNS) {
		q->refuse = "more columns than a script may have";
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		names[i] = slice_of(fields[i].name, fields[i].name_length);
		q->columns[i] = type_of(&fields[i]);
	}
	q->n_columns = n;
	q->header(q->data, names, n);
}

/* What it gives, and whether the arguments fit. */
static void look_at(MYSQL_STMT *stmt, struct sql_query *q)
{
	if (mysql_stmt_param_count(stmt) != q->n_params) {
		q->refuse = "not as many arguments as question marks";
		return;
	}
	MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
	if (!meta)
		return;
	look_at_columns(q, meta);
	mysql_free_result(meta);
}

/* Procedures give more results than one: they are not for us. */
static void drop_more_results(MYSQL_STMT *stmt)
{
	while (mysql_stmt_more_results(stmt) && mysql_stmt_next_result(stmt) == 0)
		mysql_stmt_free_result(stmt);
}

int mysql_stmt_run(MYSQL_STMT *stmt, struct sql_query *q, struct mysql_clock *clock)
{
	if (q->header)
		look_at(stmt, q);
	if (q->refuse)
		return 0;
	if ((q->times ? execute_many(stmt, q) : execute(stmt, q)) != 0)
		return -1;
	if (q->n_columns > 0 && read_rows(stmt, q, clock) != 0)
		return -1;
	my_ulonglong affected = mysql_stmt_affected_rows(stmt);
	q->affected = q->n_columns > 0 || affected == (my_ulonglong)-1 ? 0 : affected;
	if (q->header) {
		mysql_stmt_free_result(stmt);
		drop_more_results(stmt);
	}
	return 0;
}
