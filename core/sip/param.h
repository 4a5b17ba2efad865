/*
 * param: ";name=value" lists, as in Via, Contact, Route and SIP URIs
 * (generic-param of RFC 3261 25.1).
 */
#ifndef SIP_PARAM_H
#define SIP_PARAM_H

#include "base/slice.h"

struct param {
	struct slice name;
	struct slice value; /* null without "="; quotes are kept */
	struct slice text;  /* from the name to the end of the value */
};

/*
 * The next parameter of *rest, which begins at a ';' (white space around it is
 * skipped).  1: *p is set and *rest moved; 0: end of the list; -1: malformed.
 */
int param_next(struct slice *rest, struct param *p);

/* The first parameter called name (case ignored); false when there is none. */
bool param_get(struct slice params, struct slice name, struct slice *value);

/* The whole list is well formed. */
bool param_check(struct slice params);

#endif
