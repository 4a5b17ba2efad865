/*
 * memory: a store that lives and dies with its connection.
 *
 * Rows hang in a list in order of their id, and in two trees for the ways they
 * are asked for: by ruid and by user name.  Any location table exists as soon
 * as it is written to; of subscribers there is one table.
 */
#include "base/log.h"
#include "store/driver.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_FIRST_BYTES = 512 };

/* A user's bindings, as long as there are any. */
struct memory_user {
	struct list rows;
	size_t n;
	char name[];
};

struct memory_row {
	struct list node;  /* of the table */
	struct list alike; /* of the user */
	struct store_binding binding;
	struct arena arena;
};

struct memory_table {
	struct list node;
	struct slice name;
	struct list rows;
	uint64_t last_id;
	void *by_ruid; /* tsearch(3) trees of memory_row and memory_user */
	void *by_user;
	struct arena arena;
};

struct memory_subscriber {
	struct list node;
	struct store_subscriber s;
	struct arena arena;
};

struct memory_secret {
	struct list node;
	struct slice name;
	struct slice value;
	struct arena arena;
};

struct memory {
	struct store_connection connection;
	struct list tables;
	struct list subscribers; /* in order of user name and domain */
	struct list secrets;
};

static struct memory *memory_of(struct store_connection *c)
{
	return CONTAINER(c, struct memory, connection);
}

static int compare_rows(const void *a, const void *b)
{
	const struct memory_row *x = a;
	const struct memory_row *y = b;
	return store_compare(x->binding.ruid, y->binding.ruid);
}

static int compare_users(const void *a, const void *b)
{
	const struct memory_user *x = a;
	const struct memory_user *y = b;
	return store_compare(slice_of(x->name, x->n), slice_of(y->name, y->n));
}

static struct memory_user *user_new(struct slice name)
{
	struct memory_user *u = mem_alloc(sizeof(*u) + name.n);
	list_init(&u->rows);
	u->n = name.n;
	if (name.n > 0)
		memcpy(u->name, name.p, name.n);
	return u;
}

/* Tables. */

static struct memory_table *table_find(struct memory *m, struct slice name)
{
	LIST_EACH (node, &m->tables) {
		struct memory_table *t = CONTAINER(node, struct memory_table, node);
		if (slice_eq(t->name, name))
			return t;
	}
	return NULL;
}

static struct memory_table *table_make(struct memory *m, struct slice name)
{
	struct memory_table *t = table_find(m, name);
	if (t)
		return t;
	t = mem_zalloc(sizeof(*t));
	arena_init(&t->arena, name.n);
	t->name = arena_dup(&t->arena, name);
	list_init(&t->rows);
	list_push(&m->tables, &t->node);
	return t;
}

static struct memory_row *row_find(const struct memory_table *t, struct slice ruid)
{
	struct memory_row key = {.binding.ruid = ruid};
	struct memory_row *const *found = tfind(&key, &t->by_ruid, compare_rows);
	return found ? *found : NULL;
}

static struct memory_user *user_find(const struct memory_table *t, struct slice name)
{
	struct memory_user *key = user_new(name);
	struct memory_user *const *found = tfind(key, &t->by_user, compare_users);
	free(key);
	return found ? *found : NULL;
}

/* Ties row to its user, whom it makes if need be. */
static void row_join(struct memory_table *t, struct memory_row *row)
{
	struct memory_user *u = user_find(t, row->binding.username);
	if (!u) {
		u = user_new(row->binding.username);
		if (!tsearch(u, &t->by_user, compare_users))
			abort();
	}
	list_push(&u->rows, &row->alike);
}

static void row_part(struct memory_table *t, struct memory_row *row)
{
	struct memory_user *u = user_find(t, row->binding.username);
	list_remove(&row->alike);
	if (!list_empty(&u->rows))
		return;
	tdelete(u, &t->by_user, compare_users);
	free(u);
}

