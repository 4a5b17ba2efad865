#include "store/queue.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * Operations wander from a lane to a thread and from there to the `finished` of
 * the port they came from, where its loop finds them.  Lanes, `finished` and
 * all that stands below `mutex` are under it; the rest of a port belongs to its
 * loop's thread.
 *
 * A connection that is lost is made anew by its thread's next operation, by one
 * thread at a time and with pauses: a database that comes back meets one probe,
 * not all of us.  Operations that found no connection go back to their lane as
 * long as somebody has the patience.
 */

enum lane_name { LANE_READ, LANE_WRITE, LANE_SLOW, N_LANES };

enum {
	GROUP_OPS = 256, /* writes that share a commit … */
	GROUP_ROWS = 1000,
	PAUSE_MS = 100, /* before the next probe, and up to twice as much */
	REASON_BYTES = 1024,
};

struct lane {
	struct list waiting;
	uv_cond_t work;
};

struct worker {
	struct queue *queue;
	struct lane *lane;
	struct store_connection *connection;
	uv_thread_t thread;
	bool telling;  /* ports that they have results: they must stay */
	bool probing;  /* it has the token */
	bool hopeless; /* closing, and it found no database */
};

struct queue_port {
	struct store store;
	struct queue *queue;
	uv_async_t wake;           /* results are waiting */
	void (*begin)(void *data); /* before results are told; or NULL */
	void *begin_data;

	unsigned pending;
	bool closed;
	void (*on_closed)(void *data);
	void *data;

	struct list finished; /* under the queue's mutex */
	uv_cond_t result;     /* for closing, which does not run the loop */
};

struct queue {
	struct log *log;
	atomic_bool complained; /* the log says that the database fails */

	uv_mutex_t mutex;
	uv_cond_t pause; /* ends when the queue closes */
	uv_cond_t told;  /* a thread has told its ports */
	struct lane lanes[N_LANES];
	struct buf trouble; /* why there is no connection; a loop says it */
	bool probing;       /* somebody has the token */
	bool closing;       /* a port does: nothing waits for a database that is gone */
	bool stop;

	unsigned n_threads;
	struct worker workers[];
};

static struct store_op *op_of(struct list *node)
{
	return CONTAINER(node, struct store_op, node);
}

/* Writes have a thread of their own, for their order and to share commits; what
 * may take long has another, where there are enough. */
static enum lane_name lane_of_kind(const struct queue *q, enum store_kind kind)
{
	if (q->n_threads > 1 && kind == STORE_LOCATION_WRITE)
		return LANE_WRITE;
	if (q->n_threads > 2 && (kind == STORE_QUERY || kind == STORE_LOCATION_PURGE))
		return LANE_SLOW;
	return LANE_READ;
}

static enum lane_name lane_of_worker(unsigned i, unsigned n)
{
	if (n > 1 && i == 0)
		return LANE_WRITE;
	return n > 2 && i == 1 ? LANE_SLOW : LANE_READ;
}

static void wake_all(struct queue *q)
{
	for (unsigned i = 0; i < N_LANES; i++)
		uv_cond_broadcast(&q->lanes[i].work);
}

/* On the threads. */

static bool may_take(const struct worker *w)
{
	if (list_empty(&w->lane->waiting))
		return false;
	return !w->connection->lost || !w->queue->probing || w->queue->closing;
}

static bool joins_group(const struct store_op *first, const struct store_op *op)
{
	return op->kind == STORE_LOCATION_WRITE && first->kind == STORE_LOCATION_WRITE &&
	       slice_eq(op->table, first->table);
}

/* The next operation, or the writes that may share a commit. */
static unsigned pick(struct lane *lane, struct store_op **ops)
{
	unsigned n = 0, rows = 0;
	while (n < GROUP_OPS && rows < GROUP_ROWS && !list_empty(&lane->waiting)) {
		struct store_op *op = op_of(lane->waiting.next);
		if (n > 0 && !joins_group(ops[0], op))
			break;
		list_remove(&op->node);
		op->progress = STORE_RUNNING;
		ops[n++] = op;
		rows += op->n_puts + op->n_removes;
		if (op->kind != STORE_LOCATION_WRITE)
			break;
	}
	return n;
}

