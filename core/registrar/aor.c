#include "registrar/aor.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The wall clock may be set meanwhile: nobody sleeps longer than that. */
enum { LOOK_AGAIN_MS = 24 * 3600 * 1000 };

/* A text that several bindings share. */
struct text {
	struct hash_node node;
	uint32_t uses;
	uint32_t n;
	char bytes[];
};

/* The texts of one binding alone, in the order in which they lie behind it. */
enum { TEXT_RUID, TEXT_CONTACT, TEXT_RECEIVED, TEXT_PATH, TEXT_CALLID, TEXT_INSTANCE, TEXTS };

enum { ABSENT = UINT16_MAX }; /* the length of a null slice */

struct binding {
	struct binding *next;
	struct text *user_agent; /* NULL: null slice */
	struct text *socket;
	int64_t expires;
	uint64_t order;
	uint32_t last_modified;
	uint32_t cseq;
	uint32_t reg_id;
	uint32_t flags;
	uint32_t cflags;
	int32_t methods;
	int16_t q;
	uint16_t n[TEXTS];
	char bytes[];
};

struct aor {
	struct hash_node node;
	struct aors *table;
	struct timer timer;
	struct binding *first;
	uint16_t n_user;
	uint16_t n_domain;
	char bytes[];
};

/* Keys. */

