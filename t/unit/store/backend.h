/*
 * backend: a store under test, with its operations made to look blocking.
 *
 * A backend is a driver, reached directly or through the queue, over a place
 * of its own: a file, or a database of a MariaDB server that is started for
 * this test program and ends with it.  Setting up aborts the program with a
 * clear line when it fails: nothing is skipped.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "store/direct.h"
#include "store/queue.h"
#include "tap.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

struct backend {
	const char *name;
	const char *scheme;
	bool queued;
	char url[512]; /* as for -d */
	const struct store_driver *driver;
	struct store_connection *connection; /* for what is not an operation of store.h */
	struct direct direct;
	struct queue *queue;
	struct queue_port *port;
	uv_loop_t loop;
	struct log log;
	struct store *store;
};

static char test_dir[256];  /* of this program, removed at its end */
static char mysql_url[400]; /* of the server, without the database; empty: not started */

__attribute__((format(printf, 1, 2), noreturn)) static inline void bail_out(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("Bail out! ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	exit(1);
}

/* Runs a command of the shell and returns the first line it prints. */
__attribute__((format(printf, 1, 2))) static inline const char *shell(const char *format, ...)
{
	static char line[512];
	char command[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	line[0] = '\0';
	FILE *f = popen(command, "r");
	if (!f)
		bail_out("cannot run: %s", command);
	if (fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	while (fgetc(f) != EOF) {
	}
	if (pclose(f) != 0)
		bail_out("failed: %s", command);
	return line;
}

/* Places. */

static inline void remove_test_dir(void)
{
	if (mysql_url[0])
		shell("t/tools/mariadb.sh stop %s/mariadb", test_dir);
	if (test_dir[0])
		shell("rm -rf %s", test_dir);
}

static inline void make_test_dir(void)
{
	if (test_dir[0])
		return;
	const char *build = getenv("BUILD");
	const char *dir = shell("mkdir -p %s/tmp && cd %s/tmp && mktemp -d $PWD/store.XXXXXX",
				build ? build : "build", build ? build : "build");
	snprintf(test_dir, sizeof(test_dir), "%s", dir);
	atexit(remove_test_dir);
}

static inline void start_mariadb(void)
{
	make_test_dir();
	const char *url = shell("t/tools/mariadb.sh start %s/mariadb %d", test_dir, (int)getpid());
	snprintf(mysql_url, sizeof(mysql_url), "%s", url);
}

/* Runs SQL (given as a quoted word of the shell, or a redirection) in a database. */
__attribute__((format(printf, 2, 3))) static inline const char *mariadb(const char *database,
									const char *format, ...)
{
	char sql[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	return shell("mariadb --no-defaults -N -B -u root -S $(t/tools/mariadb.sh socket "
		     "%s/mariadb) %s %s",
		     test_dir, database, sql);
}

static inline void place_mysql(struct backend *b, const char *database)
{
	if (!mysql_url[0])
		start_mariadb();
	mariadb("", "-e 'DROP DATABASE IF EXISTS %s; CREATE DATABASE %s'", database, database);
	const char *socket = strchr(mysql_url, '?');
	snprintf(b->url, sizeof(b->url), "mysql://root@localhost/%s%s", database, socket);
}

static inline void place_sqlite(struct backend *b)
{
	static unsigned n;
	make_test_dir();
	snprintf(b->url, sizeof(b->url), "sqlite:%s/%u.sqlite", test_dir, ++n);
}

static inline void place(struct backend *b)
{
	if (strcmp(b->scheme, "mysql") == 0)
		place_mysql(b, b->name);
	else if (strcmp(b->scheme, "sqlite") == 0)
		place_sqlite(b);
	else
		snprintf(b->url, sizeof(b->url), "%s:", b->scheme);
}

/* Opening. */

static inline void backend_log(struct log *l, enum log_level level, struct slice line)
{
	(void)l;
	printf("# %s: %.*s\n", log_level_name(level), SLICE_ARG(line));
}

static inline struct slice rest_of(const struct backend *b)
{
	struct slice rest = SLICE_NULL;
	if (!store_driver_of(slice_str(b->url), &rest))
		bail_out("no driver for %s", b->url);
	return rest;
}

static inline struct store_connection *connection_new(const struct backend *b)
{
	struct store_connection *c;
	struct buf why;
	buf_init(&why, 1000);
	if (b->driver->open(&c, rest_of(b), &why) != STORE_OK)
		bail_out("%s: %.*s", b->url, SLICE_ARG(buf_slice(&why)));
	buf_free(&why);
	return c;
}

static inline void backend_open(struct backend *b)
{
	struct slice rest;
	struct buf why;
	b->driver = store_driver_of(slice_str(b->url), &rest);
	b->connection = connection_new(b);
	b->log = (struct log){.level = LOG_WARN, .write = backend_log};
	direct_init(&b->direct, b->connection);
	b->store = &b->direct.store;
	if (!b->queued)
		return;
	buf_init(&why, 1000);
	uv_loop_init(&b->loop);
	if (queue_open(&b->queue, &b->log, b->driver, rest, &why) < 0 ||
	    queue_attach(&b->port, b->queue, &b->loop, &why) < 0)
		bail_out("%s: %.*s", b->url, SLICE_ARG(buf_slice(&why)));
	b->store = queue_store(b->port);
	buf_free(&why);
}

static inline void backend_close(struct backend *b)
{
	direct_free(&b->direct);
	b->driver->close(b->connection);
	if (!b->queued)
		return;
	queue_detach(b->port, NULL, NULL);
	queue_close(b->queue);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&b->loop) != 0)
		bail_out("the queue left something on the loop");
}

static inline void backend_create(struct backend *b)
{
	struct buf why;
	buf_init(&why, 1000);
	if (b->driver->create(b->connection, &why) != STORE_OK)
		bail_out("%s: create: %.*s", b->url, SLICE_ARG(buf_slice(&why)));
	buf_free(&why);
}

/* Operations. */

static inline void mark_done(struct store_op *op)
{
	bool *done = op->data;
	*done = true;
}

static inline struct store_op *op_new(enum store_kind kind, const char *table)
{
	return store_op_new(kind, slice_str(table), mark_done, NULL);
}

/* Submits op, waits, and reports a failure; the caller frees op. */
static inline enum store_error op_run(struct backend *b, struct store_op *op)
{
	bool done = false;
	op->data = &done;
	store_submit(b->store, op);
	while (!done)
		uv_run(&b->loop, UV_RUN_ONCE);
	return op->error;
}

static inline void op_expect(struct backend *b, struct store_op *op)
{
	if (op_run(b, op) != STORE_OK)
		printf("# %s: %d %.*s\n", b->name, op->error, SLICE_ARG(op->message));
	CHECK_INT(op->error, STORE_OK);
}

static inline struct store_op *load(struct backend *b, struct slice user, struct slice domain)
{
	struct store_op *op = op_new(STORE_LOCATION_LOAD, "location");
	op->username = arena_dup(&op->arena, user);
	op->domain = arena_dup(&op->arena, domain);
	op_expect(b, op);
	return op;
}

static inline unsigned count(struct backend *b, const char *user)
{
	struct store_op *op = load(b, slice_str(user), SLICE(""));
	unsigned n = op->n_bindings;
	store_op_free(op);
	return n;
}

static inline struct store_op *credentials(struct backend *b, struct slice user)
{
	struct store_op *op = op_new(STORE_CREDENTIALS, "subscriber");
	op->username = arena_dup(&op->arena, user);
	op_expect(b, op);
	return op;
}

static inline struct store_binding binding(const char *ruid, const char *user, const char *contact)
{
	return (struct store_binding){
	    .ruid = slice_str(ruid),
	    .username = slice_str(user),
	    .domain = SLICE(""),
	    .contact = slice_str(contact),
	    .expires = 1900000000,
	    .q = -1,
	    .callid = SLICE("1@192.0.2.1"),
	    .cseq = 1,
	    .last_modified = 1800000000,
	    .user_agent = SLICE("phone"),
	    .methods = -1,
	};
}

static inline struct store_op *write_op(const struct store_binding *puts, unsigned n_puts,
					const char *remove)
{
	struct store_op *op = op_new(STORE_LOCATION_WRITE, "location");
	op->puts = arena_alloc(&op->arena, n_puts * sizeof(*puts) + 1);
	op->n_puts = n_puts;
	for (unsigned i = 0; i < n_puts; i++)
		store_binding_copy(&op->arena, &op->puts[i], &puts[i]);
	if (remove) {
		op->removes = arena_alloc(&op->arena, sizeof(*op->removes));
		op->removes[0] = arena_dup(&op->arena, slice_str(remove));
		op->n_removes = 1;
	}
	return op;
}

static inline enum store_error write_bindings(struct backend *b, const struct store_binding *puts,
					      unsigned n_puts, const char *remove)
{
	struct store_op *op = write_op(puts, n_puts, remove);
	enum store_error e = op_run(b, op);
	if (e != STORE_OK)
		printf("# %s: write: %d %.*s\n", b->name, e, SLICE_ARG(op->message));
	store_op_free(op);
	return e;
}

static inline void put(struct backend *b, struct store_binding binding_)
{
	CHECK_INT(write_bindings(b, &binding_, 1, NULL), STORE_OK);
}

/* Subscribers: HA1 is the password's text, no hash; enough to tell them apart. */

static inline struct store_subscriber subscriber(struct slice user, const char *domain,
						 const char *ha1)
{
	return (struct store_subscriber){
	    .username = user,
	    .domain = slice_str(domain),
	    .password = SLICE(""),
	    .ha1 = slice_str(ha1),
	    .ha1b = SLICE(""),
	    .ha1_sha256 = SLICE(""),
	};
}

static inline enum store_error subscriber_add(struct backend *b, struct slice user,
					      const char *domain, const char *ha1)
{
	struct store_subscriber s = subscriber(user, domain, ha1);
	struct buf why;
	buf_init(&why, 1000);
	enum store_error e = b->driver->subscriber_add(b->connection, &s, &why);
	if (e != STORE_OK)
		printf("# %s: add: %d %.*s\n", b->name, e, SLICE_ARG(buf_slice(&why)));
	buf_free(&why);
	return e;
}

#endif
