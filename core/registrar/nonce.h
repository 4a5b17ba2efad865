/*
 * nonce: making nonces, knowing them again, and counting their use
 * (RFC 7616 3.3, 3.4.5, 5.4).
 *
 * 40 hex digits: 8 of the time it was made, 8 of chance, so that two
 * challenges within a second differ, 8 of a MAC over these, algorithm and
 * realm, 16 of one over these and the Call-ID.  The second MAC is what lets a
 * nonce be used; the first only tells "ours, but used from elsewhere", from
 * which an honest phone recovers by stale=true, from "made up".
 *
 * The MACs are SipHash-2-4; its key is an HMAC-SHA-256 under the secret.
 *
 * Nothing is kept of a nonce until it is used with a right response.  Uses
 * live in two generations of an open hash, eight bytes each; a nonce that may
 * have been forgotten counts as stale, never as new.
 */
#ifndef REGISTRAR_NONCE_H
#define REGISTRAR_NONCE_H

#include "base/env.h"
#include "base/slice.h"
#include "sip/digest.h"

enum { NONCE_DIGITS = 40, NONCE_SECRET_MIN = 16, NONCE_MAX_USES = UINT16_MAX - 1 };

/*
 * A use: 48 bits of the nonce's MAC above 16 of its highest counter; 0: a free slot.
 * Two nonces that are taken for one cost a phone another challenge, no more; of
 * 100,000 one in 3,000 million does.
 */
struct nonce_generation {
	uint64_t *uses;
	size_t slots; /* at most 4/5 of them taken */
	size_t n;
	int64_t opened_s; /* Unix times of its first and its last use */
	int64_t closed_s;
};

struct nonces {
	struct env *env;
	struct {
		uint8_t macs[16];
		uint8_t texts[16]; /* realm and Call-ID become a word each, which nobody sees */
	} keys;
	uint32_t expire_s;
	size_t max; /* uses remembered, both generations */
	struct nonce_generation now, before;
	int64_t forgotten_s; /* nonces made up to then may have been forgotten */
};

/* What a nonce serves for. */
struct nonce_scope {
	struct slice realm; /* case ignored */
	struct slice call_id;
	enum digest_algorithm algorithm;
};

enum nonce_origin {
	NONCE_FOREIGN,   /* not ours, or for another realm or algorithm */
	NONCE_ELSEWHERE, /* ours, for another Call-ID */
	NONCE_OURS,
};

enum nonce_verdict { NONCE_FRESH, NONCE_STALE, NONCE_REPLAY };

struct nonce {
	enum nonce_origin origin;
	uint32_t made_s;
	uint64_t mac;
};

/* With a secret out of env->rand until it is given another. */
void nonces_init(struct nonces *t, struct env *env, uint32_t expire_s, size_t max);
void nonces_free(struct nonces *t);
void nonces_set_secret(struct nonces *t, struct slice secret);

/* Not NUL terminated. */
void nonce_make(struct nonces *t, const struct nonce_scope *scope, char out[NONCE_DIGITS]);
void nonce_read(struct nonces *t, const struct nonce_scope *scope, struct slice text,
		struct nonce *n);

/*
 * One use, after the response was found right.  nc: the counter, 0 without
 * qop.  A nonce from before a restart is taken with whatever nc it comes with;
 * beyond NONCE_MAX_USES it is stale.
 */
enum nonce_verdict nonce_use(struct nonces *t, const struct nonce *n, uint32_t nc);

#endif