void aor_key_set(struct aor_key *key, struct slice user, struct slice host, bool use_domain)
{
	size_t n = !use_domain ? 0 : host.n < AOR_MAX_HOST ? host.n : AOR_MAX_HOST;
	for (size_t i = 0; i < n; i++) {
		char c = host.p[i];
		key->lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	key->user = user.p ? user : SLICE("");
	if (key->user.n > UINT16_MAX)
		key->user.n = UINT16_MAX;
	key->domain = slice_of(key->lower, n);
}

static void copy(char *to, struct slice s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
}

uint64_t aor_key_hash(const struct hash *t, const struct aor_key *key)
{
	uint64_t h = hash_of(t, key->user);
	return key->domain.n ? h ^ 3 * hash_of(t, key->domain) : h;
}

void aor_key_write(const struct aor_key *key, char *bytes)
{
	copy(bytes, key->user);
	copy(bytes + key->user.n, key->domain);
}

bool aor_key_is(const struct aor_key *key, const char *bytes, size_t n_user, size_t n_domain)
{
	return slice_eq(slice_of(bytes, n_user), key->user) &&
	       slice_eq(slice_of(bytes + n_user, n_domain), key->domain);
}

static struct slice aor_user(const struct aor *a)
{
	return slice_of(a->bytes, a->n_user);
}

static struct slice aor_domain(const struct aor *a)
{
	return slice_of(a->bytes + a->n_user, a->n_domain);
}

struct aor *aor_find(const struct aors *t, const struct aor_key *key)
{
	uint64_t h = aor_key_hash(&t->hash, key);
	for (struct hash_node *n = hash_first(&t->hash, h); n; n = hash_next(n, h)) {
		struct aor *a = CONTAINER(n, struct aor, node);
		if (aor_key_is(key, a->bytes, a->n_user, a->n_domain))
			return a;
	}
	return NULL;
}

static void aor_fire(struct timer *timer);

struct aor *aor_make(struct aors *t, const struct aor_key *key)
{
	struct aor *a = aor_find(t, key);
	if (a)
		return a;
	a = mem_zalloc(sizeof(*a) + key->user.n + key->domain.n);
	a->table = t;
	timer_init(&a->timer, aor_fire);
	a->n_user = (uint16_t)key->user.n;
	a->n_domain = (uint16_t)key->domain.n;
	aor_key_write(key, a->bytes);
	hash_add(&t->hash, &a->node, aor_key_hash(&t->hash, key));
	return a;
}

/* Shared texts. */

static struct slice text_slice(const struct text *x)
{
	return x ? slice_of(x->bytes, x->n) : SLICE_NULL;
}

/* likely: what it was before, or NULL. */
static struct text *text_take(struct aors *t, struct text *likely, struct slice s)
{
	if (!s.p)
		return NULL;
	if (likely && slice_eq(text_slice(likely), s)) {
		likely->uses++;
		return likely;
	}
	uint64_t h = hash_of(&t->texts, s);
	for (struct hash_node *n = hash_first(&t->texts, h); n; n = hash_next(n, h)) {
		struct text *x = CONTAINER(n, struct text, node);
		if (!slice_eq(text_slice(x), s))
			continue;
		x->uses++;
		return x;
	}
	struct text *x = mem_alloc(sizeof(*x) + s.n);
	x->uses = 1;
	x->n = (uint32_t)s.n;
	copy(x->bytes, s);
	hash_add(&t->texts, &x->node, h);
	return x;
}

static void text_drop(struct aors *t, struct text *x)
{
	if (!x || --x->uses > 0)
		return;
	hash_remove(&t->texts, &x->node);
	free(x);
}

/* Bindings. */

static size_t text_bytes(uint16_t n)
{
	return n == ABSENT ? 0 : n;
}

/* The text of length n at *p, which moves behind it. */
static struct slice next_text(const char **p, uint16_t n)
{
	const char *text = *p;
	*p += text_bytes(n);
	return n == ABSENT ? SLICE_NULL : slice_of(text, n);
}

static struct slice binding_ruid(const struct binding *b)
{
	const char *p = b->bytes;
	return next_text(&p, b->n[TEXT_RUID]);
}

/* old: what it replaces, or NULL. */
static struct binding *binding_new(struct aors *t, const struct binding *old,
				   const struct store_binding *s)
{
	const struct slice texts[TEXTS] = {
	    [TEXT_RUID] = s->ruid, [TEXT_CONTACT] = s->contact, [TEXT_RECEIVED] = s->received,
	    [TEXT_PATH] = s->path, [TEXT_CALLID] = s->callid,   [TEXT_INSTANCE] = s->instance,
	};
	uint16_t n[TEXTS];
	size_t total = 0;
	for (unsigned i = 0; i < TEXTS; i++) {
		n[i] = !texts[i].p || texts[i].n >= ABSENT ? ABSENT : (uint16_t)texts[i].n;
		total += text_bytes(n[i]);
	}
	/* The texts begin in what would be padding. */
	size_t size = offsetof(struct binding, bytes) + total;
	struct binding *b = mem_alloc(size > sizeof(*b) ? size : sizeof(*b));
	*b = (struct binding){
	    .user_agent = text_take(t, old ? old->user_agent : NULL, s->user_agent),
	    .socket = text_take(t, old ? old->socket : NULL, s->socket),
	    .expires = s->expires,
	    .last_modified = (uint32_t)s->last_modified,
	    .cseq = s->cseq,
	    .reg_id = s->reg_id,
	    .flags = s->flags,
	    .cflags = s->cflags,
	    .methods = s->methods < 0 || s->methods > INT32_MAX ? -1 : (int32_t)s->methods,
	    .q = (int16_t)s->q,
	};
	memcpy(b->n, n, sizeof(n));
	char *p = b->bytes;
	for (unsigned i = 0; i < TEXTS; i++) {
		copy(p, slice_of(texts[i].p, text_bytes(n[i])));
		p += text_bytes(n[i]);
	}
	return b;
}

static void binding_free(struct aors *t, struct binding *b)
{
	text_drop(t, b->user_agent);
	text_drop(t, b->socket);
	free(b);
}

static void binding_expand(const struct aor *a, const struct binding *b, struct store_binding *out)
{
	struct slice texts[TEXTS];
	const char *p = b->bytes;
	for (unsigned i = 0; i < TEXTS; i++)
		texts[i] = next_text(&p, b->n[i]);
	*out = (struct store_binding){
	    .ruid = texts[TEXT_RUID],
	    .username = aor_user(a),
	    .domain = aor_domain(a),
	    .contact = texts[TEXT_CONTACT],
	    .received = texts[TEXT_RECEIVED],
	    .path = texts[TEXT_PATH],
	    .expires = b->expires,
	    .q = b->q,
	    .callid = texts[TEXT_CALLID],
	    .cseq = b->cseq,
	    .last_modified = b->last_modified,
	    .flags = b->flags,
	    .cflags = b->cflags,
	    .user_agent = text_slice(b->user_agent),
	    .socket = text_slice(b->socket),
	    .methods = b->methods,
	    .instance = texts[TEXT_INSTANCE],
	    .reg_id = b->reg_id,
	};
}

static int effective_q(int q)
{
	return q < 0 ? 1000 : q;
}

int binding_compare_q(const struct store_binding *a, const struct store_binding *b)
{
	return effective_q(b->q) - effective_q(a->q);
}

static bool is_over(int64_t expires, int64_t now_s)
{
	return expires != 0 && expires <= now_s;
}

bool binding_is_expired(const struct store_binding *b, int64_t now_s)
{
	return is_over(b->expires, now_s);
}

/* An AOR's bindings. */

static bool comes_before(const struct binding *a, const struct binding *b)
{
	int qa = effective_q(a->q), qb = effective_q(b->q);
	return qa != qb ? qa > qb : a->order < b->order;
}

/* Takes the binding of that ruid out of the list; NULL when there is none. */
static struct binding *take_out(struct aor *a, struct slice ruid)
{
	for (struct binding **at = &a->first; *at; at = &(*at)->next) {
		struct binding *b = *at;
		if (!slice_eq(binding_ruid(b), ruid))
			continue;
		*at = b->next;
		a->table->bindings--;
		return b;
	}
	return NULL;
}

void aor_put(struct aor *a, const struct store_binding *s)
{
	struct aors *t = a->table;
	struct binding *old = take_out(a, s->ruid);
	struct binding *b = binding_new(t, old, s);
	b->order = old ? old->order : t->next_order++;
	if (old)
		binding_free(t, old);
	struct binding **at = &a->first;
	while (*at && comes_before(*at, b))
		at = &(*at)->next;
	b->next = *at;
	*at = b;
	t->bindings++;
}

void aor_remove(struct aor *a, struct slice ruid)
{
	struct binding *b = take_out(a, ruid);
	if (b)
		binding_free(a->table, b);
}

void aor_clear(struct aor *a)
{
	while (a->first) {
		struct binding *b = a->first;
		a->first = b->next;
		a->table->bindings--;
		binding_free(a->table, b);
	}
}

static void aor_free(struct aor *a)
{
	timer_stop(&a->table->env->wheel, &a->timer);
	aor_clear(a);
	free(a);
}

struct aor *aor_settle(struct aor *a)
{
	struct wheel *w = &a->table->env->wheel;
	int64_t earliest = INT64_MAX;
	if (!a->first) {
		hash_remove(&a->table->hash, &a->node);
		aor_free(a);
		return NULL;
	}
	for (struct binding *b = a->first; b; b = b->next)
		if (b->expires != 0 && b->expires < earliest)
			earliest = b->expires;
	timer_stop(w, &a->timer);
	if (earliest == INT64_MAX)
		return a;
	int64_t wall_ms = (int64_t)w->now_ms + a->table->env->wall_offset_ms;
	int64_t delay_ms = earliest * 1000 - wall_ms;
	delay_ms = delay_ms < 0 ? 0 : delay_ms < LOOK_AGAIN_MS ? delay_ms : LOOK_AGAIN_MS;
	timer_start(w, &a->timer, (uint64_t)delay_ms);
	return a;
}

static void aor_fire(struct timer *timer)
{
	struct aor *a = CONTAINER(timer, struct aor, timer);
	struct aors *t = a->table;
	const int64_t now_s = env_wall_s(t->env);
	for (struct binding **at = &a->first; *at;) {
		struct binding *b = *at;
		if (!is_over(b->expires, now_s)) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		t->bindings--;
		t->expired++;
		if (t->on_expired)
			t->on_expired(t->data, binding_ruid(b));
		binding_free(t, b);
	}
	aor_settle(a);
}

unsigned aor_count(const struct aor *a)
{
	unsigned n = 0;
	for (const struct binding *b = a ? a->first : NULL; b; b = b->next)
		n++;
	return n;
}

unsigned aor_bindings(const struct aor *a, int64_t now_s, struct store_binding *out)
{
	unsigned n = 0;
	for (const struct binding *b = a ? a->first : NULL; b; b = b->next)
		if (!is_over(b->expires, now_s))
			binding_expand(a, b, &out[n++]);
	return n;
}

bool aor_binding(const struct aor *a, struct slice ruid, struct store_binding *out)
{
	for (const struct binding *b = a->first; b; b = b->next) {
		if (!slice_eq(binding_ruid(b), ruid))
			continue;
		binding_expand(a, b, out);
		return true;
	}
	return false;
}

/* The table. */

void aors_init(struct aors *t, struct env *env)
{
	uint8_t key[16];
	*t = (struct aors){.env = env};
	rand_bytes(env->rand, key, sizeof(key));
	hash_init(&t->hash, key);
	hash_init(&t->texts, key);
}

static void aor_visit(struct hash_node *node, void *data)
{
	struct aors *t = data;
	struct aor *a = CONTAINER(node, struct aor, node);
	hash_remove(&t->hash, node);
	aor_free(a);
}

void aors_free(struct aors *t)
{
	hash_each(&t->hash, aor_visit, t);
	hash_free(&t->hash);
	hash_free(&t->texts);
}