static void row_free(struct memory_row *row)
{
	arena_free(&row->arena);
	free(row);
}

static void row_remove(struct memory_table *t, struct memory_row *row)
{
	row_part(t, row);
	tdelete(row, &t->by_ruid, compare_rows);
	list_remove(&row->node);
	row_free(row);
}

static void row_fill(struct memory_row *row, const struct store_binding *b, uint64_t id)
{
	arena_init(&row->arena, ROW_FIRST_BYTES);
	store_binding_copy(&row->arena, &row->binding, b);
	if (!row->binding.domain.p)
		row->binding.domain = SLICE("");
	row->binding.id = id;
}

/* Replaces the row of this ruid, which keeps its id and place, or adds one. */
static void row_put(struct memory_table *t, const struct store_binding *b)
{
	struct memory_row *row = row_find(t, b->ruid);
	if (row) {
		struct arena old = row->arena;
		row_part(t, row);
		row_fill(row, b, row->binding.id);
		row_join(t, row);
		arena_free(&old);
		return;
	}
	row = mem_zalloc(sizeof(*row));
	row_fill(row, b, ++t->last_id);
	list_push(&t->rows, &row->node);
	if (!tsearch(row, &t->by_ruid, compare_rows))
		abort();
	row_join(t, row);
}

static void nothing(void *node)
{
	(void)node;
}

static void table_free(struct memory_table *t)
{
	tdestroy(t->by_ruid, nothing);
	tdestroy(t->by_user, free);
	LIST_EACH_SAFE (node, &t->rows)
		row_free(CONTAINER(node, struct memory_row, node));
	arena_free(&t->arena);
	free(t);
}

/* The location operations. */

static bool is_of(const struct memory_row *row, const struct store_op *op)
{
	return op->domain.n == 0 || slice_eq(row->binding.domain, op->domain);
}

static void result_add(struct store_op *op, const struct memory_row *row)
{
	store_binding_copy(&op->arena, &op->bindings[op->n_bindings++], &row->binding);
}

static enum store_error memory_location_load(struct store_connection *c, struct store_op *op,
					     struct buf *why)
{
	const struct memory_table *t = table_find(memory_of(c), op->table);
	const struct memory_user *u = t ? user_find(t, op->username) : NULL;
	unsigned n = 0;
	(void)why;
	op->n_bindings = 0;
	if (!u)
		return STORE_OK;
	LIST_EACH (node, &u->rows)
		n += is_of(CONTAINER(node, struct memory_row, alike), op);
	op->bindings = arena_alloc(&op->arena, n * sizeof(*op->bindings));
	LIST_EACH (node, &u->rows) {
		const struct memory_row *row = CONTAINER(node, struct memory_row, alike);
		if (is_of(row, op))
			result_add(op, row);
	}
	return STORE_OK;
}

static enum store_error memory_location_scan(struct store_connection *c, struct store_op *op,
					     struct buf *why)
{
	const struct memory_table *t = table_find(memory_of(c), op->table);
	(void)why;
	op->n_bindings = 0;
	if (!t)
		return STORE_OK;
	op->bindings = arena_alloc(&op->arena, op->limit * sizeof(*op->bindings));
	LIST_EACH (node, &t->rows) {
		const struct memory_row *row = CONTAINER(node, struct memory_row, node);
		if (op->n_bindings == op->limit)
			break;
		if (row->binding.id > op->after_id)
			result_add(op, row);
	}
	return STORE_OK;
}

static enum store_error memory_location_write(struct store_connection *c, struct store_op *op,
					      struct buf *why)
{
	struct memory_table *t = table_make(memory_of(c), op->table);
	for (unsigned i = 0; i < op->n_puts; i++) {
		if (!op->puts[i].ruid.p || !op->puts[i].username.p || !op->puts[i].contact.p) {
			buf_puts(why, "memory: a binding lacks its ruid, username or contact");
			return STORE_FAILED;
		}
	}
	for (unsigned i = 0; i < op->n_removes; i++) {
		struct memory_row *row = row_find(t, op->removes[i]);
		if (row)
			row_remove(t, row);
	}
	for (unsigned i = 0; i < op->n_puts; i++)
		row_put(t, &op->puts[i]);
	return STORE_OK;
}

