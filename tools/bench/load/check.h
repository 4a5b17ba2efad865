/*
 * check: what a proxy must have done to a message before a phone sees it (RFC 3261 16).
 * Breaches are counted in the stats.
 */
#ifndef LOAD_CHECK_H
#define LOAD_CHECK_H

#include "load.h"
#include "message.h"

void check_response(struct load *l, const struct session *s, const struct message *m);
/* The routes that a 2xx to an INVITE gives its caller: the first is the proxy. */
void check_routes(struct load *l, struct span first);
void check_request(struct load *l, const struct session *s, const struct message *m);

#endif