/* Blocks; 0 when there will be no more. */
static unsigned take(struct worker *w, struct store_op **ops)
{
	struct queue *q = w->queue;
	unsigned n = 0;
	uv_mutex_lock(&q->mutex);
	w->telling = false;
	uv_cond_broadcast(&q->told);
	while (!may_take(w) && !q->stop)
		uv_cond_wait(&w->lane->work, &q->mutex);
	if (!list_empty(&w->lane->waiting)) {
		n = pick(w->lane, ops);
		w->probing = w->connection->lost && !q->probing;
		q->probing |= w->probing;
	}
	uv_mutex_unlock(&q->mutex);
	return n;
}

static void run(struct worker *w, struct store_op **ops, unsigned n)
{
	if (!w->hopeless) {
		store_run_group(w->connection, ops, n);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		ops[i]->error = STORE_UNAVAILABLE;
		ops[i]->message = SLICE("the database was gone when the proxy stopped");
	}
}

static bool waits_on(const struct worker *w, const struct store_op *op)
{
	return op->error == STORE_UNAVAILABLE && w->connection->lost && op->patient && !op->begun &&
	       !w->queue->closing;
}

/* Back to the head of the line; called last one first. */
static void put_back(struct worker *w, struct store_op *op)
{
	struct list *head = &w->lane->waiting;
	op->progress = STORE_WAITING;
	op->error = STORE_OK;
	list_push(head->next, &op->node);
}

/* The ports of these operations, few of them twice; under the mutex, where operations stay. */
static unsigned ports_of(struct store_op *const *ops, unsigned n, struct queue_port **ports)
{
	unsigned n_ports = 0;
	for (unsigned i = 0; i < n; i++)
		if (i == 0 || ops[i]->port != ports[n_ports - 1])
			ports[n_ports++] = ops[i]->port;
	return n_ports;
}

static void give_back(struct worker *w, struct store_op **ops, unsigned n)
{
	struct queue *q = w->queue;
	struct queue_port *ports[GROUP_OPS];
	uv_mutex_lock(&q->mutex);
	unsigned n_ports = ports_of(ops, n, ports);
	w->telling = true;
	if (w->connection->lost && q->trouble.n == 0)
		buf_put(&q->trouble, ops[0]->message);
	w->hopeless = q->closing && w->connection->lost;
	for (unsigned i = n; i-- > 0;)
		if (waits_on(w, ops[i]))
			put_back(w, ops[i]);
	uv_cond_broadcast(&w->lane->work);
	for (unsigned i = 0; i < n; i++)
		if (ops[i]->progress == STORE_RUNNING)
			list_push(&ops[i]->port->finished, &ops[i]->node);
	for (unsigned i = 0; i < n_ports; i++)
		uv_cond_signal(&ports[i]->result);
	uv_mutex_unlock(&q->mutex);
	/* Whoever wakes up now wants the mutex. */
	for (unsigned i = 0; i < n_ports; i++)
		uv_async_send(&ports[i]->wake);
}

static void probe_end(struct worker *w)
{
	struct queue *q = w->queue;
	uint64_t jitter_ms = uv_hrtime() / 1000 % PAUSE_MS;
	uv_mutex_lock(&q->mutex);
	if (w->connection->lost && !q->closing)
		uv_cond_timedwait(&q->pause, &q->mutex, (PAUSE_MS + jitter_ms) * 1000000);
	w->probing = false;
	q->probing = false;
	wake_all(q);
	uv_mutex_unlock(&q->mutex);
}

static void work(void *data)
{
	struct worker *w = data;
	struct store_op *ops[GROUP_OPS];
	unsigned n;
	while ((n = take(w, ops)) > 0) {
		run(w, ops, n);
		give_back(w, ops, n);
		if (w->probing)
			probe_end(w);
	}
}

/* On the thread of a port's loop. */

/* Says once that the database fails, and once that it is well again. */
static void complain(struct queue *q, struct slice why)
{
	if (!atomic_exchange(&q->complained, true))
		log_error(q->log, "store: the database fails: %.*s", SLICE_ARG(why));
}