static enum store_error memory_location_purge(struct store_connection *c, struct store_op *op,
					      struct buf *why)
{
	struct memory_table *t = table_find(memory_of(c), op->table);
	(void)why;
	if (!t)
		return STORE_OK;
	LIST_EACH_SAFE (node, &t->rows) {
		struct memory_row *row = CONTAINER(node, struct memory_row, node);
		if (row->binding.expires != 0 && row->binding.expires < op->before)
			row_remove(t, row);
	}
	return STORE_OK;
}

/* Secrets. */

static enum store_error memory_secret_get(struct store_connection *c, struct store_op *op,
					  struct buf *why)
{
	struct memory *m = memory_of(c);
	(void)why;
	LIST_EACH (node, &m->secrets) {
		const struct memory_secret *s = CONTAINER(node, struct memory_secret, node);
		if (slice_eq(s->name, op->username)) {
			op->secret = arena_dup(&op->arena, s->value);
			return STORE_OK;
		}
	}
	op->secret = op->proposal;
	if (!op->proposal.p)
		return STORE_OK;
	struct memory_secret *s = mem_zalloc(sizeof(*s));
	arena_init(&s->arena, ROW_FIRST_BYTES);
	s->name = arena_dup(&s->arena, op->username);
	s->value = arena_dup(&s->arena, op->proposal);
	list_push(&m->secrets, &s->node);
	return STORE_OK;
}

/* Subscribers. */

static int compare_keys(const struct store_subscriber *a, struct slice username,
			struct slice domain)
{
	int order = store_compare(a->username, username);
	return order != 0 ? order : store_compare(a->domain, domain);
}

static struct memory_subscriber *subscriber_find(struct memory *m, struct slice username,
						 struct slice domain)
{
	LIST_EACH (node, &m->subscribers) {
		struct memory_subscriber *s = CONTAINER(node, struct memory_subscriber, node);
		if (compare_keys(&s->s, username, domain) == 0)
			return s;
	}
	return NULL;
}

static void subscriber_free(struct memory_subscriber *s)
{
	list_remove(&s->node);
	arena_free(&s->arena);
	free(s);
}

/* Puts a copy of s where the order wants it. */
static void subscriber_insert(struct memory *m, const struct store_subscriber *s)
{
	struct memory_subscriber *copy = mem_zalloc(sizeof(*copy));
	arena_init(&copy->arena, ROW_FIRST_BYTES);
	store_subscriber_copy(&copy->arena, &copy->s, s);
	struct list *before = m->subscribers.next;
	for (; before != &m->subscribers; before = before->next) {
		const struct memory_subscriber *x =
		    CONTAINER(before, struct memory_subscriber, node);
		if (compare_keys(&x->s, s->username, s->domain) > 0)
			break;
	}
	list_push(before, &copy->node);
}

static enum store_error refuse(struct buf *why, enum store_error e, struct slice username)
{
	buf_puts(why, e == STORE_EXISTS ? "memory: there is a subscriber "
					: "memory: there is no subscriber ");
	log_clean(why, username, false);
	return e;
}

static enum store_error memory_subscriber_add(struct store_connection *c,
					      const struct store_subscriber *s, struct buf *why)
{
	struct memory *m = memory_of(c);
	if (subscriber_find(m, s->username, s->domain))
		return refuse(why, STORE_EXISTS, s->username);
	subscriber_insert(m, s);
	return STORE_OK;
}

static enum store_error memory_subscriber_set(struct store_connection *c,
					      const struct store_subscriber *s, struct buf *why)
{
	struct memory *m = memory_of(c);
	struct memory_subscriber *old = subscriber_find(m, s->username, s->domain);
	if (!old)
		return refuse(why, STORE_MISSING, s->username);
	subscriber_insert(m, s);
	subscriber_free(old);
	return STORE_OK;
}

