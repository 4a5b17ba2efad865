/*
 * driver: what a database must be able to do, in blocking calls.
 *
 * A connection is used by one thread at a time.  Calls return a store_error
 * and leave a one-line reason in `why` when it is not STORE_OK; results are
 * put into the arena.  A driver reconnects by itself at the next call after a
 * broken connection.  User names are compared byte for byte, whatever the
 * collation: bob, BOB and "bob " are three users.  Every value is bound.
 */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

struct store_connection {
	const struct store_driver *driver;
	bool lost; /* the last operation found no database at its end */
};

struct store_driver {
	const char *scheme;   /* "memory", "sqlite", "mysql" */
	unsigned connections; /* how many threads may use it side by side; 0: called in place */

	/* Whether rest, the URL behind "scheme:", has its form; nothing is opened.
	 * NULL: it always has. */
	int (*check_url)(struct slice rest, struct buf *why);
	/* Tables may be missing, and so may the
	 * file of an embedded database until create().  Reasons never show the
	 * password, nor repeat the URL: who has it names it. */
	enum store_error (*open)(struct store_connection **out, struct slice rest, struct buf *why);
	/* The same, to where beside is if that may be, another connection to rest.
	 * NULL: there is one place only. */
	enum store_error (*open_beside)(struct store_connection **out, struct slice rest,
					struct store_connection *beside, struct buf *why);
	void (*close)(struct store_connection *c);

	/* The tables this program needs are there (and of a shape it can use). */
	enum store_error (*check)(struct store_connection *c, struct buf *why);
	/* Creates what is missing of db/schema; leaves what is there alone. */
	enum store_error (*create)(struct store_connection *c, struct buf *why);

	/* The asynchronous operations; arguments and results in op. */
	enum store_error (*credentials)(struct store_connection *c, struct store_op *op,
					struct buf *why);
	enum store_error (*location_load)(struct store_connection *c, struct store_op *op,
					  struct buf *why);
	enum store_error (*location_scan)(struct store_connection *c, struct store_op *op,
					  struct buf *why);
	enum store_error (*location_write)(struct store_connection *c, struct store_op *op,
					   struct buf *why);
	enum store_error (*location_purge)(struct store_connection *c, struct store_op *op,
					   struct buf *why);
	enum store_error (*secret)(struct store_connection *c, struct store_op *op,
				   struct buf *why);
	/* NULL: it speaks no SQL. */
	enum store_error (*query)(struct store_connection *c, struct store_op *op, struct buf *why);
	/* Many LOCATION_WRITEs of one table, in this order, with one commit; each is
	 * answered for itself (error, message).  NULL: they are run one by one. */
	void (*location_write_group)(struct store_connection *c, struct store_op *const *ops,
				     unsigned n);

	/* For lunactl. add: STORE_EXISTS; set, remove: STORE_MISSING.  username and
	 * domain are the key; list: rows in order of username, domain. */
	enum store_error (*subscriber_add)(struct store_connection *c,
					   const struct store_subscriber *s, struct buf *why);
	enum store_error (*subscriber_set)(struct store_connection *c,
					   const struct store_subscriber *s, struct buf *why);
	enum store_error (*subscriber_remove)(struct store_connection *c, struct slice username,
					      struct slice domain, struct buf *why);
	enum store_error (*subscriber_list)(struct store_connection *c, struct arena *a,
					    struct store_subscriber **rows, unsigned *n,
					    struct buf *why);
};

extern const struct store_driver store_memory;
extern const struct store_driver store_sqlite;
extern const struct store_driver store_mysql;

/* The driver of "memory:", "sqlite:PATH" or "mysql://…"; *rest is what follows
 * the scheme.  NULL when there is none of that name. */
const struct store_driver *store_driver_of(struct slice url, struct slice *rest);
/* What may be a password in url, also where it is misspelt; null: nothing.  Borrows of url. */
struct slice store_url_secret(struct slice url);
/* The URL with its password as "***", for logs and errors. */
void store_url_clean(struct slice url, struct buf *out);

/* Runs op on c: calls what op->kind names, sets op->error and op->message. */
void store_run(struct store_connection *c, struct store_op *op);
/* The same for LOCATION_WRITEs of one table. */
void store_run_group(struct store_connection *c, struct store_op *const *ops, unsigned n);

#endif
