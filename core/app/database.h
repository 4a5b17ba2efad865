/*
 * database: the store of a worker: the driver its URL names, called in place
 * when it never waits, else through a queue of threads.
 */
#ifndef APP_DATABASE_H
#define APP_DATABASE_H

#include "store/direct.h"
#include "store/queue.h"

struct database {
	struct store *store; /* NULL: not open */
	struct store_connection *connection;
	struct direct direct;
	struct queue *queue;
};

/* 0, or -1: no driver of that name, or not its form; why says so. */
int database_check_url(struct slice url, struct buf *why);
/*
 * Opens url and looks whether the tables are there.  0, or -1 with a sentence
 * in why, without the password.  Results come home on loop.
 */
int database_open(struct database *d, uv_loop_t *loop, struct log *log, struct slice url,
		  struct buf *why);
/* begin is called on the loop before results are told: to set the clock. */
void database_on_batch(struct database *d, void (*begin)(void *data), void *data);
/* Operations not yet done. */
unsigned database_pending(const struct database *d);
/* Harmless when it is not open. */
void database_close(struct database *d);

#endif
