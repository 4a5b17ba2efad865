/*
 * sqlite: a store in one file, for a proxy that stands alone.
 *
 * WAL mode, so that reading never waits for writing; synchronous=FULL, so that
 * what was answered survives a loss of power; a busy timeout, so that two
 * writers take turns.  Statements stay prepared.
 */
#include "base/log.h"
#include "schema.h"
#include "sql.h"
#include "sql_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BUSY_TIMEOUT_MS = 5000,
	CONNECTIONS = 3,
	QUERY_MS = 10000,    /* that a script's statement may take … */
	WATCH_STEPS = 10000, /* … seen to every so many steps */
};

struct sqlite {
	struct sql sql;
	char *path;
	sqlite3 *db;    /* NULL: the file is not there */
	int64_t end_ms; /* of a script's statement; monotonic */
	struct sql_cache statements;
};

static struct sqlite *sqlite_of(struct sql *s)
{
	return CONTAINER(s, struct sqlite, sql);
}

static enum store_error fail(struct sqlite *c, int rc, struct buf *why)
{
	const char *reason = c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
	c->sql.undone = true;
	log_clean(why, slice_str(reason), false);
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		rc = sqlite3_extended_errcode(c->db);
		return rc == SQLITE_CONSTRAINT_UNIQUE ? STORE_EXISTS : STORE_FAILED;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_FULL:
	case SQLITE_INTERRUPT:
		return STORE_UNAVAILABLE;
	default:
		return STORE_FAILED;
	}
}

static void drop_statement(void *handle)
{
	sqlite3_finalize(handle);
}

static enum store_error prepare(struct sqlite *c, struct slice text, sqlite3_stmt **out,
				struct buf *why)
{
	const char *rest;
	*out = sql_cache_find(&c->statements, text);
	if (*out)
		return STORE_OK;
	int rc =
	    sqlite3_prepare_v3(c->db, text.p, (int)text.n, SQLITE_PREPARE_PERSISTENT, out, &rest);
	if (rc != SQLITE_OK)
		return fail(c, rc, why);
	if (!*out || slice_trim(slice_range(rest, slice_end(text))).n > 0) {
		buf_puts(why, "not one statement");
		sqlite3_finalize(*out);
		return STORE_FAILED;
	}
	sql_cache_add(&c->statements, text, *out);
	return STORE_OK;
}

/* Values.  Times are Julian days as Kamailio has them: half a second early. */

static const double epoch_day = 2440587.5;

static double julian_of(int64_t unix_s)
{
	return ((double)unix_s - 0.5) / 86400.0 + epoch_day;
}

static int64_t unix_of(double julian)
{
	double s = floor((julian - epoch_day) * 86400.0 + 0.75);
	return s > -1e15 && s < 1e15 ? (int64_t)s : 0;
}

/* "YYYY-MM-DD HH:MM:SS", or another form that SQL people write, in UTC. */
static int64_t unix_of_text(const char *text)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	if (!rest)
		return 0;
	if (*rest == ' ' || *rest == 'T')
		strptime(rest + 1, "%H:%M:%S", &tm);
	return (int64_t)timegm(&tm);
}

static int64_t time_of(sqlite3_stmt *s, int column)
{
	int64_t t;
	if (sqlite3_column_type(s, column) == SQLITE_TEXT) {
		const void *text = sqlite3_column_text(s, column);
		t = unix_of_text(text);
	} else {
		t = unix_of(sqlite3_column_double(s, column));
	}
	return t > 0 ? t : 0;
}

