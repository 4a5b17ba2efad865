/*
 * match: does a request belong to the transaction of another (RFC 3261 17.2.3)?
 *
 * With the cookie by branch and sent-by; without it (RFC 2543, or nothing
 * behind the cookie) by Request-URI, From tag, Call-ID, CSeq number and top
 * Via.  Method and To tag are the caller's to compare: they differ in the ACK
 * and the CANCEL of an INVITE.
 *
 * A transaction that only waits for its end has no request any more, so that
 * hashes under a secret key stand for it: two of 64 bits for what cannot be
 * told apart in any other way.
 */
#ifndef TXN_MATCH_H
#define TXN_MATCH_H

#include "base/hash.h"
#include "sip/msg.h"

struct match {
	uint64_t hash, check; /* of the hop */
	uint32_t method;
	uint32_t to_tag; /* without the cookie */
	bool cookie;
};

/* Under t's key. */
struct match match_of(const struct hash *t, const struct msg *request);

static inline bool match_hop(const struct match *a, const struct match *b)
{
	return a->hash == b->hash && a->check == b->check;
}

#endif