static void watch(struct queue *q, struct store_op *op)
{
	if (op->error == STORE_UNAVAILABLE) {
		complain(q, op->message);
		op->told = true;
	}
	if (op->error != STORE_OK || !atomic_load(&q->complained))
		return;
	if (atomic_exchange(&q->complained, false))
		log_notice(q->log, "store: the database answers again");
}

/* Hands over what has finished; what done() submits comes later. */
static void deliver(struct queue_port *p)
{
	struct queue *q = p->queue;
	char trouble[REASON_BYTES];
	struct list batch;
	list_init(&batch);
	uv_mutex_lock(&q->mutex);
	size_t n = q->trouble.n;
	if (n > 0)
		memcpy(trouble, q->trouble.p, n);
	buf_reset(&q->trouble);
	for (struct list *node; (node = list_shift(&p->finished)) != NULL;)
		list_push(&batch, node);
	uv_mutex_unlock(&q->mutex);

	if (n > 0)
		complain(q, slice_of(trouble, n));
	for (struct list *node; (node = list_shift(&batch)) != NULL;) {
		struct store_op *op = op_of(node);
		p->pending--;
		op->progress = STORE_IDLE;
		watch(q, op);
		op->done(op);
	}
}

static void on_wake(uv_async_t *wake)
{
	struct queue_port *p = wake->data;
	if (p->begin)
		p->begin(p->begin_data);
	deliver(p);
}

static void submit(struct store *s, struct store_op *op)
{
	struct queue_port *p = CONTAINER(s, struct queue_port, store);
	struct queue *q = p->queue;
	if (p->closed) {
		op->error = STORE_UNAVAILABLE;
		op->message = SLICE("the store is closed");
		op->done(op);
		return;
	}
	struct lane *lane = &q->lanes[lane_of_kind(q, op->kind)];
	p->pending++;
	op->port = p;
	uv_mutex_lock(&q->mutex);
	op->progress = STORE_WAITING;
	list_push(&lane->waiting, &op->node);
	/* Whoever has lost its connection may have to go back to sleep. */
	if (q->probing)
		uv_cond_broadcast(&lane->work);
	else
		uv_cond_signal(&lane->work);
	uv_mutex_unlock(&q->mutex);
}

static bool withdraw(struct store *s, struct store_op *op)
{
	struct queue_port *p = CONTAINER(s, struct queue_port, store);
	struct queue *q = p->queue;
	uv_mutex_lock(&q->mutex);
	bool waiting = op->progress == STORE_WAITING;
	if (waiting) {
		list_remove(&op->node);
		op->progress = STORE_IDLE;
		p->pending--;
	}
	uv_mutex_unlock(&q->mutex);
	return waiting;
}

struct store *queue_store(struct queue_port *p)
{
	return &p->store;
}

void queue_on_batch(struct queue_port *p, void (*begin)(void *data), void *data)
{
	p->begin = begin;
	p->begin_data = data;
}

unsigned queue_pending(const struct queue_port *p)
{
	return p->pending;
}

static void port_free(struct queue_port *p)
{
	uv_cond_destroy(&p->result);
	free(p);
}

int queue_attach(struct queue_port **out, struct queue *q, uv_loop_t *loop, struct buf *why)
{
	struct queue_port *p = mem_zalloc(sizeof(*p));
	p->store = (struct store){.submit = submit, .withdraw = withdraw};
	p->queue = q;
	list_init(&p->finished);
	if (uv_cond_init(&p->result))
		abort();
	int rc = uv_async_init(loop, &p->wake, on_wake);
	if (rc < 0) {
		buf_printf(why, "store results: %s", uv_strerror(rc));
		port_free(p);
		return -1;
	}
	p->wake.data = p;
	*out = p;
	return 0;
}

/* Blocks until there are results. */
static void await_result(struct queue_port *p)
{
	uv_mutex_lock(&p->queue->mutex);
	while (list_empty(&p->finished))
		uv_cond_wait(&p->result, &p->queue->mutex);
	uv_mutex_unlock(&p->queue->mutex);
}

/* From now on nothing waits for a database that is gone. */
static void hurry(struct queue *q)
{
	uv_mutex_lock(&q->mutex);
	q->closing = true;
	uv_cond_broadcast(&q->pause);
	uv_mutex_unlock(&q->mutex);
}

