/*
 * store: what the proxy keeps in a database, as a few domain operations.
 *
 * All are asynchronous: the caller fills a store_op, submits it, and is called
 * back on its own thread, maybe before submit returns.  Behind the interface
 * stands a queue that runs a driver's blocking calls on store threads
 * (store/queue), the memory driver called in place (store/direct), or the test
 * kit's store that can be slow, fail, or be gone (sim/).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"

enum store_kind {
	STORE_CREDENTIALS,    /* the subscriber rows of a user name */
	STORE_LOCATION_LOAD,  /* the bindings of one AOR */
	STORE_LOCATION_SCAN,  /* a page of all bindings, for the start */
	STORE_LOCATION_WRITE, /* put and remove bindings, all of them or none */
	STORE_LOCATION_PURGE, /* remove what expired before a time */
	STORE_SECRET,         /* a named secret; the first proposal wins */
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
	uint64_t id;           /* of the row: where the next page of a scan begins */
};

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

	/* Results. */
	enum store_error error;
	struct slice message; /* of an error, for the log: no secrets, one line */
	struct store_subscriber *subscribers;
	unsigned n_subscribers;
	struct store_binding *bindings;
	unsigned n_bindings;
	struct slice secret;

	void (*done)(struct store_op *op); /* on the submitter's thread; takes op */
	void *data;
	void *home; /* the store's: which worker waits for it */
};

struct store {
	void (*submit)(struct store *s, struct store_op *op);
};

struct store_op *store_op_new(enum store_kind kind, struct slice table,
			      void (*done)(struct store_op *op), void *data);
void store_op_free(struct store_op *op);
/* Takes op until done.  A bad table name ends in STORE_FAILED. */
void store_submit(struct store *s, struct store_op *op);

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
