/*
 * sql: what the SQL drivers share: the statements, and how rows become structs.
 *
 * A driver knows how to run one statement (its dialect); everything above that
 * is here once.  Statement texts hold names of tables and columns only, values
 * are bound.  Which columns a table has is asked once a connection and again
 * after a failure, so that tables of others (Kamailio's, without ha1_sha256)
 * are used as they are.
 */
#ifndef DB_SQL_H
#define DB_SQL_H

#include "base/arena.h"
#include "store/driver.h"

enum { SQL_MAX_VALUES = 40, SQL_MAX_TEXT = 4096 };

enum sql_type {
	SQL_NULL,
	SQL_TEXT, /* bytes, to the database; a null slice is bound as NULL */
	SQL_INTEGER,
	SQL_REAL,
	SQL_TIME, /* integer: Unix seconds */
};

struct sql_value {
	enum sql_type type;
	struct slice text;
	int64_t integer;
	double real;
};

/* One statement: its text is put together, its values bound, then it is run. */
struct sql_query {
	struct buf text;
	struct sql_value params[SQL_MAX_VALUES];
	unsigned n_params;
	/* Results: the types of the columns, what to do with each row (NULL values
	 * have type SQL_NULL), and where its texts go. */
	enum sql_type columns[SQL_MAX_VALUES];
	unsigned n_columns;
	void (*row)(void *data, const struct sql_value *values);
	void *data;
	struct arena *arena;
	uint64_t affected; /* rows changed (or found to be so already) */
};

struct sql;

struct sql_dialect {
	const char *name;       /* for messages */
	const char *schema;     /* db/schema/NAME.sql */
	const char *columns_of; /* rows (name, charset, collation) of the table ? */
	const char *begin;      /* starts a transaction that will write */
	bool on_conflict; /* ON CONFLICT … excluded.x, else ON DUPLICATE KEY … VALUES(x) */
	const char *delete_limit; /* ends a DELETE that shall stop after SQL_DELETE_ROWS */

	/* Connects if need be. */
	enum store_error (*connect)(struct sql *s, struct buf *why);
	/* Both fail without a connection, and set s->again where it may go better
	 * the next time. */
	enum store_error (*run)(struct sql *s, struct sql_query *q, struct buf *why);
	enum store_error (*command)(struct sql *s, struct slice text, struct buf *why);
};

enum { SQL_DELETE_ROWS = 1000 }; /* at a time, so that others get their turn */

/* The head of a driver's connection. */
struct sql {
	struct store_connection connection;
	const struct sql_dialect *dialect;
	bool again;
	struct list tables; /* of sql_table: what is known of them */
};

struct sql_column {
	struct slice name;
	struct slice charset; /* null: compared byte by byte */
	struct slice collation;
};

struct sql_table {
	struct list node;
	struct arena arena;
	struct slice name;
	struct sql_column *columns;
	unsigned n_columns;
};

void sql_init(struct sql *s, const struct store_driver *driver, const struct sql_dialect *d);
void sql_free(struct sql *s);

void sql_query_init(struct sql_query *q);
void sql_query_free(struct sql_query *q);
void sql_bind_text(struct sql_query *q, struct slice text);
void sql_bind_integer(struct sql_query *q, int64_t value);
void sql_bind_time(struct sql_query *q, int64_t unix_s);
void sql_bind_real(struct sql_query *q, double value);
void sql_bind_null(struct sql_query *q);
/* Appends "the column equals text, byte for byte", so that an index helps. */
void sql_match(struct sql_query *q, const struct sql_table *t, const char *column,
	       struct slice text);
/* Ends an INSERT: a row with the same key gets the proposed values of columns. */
void sql_upsert(struct sql *s, struct sql_query *q, const char *key, const char *const *columns);
enum store_error sql_run(struct sql *s, struct sql_query *q, struct buf *why);

/* What is known of a table; fails when it is not there or lacks one of the
 * required columns.  Valid until sql_forget(). */
enum store_error sql_table(struct sql *s, struct slice name, const char *const *required,
			   const struct sql_table **out, struct buf *why);
const struct sql_column *sql_column(const struct sql_table *t, const char *name);
void sql_forget(struct sql *s);

/* An operation that connects, and is tried again when that may help. */
typedef enum store_error sql_operation(struct sql *s, struct store_op *op, struct buf *why);
enum store_error sql_attempt(struct store_connection *c, struct store_op *op, struct buf *why,
			     sql_operation *f);

/* Between begin and end: all or nothing.  end() commits when e is STORE_OK, else
 * undoes, and returns the outcome. */
enum store_error sql_begin(struct sql *s, struct buf *why);
enum store_error sql_end(struct sql *s, enum store_error e, struct buf *why);

/* What a table of bindings, and `subscriber`, must have; NULL terminated. */
extern const char *const sql_location_columns[];
extern const char *const sql_subscriber_columns[];

/* The drivers' functions (store/driver.h). */
enum store_error sql_check(struct store_connection *c, struct buf *why);
enum store_error sql_create(struct store_connection *c, struct buf *why);
enum store_error sql_secret(struct store_connection *c, struct store_op *op, struct buf *why);
enum store_error sql_location_load(struct store_connection *c, struct store_op *op,
				   struct buf *why);
enum store_error sql_location_scan(struct store_connection *c, struct store_op *op,
				   struct buf *why);
enum store_error sql_location_write(struct store_connection *c, struct store_op *op,
				    struct buf *why);
enum store_error sql_location_purge(struct store_connection *c, struct store_op *op,
				    struct buf *why);
enum store_error sql_credentials(struct store_connection *c, struct store_op *op, struct buf *why);
enum store_error sql_subscriber_add(struct store_connection *c, const struct store_subscriber *s,
				    struct buf *why);
enum store_error sql_subscriber_set(struct store_connection *c, const struct store_subscriber *s,
				    struct buf *why);
enum store_error sql_subscriber_remove(struct store_connection *c, struct slice username,
				       struct slice domain, struct buf *why);
enum store_error sql_subscriber_list(struct store_connection *c, struct arena *a,
				     struct store_subscriber **rows, unsigned *n, struct buf *why);

#endif
