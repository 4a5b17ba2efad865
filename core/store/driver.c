#include "store/driver.h"

enum { MAX_WHY_BYTES = 1024 };

typedef enum store_error operation(struct store_connection *c, struct store_op *op,
				   struct buf *why);

static enum store_error no_query(struct store_connection *c, struct store_op *op, struct buf *why)
{
	(void)op;
	buf_printf(why, "%s: a store without SQL", c->driver->scheme);
	return STORE_FAILED;
}

static operation *operation_of(const struct store_driver *d, enum store_kind kind)
{
	switch (kind) {
	case STORE_CREDENTIALS:
		return d->credentials;
	case STORE_LOCATION_LOAD:
		return d->location_load;
	case STORE_LOCATION_SCAN:
		return d->location_scan;
	case STORE_LOCATION_WRITE:
		return d->location_write;
	case STORE_LOCATION_PURGE:
		return d->location_purge;
	case STORE_SECRET:
		return d->secret;
	case STORE_QUERY:
		return d->query ? d->query : no_query;
	}
	return NULL;
}

void store_run(struct store_connection *c, struct store_op *op)
{
	struct buf why;
	buf_init(&why, MAX_WHY_BYTES);
	op->error = operation_of(c->driver, op->kind)(c, op, &why);
	if (op->error != STORE_OK)
		op->message = arena_dup(&op->arena, buf_slice(&why));
	buf_free(&why);
}

void store_run_group(struct store_connection *c, struct store_op *const *ops, unsigned n)
{
	if (n > 1 && c->driver->location_write_group) {
		c->driver->location_write_group(c, ops, n);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		store_run(c, ops[i]);
}

/* What follows the scheme and its slashes, as many as were typed; null for a path. */
static const char *behind_scheme(struct slice url)
{
	const char *end = slice_end(url);
	const char *p = slice_chr(url, ':');
	if (!p || slice_starts(url, SLICE("sqlite:")))
		return NULL;
	for (p++; p < end && *p == '/'; p++)
		;
	return p;
}

/* HOST, HOST:PORT or [ADDRESS]… */
static bool is_host(struct slice host)
{
	uint32_t port;
	const char *colon = slice_chr(host, ':');
	return !colon || host.p[0] == '[' ||
	       slice_u32(slice_range(colon + 1, slice_end(host)), &port) == 0;
}

static bool are_hosts(struct slice list)
{
	for (;;) {
		const char *comma = slice_chr(list, ',');
		if (!is_host(comma ? slice_range(list.p, comma) : list))
			return false;
		if (!comma)
			return true;
		list = slice_range(comma + 1, slice_end(list));
	}
}

/*
 * The part of a URL that may hold a password: up to the last @, wherever it is
 * (a bare / or ? in a password must not give it away), or HOST:PORT where that
 * is no port, in a list of them too; null without any.
 */
static struct slice private_part(struct slice url)
{
	const char *end = slice_end(url);
	const char *p = behind_scheme(url);
	if (!p)
		return SLICE_NULL;
	for (const char *at = end; at > p; at--) {
		if (at[-1] == '@')
			return slice_range(p, at - 1);
	}
	const char *path = slice_chr(slice_range(p, end), '/');
	struct slice hosts = slice_range(p, path ? path : end);
	return are_hosts(hosts) ? SLICE_NULL : hosts;
}

struct slice store_url_secret(struct slice url)
{
	struct slice secret = private_part(url);
	const char *colon = secret.p ? slice_chr(secret, ':') : NULL;
	return colon ? slice_range(colon + 1, slice_end(secret)) : SLICE_NULL;
}

void store_url_clean(struct slice url, struct buf *out)
{
	struct slice secret = store_url_secret(url);
	if (!secret.p) {
		buf_put(out, url);
		return;
	}
	buf_put(out, slice_range(url.p, secret.p));
	buf_puts(out, "***");
	buf_put(out, slice_range(slice_end(secret), slice_end(url)));
}
