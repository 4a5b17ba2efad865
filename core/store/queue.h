/*
 * queue: runs a driver's blocking calls on threads of its own, one connection
 * each, and brings the results home to the loop that asked.
 *
 * Writes of bindings have one thread, which keeps their order and lets those
 * that wait share a commit; queries and purges have another, the rest what is
 * left.  When the database is gone, what has not begun waits for it: until it
 * is back, or withdrawn (store/patience), or the queue closes.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "base/log.h"
#include "store/driver.h"

#include <uv.h>

struct queue;

/*
 * Opens driver->connections connections; 0, or -1 with a sentence in why.
 * Results are delivered on loop.
 */
int queue_open(struct queue **out, uv_loop_t *loop, struct log *log, const struct store_driver *d,
	       struct slice rest, struct buf *why);
struct store *queue_store(struct queue *q);
/* begin is called on the loop before results are told: to set the clock. */
void queue_on_batch(struct queue *q, void (*begin)(void *data), void *data);
/* Operations submitted and not yet done. */
unsigned queue_pending(const struct queue *q);
/* Finishes what was submitted, joins the threads, closes the connections. Blocks;
 * results are delivered from inside. */
void queue_close(struct queue *q, void (*closed)(void *data), void *data);

#endif
