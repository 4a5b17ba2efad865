/*
 * digest: a phone's answers to challenges, RFC 2617 with MD5, with or without qop.
 *
 * The hash of user, realm and password (HA1) is kept for each user: a phone has one password.
 */
#ifndef LOAD_DIGEST_H
#define LOAD_DIGEST_H

#include "text.h"

struct digest;

struct challenge {
	struct span realm, nonce, opaque;
	bool qop, stale;
};

struct digest_question {
	const char *field; /* Authorization or Proxy-Authorization */
	struct span method, uri;
	uint32_t cnonce;
};

/* For users 0 … users-1; aborts without memory. */
struct digest *digest_new(unsigned users);
void digest_free(struct digest *d);

/* False: there is nothing that could be answered. */
bool challenge_read(struct challenge *c, struct span field);
/* Writes the header field that answers c, for a user whose name and password are given. */
void digest_answer(struct digest *d, struct text *t, const struct challenge *c,
		   const struct digest_question *q, unsigned user);

#endif
