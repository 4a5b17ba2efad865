#include "app/database.h"

static int fail(struct buf *why, struct slice url, struct slice reason)
{
	buf_puts(why, "store ");
	store_url_clean(url, why);
	buf_printf(why, ": %.*s", SLICE_ARG(reason));
	return -1;
}

static int check_form(const struct store_driver *driver, struct slice rest, struct slice url,
		      struct buf *why)
{
	struct buf reason;
	buf_init(&reason, 1024);
	int rc = driver->check_url ? driver->check_url(rest, &reason) : 0;
	if (rc < 0)
		fail(why, url, buf_slice(&reason));
	buf_free(&reason);
	return rc;
}

int database_check_url(struct slice url, struct buf *why)
{
	struct slice rest;
	const struct store_driver *driver = store_driver_of(url, &rest);
	if (driver)
		return check_form(driver, rest, url, why);
	buf_puts(why, "store \"");
	store_url_clean(url, why);
	buf_puts(why, "\" is none of memory:, sqlite:PATH, mysql://USER:PASSWORD@HOST/DATABASE");
	return -1;
}

/* A connection to a database whose tables will do. */
static int connect_checked(struct store_connection **out, const struct store_driver *driver,
			   struct slice rest, struct buf *reason)
{
	if (driver->open(out, rest, reason) != STORE_OK)
		return -1;
	if (driver->check(*out, reason) == STORE_OK)
		return 0;
	driver->close(*out);
	return -1;
}

static int open_driver(struct database *d, struct log *log, const struct store_driver *driver,
		       struct slice rest, struct buf *reason)
{
	struct store_connection *c;
	if (connect_checked(&c, driver, rest, reason) < 0)
		return -1;
	if (driver->connections == 0) {
		d->connection = c;
		direct_init(&d->direct, c);
		return 0;
	}
	driver->close(c);
	return queue_open(&d->queue, log, driver, rest, reason);
}

int database_open(struct database *d, struct log *log, struct slice url, struct buf *why)
{
	struct slice rest;
	*d = (struct database){0};
	if (database_check_url(url, why) < 0)
		return -1;
	const struct store_driver *driver = store_driver_of(url, &rest);
	struct buf reason;
	buf_init(&reason, 4096);
	int rc = open_driver(d, log, driver, rest, &reason);
	if (rc < 0)
		fail(why, url, buf_slice(&reason));
	buf_free(&reason);
	return rc;
}

void database_close(struct database *d)
{
	if (d->queue)
		queue_close(d->queue);
	if (d->connection) {
		direct_free(&d->direct);
		d->connection->driver->close(d->connection);
	}
	*d = (struct database){0};
}

int database_attach(struct database_port *p, struct database *d, uv_loop_t *loop, struct buf *why)
{
	*p = (struct database_port){0};
	if (!d->queue) {
		p->store = &d->direct.store;
		return 0;
	}
	if (queue_attach(&p->queue, d->queue, loop, why) < 0)
		return -1;
	p->store = queue_store(p->queue);
	return 0;
}

void database_on_batch(struct database_port *p, void (*begin)(void *data), void *data)
{
	if (p->queue)
		queue_on_batch(p->queue, begin, data);
}

unsigned database_pending(const struct database_port *p)
{
	return p->queue ? queue_pending(p->queue) : 0;
}

void database_detach(struct database_port *p)
{
	if (p->queue)
		queue_detach(p->queue, NULL, NULL);
	*p = (struct database_port){0};
}
