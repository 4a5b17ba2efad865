/*
 * reply: a response made from a request (RFC 3261 8.2.6).
 *
 * Via, From, To, Call-ID and CSeq are copied as the bytes of the request, so
 * far as it has them; the top Via with what 18.2.1 added to it.
 */
#ifndef SIP_REPLY_H
#define SIP_REPLY_H

#include "base/buf.h"
#include "sip/msg.h"

struct reply {
	unsigned status;
	struct slice reason;  /* empty: the RFC's phrase */
	struct slice to_tag;  /* added when the request has none; null for 100 */
	struct slice top_via; /* replaces the value of the topmost Via; null: as received */
	struct slice headers; /* whole lines with CRLF, or empty */
	struct slice server;  /* value of Server, or empty: no such line */
};

void reply_write(struct buf *out, const struct msg *request, const struct reply *r);

/* The phrase of RFC 3261 21 and its updates; of the class (x00) when unknown. */
const char *reply_phrase(unsigned status);

#endif
