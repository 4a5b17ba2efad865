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

enum { BUSY_TIMEOUT_MS = 5000, CONNECTIONS = 2 };

struct sqlite {
	struct sql sql;
	char *path;
	sqlite3 *db; /* NULL: the file is not there */
	struct sql_cache statements;
};

static struct sqlite *sqlite_of(struct sql *s)
{
	return CONTAINER(s, struct sqlite, sql);
}

static enum store_error fail(struct sqlite *c, int rc, struct buf *why)
{
	const char *reason = c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
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

static int prepare(struct sqlite *c, struct slice text, sqlite3_stmt **out)
{
	*out = sql_cache_find(&c->statements, text);
	if (*out)
		return SQLITE_OK;
	int rc =
	    sqlite3_prepare_v3(c->db, text.p, (int)text.n, SQLITE_PREPARE_PERSISTENT, out, NULL);
	if (rc == SQLITE_OK && !*out)
		rc = SQLITE_MISUSE; /* nothing but comments */
	if (rc == SQLITE_OK)
		sql_cache_add(&c->statements, text, *out);
	return rc;
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

static int step_rows(sqlite3_stmt *handle, struct sql_query *q)
{
	struct sql_value values[SQL_MAX_VALUES];
	int rc;
	while ((rc = sqlite3_step(handle)) == SQLITE_ROW) {
		for (unsigned i = 0; i < q->n_columns; i++)
			read_value(handle, (int)i, &values[i], q->columns[i], q->arena);
		if (q->row)
			q->row(q->data, values);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static enum store_error sqlite_run(struct sql *s, struct sql_query *q, struct buf *why)
{
	struct sqlite *c = sqlite_of(s);
	sqlite3_stmt *handle;
	int rc = prepare(c, buf_slice(&q->text), &handle);
	if (rc != SQLITE_OK)
		return fail(c, rc, why);
	for (unsigned i = 0; rc == SQLITE_OK && i < q->n_params; i++)
		rc = bind_value(handle, (int)i + 1, &q->params[i]);
	if (rc == SQLITE_OK)
		rc = step_rows(handle, q);
	q->affected = (uint64_t)sqlite3_changes64(c->db);
	enum store_error e = rc == SQLITE_OK ? STORE_OK : fail(c, rc, why);
	sqlite3_reset(handle);
	sqlite3_clear_bindings(handle);
	return e;
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
    .begin = "BEGIN IMMEDIATE",
    .on_conflict = true,
    .delete_limit = "",
    .connect = sqlite_connect,
    .run = sqlite_run,
    .command = sqlite_command,
};

static bool path_ok(struct slice path, struct buf *why)
{
	if (path.n == 0 || slice_eq(path, SLICE(":memory:")) || slice_chr(path, '\0')) {
		buf_puts(why, "sqlite: needs the path of a file (without one, use memory:)");
		return false;
	}
	return true;
}

static enum store_error sqlite_open(struct store_connection **out, struct slice rest,
				    struct buf *why)
{
	if (!path_ok(rest, why))
		return STORE_FAILED;
	struct sqlite *c = mem_zalloc(sizeof(*c));
	sql_init(&c->sql, &store_sqlite, &dialect);
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
    .open = sqlite_open,
    .close = sqlite_close,
    .check = sql_check,
    .create = sqlite_create,
    .credentials = sql_credentials,
    .location_load = sql_location_load,
    .location_scan = sql_location_scan,
    .location_write = sql_location_write,
    .location_purge = sql_location_purge,
    .secret = sql_secret,
    .subscriber_add = sql_subscriber_add,
    .subscriber_set = sql_subscriber_set,
    .subscriber_remove = sql_subscriber_remove,
    .subscriber_list = sql_subscriber_list,
};
