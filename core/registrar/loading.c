#include "registrar/loading.h"

#include "registrar/rows.h"

#include <stdlib.h>
#include <string.h>

enum {
	PAGE_ROWS = 1000,
	TELL_MS = 2000,  /* between two lines of progress */
	RETRY_MS = 1000, /* after a page that could not be read */
};

/* What a change has written. */
struct touch {
	struct hash_node node;
	size_t n;
	char ruid[];
};

static bool is_touched(const struct loading *k, struct slice ruid)
{
	uint64_t h = hash_of(&k->touched, ruid);
	for (struct hash_node *n = hash_first(&k->touched, h); n; n = hash_next(n, h)) {
		const struct touch *t = CONTAINER(n, struct touch, node);
		if (slice_eq(slice_of(t->ruid, t->n), ruid))
			return true;
	}
	return false;
}

void loading_touch(struct loading *k, struct slice ruid)
{
	if (!k->on || ruid.n == 0 || is_touched(k, ruid))
		return;
	struct touch *t = mem_alloc(sizeof(*t) + ruid.n);
	t->n = ruid.n;
	memcpy(t->ruid, ruid.p, ruid.n);
	hash_add(&k->touched, &t->node, hash_of(&k->touched, ruid));
}

static void forget(struct hash_node *node, void *data)
{
	struct loading *k = data;
	struct touch *t = CONTAINER(node, struct touch, node);
	hash_remove(&k->touched, node);
	free(t);
}

static void load_page(struct loading *k);

static void on_retry(struct timer *t)
{
	load_page(CONTAINER(t, struct loading, retry));
}

void loading_init(struct loading *k)
{
	uint8_t key[16];
	rand_bytes(k->env->rand, key, sizeof(key));
	hash_init(&k->touched, key);
	timer_init(&k->retry, on_retry);
}

void loading_free(struct loading *k)
{
	hash_each(&k->touched, forget, k);
	hash_free(&k->touched);
}

static void load_row(struct loading *k, struct store_binding *row)
{
	struct aor_key key;
	row_read(row, k->aliases);
	if (binding_is_expired(row, env_wall_s(k->env)) || is_touched(k, row->ruid))
		return;
	aor_key_set(&key, row->username, row->domain, k->use_domain);
	struct aor *a = aor_make(k->aors, &key);
	aor_put(a, row);
	aor_settle(a);
}

static void tell_done(struct loading *k, enum store_error e, struct slice message)
{
	void (*done)(void *data, enum store_error e, struct slice message, size_t rows) = k->done;
	k->done = NULL;
	if (done)
		done(k->data, e, message, k->rows);
}

static void tell_progress(struct loading *k)
{
	uint64_t now_ms = env_now_ms(k->env);
	if (now_ms - k->told_ms < TELL_MS)
		return;
	k->told_ms = now_ms;
	log_notice(k->env->log, "%.*s: %zu rows are loaded, more to come", SLICE_ARG(k->table),
		   k->rows);
}

static void tell_end(struct loading *k)
{
	uint64_t ms = env_now_ms(k->env) - k->began_ms;
	if (k->rows < PAGE_ROWS)
		log_info(k->env->log, "%.*s: %zu rows", SLICE_ARG(k->table), k->rows);
	else
		log_notice(k->env->log, "%.*s: all %zu rows are loaded, in %llu.%llu s",
			   SLICE_ARG(k->table), k->rows, (unsigned long long)(ms / 1000),
			   (unsigned long long)(ms / 100 % 10));
}

/* k may be gone afterwards. */
static void load_end(struct loading *k, enum store_error e, struct slice message)
{
	k->on = false;
	hash_each(&k->touched, forget, k);
	tell_done(k, e, message);
	k->ended(k->owner);
}

/* The first page says whether there is a table; later ones are waited for. */
static void page_failed(struct loading *k, const struct store_op *op)
{
	if (k->done || k->stopped) {
		load_end(k, op->error, op->message);
		return;
	}
	log_warn(k->env->log, "%.*s: loading goes on when the store answers: %.*s",
		 SLICE_ARG(k->table), SLICE_ARG(op->message));
	timer_start(&k->env->wheel, &k->retry, RETRY_MS);
}

static void page_read(struct loading *k, const struct store_op *op)
{
	for (unsigned i = 0; i < op->n_bindings; i++)
		load_row(k, &op->bindings[i]);
	k->rows += op->n_bindings;
	if (op->n_bindings < op->limit) {
		tell_end(k);
		load_end(k, STORE_OK, SLICE_NULL);
		return;
	}
	k->last_id = op->bindings[op->n_bindings - 1].id;
	tell_progress(k);
	if (!k->whole)
		tell_done(k, STORE_OK, SLICE_NULL);
	if (k->stopped)
		load_end(k, STORE_OK, SLICE_NULL);
	else
		load_page(k);
}

static void on_page(struct store_op *op)
{
	struct loading *k = op->data;
	if (op->error != STORE_OK)
		page_failed(k, op);
	else
		page_read(k, op);
	store_op_free(op);
}

static void load_page(struct loading *k)
{
	struct store_op *op = store_op_new(STORE_LOCATION_SCAN, k->table, on_page, k);
	op->after_id = k->last_id;
	op->limit = PAGE_ROWS;
	store_submit(k->store, op);
}

void loading_start(struct loading *k)
{
	k->on = true;
	k->began_ms = k->told_ms = env_now_ms(k->env);
	load_page(k);
}

void loading_stop(struct loading *k)
{
	k->stopped = true;
	if (!timer_running(&k->retry))
		return;
	timer_stop(&k->env->wheel, &k->retry);
	load_end(k, STORE_OK, SLICE_NULL);
}
