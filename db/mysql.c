/*
 * mysql: a store in MariaDB or MySQL, for proxies that share one.
 *
 * What we send and get are bytes, never recoded.  A broken connection is made
 * anew by the next operation; when that fails, operations fail at once for
 * RETRY_MS, so that those which queue up behind a dead server do not wait for
 * it one after another.
 *
 * Of several hosts a connection stays with the one it has found as long as that
 * works.  A host that says nothing in time, or refuses to work, is left for the
 * next one.  The connections of one store follow each other, so that each need
 * not wait in vain for itself.
 *
 * A commit whose answer is lost may have happened, or still happen.  It is in
 * doubt until it has been repeated: the rows are then written after all, at this
 * host or another one.  (On one server the second writer waits for the locks of
 * the first; in a Galera cluster, for rows that exist, the first to commit wins
 * and the other is undone.)
 */
#include "base/log.h"
#include "mysql_connect.h"
#include "mysql_stmt.h"
#include "schema.h"
#include "sql.h"
#include "sql_cache.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RETRY_MS = 250,
	QUICK_MS = 1000, /* an operation that failed faster may be tried again */
	CONNECTIONS = 5,
	MAX_REASON = 1000,
	UPDATE_ROWS = 100, /* of one round trip */
};

/* Known to newer servers and libraries only. */
enum {
	SNAPSHOT_CONFLICT = 1020,
	WSREP_NOT_READY = 1047,
	KILLED = 1927,
	STATEMENT_TIMEOUT = 1969,
	LOST_EXTENDED = 2055,
	IDLE_TOO_LONG = 4031
};

/* What the connections of one store share. */
struct place {
	atomic_uint users;
	atomic_uint host; /* where one of them found a server last */
};

struct mysql {
	struct sql sql;
	struct arena arena;
	struct mysql_url url;
	struct place *place;
	unsigned host; /* the last one it was connected to */
	bool leave;    /* … which is not asked first */
	MYSQL *handle; /* NULL: not connected */
	bool autocommit;
	struct sql_cache statements;
	struct mysql_clock clock;
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
	c->sql.connected = false;
	sql_cache_clear(&c->statements);
}

/* Where to look for a server first. */
static unsigned first_host(const struct mysql *c)
{
	unsigned host = atomic_load(&c->place->host);
	return c->leave && host == c->host ? host + 1 : host;
}

static enum store_error connect_now(struct mysql *c)
{
	struct mysql_found found;
	buf_reset(&c->refusal);
	if (mysql_connect_any(&found, &c->url, first_host(c), &c->refusal) < 0) {
		c->retry_ms = now_ms() + RETRY_MS;
		return STORE_UNAVAILABLE;
	}
	c->handle = found.handle;
	c->host = found.host;
	c->leave = false;
	c->autocommit = true;
	c->sql.connected = true;
	c->sql.update_rows = mysql_runs_many(c->handle) ? UPDATE_ROWS : 0;
	/* Whoever removes a row must not do so before it is here. */
	c->sql.begin = found.waits ? "START TRANSACTION" : NULL;
	atomic_store(&c->place->host, c->host);
	return STORE_OK;
}

