/*
 * mysql: a store in MariaDB or MySQL, for proxies that share one.
 *
 * The connection's character set is binary: what we send and get are bytes,
 * never recoded.  The session is strict: what does not fit is refused, never
 * cut.  A broken connection is made anew by the next operation; when that
 * fails, operations fail at once for RETRY_MS, so that those which queue up
 * behind a dead server do not wait for it one after another.
 */
#include "base/log.h"
#include "mysql_url.h"
#include "schema.h"
#include "sql.h"
#include "sql_cache.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RETRY_MS = 1000,
	QUICK_MS = 1000, /* an operation that failed faster may be tried again */
	CONNECTIONS = 4,
	MAX_REASON = 512,
};

/* Known to newer servers and libraries only. */
enum {
	SNAPSHOT_CONFLICT = 1020,
	WSREP_NOT_READY = 1047,
	KILLED = 1927,
	LOST_EXTENDED = 2055,
	IDLE_TOO_LONG = 4031
};

struct mysql {
	struct sql sql;
	struct arena arena;
	struct mysql_url url;
	MYSQL *handle; /* NULL: not connected */
	struct sql_cache statements;
	int64_t started_ms; /* the operation; monotonic */
	int64_t retry_ms;   /* no connecting before */
	struct buf refusal; /* why the last connecting failed */
};

