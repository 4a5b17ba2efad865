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

enum {
	SQL_MAX_VALUES = 2048, /* of a statement */
	SQL_MAX_COLUMNS = STORE_QUERY_COLUMNS,
	SQL_MAX_TEXT = STORE_QUERY_SQL,
};

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
	struct sql_value *params; /* room for a power of two of them */
	unsigned n_params;
	/* Results: the types of the columns, what to do with each row (NULL values
	 * have type SQL_NULL), and where its texts go.  With a header the columns
	 * are the statement's own, and told to it before the first row; refuse may
	 * be set from inside, with the reason, to have no more. */
	enum sql_type columns[SQL_MAX_COLUMNS];
	unsigned n_columns;
	void (*header)(void *data, const struct slice *names, unsigned n);
	void (*row)(void *data, const struct sql_value *values);
	const char *refuse;
	void *data;
	struct arena *arena;
	uint64_t affected; /* rows changed (or found to be so already) */
	unsigned times;    /* to be run, with as many sets of params; 0: once */
};

struct sql;

struct sql_dialect {
	const char *name;       /* for messages */
	const char *schema;     /* db/schema/NAME.sql */
	const char *columns_of; /* rows (name, charset, collation) of the table ? */
	bool on_conflict;     /* ON CONFLICT … excluded.x, else ON DUPLICATE KEY … VALUES(x) */
	bool delete_limit;    /* DELETE … LIMIT is known */
	unsigned insert_rows; /* of one INSERT at most; each number is a statement to prepare */

	/* Connects if need be. */
	enum store_error (*connect)(struct sql *s, struct buf *why);
	/* Both fail without a connection, and set s->again where it may go better
	 * the next time, and s->undone, which tells of a COMMIT that failed whether
	 * it did not happen. */
	enum store_error (*run)(struct sql *s, struct sql_query *q, struct buf *why);
	enum store_error (*command)(struct sql *s, struct slice text, struct buf *why);
};

enum { SQL_DELETE_ROWS = 1000 }; /* at a time, so that others get their turn */

/* The head of a driver's connection. */
struct sql {
	struct store_connection connection;
	const struct sql_dialect *dialect;
	bool connected;
	const char *begin; /* starts a transaction that will write; NULL: run() does, where it
			    * finds in_transaction */
	bool in_transaction;
	unsigned update_rows; /* of one UPDATE that is run many times at most; 0: none is */
	bool again;
	bool undone;        /* the last failure has undone the transaction */
	bool in_doubt;      /* a commit was lost: it may have happened */
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
/* The same for one more set of params. */
void sql_match_again(struct sql_query *q, const struct sql_table *t, const char *column,
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
/* op may be NULL. */
enum store_error sql_attempt(struct store_connection *c, struct store_op *op, struct buf *why,
			     sql_operation *f);

/* Between begin and end: all or nothing.  end() commits when e is STORE_OK, else
 * undoes, and returns the outcome. */
enum store_error sql_begin(struct sql *s, struct buf *why);
enum store_error sql_end(struct sql *s, enum store_error e, struct buf *why);

/* Appends the first n names of sql_location_columns. */
void sql_put_location_names(struct buf *text, unsigned n);

/* What a table of bindings, and `subscriber`, must have; NULL terminated. */
/* The columns of a binding, in the order in which they are bound and read. */
enum sql_location_column {
	SQL_RUID,
	SQL_USERNAME,
	SQL_DOMAIN,
	SQL_CONTACT,
	SQL_RECEIVED,
	SQL_PATH,
	SQL_EXPIRES,
	SQL_Q,
	SQL_CALLID,
	SQL_CSEQ,
	SQL_LAST_MODIFIED,
	SQL_FLAGS,
	SQL_CFLAGS,
	SQL_USER_AGENT,
	SQL_SOCKET,
	SQL_METHODS,
	SQL_INSTANCE,
	SQL_REG_ID,
	SQL_ID, /* the database's own */
	SQL_LOCATION_COLUMNS
};
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
void sql_location_write_group(struct store_connection *c, struct store_op *const *ops, unsigned n);
enum store_error sql_query(struct store_connection *c, struct store_op *op, struct buf *why);
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
