/*
 * digest: Digest authentication as arithmetic (RFC 2617, RFC 7616, RFC 8760).
 *
 * Parses credentials, computes HA1 and responses, writes challenges.  It knows
 * nothing of nonce policy or of where passwords are kept (registrar/auth).
 */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H

#include "base/buf.h"
#include "base/slice.h"

#include <openssl/types.h>

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256, DIGEST_UNKNOWN };
enum digest_qop { DIGEST_QOP_NONE, DIGEST_QOP_AUTH, DIGEST_QOP_AUTH_INT, DIGEST_QOP_UNKNOWN };

enum { DIGEST_HEX = 64 + 1 }; /* the longest hash in hex, with its NUL */

struct digest_credentials {
	struct slice username; /* unquoted, escapes resolved */
	struct slice realm;    /* unquoted, escapes resolved */
	struct slice nonce;
	struct slice uri;
	struct slice response;
	struct slice cnonce; /* null: none */
	struct slice nc;     /* null: none; eight hex digits as written */
	uint32_t nc_value;
	enum digest_algorithm algorithm; /* absent: MD5 */
	bool sess;                       /* "-sess" */
	enum digest_qop qop;
};

/*
 * value: that of an Authorization or Proxy-Authorization header field.
 *  0  well formed
 *  1  another scheme than Digest (Basic, Bearer …)
 * -1  malformed: a quote left open, a parameter missing or twice, qop without
 *     cnonce or nc, nc not eight hex digits
 */
struct arena;
int digest_parse(struct digest_credentials *c, struct arena *a, struct slice value);

/* Hex digits of the hash, 32 for MD5, else 64. */
size_t digest_hex_digits(enum digest_algorithm a);

/*
 * What computes; begins as {0}.  It keeps what the library has of each
 * algorithm, and the last HA2: that of all who register in a domain is the same.
 */
enum { DIGEST_A2 = 64 };
struct digester {
	EVP_MD_CTX *ctx[DIGEST_UNKNOWN]; /* NULL: not asked for yet */
	struct {
		enum digest_algorithm algorithm;
		size_t n; /* 0: none */
		char text[DIGEST_A2];
		char hex[DIGEST_HEX];
	} last;
};
void digester_free(struct digester *d);

/* HA1 of user:realm:password, lower-case hex, NUL terminated; "" when the
 * algorithm is unknown, to us or to the library. */
void digest_ha1(struct digester *d, enum digest_algorithm a, struct slice user, struct slice realm,
		struct slice password, char out[DIGEST_HEX]);

/*
 * What c->response should be, for this HA1 (of c->algorithm, before any
 * "-sess"), method and body (used by auth-int only); "" as above, and for an
 * unknown qop.
 */
void digest_response(struct digester *d, const struct digest_credentials *c, struct slice ha1,
		     struct slice method, struct slice body, char out[DIGEST_HEX]);

/* Constant time in the contents; the empty text equals nothing; hex digits in lower case only (RFC
 * 2617 3.2.2: LHEX). */
bool digest_equal(struct slice a, struct slice b);

struct digest_challenge {
	struct slice realm;
	struct slice nonce;
	bool qop;                        /* qop="auth" */
	bool stale;                      /* stale=true */
	enum digest_algorithm algorithm; /* written when it is not MD5, or when qop is */
};

/* "Digest realm=…", the value only. */
void digest_challenge_write(struct buf *out, const struct digest_challenge *c);

#endif
