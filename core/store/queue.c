#include "store/queue.h"

#include <stdlib.h>

/*
 * Operations wander from `waiting` to a thread and from there to `finished`,
 * where the loop finds them.  Both lists and `stop` are under the mutex, the
 * rest belongs to the loop's thread.
 */
struct queue {
	struct store store;
	struct log *log;
	uv_async_t wake;           /* results are waiting */
	void (*begin)(void *data); /* before results are told; or NULL */
	void *begin_data;
	uv_mutex_t mutex;
	uv_cond_t work;
	uv_cond_t result; /* for close(), which does not run the loop */
	struct list waiting;
	struct list finished;
	bool stop;

	unsigned pending;
	bool closed;
	void (*on_closed)(void *data);
	void *data;

	bool complained; /* the log says that the database fails */
	unsigned n_threads;
	struct worker {
		struct queue *queue;
		struct store_connection *connection;
		uv_thread_t thread;
	} workers[];
};

/* On the threads. */

/* The next operation, or NULL when there will be none. */
static struct store_op *take(struct queue *q)
{
	uv_mutex_lock(&q->mutex);
	while (list_empty(&q->waiting) && !q->stop)
		uv_cond_wait(&q->work, &q->mutex);
	struct list *node = list_shift(&q->waiting);
	uv_mutex_unlock(&q->mutex);
	return node ? CONTAINER(node, struct store_op, node) : NULL;
}

static void give_back(struct queue *q, struct store_op *op)
{
	uv_mutex_lock(&q->mutex);
	list_push(&q->finished, &op->node);
	uv_cond_signal(&q->result);
	uv_mutex_unlock(&q->mutex);
	uv_async_send(&q->wake);
}

static void work(void *data)
{
	struct worker *w = data;
	struct store_op *op;
	while ((op = take(w->queue)) != NULL) {
		store_run(w->connection, op);
		give_back(w->queue, op);
	}
}

/* On the loop's thread. */

/* Says once that the database fails, and once that it is well again. */
static void watch(struct queue *q, const struct store_op *op)
{
	if (op->error == STORE_UNAVAILABLE && !q->complained) {
		q->complained = true;
		log_error(q->log, "store: the database fails: %.*s", SLICE_ARG(op->message));
	} else if (op->error == STORE_OK && q->complained) {
		q->complained = false;
		log_notice(q->log, "store: the database answers again");
	}
}

/* Hands over what has finished; what done() submits comes later. */
static void deliver(struct queue *q)
{
	struct list batch;
	list_init(&batch);
	uv_mutex_lock(&q->mutex);
	for (struct list *node; (node = list_shift(&q->finished)) != NULL;)
		list_push(&batch, node);
	uv_mutex_unlock(&q->mutex);

	for (struct list *node; (node = list_shift(&batch)) != NULL;) {
		struct store_op *op = CONTAINER(node, struct store_op, node);
		q->pending--;
		watch(q, op);
		op->done(op);
	}
}

static void on_wake(uv_async_t *wake)
{
	struct queue *q = wake->data;
	if (q->begin)
		q->begin(q->begin_data);
	deliver(q);
}

static void submit(struct store *s, struct store_op *op)
{
	struct queue *q = CONTAINER(s, struct queue, store);
	if (q->closed) {
		op->error = STORE_UNAVAILABLE;
		op->message = SLICE("the store is closed");
		op->done(op);
		return;
	}
	q->pending++;
	op->home = q;
	uv_mutex_lock(&q->mutex);
	list_push(&q->waiting, &op->node);
	uv_cond_signal(&q->work);
	uv_mutex_unlock(&q->mutex);
}

struct store *queue_store(struct queue *q)
{
	return &q->store;
}

void queue_on_batch(struct queue *q, void (*begin)(void *data), void *data)
{
	q->begin = begin;
	q->begin_data = data;
}

unsigned queue_pending(const struct queue *q)
{
	return q->pending;
}

/* Opening and closing. */

static void queue_free(struct queue *q)
{
	uv_cond_destroy(&q->work);
	uv_cond_destroy(&q->result);
	uv_mutex_destroy(&q->mutex);
	free(q);
}

static void on_wake_closed(uv_handle_t *wake)
{
	struct queue *q = wake->data;
	if (q->on_closed)
		q->on_closed(q->data);
	queue_free(q);
}

static void join(struct queue *q)
{
	uv_mutex_lock(&q->mutex);
	q->stop = true;
	uv_cond_broadcast(&q->work);
	uv_mutex_unlock(&q->mutex);
	for (unsigned i = 0; i < q->n_threads; i++)
		uv_thread_join(&q->workers[i].thread);
}

static void close_connections(struct queue *q, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		q->workers[i].connection->driver->close(q->workers[i].connection);
}

/* Blocks until there are results. */
static void await_result(struct queue *q)
{
	uv_mutex_lock(&q->mutex);
	while (list_empty(&q->finished))
		uv_cond_wait(&q->result, &q->mutex);
	uv_mutex_unlock(&q->mutex);
}

void queue_close(struct queue *q, void (*closed)(void *data), void *data)
{
	while (q->pending > 0) {
		await_result(q);
		deliver(q);
	}
	q->closed = true;
	q->on_closed = closed;
	q->data = data;
	join(q);
	close_connections(q, q->n_threads);
	uv_close((uv_handle_t *)&q->wake, on_wake_closed);
}

static struct queue *queue_new(unsigned n, struct log *log)
{
	struct queue *q = mem_zalloc(sizeof(*q) + n * sizeof(q->workers[0]));
	q->store.submit = submit;
	q->log = log;
	list_init(&q->waiting);
	list_init(&q->finished);
	if (uv_mutex_init(&q->mutex) || uv_cond_init(&q->work) || uv_cond_init(&q->result))
		abort();
	return q;
}

static int open_connections(struct queue *q, unsigned n, const struct store_driver *d,
			    struct slice rest, struct buf *why)
{
	for (unsigned i = 0; i < n; i++) {
		if (d->open(&q->workers[i].connection, rest, why) != STORE_OK) {
			close_connections(q, i);
			return -1;
		}
		q->workers[i].queue = q;
	}
	return 0;
}

/* Threads come last: from here on only queue_close() takes things down. */
static int start(struct queue *q, uv_loop_t *loop, const struct store_driver *d, unsigned n,
		 struct buf *why)
{
	int rc = uv_async_init(loop, &q->wake, on_wake);
	if (rc < 0) {
		buf_printf(why, "store threads: %s", uv_strerror(rc));
		close_connections(q, n);
		queue_free(q);
		return -1;
	}
	q->wake.data = q;
	while (q->n_threads < n) {
		struct worker *w = &q->workers[q->n_threads];
		rc = uv_thread_create(&w->thread, work, w);
		if (rc < 0) {
			buf_printf(why, "store threads: %s", uv_strerror(rc));
			for (unsigned i = q->n_threads; i < n; i++)
				d->close(q->workers[i].connection);
			queue_close(q, NULL, NULL);
			return -1;
		}
		q->n_threads++;
	}
	return 0;
}

int queue_open(struct queue **out, uv_loop_t *loop, struct log *log, const struct store_driver *d,
	       struct slice rest, struct buf *why)
{
	unsigned n = d->connections > 0 ? d->connections : 1;
	struct queue *q = queue_new(n, log);
	if (open_connections(q, n, d, rest, why) < 0) {
		queue_free(q);
		return -1;
	}
	if (start(q, loop, d, n, why) < 0)
		return -1;
	*out = q;
	return 0;
}
