/*
 * callee: the phones that sessions are for (RFC 3261 8.2, 13.3): they ring, answer at once,
 * repeat the answer to an INVITE until it is acknowledged, and look at what the proxy made of
 * each request.
 */
#ifndef LOAD_CALLEE_H
#define LOAD_CALLEE_H

#include "load.h"

void callee_hear(struct load *l, struct span datagram, uint64_t now_us);
/* Takes up a call that rings. */
void callee_answer(struct load *l, struct session *s, uint64_t now_us);
void callee_timers(struct load *l, uint64_t now_us);

#endif
