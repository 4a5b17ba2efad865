#include "registrar/credentials.h"

#include "base/hash.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
	AGAIN_MS = 1000,     /* between two questions that a wrong password leads to */
	MAX_ROWS = 16,       /* of a user, to be kept */
	MAX_BYTES = 8192,    /* of these */
	UNKNOWN_SHARE = 10,  /* for each so many users, one that is not there */
	N_TEXTS = 6,         /* of a row */
	ABSENT = UINT16_MAX, /* the length of a null text … */
	USER = ABSENT - 1,   /* … and of one that equals the user's name, which the entry has */
};

/* A user who is kept: key and rows behind it, as texts with their lengths. */
struct entry {
	struct hash_node node;
	struct list use; /* the one used last is last */
	uint64_t read_ms;
	uint16_t n_table;
	uint16_t n_user;
	uint16_t n_rows;
	uint16_t n_texts; /* bytes */
	char bytes[];
};

/* A question under way. */
struct question {
	struct hash_node node;
	struct credentials *credentials;
	struct list waiters;
	bool forgotten;
	struct slice table, user; /* in op's arena */
};

struct credentials {
	struct env *env;
	struct store *store;
	const struct credentials_crew *crew; /* NULL: alone */
	unsigned own;                        /* its number in it */
	unsigned n_forgets;                  /* how often somebody was forgotten */
	struct credentials_options o;
	struct hash entries;
	struct hash questions;
	struct list known;
	struct list unknown;
	size_t n_known, n_unknown;
	struct credentials_counters counters;
	struct store_subscriber seen[MAX_ROWS]; /* what find() shows */
	bool store_down;                        /* said so in the log already */
};

struct credentials *credentials_new(struct env *env, struct store *store,
				    const struct credentials_options *o)
{
	struct credentials *c = mem_zalloc(sizeof(*c));
	uint8_t key[16];
	c->env = env;
	c->store = store;
	c->o = *o;
	rand_bytes(env->rand, key, sizeof(key));
	hash_init(&c->entries, key);
	hash_init(&c->questions, key);
	list_init(&c->known);
	list_init(&c->unknown);
	return c;
}

void credentials_join(struct credentials *c, const struct credentials_crew *crew, unsigned own)
{
	c->crew = crew;
	c->own = own;
	crew->v[own] = c;
}

/* Entries. */

static size_t entry_size(const struct entry *e)
{
	return sizeof(*e) + e->n_table + e->n_user + e->n_texts;
}

static void entry_free(struct entry *e)
{
	OPENSSL_cleanse(e, entry_size(e));
	free(e);
}

static void entry_remove(struct credentials *c, struct entry *e)
{
	size_t *n = e->n_rows ? &c->n_known : &c->n_unknown;
	(*n)--;
	hash_remove(&c->entries, &e->node);
	list_remove(&e->use);
	entry_free(e);
}

static void shrink(struct credentials *c, struct list *list, const size_t *n, size_t max)
{
	while (*n > max)
		entry_remove(c, CONTAINER(list->next, struct entry, use));
}

static void keep_limits(struct credentials *c)
{
	shrink(c, &c->known, &c->n_known, c->o.size);
	shrink(c, &c->unknown, &c->n_unknown, (c->o.size + UNKNOWN_SHARE - 1) / UNKNOWN_SHARE);
}

void credentials_set_options(struct credentials *c, const struct credentials_options *o)
{
	c->o = *o;
	keep_limits(c);
}

static struct slice table_of(const struct entry *e)
{
	return slice_of(e->bytes, e->n_table);
}

static struct slice user_of(const struct entry *e)
{
	return slice_of(e->bytes + e->n_table, e->n_user);
}

static struct entry *entry_find(const struct credentials *c, struct slice table, struct slice user)
{
	uint64_t h = hash_of(&c->entries, user);
	for (struct hash_node *n = hash_first(&c->entries, h); n; n = hash_next(n, h)) {
		struct entry *e = CONTAINER(n, struct entry, node);
		if (slice_eq(user_of(e), user) && slice_eq(table_of(e), table))
			return e;
	}
	return NULL;
}

static bool is_over(const struct credentials *c, const struct entry *e)
{
	uint64_t life_ms = e->n_rows ? (uint64_t)c->o.ttl_s * 1000 : AGAIN_MS;
	return env_now_ms(c->env) - e->read_ms >= life_ms;
}

/* Rows as bytes. */

static void texts_of(const struct store_subscriber *s, struct slice t[N_TEXTS])
{
	const struct slice all[N_TEXTS] = {s->username, s->domain, s->password,
					   s->ha1,      s->ha1b,   s->ha1_sha256};
	memcpy(t, all, sizeof(all));
}

static uint16_t code_of(struct slice text, struct slice user)
{
	if (!text.p)
		return ABSENT;
	return text.n > 0 && slice_eq(text, user) ? USER : (uint16_t)text.n;
}

