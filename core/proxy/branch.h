/*
 * branch: one place a request was sent to, from its start to its final
 * response: Timer C (RFC 3261 16.6 step 11, 16.8) and CANCEL (16.10).
 */
#ifndef PROXY_BRANCH_H
#define PROXY_BRANCH_H

#include "proxy/proxy.h"

/* At the end of c->branches. */
struct branch *branch_new(struct context *c, const struct target *t);
void branch_free(struct branch *b);
/* It never left: out of the list, as if it had not been. */
void branch_forget(struct branch *b);

/* A client transaction for b has started: Timer C begins for an INVITE. */
void branch_started(struct branch *b);
/* 101..199 came: Timer C begins anew (16.7 step 2), but all ringing has an end. */
void branch_ringing(struct branch *b);
/* The final status, of our own making without r, which it takes.  A 487 after
 * Timer C is a 408 (16.8). */
void branch_finish(struct branch *b, unsigned status, struct received *r);
/* A 2xx ended it. */
void branch_success(struct branch *b);

/* CANCEL now, or as soon as a provisional response allows it (9.1). */
void branch_cancel(struct branch *b);
/* All that have no final response. */
void branch_cancel_all(struct context *c);

#endif
