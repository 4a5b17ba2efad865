/*
 * validate: what a request must pass before a route sees it (RFC 3261 16.3):
 * the scheme of its Request-URI and Proxy-Require.  Syntax was checked below;
 * Max-Forwards is the route's business and proxy_relay()'s.
 */
#ifndef PROXY_VALIDATE_H
#define PROXY_VALIDATE_H

#include "proxy/proxy.h"

/* False: it has been answered. */
bool validate(struct context *c);

#endif
