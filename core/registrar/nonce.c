#include "registrar/nonce.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "sip/lex.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIME_DIGITS = 8,
	SALT_DIGITS = 8,
	OURS_DIGITS = 8,
	CALL_DIGITS = 16,
	MAC_BYTES = 32,
	FIRST_SLOTS = 64,
};

/* A nonce that was used without qop serves no more. */
enum { USED_UP = NONCE_MAX_USES + 1 };

/* MACs. */

void nonces_set_secret(struct nonces *t, struct slice secret)
{
	static const unsigned char purpose[] = "nonce";
	_Static_assert(sizeof(t->keys) == MAC_BYTES, "what HMAC-SHA-256 gives");
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret.p, secret.n, purpose,
		       sizeof(purpose), (unsigned char *)&t->keys, sizeof(t->keys), NULL))
		abort();
}

struct proof {
	uint32_t ours;
	uint64_t call;
};

/* The first MAC, of which nobody sees the other half, stands for all that it is over. */
static struct proof prove(const struct nonces *t, const struct nonce_scope *s, uint32_t made,
			  uint32_t salt)
{
	struct siphash realm;
	siphash_init(&realm, t->keys.texts);
	siphash_add_lower(&realm, s->realm);
	const uint64_t first[] = {(uint64_t)made << 32 | salt, s->algorithm, siphash_end(&realm)};
	const uint64_t ours = siphash24(t->keys.macs, first, 3);
	const uint64_t call = siphash13(t->keys.texts, s->call_id.p, s->call_id.n);
	const uint64_t second[] = {ours, call};
	return (struct proof){(uint32_t)ours, siphash24(t->keys.macs, second, 2)};
}

/* Texts. */

static char *put_hex(char *p, uint64_t value, unsigned digits)
{
	hex_u64(value, digits, p);
	return p + digits;
}

/* The next digits of *p; false when they are not lower-case hex. */
static bool get_hex(const char **p, unsigned digits, uint64_t *value)
{
	*value = 0;
	for (const char *end = *p + digits; *p < end; (*p)++) {
		int digit = lex_hex(**p);
		if (digit < 0 || (**p >= 'A' && **p <= 'F'))
			return false;
		*value = *value << 4 | (unsigned)digit;
	}
	return true;
}

void nonce_make(struct nonces *t, const struct nonce_scope *scope, char out[NONCE_DIGITS])
{
	const uint32_t made = (uint32_t)env_wall_s(t->env), salt = (uint32_t)rand_u64(t->env->rand);
	const struct proof proof = prove(t, scope, made, salt);
	char *p = put_hex(out, made, TIME_DIGITS);
	p = put_hex(p, salt, SALT_DIGITS);
	p = put_hex(p, proof.ours, OURS_DIGITS);
	put_hex(p, proof.call, CALL_DIGITS);
}

/* Where the search for its use begins. */
static size_t first_slot(const struct nonce_generation *g, uint64_t mac)
{
	return (mac >> 32) * g->slots >> 32;
}

void nonce_read(struct nonces *t, const struct nonce_scope *scope, struct slice text,
		struct nonce *n)
{
	uint64_t made, salt, ours, call;
	const char *p = text.p;
	*n = (struct nonce){.origin = NONCE_FOREIGN};
	if (text.n != NONCE_DIGITS || !get_hex(&p, TIME_DIGITS, &made) ||
	    !get_hex(&p, SALT_DIGITS, &salt) || !get_hex(&p, OURS_DIGITS, &ours) ||
	    !get_hex(&p, CALL_DIGITS, &call))
		return;
	n->made_s = (uint32_t)made;
	n->mac = call;
	/* Integers compare in constant time. */
	const struct proof proof = prove(t, scope, (uint32_t)made, (uint32_t)salt);
	if (proof.ours == ours)
		n->origin = proof.call == call ? NONCE_OURS : NONCE_ELSEWHERE;
	/* Its use lies anywhere in memory, and is looked for as soon as the response is right. */
	if (n->origin == NONCE_OURS && t->now.slots)
		__builtin_prefetch(&t->now.uses[first_slot(&t->now, n->mac)], 1);
}