static struct mysql *mysql_of(struct sql *s)
{
	return CONTAINER(s, struct mysql, sql);
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Connecting. */

static void drop_statement(void *handle)
{
	mysql_stmt_close(handle);
}

static void disconnect(struct mysql *c)
{
	/* The connection goes first: its statements need not be closed one by one. */
	if (c->handle)
		mysql_close(c->handle);
	c->handle = NULL;
	sql_cache_clear(&c->statements);
}

static void set_options(MYSQL *h, const struct mysql_url *u)
{
	const unsigned off = 0;
	const unsigned protocol = u->socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
	char session[128];
	/* Who waits for a lock shall be told so before the connection is given up. */
	snprintf(
	    session, sizeof(session),
	    "SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION innodb_lock_wait_timeout = %u",
	    (u->timeout_s + 1) / 2);
	mysql_options(h, MYSQL_INIT_COMMAND, session);
	mysql_options(h, MYSQL_OPT_CONNECT_TIMEOUT, &u->connect_timeout_s);
	mysql_options(h, MYSQL_OPT_READ_TIMEOUT, &u->timeout_s);
	mysql_options(h, MYSQL_OPT_WRITE_TIMEOUT, &u->timeout_s);
	mysql_options(h, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(h, MYSQL_SET_CHARSET_NAME, "binary");
	/* Else "localhost" with a port would mean the default socket. */
	if (u->socket || u->port)
		mysql_options(h, MYSQL_OPT_PROTOCOL, &protocol);
}

static enum store_error connect_now(struct mysql *c)
{
	const struct mysql_url *u = &c->url;
	c->handle = mysql_init(NULL);
	if (!c->handle)
		abort();
	set_options(c->handle, u);
	if (mysql_real_connect(c->handle, u->socket ? "localhost" : u->host, u->user, u->password,
			       u->database, u->port, u->socket, CLIENT_FOUND_ROWS))
		return STORE_OK;
	buf_reset(&c->refusal);
	log_clean(&c->refusal, slice_str(mysql_error(c->handle)), false);
	c->retry_ms = now_ms() + RETRY_MS;
	disconnect(c);
	return STORE_UNAVAILABLE;
}

static enum store_error connect_again(struct sql *s, struct buf *why)
{
	struct mysql *c = mysql_of(s);
	c->started_ms = now_ms();
	if (c->handle)
		return STORE_OK;
	if (c->started_ms >= c->retry_ms && connect_now(c) == STORE_OK) {
		sql_forget(s);
		return STORE_OK;
	}
	buf_put(why, buf_slice(&c->refusal));
	return STORE_UNAVAILABLE;
}

/* Failing. */

static bool is_lost(unsigned code)
{
	return code == CR_SERVER_GONE_ERROR || code == CR_SERVER_LOST || code == LOST_EXTENDED ||
	       code == KILLED || code == IDLE_TOO_LONG || code == ER_SERVER_SHUTDOWN ||
	       code == CR_MALFORMED_PACKET || code == CR_COMMANDS_OUT_OF_SYNC;
}

static bool is_conflict(unsigned code)
{
	return code == ER_LOCK_DEADLOCK || code == SNAPSHOT_CONFLICT;
}

static bool is_passing(unsigned code)
{
	return code == ER_LOCK_WAIT_TIMEOUT || code == ER_CON_COUNT_ERROR ||
	       code == WSREP_NOT_READY || code == ER_OPTION_PREVENTS_STATEMENT ||
	       code == ER_QUERY_INTERRUPTED;
}

static enum store_error fail(struct mysql *c, unsigned code, struct buf *why)
{
	if (is_lost(code)) {
		disconnect(c);
		c->sql.again = now_ms() - c->started_ms < QUICK_MS;
		return STORE_UNAVAILABLE;
	}
	c->sql.again = is_conflict(code);
	if (c->sql.again || is_passing(code))
		return STORE_UNAVAILABLE;
	if (code == ER_DUP_ENTRY)
		return STORE_EXISTS;
	if (why->n == 0)
		buf_printf(why, "error %u", code);
	return STORE_FAILED;
}

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

static int64_t unix_of(const MYSQL_TIME *t)
{
	struct tm tm = {
	    .tm_year = (int)t->year - 1900,
	    .tm_mon = (int)t->month - 1,
	    .tm_mday = (int)t->day,
	    .tm_hour = (int)t->hour,
	    .tm_min = (int)t->minute,
	    .tm_sec = (int)t->second,
	    .tm_isdst = -1,
	};
	/* What people write for "never" is not 0 west of Greenwich. */
	bool never =
	    t->year <= 1970 && t->month <= 1 && t->day <= 1 && !t->hour && !t->minute && !t->second;
	int64_t unix_s = never ? 0 : (int64_t)mktime(&tm);
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

/* Values from the library. */

struct column {
	my_bool is_null;
	my_bool error;
	unsigned long length;
	long long integer;
	double real;
	MYSQL_TIME time;
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

static int read_value(MYSQL_STMT *stmt, unsigned i, const struct column *c, struct sql_value *v,
		      enum sql_type type, struct arena *a)
{
	*v = (struct sql_value){.type = c->is_null ? SQL_NULL : type};
	if (v->type == SQL_TEXT)
		return read_text(stmt, i, c->length, a, &v->text);
	if (v->type == SQL_INTEGER)
		v->integer = c->integer;
	else if (v->type == SQL_REAL)
		v->real = c->real;
	else if (v->type == SQL_TIME)
		v->integer = unix_of(&c->time);
	return 0;
}

/* Running. */

static enum store_error prepare(struct mysql *c, struct slice text, MYSQL_STMT **out,
				struct buf *why)
{
	*out = sql_cache_find(&c->statements, text);
	if (*out)
		return STORE_OK;
	MYSQL_STMT *stmt = mysql_stmt_init(c->handle);
	if (!stmt)
		abort();
	if (mysql_stmt_prepare(stmt, text.p, text.n)) {
		unsigned code = mysql_stmt_errno(stmt);
		log_clean(why, slice_str(mysql_stmt_error(stmt)), false);
		mysql_stmt_close(stmt);
		return fail(c, code, why);
	}
	sql_cache_add(&c->statements, text, stmt);
	*out = stmt;
	return STORE_OK;
}

static int execute(MYSQL_STMT *stmt, const struct sql_query *q)
{
	MYSQL_BIND binds[SQL_MAX_VALUES];
	MYSQL_TIME times[SQL_MAX_VALUES];
	for (unsigned i = 0; i < q->n_params; i++)
		bind_param(&binds[i], &q->params[i], &times[i]);
	if (q->n_params > 0 && mysql_stmt_bind_param(stmt, binds))
		return -1;
	return mysql_stmt_execute(stmt);
}

static int read_rows(MYSQL_STMT *stmt, const struct sql_query *q)
{
	MYSQL_BIND binds[SQL_MAX_VALUES];
	struct column columns[SQL_MAX_VALUES];
	struct sql_value values[SQL_MAX_VALUES];
	for (unsigned i = 0; i < q->n_columns; i++)
		bind_column(&binds[i], &columns[i], q->columns[i]);
	if (mysql_stmt_bind_result(stmt, binds))
		return -1;
	int rc;
	while ((rc = mysql_stmt_fetch(stmt)) == 0 || rc == MYSQL_DATA_TRUNCATED) {
		for (unsigned i = 0; i < q->n_columns; i++) {
			if (read_value(stmt, i, &columns[i], &values[i], q->columns[i], q->arena))
				return -1;
		}
		q->row(q->data, values);
	}
	return rc == MYSQL_NO_DATA ? 0 : -1;
}

static enum store_error run(struct sql *s, struct sql_query *q, struct buf *why)
{
	struct mysql *c = mysql_of(s);
	MYSQL_STMT *stmt;
	if (!c->handle) {
		buf_puts(why, "not connected");
		return STORE_UNAVAILABLE;
	}
	enum store_error e = prepare(c, buf_slice(&q->text), &stmt, why);
	if (e != STORE_OK)
		return e;
	if (execute(stmt, q) != 0 || (q->n_columns > 0 && read_rows(stmt, q) != 0)) {
		unsigned code = mysql_stmt_errno(stmt);
		log_clean(why, slice_str(mysql_stmt_error(stmt)), false);
		mysql_stmt_free_result(stmt);
		return fail(c, code, why);
	}
	q->affected = mysql_stmt_affected_rows(stmt);
	mysql_stmt_free_result(stmt);
	return STORE_OK;
}

static enum store_error command(struct sql *s, struct slice text, struct buf *why)
{
	struct mysql *c = mysql_of(s);
	if (!c->handle) {
		buf_puts(why, "not connected");
		return STORE_UNAVAILABLE;
	}
	if (mysql_real_query(c->handle, text.p, text.n) == 0)
		return STORE_OK;
	log_clean(why, slice_str(mysql_error(c->handle)), false);
	return fail(c, mysql_errno(c->handle), why);
}

/* The driver. */

static const struct sql_dialect dialect = {
    .name = "mysql",
    .schema = schema_mysql,
    .columns_of = "SELECT column_name, character_set_name, collation_name"
		  " FROM information_schema.columns"
		  " WHERE table_schema = DATABASE() AND table_name = ?",
    .begin = "START TRANSACTION",
    .on_conflict = false,
    .delete_limit = " LIMIT 1000", /* SQL_DELETE_ROWS */
    .connect = connect_again,
    .run = run,
    .command = command,
};

static void close_connection(struct store_connection *connection)
{
	struct mysql *c = mysql_of(CONTAINER(connection, struct sql, connection));
	disconnect(c);
	sql_free(&c->sql);
	buf_free(&c->refusal);
	arena_free(&c->arena);
	free(c);
}

static enum store_error open_connection(struct store_connection **out, struct slice rest,
					struct buf *why)
{
	struct mysql *c = mem_zalloc(sizeof(*c));
	sql_init(&c->sql, &store_mysql, &dialect);
	sql_cache_init(&c->statements, drop_statement);
	arena_init(&c->arena, 512);
	buf_init(&c->refusal, MAX_REASON);
	*out = &c->sql.connection;
	enum store_error e = STORE_FAILED;
	if (mysql_url_parse(&c->url, &c->arena, rest, why) == 0)
		e = connect_again(&c->sql, why);
	if (e != STORE_OK)
		close_connection(*out);
	return e;
}

const struct store_driver store_mysql = {
    .scheme = "mysql",
    .connections = CONNECTIONS,
    .open = open_connection,
    .close = close_connection,
    .check = sql_check,
    .create = sql_create,
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
