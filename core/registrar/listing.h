/*
 * listing: header lines of the answer to a REGISTER (RFC 3261 10.3 step 8).
 */
#ifndef REGISTRAR_LISTING_H
#define REGISTRAR_LISTING_H

#include "base/buf.h"
#include "store/store.h"

/* "Contact: <uri>;q=0.5;expires=N…"; one that never expires is said to last as
 * long as can be said. */
void listing_contact(struct buf *out, const struct store_binding *b, int64_t now_s);
/* "Date: …" (20.17) of a Unix time. */
void listing_date(struct buf *out, int64_t now_s);

#endif
