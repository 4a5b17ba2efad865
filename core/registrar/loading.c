#include "registrar/loading.h"

#include "registrar/rows.h"

#include <stdatomic.h>
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

static void load_row(struct loading *k, const struct store_binding *row)
{
	struct aor_key key;
	if (k->shards && shards_owner(k->shards, row->username) != k->own)
		return;
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

static void load_rows(struct loading *k, const struct store_op *op)
{
	for (unsigned i = 0; i < op->n_bindings; i++)
		load_row(k, &op->bindings[i]);
}

/* k may be gone afterwards. */
static void load_end(struct loading *k, enum store_error e, struct slice message)
{
	k->on = false;
	hash_each(&k->touched, forget, k);
	tell_done(k, e, message);
	k->ended(k->owner);
}

/* A page that goes round. */

struct page {
	atomic_uint readers; /* the last one frees it */
	struct store_op *op; /* NULL: there is no more */
	struct page_letter {
		struct letter letter;
		struct page *page;
		struct loading *const *to;
	} letters[];
};

static void page_release(struct page *p)
{
	if (atomic_fetch_sub(&p->readers, 1) > 1)
		return;
	store_op_free(p->op);
	free(p);
}

static void take_page(struct loading *k, const struct page *p)
{
	if (!p->op) {
		load_end(k, STORE_OK, SLICE_NULL);
		return;
	}
	load_rows(k, p->op);
	k->rows += p->op->n_bindings;
	if (!k->whole)
		tell_done(k, STORE_OK, SLICE_NULL);
}

/* At another thread's; it may have stopped. */
static void open_page(struct letter *l)
{
	struct page_letter *letter = CONTAINER(l, struct page_letter, letter);
	struct page *p = letter->page;
	struct loading *k = *letter->to;
	if (k && k->on)
		take_page(k, p);
	page_release(p);
}

/* Takes op, which is NULL after the last page. */
static void pass_on(const struct loading *k, struct store_op *op)
{
	unsigned n = k->shards ? k->shards->crew->n : 1;
	struct page *p = mem_zalloc(sizeof(*p) + n * sizeof(*p->letters));
	atomic_init(&p->readers, n);
	p->op = op;
	for (unsigned i = 0; i < n; i++) {
		if (i == k->own)
			continue;
		p->letters[i] =
		    (struct page_letter){{NULL, open_page}, p, &k->shards->v[i].loading};
		crew_post(k->shards->crew, k->own, i, &p->letters[i].letter);
	}
	page_release(p); /* our own */
}

/* Reading. */

/* k may be gone afterwards. */
static void read_end(struct loading *k, enum store_error e, struct slice message)
{
	pass_on(k, NULL);
	load_end(k, e, message);
}

/* The first page says whether there is a table; later ones are waited for. */
static void page_failed(struct loading *k, const struct store_op *op)
{
	if (k->done || k->stopped) {
		read_end(k, op->error, op->message);
		return;
	}
	log_warn(k->env->log, "%.*s: loading goes on when the store answers: %.*s",
		 SLICE_ARG(k->table), SLICE_ARG(op->message));
	timer_start(&k->env->wheel, &k->retry, RETRY_MS);
}

/* Takes op. */
static void page_read(struct loading *k, struct store_op *op)
{
	bool last = op->n_bindings < op->limit;
	for (unsigned i = 0; i < op->n_bindings; i++)
		row_read(&op->bindings[i], k->aliases);
	load_rows(k, op);
	k->rows += op->n_bindings;
	if (!last)
		k->last_id = op->bindings[op->n_bindings - 1].id;
	pass_on(k, op);
	if (last)
		tell_end(k);
	else
		tell_progress(k);
	if (!k->whole && !last)
		tell_done(k, STORE_OK, SLICE_NULL);
	if (last || k->stopped)
		read_end(k, STORE_OK, SLICE_NULL);
	else
		load_page(k);
}

static void on_page(struct store_op *op)
{
	struct loading *k = op->data;
	if (op->error == STORE_OK) {
		page_read(k, op);
		return;
	}
	page_failed(k, op);
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
	if (k->own == 0)
		load_page(k);
}

void loading_stop(struct loading *k)
{
	k->stopped = true;
	if (k->own == 0 && !timer_running(&k->retry))
		return;
	timer_stop(&k->env->wheel, &k->retry);
	if (k->own == 0)
		read_end(k, STORE_OK, SLICE_NULL);
	else if (k->on)
		load_end(k, STORE_OK, SLICE_NULL);
}