/* Blocks while a thread may still wake a port. */
static void await_told(struct queue *q)
{
	uv_mutex_lock(&q->mutex);
	for (unsigned i = 0; i < q->n_threads; i++)
		while (q->workers[i].telling)
			uv_cond_wait(&q->told, &q->mutex);
	uv_mutex_unlock(&q->mutex);
}

static void on_wake_closed(uv_handle_t *wake)
{
	struct queue_port *p = wake->data;
	if (p->on_closed)
		p->on_closed(p->data);
	port_free(p);
}

void queue_detach(struct queue_port *p, void (*closed)(void *data), void *data)
{
	hurry(p->queue);
	while (p->pending > 0) {
		await_result(p);
		deliver(p);
	}
	await_told(p->queue);
	p->closed = true;
	p->on_closed = closed;
	p->data = data;
	uv_close((uv_handle_t *)&p->wake, on_wake_closed);
}

/* Opening and closing. */

static void queue_free(struct queue *q)
{
	for (unsigned i = 0; i < N_LANES; i++)
		uv_cond_destroy(&q->lanes[i].work);
	uv_cond_destroy(&q->pause);
	uv_cond_destroy(&q->told);
	uv_mutex_destroy(&q->mutex);
	buf_free(&q->trouble);
	free(q);
}

static void join(struct queue *q)
{
	uv_mutex_lock(&q->mutex);
	q->stop = true;
	wake_all(q);
	uv_mutex_unlock(&q->mutex);
	for (unsigned i = 0; i < q->n_threads; i++)
		uv_thread_join(&q->workers[i].thread);
}

static void close_connections(struct queue *q, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		q->workers[i].connection->driver->close(q->workers[i].connection);
}

void queue_close(struct queue *q)
{
	hurry(q); /* a probe may still pause */
	join(q);
	close_connections(q, q->n_threads);
	queue_free(q);
}

static struct queue *queue_new(unsigned n, struct log *log)
{
	struct queue *q = mem_zalloc(sizeof(*q) + n * sizeof(q->workers[0]));
	q->log = log;
	buf_init(&q->trouble, REASON_BYTES);
	if (uv_mutex_init(&q->mutex) || uv_cond_init(&q->pause) || uv_cond_init(&q->told))
		abort();
	for (unsigned i = 0; i < N_LANES; i++) {
		list_init(&q->lanes[i].waiting);
		if (uv_cond_init(&q->lanes[i].work))
			abort();
	}
	return q;
}

/* All where the first one is. */
static enum store_error open_connection(struct queue *q, unsigned i, const struct store_driver *d,
					struct slice rest, struct buf *why)
{
	struct store_connection **c = &q->workers[i].connection;
	if (i == 0 || !d->open_beside)
		return d->open(c, rest, why);
	return d->open_beside(c, rest, q->workers[0].connection, why);
}

static int open_connections(struct queue *q, unsigned n, const struct store_driver *d,
			    struct slice rest, struct buf *why)
{
	for (unsigned i = 0; i < n; i++) {
		if (open_connection(q, i, d, rest, why) != STORE_OK) {
			close_connections(q, i);
			return -1;
		}
		q->workers[i].queue = q;
		q->workers[i].lane = &q->lanes[lane_of_worker(i, n)];
	}
	return 0;
}

static int start(struct queue *q, unsigned n, struct buf *why)
{
	int rc = 0;
	while (q->n_threads < n && rc == 0) {
		struct worker *w = &q->workers[q->n_threads];
		rc = uv_thread_create(&w->thread, work, w);
		q->n_threads += rc == 0;
	}
	if (rc < 0)
		buf_printf(why, "store threads: %s", uv_strerror(rc));
	return rc;
}

int queue_open(struct queue **out, struct log *log, const struct store_driver *d, struct slice rest,
	       struct buf *why)
{
	unsigned n = d->connections > 0 ? d->connections : 1;
	struct queue *q = queue_new(n, log);
	if (open_connections(q, n, d, rest, why) < 0) {
		queue_free(q);
		return -1;
	}
	if (start(q, n, why) < 0) {
		join(q);
		close_connections(q, n);
		queue_free(q);
		return -1;
	}
	*out = q;
	return 0;
}
