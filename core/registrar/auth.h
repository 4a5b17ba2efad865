/*
 * auth: who sent this request?  Challenges, nonces, and the check of
 * credentials against the subscriber table (RFC 3261 22, RFC 2617, RFC 7616).
 *
 * A nonce (registrar/nonce) is 40 hex digits, of time, chance, and keyed hashes of
 * these, realm, algorithm and Call-ID under the secret.  So it proves to be
 * ours without being kept, serves one Call-ID, realm and algorithm only, and
 * survives restarts.  What is kept is its use: with qop nc must grow, without
 * qop it serves once.
 *
 * Accepted are MD5 and SHA-256, without -sess, with qop "auth" or none; all
 * else was never offered and counts for nothing.
 */
#ifndef REGISTRAR_AUTH_H
#define REGISTRAR_AUTH_H

#include "base/env.h"
#include "registrar/credentials.h"
#include "sip/digest.h"
#include "sip/msg.h"
#include "store/store.h"

enum auth_kind { AUTH_WWW, AUTH_PROXY }; /* Authorization / Proxy-Authorization, 401 / 407 */

enum auth_result {
	AUTH_OK,
	AUTH_NONE,      /* "none": no credentials for this realm of a kind we offer */
	AUTH_NONCE,     /* "nonce": not one of ours */
	AUTH_STALE,     /* "stale": ours, right response, but too old or for another Call-ID */
	AUTH_USER,      /* "user": no such subscriber, or one without a password */
	AUTH_PASSWORD,  /* "password" */
	AUTH_REPLAY,    /* "replay": nc did not grow, nonce used again, or a uri that is not the
			   Request-URI */
	AUTH_MALFORMED, /* "malformed" */
	AUTH_DB,        /* "db": the store gave no answer; never lets a request in */
};
const char *auth_result_name(enum auth_result r); /* "" for AUTH_OK */

struct auth_options {
	uint32_t nonce_expire_s; /* 300 */
	bool use_domain;         /* the subscriber's domain must be the realm */
	bool plain;              /* the plain password column may be used (calculate_ha1) */
	size_t max_nonces;       /* uses remembered; when full the oldest nonces become stale */
	size_t cache_size;       /* users whose rows are kept (registrar/credentials); 0: none */
	uint32_t cache_ttl_s;    /* … and for how long */
};

struct auth;

struct auth *auth_new(struct env *env, struct store *store, const struct auth_options *o);
void auth_free(struct auth *a);
/* Shares what is read of subscribers with a crew that outlives it. */
void auth_join(struct auth *a, const struct credentials_crew *crew, unsigned own);
void auth_set_options(struct auth *a, const struct auth_options *o);
/* At least 16 bytes. */
void auth_set_secret(struct auth *a, struct slice secret);
/* The user's row has changed: the next check asks the store. */
void auth_forget(struct auth *a, struct slice user);
void auth_count(const struct auth *a, struct credentials_counters *c);

/* The credentials that were accepted; all null with a refusal.  Slices live in
 * the arena of the check. */
struct auth_identity {
	struct slice
	    line; /* of the header field that authorized: what consume_credentials removes */
	struct slice username;
	struct slice realm;
	bool stale; /* with a refusal: the next challenge may say stale=true */
};

/*
 * arena and msg must live until done, which is called exactly once, maybe
 * before this returns.  All headers of the kind are looked at; with this realm
 * (case ignored) the first with a nonce of ours counts, else the first.  ACK and
 * CANCEL are AUTH_OK at once, with nobody's identity: they cannot be challenged
 * (RFC 3261 22.1).
 */
void auth_check(struct auth *a, struct arena *arena, const struct msg *msg, enum auth_kind kind,
		struct slice realm, struct slice table, void *data,
		void (*done)(void *data, enum auth_result r, const struct auth_identity *id));

struct auth_challenge_options {
	bool qop;
	bool stale;
	bool md5; /* which algorithms to offer, SHA-256 first (RFC 8760) */
	bool sha256;
};
/* The header line(s) of a challenge for this request, with CRLF. */
void auth_challenge(struct auth *a, const struct msg *msg, enum auth_kind kind, struct slice realm,
		    const struct auth_challenge_options *o, struct buf *out);

#endif