static enum store_error connect_again(struct sql *s, struct buf *why)
{
	struct mysql *c = mysql_of(s);
	c->started_ms = now_ms();
	if (c->handle && c->host != atomic_load(&c->place->host))
		disconnect(c);
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

/* Not the statement is wrong, but the host: ours never take long elsewhere. */
static bool is_refusal(unsigned code)
{
	return code == WSREP_NOT_READY || code == STATEMENT_TIMEOUT ||
	       code == ER_OPTION_PREVENTS_STATEMENT || code == ER_READ_ONLY_MODE ||
	       code == ER_ERROR_DURING_COMMIT;
}

static bool is_passing(unsigned code)
{
	return code == ER_LOCK_WAIT_TIMEOUT || code == ER_CON_COUNT_ERROR ||
	       code == WSREP_NOT_READY || code == ER_OPTION_PREVENTS_STATEMENT ||
	       code == ER_QUERY_INTERRUPTED || code == STATEMENT_TIMEOUT;
}

/* The connection is of no use any more; the operation may go better elsewhere.  A host
 * that broke it at once is asked first all the same: if it is gone it says so at once. */
static enum store_error fail_over(struct mysql *c, unsigned code)
{
	bool quick = now_ms() - c->started_ms < QUICK_MS;
	c->leave = !quick || !is_lost(code) || code == ER_SERVER_SHUTDOWN;
	disconnect(c);
	c->sql.again = quick || c->url.n_hosts > 1;
	return STORE_UNAVAILABLE;
}

static enum store_error fail(struct mysql *c, unsigned code, struct buf *why)
{
	c->sql.undone = is_conflict(code);
	if (is_lost(code) || (is_refusal(code) && c->url.n_hosts > 1))
		return fail_over(c, code);
	c->sql.again = is_conflict(code);
	if (c->sql.again || is_passing(code))
		return STORE_UNAVAILABLE;
	if (code == ER_DUP_ENTRY)
		return STORE_EXISTS;
	if (why->n == 0)
		buf_printf(why, "error %u", code);
	return STORE_FAILED;
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

/* Whoever uses the connection next must not find himself in a transaction. */
static enum store_error finish_query(struct mysql *c, struct sql_query *q, struct buf *why)
{
	if (c->handle->server_status & SERVER_STATUS_IN_TRANS) {
		q->refuse = "a transaction is one statement here";
		if (mysql_rollback(c->handle))
			disconnect(c);
	}
	if (!q->refuse)
		return STORE_OK;
	buf_puts(why, q->refuse);
	return STORE_FAILED;
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

/* A connection that writes stays without autocommit, so that none of its transactions costs
 * a round trip to begin. */
static enum store_error set_autocommit(struct mysql *c, bool on, struct buf *why)
{
	if (c->handle && c->autocommit == on)
		return STORE_OK;
	struct slice text = on ? SLICE("SET autocommit = 1") : SLICE("SET autocommit = 0");
	enum store_error e = command(&c->sql, text, why);
	if (e == STORE_OK)
		c->autocommit = on;
	return e;
}

static enum store_error run(struct sql *s, struct sql_query *q, struct buf *why)
{
	struct mysql *c = mysql_of(s);
	MYSQL_STMT *stmt;
	enum store_error e = set_autocommit(c, !s->in_transaction, why);
	if (e == STORE_OK)
		e = prepare(c, buf_slice(&q->text), &stmt, why);
	if (e != STORE_OK)
		return e;
	if (mysql_stmt_run(stmt, q, &c->clock) != 0) {
		unsigned code = mysql_stmt_errno(stmt);
		log_clean(why, slice_str(mysql_stmt_error(stmt)), false);
		mysql_stmt_free_result(stmt);
		/* A script's statement takes as long anywhere. */
		return q->header && code == STATEMENT_TIMEOUT ? STORE_UNAVAILABLE
							      : fail(c, code, why);
	}
	mysql_stmt_free_result(stmt);
	return q->header ? finish_query(c, q, why) : STORE_OK;
}

/* The driver. */

static const struct sql_dialect dialect = {
    .name = "mysql",
    .schema = schema_mysql,
    .columns_of = "SELECT column_name, character_set_name, collation_name"
		  " FROM information_schema.columns"
		  " WHERE table_schema = DATABASE() AND table_name = ?",
    .on_conflict = false,
    .delete_limit = true,
    .insert_rows = 64,
    .connect = connect_again,
    .run = run,
    .command = command,
};

static void close_connection(struct store_connection *connection)
{
	struct mysql *c = mysql_of(CONTAINER(connection, struct sql, connection));
	disconnect(c);
	sql_free(&c->sql);
	if (atomic_fetch_sub(&c->place->users, 1) == 1)
		free(c->place);
	buf_free(&c->refusal);
	arena_free(&c->arena);
	free(c);
}

static enum store_error open_connection(struct store_connection **out, struct slice rest,
					struct store_connection *beside, struct buf *why)
{
	struct mysql *c = mem_zalloc(sizeof(*c));
	sql_init(&c->sql, &store_mysql, &dialect);
	sql_cache_init(&c->statements, drop_statement);
	arena_init(&c->arena, 512);
	buf_init(&c->refusal, MAX_REASON);
	if (beside)
		c->place = mysql_of(CONTAINER(beside, struct sql, connection))->place;
	else
		c->place = mem_zalloc(sizeof(*c->place));
	atomic_fetch_add(&c->place->users, 1);
	*out = &c->sql.connection;
	enum store_error e = STORE_FAILED;
	if (mysql_url_parse(&c->url, &c->arena, rest, why) == 0)
		e = connect_again(&c->sql, why);
	if (e != STORE_OK)
		close_connection(*out);
	return e;
}

static enum store_error open_first(struct store_connection **out, struct slice rest,
				   struct buf *why)
{
	return open_connection(out, rest, NULL, why);
}

static int check_url(struct slice rest, struct buf *why)
{
	struct mysql_url u;
	struct arena a;
	arena_init(&a, 512);
	int rc = mysql_url_parse(&u, &a, rest, why);
	arena_free(&a);
	return rc;
}

const struct store_driver store_mysql = {
    .scheme = "mysql",
    .connections = CONNECTIONS,
    .check_url = check_url,
    .open = open_first,
    .open_beside = open_connection,
    .close = close_connection,
    .check = sql_check,
    .create = sql_create,
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
