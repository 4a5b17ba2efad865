/*
 * queue: runs a driver's blocking calls on threads of its own, one connection
 * each, and brings the results home to the loop that asked.
 *
 * A queue serves any number of loops: each attaches a port, which belongs to
 * that loop's thread, as does the store behind it.  What one port submits is
 * begun in its order, lane by lane; ports have no order among each other.
 *
 * Writes of bindings have one thread, which keeps their order and lets those
 * that wait share a commit, whichever port they came from; queries and purges
 * have another, the rest what is left.  When the database is gone, what has not
 * begun waits for it: until it is back, or withdrawn (store/patience), or the
 * first port closes.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "base/log.h"
#include "store/driver.h"

#include <uv.h>

struct queue;
struct queue_port;

/*
 * Opens driver->connections connections; 0, or -1 with a sentence in why.
 * Lines for log come from the threads of all ports.
 */
int queue_open(struct queue **out, struct log *log, const struct store_driver *d, struct slice rest,
	       struct buf *why);
/* When all ports are closed: joins the threads, closes the connections.  Blocks. */
void queue_close(struct queue *q);

/* A port, which delivers on loop.  0, or -1 with a sentence in why.  May be called on any
 * thread as long as the loop does not run on another. */
int queue_attach(struct queue_port **out, struct queue *q, uv_loop_t *loop, struct buf *why);
struct store *queue_store(struct queue_port *p);
/* begin is called on the loop before results are told: to set the clock. */
void queue_on_batch(struct queue_port *p, void (*begin)(void *data), void *data);
/* Operations submitted and not yet done. */
unsigned queue_pending(const struct queue_port *p);
/*
 * Finishes what was submitted, then closes the port: p is gone when closed is
 * called, from the loop.  Blocks; results are delivered from inside.  From the
 * first one on no operation of any port waits for a database that is gone: the
 * ports of a queue close together.  The queue may close before closed is called.
 */
void queue_detach(struct queue_port *p, void (*closed)(void *data), void *data);

#endif
