#include "registrar/nonce.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "sip/lex.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIME_DIGITS = 8,
	SALT_DIGITS = 8,
	OURS_DIGITS = 8,
	CALL_DIGITS = 16,
	HEAD_BYTES = 1 + TIME_DIGITS + SALT_DIGITS + 8,
	MAC_BYTES = 32,
	FIRST_SLOTS = 64,
};

/* A nonce that was used without qop serves no more. */
static const uint32_t used_up = UINT32_MAX;

/* MACs. */

void nonces_set_secret(struct nonces *t, struct slice secret)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	if (!mac || !EVP_MAC_init(mac, (const unsigned char *)secret.p, secret.n, params))
		abort();
	EVP_MAC_free(hmac);
	EVP_MAC_CTX_free(t->mac);
	t->mac = mac;
}

static void mac_add(struct nonces *t, const void *bytes, size_t n)
{
	if (n > 0)
		EVP_MAC_update(t->mac, bytes, n);
}

static void mac_add_lower(struct nonces *t, struct slice s)
{
	unsigned char lower[64];
	for (size_t i = 0; i < s.n;) {
		size_t n = 0;
		for (; n < sizeof(lower) && i < s.n; i++) {
			lower[n++] = (unsigned char)slice_lower(s.p[i]);
		}
		mac_add(t, lower, n);
	}
}

/*
 * What the first digits of a nonce (time and chance), algorithm and realm give:
 * the MAC that says "ours", and the key for that of the Call-ID.
 */
struct proof {
	uint32_t ours;
	uint8_t call_key[16];
};

static struct proof prove(struct nonces *t, const struct nonce_scope *s, const char *text)
{
	struct proof proof;
	unsigned char out[MAC_BYTES] = {0}, head[HEAD_BYTES];
	const uint64_t realm_n = s->realm.n;
	size_t n;
	head[0] = (unsigned char)s->algorithm;
	memcpy(head + 1, text, TIME_DIGITS + SALT_DIGITS);
	memcpy(head + 1 + TIME_DIGITS + SALT_DIGITS, &realm_n, sizeof(realm_n));
	EVP_MAC_init(t->mac, NULL, 0, NULL);
	mac_add(t, head, sizeof(head));
	mac_add_lower(t, s->realm);
	EVP_MAC_final(t->mac, out, &n, sizeof(out));
	memcpy(&proof.ours, out, sizeof(proof.ours));
	memcpy(proof.call_key, out + MAC_BYTES / 2, sizeof(proof.call_key));
	return proof;
}

static uint64_t mac_call(const struct proof *p, const struct nonce_scope *s)
{
	return siphash13(p->call_key, s->call_id.p, s->call_id.n);
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
	char *p = put_hex(out, (uint32_t)env_wall_s(t->env), TIME_DIGITS);
	p = put_hex(p, (uint32_t)rand_u64(t->env->rand), SALT_DIGITS);
	const struct proof proof = prove(t, scope, out);
	p = put_hex(p, proof.ours, OURS_DIGITS);
	put_hex(p, mac_call(&proof, scope), CALL_DIGITS);
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
	const struct proof proof = prove(t, scope, text.p);
	if (proof.ours == ours)
		n->origin = mac_call(&proof, scope) == call ? NONCE_OURS : NONCE_ELSEWHERE;
}

/* Uses.  A MAC is chance by itself, so it is its own hash. */

static struct nonce_use *slot_of(const struct nonce_generation *g, uint64_t mac)
{
	size_t i = mac & (g->slots - 1);
	while (g->uses[i].mac != 0 && g->uses[i].mac != mac)
		i = (i + 1) & (g->slots - 1);
	return &g->uses[i];
}

static struct nonce_use *use_find(const struct nonce_generation *g, uint64_t mac)
{
	if (g->slots == 0)
		return NULL;
	struct nonce_use *use = slot_of(g, mac);
	return use->mac ? use : NULL;
}

static void generation_grow(struct nonce_generation *g)
{
	struct nonce_generation bigger = *g;
	bigger.slots = g->slots ? 2 * g->slots : FIRST_SLOTS;
	bigger.uses = mem_zalloc(bigger.slots * sizeof(*bigger.uses));
	for (size_t i = 0; i < g->slots; i++)
		if (g->uses[i].mac)
			*slot_of(&bigger, g->uses[i].mac) = g->uses[i];
	free(g->uses);
	*g = bigger;
}

static void generation_add(struct nonce_generation *g, uint64_t mac, uint32_t nc)
{
	if (4 * (g->n + 1) > 3 * g->slots)
		generation_grow(g);
	*slot_of(g, mac) = (struct nonce_use){mac, nc};
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
	const uint64_t mac = n->mac ? n->mac : 1;
	const uint32_t counter = nc ? nc : used_up;
	if (n->origin != NONCE_OURS || is_stale(t, n, now_s))
		return NONCE_STALE;
	struct nonce_use *use = use_find(&t->now, mac);
	if (!use)
		use = use_find(&t->before, mac);
	if (use && (use->nc >= counter || nc == 0))
		return NONCE_REPLAY;
	if (use) {
		use->nc = counter;
		return NONCE_FRESH;
	}
	generations_turn(t, now_s);
	generation_add(&t->now, mac, counter);
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
	EVP_MAC_CTX_free(t->mac);
	free(t->now.uses);
	free(t->before.uses);
}
