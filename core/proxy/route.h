/*
 * route: Route and Record-Route (RFC 3261 16.4, 16.6 steps 4 and 6, 16.12).
 * proxy_loose_route() and proxy_record_route() are its face towards the script.
 */
#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include "proxy/proxy.h"

/*
 * Writes the Request-URI and the Routes of b into its edits, and finds *hop, the
 * URI that decides where it is sent, and b->routes, the Route lines to put in
 * front of the message.  Refusals: 400 bad Route, 416 scheme, 478 bad next hop.
 */
struct refusal route_apply(struct branch *b, struct uri *hop);

/* Record-Route for a request that leaves from socket: one line, or two values
 * when it came in elsewhere (RFC 5658). */
void route_record(const struct context *c, unsigned socket, struct buf *out);

#endif
