/*
 * loop: telling a loop from a spiral (RFC 5393 4.2, RFC 3261 16.6 step 8).
 *
 * What decides the way of a request is hashed and becomes the first part of
 * our branch parameter.  A request that comes back with one of our Vias and
 * the same value would go the same way again.
 */
#ifndef PROXY_LOOP_H
#define PROXY_LOOP_H

#include "proxy/proxy.h"

/* The value of the request as it was received, hex and its NUL. */
void loop_value(const struct context *c, char out[PROXY_LOOP_VALUE + 1]);
/* One of its Vias is ours and carries this value. */
bool loop_found(const struct context *c, const char *value);

#endif
