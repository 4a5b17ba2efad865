/*
 * match: does a request belong to the transaction of another (RFC 3261 17.2.3)?
 *
 * With the cookie by branch and sent-by; without it (RFC 2543, or nothing
 * behind the cookie) by Request-URI, From tag, Call-ID, CSeq number and top
 * Via.  Method and To tag are the caller's to compare: they differ in the ACK
 * and the CANCEL of an INVITE.
 */
#ifndef TXN_MATCH_H
#define TXN_MATCH_H

#include "base/hash.h"
#include "sip/msg.h"

/* Equal for all that match_hop() says belongs together; under t's secret key. */
uint64_t match_hash(const struct hash *t, const struct msg *request);
bool match_hop(const struct msg *a, const struct msg *b);

#endif
