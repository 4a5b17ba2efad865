/*
 * proof: that a dialog began with a request which a route let through.
 *
 * Our Record-Route carries it (";dialog="), 24 hex digits: when that was, and a
 * keyed hash over the time, Call-ID, caller's tag, and who calls whom.  Strangers
 * can name us in a Route, but not make this; and who was given one can use it in
 * his dialog only, under the names it began with, and only for so long
 * (options.dialog_max_age_s).
 */
#ifndef PROXY_PROOF_H
#define PROXY_PROOF_H

#include "proxy/context.h"

enum { PROOF_DIGITS = 24 };

/* For the dialog that c may begin. */
void proof_make(const struct context *c, char out[PROOF_DIGITS + 1]);
/* It was made for the dialog that c, of either side, is in. */
bool proof_holds(const struct context *c, struct slice proof);

#endif
