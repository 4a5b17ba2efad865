/*
 * store: what the proxy keeps in a database, as a few domain operations.
 *
 * All are asynchronous: the caller fills a store_op, submits it, and is called
 * back on its own thread, maybe before submit returns.  Behind the interface
 * stands a queue that runs a driver's blocking calls on store threads
 * (store/queue), the memory driver called in place (store/direct), or the test
 * kit's store that can be slow, fail, or be gone (sim/); in front of it a
 * deadline for whoever waits (store/patience).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"

#include <stdatomic.h>

enum store_kind {
	STORE_CREDENTIALS,    /* the subscriber rows of a user name */
	STORE_LOCATION_LOAD,  /* the bindings of one AOR */
	STORE_LOCATION_SCAN,  /* a page of all bindings, for the start */
	STORE_LOCATION_WRITE, /* put and remove bindings, all of them or none */
	STORE_LOCATION_PURGE, /* remove what expired before a time */
	STORE_SECRET,         /* a named secret; the first proposal wins */
	STORE_QUERY,          /* a statement of a script's own */
};

enum store_error {
	STORE_OK = 0,
	STORE_UNAVAILABLE = -1, /* no connection, or it broke: try later */
	STORE_FAILED = -2,      /* the database refused: schema, rights, constraint */
	STORE_EXISTS = -3,      /* subscriber_add only */
	STORE_MISSING = -4,     /* subscriber_set and _remove only */
};

/* A row of `subscriber` (or a table of its shape). Absent columns are null slices. */
struct store_subscriber {
	struct slice username;
	struct slice domain;
	struct slice password;   /* plain, or empty */
	struct slice ha1;        /* MD5, 32 hex digits, or empty */
	struct slice ha1b;       /* the same over user@domain as user name, or empty */
	struct slice ha1_sha256; /* 64 hex digits, or empty */
};

/* A row of `location` or `aliases`.  Times are Unix seconds. */
struct store_binding {
	struct slice ruid; /* unique */
	struct slice username;
	struct slice domain; /* empty unless use_domain */
	struct slice contact;
	struct slice received; /* "sip:ADDR:PORT", or null */
	struct slice path;     /* Path values, comma separated, or null */
	int64_t expires;       /* 0: never */
	int q;                 /* thousandths, -1: none */
	struct slice callid;
	uint32_t cseq;
	int64_t last_modified;
	uint32_t flags;
	uint32_t cflags;
	struct slice user_agent;
	struct slice socket;   /* "udp:ADDR:PORT", or null */
	int64_t methods;       /* bit mask, -1: unknown */
	struct slice instance; /* +sip.instance, or null */
	uint32_t reg_id;       /* 0: none */
	bool known;            /* a put: there is a row of this ruid, most likely */
	uint64_t id;           /* of the row: where the next page of a scan begins */
};

/* A value of a query, as an argument or a result. */
enum store_type { STORE_NULL, STORE_TEXT, STORE_INTEGER, STORE_REAL };

struct store_value {
	enum store_type type;
	struct slice text;
	int64_t integer;
	double real;
};

/* Caps of a query. */
enum {
	STORE_QUERY_ARGS = 64,
	STORE_QUERY_COLUMNS = 64,
	STORE_QUERY_ROWS = 1000,
	STORE_QUERY_BYTES = 1 << 20, /* of all texts of the result */
	STORE_QUERY_SQL = 64 * 1024, /* of its own text */
};

/* Whether an operation may still be taken back; whoever runs it keeps it. */
enum store_progress { STORE_IDLE, STORE_WAITING, STORE_RUNNING };

struct store_op {
	struct list node; /* the queue's */
	enum store_kind kind;
	struct arena arena; /* holds arguments and results; store_op_free() frees it */