static void pack(struct buf *out, struct slice user, const struct store_subscriber *s)
{
	struct slice t[N_TEXTS];
	texts_of(s, t);
	for (unsigned i = 0; i < N_TEXTS; i++) {
		uint16_t n = code_of(t[i], user);
		if (t[i].n >= USER)
			out->failed = true;
		buf_put(out, slice_of((const char *)&n, sizeof(n)));
		if (n != USER)
			buf_put(out, t[i]);
	}
}

static const char *unpack_text(const char *p, struct slice user, struct slice *out)
{
	uint16_t n;
	memcpy(&n, p, sizeof(n));
	p += sizeof(n);
	if (n < USER) {
		*out = slice_of(p, n);
		return p + n;
	}
	*out = n == USER ? user : SLICE_NULL;
	return p;
}

static const char *unpack(const char *p, struct slice user, struct store_subscriber *s)
{
	struct slice t[N_TEXTS];
	for (unsigned i = 0; i < N_TEXTS; i++)
		p = unpack_text(p, user, &t[i]);
	*s = (struct store_subscriber){.username = t[0],
				       .domain = t[1],
				       .password = t[2],
				       .ha1 = t[3],
				       .ha1b = t[4],
				       .ha1_sha256 = t[5]};
	return p;
}

static struct entry *entry_new(const struct question *q, unsigned n_rows, struct slice texts)
{
	struct entry *e = mem_zalloc(sizeof(*e) + q->table.n + q->user.n + texts.n);
	e->n_table = (uint16_t)q->table.n;
	e->n_user = (uint16_t)q->user.n;
	e->n_rows = (uint16_t)n_rows;
	e->n_texts = (uint16_t)texts.n;
	memcpy(e->bytes, q->table.p, q->table.n);
	memcpy(e->bytes + q->table.n, q->user.p, q->user.n);
	if (texts.n > 0)
		memcpy(e->bytes + q->table.n + q->user.n, texts.p, texts.n);
	return e;
}

/* NULL: more than is kept of anybody. */
static struct entry *entry_of(const struct question *q, const struct credentials_rows *r)
{
	struct entry *e = NULL;
	struct buf texts;
	if (r->n > MAX_ROWS || q->user.n > MAX_BYTES)
		return NULL;
	buf_init(&texts, MAX_BYTES);
	for (unsigned i = 0; i < r->n; i++)
		pack(&texts, q->user, &r->v[i]);
	if (!texts.failed)
		e = entry_new(q, r->n, buf_slice(&texts));
	if (texts.p)
		OPENSSL_cleanse(texts.p, texts.n);
	buf_free(&texts);
	return e;
}

/* Takes e, in the place of what was known. */
static void entry_keep(struct credentials *c, struct entry *e)
{
	struct entry *old = entry_find(c, table_of(e), user_of(e));
	if (old)
		entry_remove(c, old);
	e->read_ms = env_now_ms(c->env);
	hash_add(&c->entries, &e->node, hash_of(&c->entries, user_of(e)));
	list_push(e->n_rows ? &c->known : &c->unknown, &e->use);
	*(e->n_rows ? &c->n_known : &c->n_unknown) += 1;
	keep_limits(c);
}

/* News: what one has read, on its way to another of the crew. */

struct news {
	struct letter letter;
	const struct credentials_crew *crew;
	unsigned to;
	unsigned n_forgets; /* of who has read it */
	struct entry *entry;
};

/* Who has forgotten somebody since, or is yet to, forgoes it: it may be from before. */
static void open_news(struct letter *l)
{
	struct news *news = CONTAINER(l, struct news, letter);
	struct credentials *c = news->crew->v[news->to];
	if (c && c->n_forgets == news->n_forgets)
		entry_keep(c, news->entry);
	else
		entry_free(news->entry);
	free(news);
}

static void tell(const struct credentials *c, unsigned to, const struct entry *e)
{
	struct news *news = mem_alloc(sizeof(*news));
	struct entry *copy = mem_alloc(entry_size(e));
	memcpy(copy, e, entry_size(e));
	*news = (struct news){{.open = open_news}, c->crew, to, c->n_forgets, copy};
	crew_post(c->crew->crew, c->own, to, &news->letter);
}

static void tell_others(const struct credentials *c, const struct entry *e)
{
	for (unsigned i = 0; c->crew && i < c->crew->crew->n; i++)
		if (i != c->own)
			tell(c, i, e);
}

/* That a stranger is one is no news to anybody; that a user is gone is. */
static void keep(struct credentials *c, const struct question *q, const struct credentials_rows *r)
{
	struct entry *old = entry_find(c, q->table, q->user);
	bool news = r->n > 0 || (old && old->n_rows > 0);
	if (old)
		entry_remove(c, old);
	struct entry *e = q->forgotten || c->o.size == 0 ? NULL : entry_of(q, r);
	if (e && news)
		tell_others(c, e);
	if (e)
		entry_keep(c, e);
}

