/*
 * response: what becomes of the responses of all branches (RFC 3261 16.7).
 */
#ifndef PROXY_RESPONSE_H
#define PROXY_RESPONSE_H

#include "proxy/proxy.h"

/* For client_start(): responses and failures of b. */
struct client_user response_user(struct branch *b);

/*
 * Sends the best response upstream when nothing is left to wait for (16.7 step
 * 6), after the failure handler; and drops the transaction when the route has
 * ended without a word.  Called whenever a branch, a route or a handler has ended.
 */
void response_settle(struct context *c);

/* A final response went upstream: the other branches are cancelled (16.7 step 10). */
void response_answered(struct context *c);

/* A branch has answered 6xx: no more of them (16.7 step 5). */
bool response_is_global(const struct context *c);

#endif