/* Text with a NUL inside is a blob: SQLite promises nothing for it otherwise. */
static int bind_text(sqlite3_stmt *s, int i, struct slice text)
{
	if (memchr(text.p, '\0', text.n))
		return sqlite3_bind_blob64(s, i, text.p, text.n, SQLITE_STATIC);
	return sqlite3_bind_text64(s, i, text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_value(sqlite3_stmt *s, int i, const struct sql_value *v)
{
	switch (v->type) {
	case SQL_TEXT:
		return bind_text(s, i, v->text);
	case SQL_INTEGER:
		return sqlite3_bind_int64(s, i, v->integer);
	case SQL_REAL:
		return sqlite3_bind_double(s, i, v->real);
	case SQL_TIME:
		return sqlite3_bind_double(s, i, julian_of(v->integer));
	case SQL_NULL:
		break;
	}
	return sqlite3_bind_null(s, i);
}

static void read_value(sqlite3_stmt *s, int column, struct sql_value *v, enum sql_type type,
		       struct arena *a)
{
	*v = (struct sql_value){.type = type};
	if (sqlite3_column_type(s, column) == SQLITE_NULL) {
		v->type = SQL_NULL;
		return;
	}
	if (type == SQL_INTEGER) {
		v->integer = sqlite3_column_int64(s, column);
	} else if (type == SQL_REAL) {
		v->real = sqlite3_column_double(s, column);
	} else if (type == SQL_TIME) {
		v->integer = time_of(s, column);
	} else {
		/* A blob comes as its bytes, and an empty one as NULL. */
		const void *p = sqlite3_column_blob(s, column);
		size_t n = (size_t)sqlite3_column_bytes(s, column);
		v->text = p ? arena_dup(a, slice_of(p, n)) : SLICE("");
	}
}

/* Running. */

/* A value has a type of its own here, whatever its column says. */
static enum sql_type type_of(sqlite3_stmt *s, int column)
{
	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		return SQL_INTEGER;
	case SQLITE_FLOAT:
		return SQL_REAL;
	default:
		return SQL_TEXT;
	}
}

static void read_row(sqlite3_stmt *handle, struct sql_query *q)
{
	struct sql_value values[SQL_MAX_COLUMNS];
	for (unsigned i = 0; i < q->n_columns; i++) {
		enum sql_type type = q->header ? type_of(handle, (int)i) : q->columns[i];
		read_value(handle, (int)i, &values[i], type, q->arena);
	}
	if (q->row)
		q->row(q->data, values);
}

static int step_rows(sqlite3_stmt *handle, struct sql_query *q)
{
	int rc;
	while ((rc = sqlite3_step(handle)) == SQLITE_ROW && !q->refuse)
		read_row(handle, q);
	return rc == SQLITE_DONE || q->refuse ? SQLITE_OK : rc;
}

/* A script's statement: what it gives, and whether the arguments fit. */
static void look_at(sqlite3_stmt *handle, struct sql_query *q)
{
	struct slice names[SQL_MAX_COLUMNS];
	int n = sqlite3_column_count(handle);
	if (sqlite3_bind_parameter_count(handle) != (int)q->n_params)
		q->refuse = "not as many arguments as question marks";
	else if (n > SQL_MAX_COLUMNS)
		q->refuse = "more columns than a script may have";
	if (q->refuse)
		return;
	for (int i = 0; i < n; i++)
		names[i] = slice_str(sqlite3_column_name(handle, i));
	q->n_columns = (unsigned)n;
	q->header(q->data, names, q->n_columns);
}

static int execute(sqlite3_stmt *handle, struct sql_query *q)
{
	int rc = SQLITE_OK;
	if (q->header)
		look_at(handle, q);
	for (unsigned i = 0; rc == SQLITE_OK && !q->refuse && i < q->n_params; i++)
		rc = bind_value(handle, (int)i + 1, &q->params[i]);
	return rc == SQLITE_OK && !q->refuse ? step_rows(handle, q) : rc;
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int is_late(void *data)
{
	const struct sqlite *c = data;
	return now_ms() > c->end_ms;
}

/* A script's statement may not keep others from their turn. */
static void watch_over(struct sqlite *c, bool on)
{
	c->end_ms = now_ms() + QUERY_MS;
	sqlite3_progress_handler(c->db, WATCH_STEPS, on ? is_late : NULL, c);
}

static void roll_back(struct sqlite *c)
{
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum store_error sqlite_run(struct sql *s, struct sql_query *q, struct buf *why)
{
	struct sqlite *c = sqlite_of(s);
	sqlite3_stmt *handle;
	enum store_error e = prepare(c, buf_slice(&q->text), &handle, why);
	if (e != STORE_OK)
		return e;
	watch_over(c, q->header != NULL);
	int rc = execute(handle, q);
	q->affected = sqlite3_stmt_readonly(handle) ? 0 : (uint64_t)sqlite3_changes64(c->db);
	e = rc == SQLITE_OK ? STORE_OK : fail(c, rc, why);
	sqlite3_reset(handle);
	sqlite3_clear_bindings(handle);
	/* Whoever uses the connection next must not find himself in a transaction. */
	if (q->header && !sqlite3_get_autocommit(c->db)) {
		roll_back(c);
		q->refuse = "a transaction is one statement here";
	}
	if (e != STORE_OK || !q->refuse)
		return e;
	buf_puts(why, q->refuse);
	return STORE_FAILED;
}

static enum store_error sqlite_command(struct sql *s, struct slice text, struct buf *why)
{
	struct sqlite *c = sqlite_of(s);
	struct sql_query q;
	sql_query_init(&q);
	buf_put(&q.text, text);
	enum store_error e = c->db ? sqlite_run(s, &q, why) : STORE_UNAVAILABLE;
	sql_query_free(&q);
	return e;
}

/* The connection. */

static void disconnect(struct sqlite *c)
{
	sql_cache_clear(&c->statements);
	sqlite3_close_v2(c->db);
	c->db = NULL;
	c->sql.connected = false;
}

static int configure(struct sqlite *c)
{
	sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS);
	sqlite3_extended_result_codes(c->db, 1);
	return sqlite3_exec(c->db,
			    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			    "PRAGMA trusted_schema = OFF;",
			    NULL, NULL, NULL);
}

static enum store_error connect_file(struct sqlite *c, struct buf *why)
{
	enum store_error e = STORE_OK;
	int rc =
	    sqlite3_open_v2(c->path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK && sqlite3_db_readonly(c->db, "main")) {
		buf_puts(why, "the file cannot be written");
		e = STORE_UNAVAILABLE;
	} else {
		rc = rc == SQLITE_OK ? configure(c) : rc;
		if (rc != SQLITE_OK)
			e = fail(c, rc, why);
	}
	c->sql.connected = e == STORE_OK;
	if (e != STORE_OK)
		disconnect(c);
	return e;
}

static enum store_error sqlite_connect(struct sql *s, struct buf *why)
{
	struct sqlite *c = sqlite_of(s);
	if (c->db)
		return STORE_OK;
	if (access(c->path, F_OK) < 0) {
		buf_printf(why, "%s", strerror(errno));
		if (errno == ENOENT)
			buf_puts(why, "; `lunactl db init` makes the database");
		return STORE_UNAVAILABLE;
	}
	return connect_file(c, why);
}

static void sqlite_close(struct store_connection *connection)
{
	struct sqlite *c = sqlite_of(CONTAINER(connection, struct sql, connection));
	disconnect(c);
	sql_free(&c->sql);
	free(c->path);
	free(c);
}

/* Passwords are inside: the file is its owner's.  What SQLite puts beside it gets
 * the same mode. */
static enum store_error sqlite_create(struct store_connection *connection, struct buf *why)
{
	struct sqlite *c = sqlite_of(CONTAINER(connection, struct sql, connection));
	int fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		buf_printf(why, "%s", strerror(errno));
		return STORE_UNAVAILABLE;
	}
	close(fd);
	return sql_create(connection, why);
}

static const struct sql_dialect dialect = {
    .name = "sqlite",
    .schema = schema_sqlite,
    .columns_of = "SELECT name, NULL, NULL FROM pragma_table_info(?)",
    .on_conflict = true,
    .delete_limit = false,
    .insert_rows = 1,
    .connect = sqlite_connect,
    .run = sqlite_run,
    .command = sqlite_command,
};

static int check_path(struct slice path, struct buf *why)
{
	if (path.n == 0 || slice_eq(path, SLICE(":memory:")) || slice_chr(path, '\0')) {
		buf_puts(why, "sqlite: needs the path of a file (without one, use memory:)");
		return -1;
	}
	return 0;
}

static enum store_error sqlite_open(struct store_connection **out, struct slice rest,
				    struct buf *why)
{
	if (check_path(rest, why) < 0)
		return STORE_FAILED;
	struct sqlite *c = mem_zalloc(sizeof(*c));
	sql_init(&c->sql, &store_sqlite, &dialect);
	c->sql.begin = "BEGIN IMMEDIATE";
	sql_cache_init(&c->statements, drop_statement);
	c->path = mem_alloc(rest.n + 1);
	memcpy(c->path, rest.p, rest.n);
	c->path[rest.n] = '\0';
	*out = &c->sql.connection;
	/* A file that is not there yet waits for create(), all else is reported now. */
	if (access(c->path, F_OK) < 0 && errno == ENOENT)
		return STORE_OK;
	enum store_error e = sqlite_connect(&c->sql, why);
	if (e != STORE_OK)
		sqlite_close(*out);
	return e;
}

const struct store_driver store_sqlite = {
    .scheme = "sqlite",
    .connections = CONNECTIONS,
    .check_url = check_path,
    .open = sqlite_open,
    .close = sqlite_close,
    .check = sql_check,
    .create = sqlite_create,
    .credentials = sql_credentials,
    .location_load = sql_location_load,
    .location_scan = sql_location_scan,
    .location_write = sql_location_write,
    .location_purge = sql_location_purge,
    .location_write_group = sql_location_write_group,
    .secret = sql_secret,
    .query = sql_query,
    .subscriber_add = sql_subscriber_add,
    .subscriber_set = sql_subscriber_set,
    .subscriber_remove = sql_subscriber_remove,
    .subscriber_list = sql_subscriber_list,
};
