/*
 * hop: the two requests a client transaction makes itself out of the one it
 * sent: ACK for 300..699 (RFC 3261 17.1.1.3) and CANCEL (9.1).
 */
#ifndef TXN_HOP_H
#define TXN_HOP_H

#include "base/buf.h"
#include "sip/msg.h"

/*
 * Same Request-URI, top Via (alone), Route, From, Call-ID and CSeq number;
 * `to` is the value of To: the response's for ACK, the request's for CANCEL.
 */
void hop_write(struct buf *out, const struct msg *request, struct slice method, struct slice to);

#endif
