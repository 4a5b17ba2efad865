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

static int open_driver(struct database *d, uv_loop_t *loop, struct log *log,
		       const struct store_driver *driver, struct slice rest, struct buf *reason)
{
	struct store_connection *c;
	if (connect_checked(&c, driver, rest, reason) < 0)
		return -1;
	if (driver->connections == 0) {
		d->connection = c;
		direct_init(&d->direct, c);
		d->store = &d->direct.store;
		return 0;
	}
	driver->close(c);
	if (queue_open(&d->queue, loop, log, driver, rest, reason) < 0)
		return -1;
	d->store = queue_store(d->queue);
	return 0;
}

int database_open(struct database *d, uv_loop_t *loop, struct log *log, struct slice url,
		  struct buf *why)
{
	struct slice rest;
	*d = (struct database){0};
	if (database_check_url(url, why) < 0)
		return -1;
	const struct store_driver *driver = store_driver_of(url, &rest);
	struct buf reason;
	buf_init(&reason, 4096);
	int rc = open_driver(d, loop, log, driver, rest, &reason);
	if (rc < 0)
		fail(why, url, buf_slice(&reason));
	buf_free(&reason);
	return rc;
}

void database_on_batch(struct database *d, void (*begin)(void *data), void *data)
{
	if (d->queue)
		queue_on_batch(d->queue, begin, data);
}

unsigned database_pending(const struct database *d)
{
	return d->queue ? queue_pending(d->queue) : 0;
}

void database_close(struct database *d)
{
	if (d->queue)
		queue_close(d->queue, NULL, NULL);
	if (d->connection)
		d->connection->driver->close(d->connection);
	*d = (struct database){0};
}