/* Uses.  A MAC is chance by itself, so it is its own hash. */

enum { COUNTER_MASK = UINT16_MAX };

static uint64_t use_of(uint64_t mac, uint32_t counter)
{
	return (mac & ~(uint64_t)COUNTER_MASK) | counter;
}

/* Where the use of that nonce is, or would be. */
static uint64_t *slot_of(const struct nonce_generation *g, uint64_t mac)
{
	size_t i = first_slot(g, mac);
	while (g->uses[i] && (g->uses[i] ^ mac) > COUNTER_MASK)
		i = i + 1 < g->slots ? i + 1 : 0;
	return &g->uses[i];
}

static uint64_t *use_find(const struct nonce_generation *g, uint64_t mac)
{
	if (g->slots == 0)
		return NULL;
	uint64_t *use = slot_of(g, mac);
	return *use ? use : NULL;
}

/* By half: at any time there is little that is not used. */
static void generation_grow(struct nonce_generation *g)
{
	struct nonce_generation bigger = *g;
	bigger.slots = g->slots ? g->slots + g->slots / 2 : FIRST_SLOTS;
	bigger.uses = mem_zalloc(bigger.slots * sizeof(*bigger.uses));
	for (size_t i = 0; i < g->slots; i++)
		if (g->uses[i])
			*slot_of(&bigger, g->uses[i]) = g->uses[i];
	free(g->uses);
	*g = bigger;
}

static void generation_add(struct nonce_generation *g, uint64_t mac, uint32_t counter)
{
	if (5 * (g->n + 1) > 4 * g->slots)
		generation_grow(g);
	*slot_of(g, mac) = use_of(mac, counter);
	g->n++;
}

static void generations_swap(struct nonces *t)
{
	if (t->before.n > 0 && t->before.closed_s > t->forgotten_s)
		t->forgotten_s = t->before.closed_s;
	free(t->before.uses);
	t->before = t->now;
	t->now = (struct nonce_generation){0};
}

/*
 * Makes room for a use at now_s.  A generation is closed when it is full, or
 * so old that all nonces of the one before it are stale by now.
 */
static void generations_turn(struct nonces *t, int64_t now_s)
{
	size_t half = t->max > 2 ? t->max / 2 : 1;
	if (t->now.n >= half || (t->now.n > 0 && now_s - t->now.opened_s > t->expire_s))
		generations_swap(t);
	if (t->now.n == 0)
		t->now.opened_s = now_s;
	t->now.closed_s = now_s;
}

static bool is_stale(const struct nonces *t, const struct nonce *n, int64_t now_s)
{
	return n->made_s > now_s || now_s - n->made_s > t->expire_s || n->made_s <= t->forgotten_s;
}

enum nonce_verdict nonce_use(struct nonces *t, const struct nonce *n, uint32_t nc)
{
	const int64_t now_s = env_wall_s(t->env);
	const uint32_t counter = nc ? nc : USED_UP;
	if (n->origin != NONCE_OURS || is_stale(t, n, now_s) || nc > NONCE_MAX_USES)
		return NONCE_STALE;
	uint64_t *use = use_find(&t->now, n->mac);
	if (!use)
		use = use_find(&t->before, n->mac);
	if (use && (nc == 0 || (*use & COUNTER_MASK) >= counter))
		return NONCE_REPLAY;
	if (use) {
		*use = use_of(n->mac, counter);
		return NONCE_FRESH;
	}
	generations_turn(t, now_s);
	generation_add(&t->now, n->mac, counter);
	return NONCE_FRESH;
}

void nonces_init(struct nonces *t, struct env *env, uint32_t expire_s, size_t max)
{
	char secret[MAC_BYTES];
	*t = (struct nonces){.env = env, .expire_s = expire_s, .max = max, .forgotten_s = -1};
	rand_bytes(env->rand, secret, sizeof(secret));
	nonces_set_secret(t, slice_of(secret, sizeof(secret)));
}

void nonces_free(struct nonces *t)
{
	free(t->now.uses);
	free(t->before.uses);
}