static enum store_error memory_subscriber_remove(struct store_connection *c, struct slice username,
						 struct slice domain, struct buf *why)
{
	struct memory_subscriber *s = subscriber_find(memory_of(c), username, domain);
	if (!s)
		return refuse(why, STORE_MISSING, username);
	subscriber_free(s);
	return STORE_OK;
}

/* The subscribers of that name, or all when it is null, in order. */
static unsigned subscriber_collect(struct memory *m, struct slice username, struct arena *a,
				   struct store_subscriber **rows)
{
	unsigned n = 0, i = 0;
	LIST_EACH (node, &m->subscribers) {
		const struct memory_subscriber *s = CONTAINER(node, struct memory_subscriber, node);
		n += !username.p || slice_eq(s->s.username, username);
	}
	*rows = arena_zalloc(a, n * sizeof(**rows));
	LIST_EACH (node, &m->subscribers) {
		const struct memory_subscriber *s = CONTAINER(node, struct memory_subscriber, node);
		if (!username.p || slice_eq(s->s.username, username))
			store_subscriber_copy(a, &(*rows)[i++], &s->s);
	}
	return n;
}

static enum store_error memory_subscriber_list(struct store_connection *c, struct arena *a,
					       struct store_subscriber **rows, unsigned *n,
					       struct buf *why)
{
	(void)why;
	*n = subscriber_collect(memory_of(c), SLICE_NULL, a, rows);
	return STORE_OK;
}

static enum store_error memory_credentials(struct store_connection *c, struct store_op *op,
					   struct buf *why)
{
	if (!slice_eq(op->table, SLICE("subscriber"))) {
		buf_printf(why, "memory: there is no table %.*s", SLICE_ARG(op->table));
		return STORE_FAILED;
	}
	struct slice username = op->username.p ? op->username : SLICE("");
	op->n_subscribers =
	    subscriber_collect(memory_of(c), username, &op->arena, &op->subscribers);
	return STORE_OK;
}

/* The connection. */

static enum store_error memory_open(struct store_connection **out, struct slice rest,
				    struct buf *why)
{
	if (rest.n > 0) {
		buf_puts(why, "memory: takes nothing behind its colon");
		return STORE_FAILED;
	}
	struct memory *m = mem_zalloc(sizeof(*m));
	m->connection.driver = &store_memory;
	list_init(&m->tables);
	list_init(&m->subscribers);
	list_init(&m->secrets);
	*out = &m->connection;
	return STORE_OK;
}

static void memory_close(struct store_connection *c)
{
	struct memory *m = memory_of(c);
	LIST_EACH_SAFE (node, &m->tables)
		table_free(CONTAINER(node, struct memory_table, node));
	LIST_EACH_SAFE (node, &m->subscribers)
		subscriber_free(CONTAINER(node, struct memory_subscriber, node));
	LIST_EACH_SAFE (node, &m->secrets) {
		struct memory_secret *s = CONTAINER(node, struct memory_secret, node);
		arena_free(&s->arena);
		free(s);
	}
	free(m);
}

static enum store_error memory_ready(struct store_connection *c, struct buf *why)
{
	(void)c;
	(void)why;
	return STORE_OK;
}

const struct store_driver store_memory = {
    .scheme = "memory",
    .connections = 0,
    .open = memory_open,
    .close = memory_close,
    .check = memory_ready,
    .create = memory_ready,
    .credentials = memory_credentials,
    .location_load = memory_location_load,
    .location_scan = memory_location_scan,
    .location_write = memory_location_write,
    .location_purge = memory_location_purge,
    .secret = memory_secret_get,
    .subscriber_add = memory_subscriber_add,
    .subscriber_set = memory_subscriber_set,
    .subscriber_remove = memory_subscriber_remove,
    .subscriber_list = memory_subscriber_list,
};