bool credentials_find(struct credentials *c, struct slice table, struct slice user,
		      struct credentials_rows *rows, bool *worn)
{
	struct entry *e = entry_find(c, table, user);
	if (!e || is_over(c, e))
		return false;
	const char *p = e->bytes + e->n_table + e->n_user;
	for (unsigned i = 0; i < e->n_rows; i++)
		p = unpack(p, user_of(e), &c->seen[i]);
	list_remove(&e->use);
	list_push(e->n_rows ? &c->known : &c->unknown, &e->use);
	*rows = (struct credentials_rows){c->seen, e->n_rows};
	*worn = env_now_ms(c->env) - e->read_ms >= AGAIN_MS;
	c->counters.hits++;
	return true;
}

/* Asking. */

/* One line at the begin of an outage and one at its end, not one a request. */
static void note_store(struct credentials *c, const struct store_op *op)
{
	bool down = op->error != STORE_OK;
	if (op->told)
		return;
	if (down && !c->store_down)
		log_error(c->env->log, "auth: no credentials from %.*s: %.*s", SLICE_ARG(op->table),
			  SLICE_ARG(op->message));
	if (!down && c->store_down)
		log_notice(c->env->log, "auth: the store answers again");
	c->store_down = down;
}

static struct question *question_find(const struct credentials *c, struct slice table,
				      struct slice user)
{
	uint64_t h = hash_of(&c->questions, user);
	for (struct hash_node *n = hash_first(&c->questions, h); n; n = hash_next(n, h)) {
		struct question *q = CONTAINER(n, struct question, node);
		if (!q->forgotten && slice_eq(q->user, user) && slice_eq(q->table, table))
			return q;
	}
	return NULL;
}

static void on_answer(struct store_op *op)
{
	struct question *q = op->data;
	struct credentials *c = q->credentials;
	const struct credentials_rows rows = {op->subscribers, op->n_subscribers};
	note_store(c, op);
	hash_remove(&c->questions, &q->node);
	if (op->error == STORE_OK)
		keep(c, q, &rows);
	for (struct list *node; (node = list_shift(&q->waiters));) {
		struct credentials_waiter *w = CONTAINER(node, struct credentials_waiter, node);
		w->found(w, op->error, &rows);
	}
	free(q);
	store_op_free(op);
}

static void question_ask(struct credentials *c, struct slice table, struct slice user,
			 struct credentials_waiter *w)
{
	struct question *q = mem_zalloc(sizeof(*q));
	struct store_op *op = store_op_new(STORE_CREDENTIALS, table, on_answer, q);
	op->username = arena_dup(&op->arena, user);
	q->credentials = c;
	q->table = op->table;
	q->user = op->username;
	list_init(&q->waiters);
	list_push(&q->waiters, &w->node);
	hash_add(&c->questions, &q->node, hash_of(&c->questions, user));
	c->counters.asked++;
	store_submit(c->store, op);
}

void credentials_ask(struct credentials *c, struct slice table, struct slice user,
		     struct credentials_waiter *w)
{
	struct question *q = question_find(c, table, user);
	if (!q) {
		question_ask(c, table, user, w);
		return;
	}
	if (store_full(c->store)) {
		w->found(w, STORE_UNAVAILABLE, &(struct credentials_rows){0});
		return;
	}
	c->counters.joined++;
	list_push(&q->waiters, &w->node);
}

/* Forgetting. */

static void forget_question(struct hash_node *node, void *data)
{
	struct question *q = CONTAINER(node, struct question, node);
	const struct slice *user = data;
	if (!user || slice_eq(q->user, *user))
		q->forgotten = true;
}

void credentials_forget(struct credentials *c, struct slice user)
{
	uint64_t h = hash_of(&c->entries, user);
	struct hash_node *next;
	c->n_forgets++;
	for (struct hash_node *n = hash_first(&c->entries, h); n; n = next) {
		struct entry *e = CONTAINER(n, struct entry, node);
		next = hash_next(n, h);
		if (slice_eq(user_of(e), user))
			entry_remove(c, e);
	}
	hash_each(&c->questions, forget_question, &user);
}

void credentials_forget_all(struct credentials *c)
{
	c->n_forgets++;
	shrink(c, &c->known, &c->n_known, 0);
	shrink(c, &c->unknown, &c->n_unknown, 0);
	hash_each(&c->questions, forget_question, NULL);
}

void credentials_count(const struct credentials *c, struct credentials_counters *out)
{
	*out = c->counters;
	out->users = c->n_known;
	out->unknown = c->n_unknown;
}

void credentials_free(struct credentials *c)
{
	if (!c)
		return;
	if (c->crew)
		c->crew->v[c->own] = NULL;
	credentials_forget_all(c);
	hash_free(&c->entries);
	hash_free(&c->questions);
	free(c);
}
