/*
 * database: the store of the workers: the driver its URL names, called in place
 * when it never waits, else through a queue of threads.  The daemon opens one;
 * each worker attaches a port, whose store it may use on its own thread.
 */
#ifndef APP_DATABASE_H
#define APP_DATABASE_H

#include "store/direct.h"
#include "store/queue.h"

struct database {
	struct store_connection *connection;
	struct direct direct; /* … over it, … */
	struct queue *queue;  /* … or this; neither: not open */
};

struct database_port {
	struct store *store; /* NULL: not attached */
	struct queue_port *queue;
};

/* 0, or -1: no driver of that name, or not its form; why says so. */
int database_check_url(struct slice url, struct buf *why);
/*
 * Opens url and looks whether the tables are there.  0, or -1 with a sentence
 * in why, without the password.
 */
int database_open(struct database *d, struct log *log, struct slice url, struct buf *why);
/* After all ports.  Harmless when it is not open. */
void database_close(struct database *d);

/* Results come home on loop.  0, or -1 with a sentence in why. */
int database_attach(struct database_port *p, struct database *d, uv_loop_t *loop, struct buf *why);
/* begin is called on the loop before results are told: to set the clock. */
void database_on_batch(struct database_port *p, void (*begin)(void *data), void *data);
/* Operations not yet done. */
unsigned database_pending(const struct database_port *p);
/* Blocks until what is pending is done, and told from inside; its handle closes with the
 * next turns of the loop.  All ports close together (store/queue).  Harmless when it is not
 * attached. */
void database_detach(struct database_port *p);

#endif
