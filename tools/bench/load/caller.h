/*
 * caller: the phones that begin sessions (RFC 3261 8.1, 17.1): they ask, prove who they are,
 * repeat what is not answered, and end what stands.
 */
#ifndef LOAD_CALLER_H
#define LOAD_CALLER_H

#include "load.h"

/* Begins a session of the load's task; its latency counts from begun_us.  False: none is
 * free (or, for what happens in dialogs, idle). */
bool caller_begin(struct load *l, uint64_t begun_us, uint64_t now_us);
void caller_hear(struct load *l, struct span datagram, uint64_t now_us);
/* Retransmissions and timeouts of all sessions. */
void caller_timers(struct load *l, uint64_t now_us);
/* The callee has the ACK. */
void caller_acked(struct load *l, struct session *s, uint64_t now_us);

#endif
