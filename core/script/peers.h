/*
 * peers: proxies that share our database (settings.usrloc.peers).
 *
 * A phone that registered at one of them is reached through it only (its NAT
 * knows no other), so the request goes there, and that peer looks it up again.
 * A request from a peer is for phones of ours: nothing goes to and fro.
 */
#ifndef SCRIPT_PEERS_H
#define SCRIPT_PEERS_H

#include "script/message.h"

/* One of them listens at a, and it is not ourselves. */
bool peers_have(const struct message *m, const struct addr *a);
/* Whether b is a phone of a peer; *peer is its address. */
bool peers_own(const struct message *m, const struct store_binding *b, struct addr *peer);
/* The request, for all its phones there. */
struct target peers_target(struct context *c, const struct addr *peer, int q);

#endif
