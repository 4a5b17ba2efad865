/*
 * nearest: which known word was probably meant?  For messages that say
 * "unknown handler 'requst', did you mean 'request'?".
 */
#ifndef SCRIPT_NEAREST_H
#define SCRIPT_NEAREST_H

#include "base/buf.h"

struct nearest {
	struct slice word;
	struct slice best; /* null: nothing is near enough */
	unsigned distance;
};

void nearest_init(struct nearest *n, struct slice word);
void nearest_try(struct nearest *n, struct slice candidate);
/* Appends ", did you mean 'best'?", or nothing. */
void nearest_say(const struct nearest *n, struct buf *out);

#endif
