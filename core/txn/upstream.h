/*
 * upstream: the way back of a response: where its request came from, and the
 * response without our Via (RFC 3261 16.7 steps 3 and 9, 18.2.2).
 */
#ifndef TXN_UPSTREAM_H
#define TXN_UPSTREAM_H

#include "sip/edit.h"
#include "transport/transport.h"

/* All that is needed of a request to answer it with bytes made before. */
struct upstream {
	struct addr to;
	unsigned socket;
};

struct upstream upstream_of(const struct received *request);

/* There is another Via behind ours; else the response is meant for us. */
bool upstream_follows(const struct msg *response);

/*
 * The response with `changes`, or NULL for none, and without our Via; every
 * other byte stays.  In out; what is made on the way is in a.  Null when it
 * would exceed out's maximum.
 */
struct slice upstream_write(struct buf *out, const struct msg *response,
			    const struct edits *changes, struct arena *a);

#endif
