/*
 * forward: a request to its targets (RFC 3261 16.5, 16.6; RFC 5393 5.3).
 * proxy_relay() is its face towards the script.
 */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include "proxy/proxy.h"

/* A branch failed: tries the next address of its hop, if there is one and
 * somebody still waits (RFC 3263 4.3).  True: a new transaction has begun. */
bool forward_next_address(struct branch *b);

/* The request of a branch (a struct branch) as it was sent, in the proxy's scratch buffer. */
struct slice forward_again(void *branch);

#endif