	/* Arguments; texts live in the arena. */
	struct slice table;         /* [A-Za-z0-9_]+ only; checked by store_submit */
	struct slice username;      /* CREDENTIALS, LOCATION_LOAD; SECRET: its name */
	struct slice domain;        /* LOCATION_LOAD; empty: rows of any domain */
	uint64_t after_id;          /* LOCATION_SCAN: rows with a greater id … */
	unsigned limit;             /* … at most so many */
	int64_t before;             /* LOCATION_PURGE: Unix seconds */
	struct slice proposal;      /* SECRET; null: only look */
	struct store_binding *puts; /* LOCATION_WRITE: inserted, or replaced by ruid */
	unsigned n_puts;
	struct slice *removes; /* LOCATION_WRITE: ruids */
	unsigned n_removes;
	struct slice *settles; /* LOCATION_WRITE: ruids whose rows stay as they are … */
	unsigned n_settles;    /* … but no write that was in doubt will still insert them */
	struct slice sql;      /* QUERY: one statement, with ? for each … */
	const struct store_value *args;
	unsigned n_args;
	bool background;      /* no request waits for it: it has no deadline */
	uint64_t deadline_ms; /* monotonic: when who waits gives up; 0: store/patience knows */

	/* Results. */
	enum store_error error;
	bool no_table;        /* LOCATION_LOAD failed because there is none of that name */
	struct slice message; /* of an error, for the log: no secrets, one line */
	bool told;            /* the log has it already */
	struct store_subscriber *subscribers;
	unsigned n_subscribers;
	struct store_binding *bindings;
	unsigned n_bindings;
	struct slice secret;
	struct slice *columns; /* QUERY: their names … */
	unsigned n_columns;
	struct store_value *values; /* … and n_rows times n_columns values */
	unsigned n_rows;
	uint64_t affected; /* QUERY: rows changed by a statement that gives none */

	void (*done)(struct store_op *op); /* on the submitter's thread; takes op */
	void *data;

	/*
	 * With STORE_UNAVAILABLE.  in_doubt: what was written may stand in the
	 * database, or not.  unfinished: its time was up while it was being done;
	 * this is a substitute, with kind, table, data and error, and the operation
	 * itself goes to late when it has ended (or is freed).
	 */
	bool in_doubt;
	bool unfinished;
	void (*late)(struct store_op *op); /* takes op; may be NULL */

	/* Those who carry it. */
	struct queue_port *port;      /* the queue's: where it goes home to */
	enum store_progress progress; /* under the queue's lock */
	bool patient;                 /* somebody takes it back when it has waited too long */
	bool begun;                   /* the database may have seen something of it */
	atomic_bool given_up;         /* nobody waits for it: nothing of it begins any more */
	bool left_out;                /* … of a group that was written without it */
};

struct store {
	void (*submit)(struct store *s, struct store_op *op);
	/* May be NULL, where nothing ever waits. */
	bool (*withdraw)(struct store *s, struct store_op *op);
	/* May be NULL, where any number may. */
	bool (*full)(struct store *s);
};

struct store_op *store_op_new(enum store_kind kind, struct slice table,
			      void (*done)(struct store_op *op), void *data);
void store_op_free(struct store_op *op);
/* Takes op until done.  A bad table name ends in STORE_FAILED. */
void store_submit(struct store *s, struct store_op *op);
/* Takes back what nobody has begun: true, it is the caller's and done is not called. */
bool store_withdraw(struct store *s, struct store_op *op);
/* So many requests wait for it that no more may: not even for what was asked already. */
bool store_full(struct store *s);

/* 1 to 64 letters, digits and _. */
bool store_table_name_ok(struct slice name);

/* The row's key, equal in all proxies: a hash of AOR and contact identity. */
void store_ruid(struct slice username, struct slice domain, struct slice contact, char out[40]);

/* The order of bytes, a prefix first: < 0, 0, > 0. */
int store_compare(struct slice a, struct slice b);

/* Copies whose texts live in a. */
void store_binding_copy(struct arena *a, struct store_binding *to,
			const struct store_binding *from);
void store_subscriber_copy(struct arena *a, struct store_subscriber *to,
			   const struct store_subscriber *from);

#endif
