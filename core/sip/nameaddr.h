/*
 * nameaddr: name-addr / addr-spec with header parameters, as in From, To,
 * Contact, Route, Record-Route and Path (RFC 3261 20.10).
 */
#ifndef SIP_NAMEADDR_H
#define SIP_NAMEADDR_H

#include "base/slice.h"

struct nameaddr {
	struct slice text;    /* one member of the list, trimmed */
	struct slice display; /* as written, quotes kept; empty when absent */
	struct slice uri;     /* without <> */
	struct slice params;  /* header parameters, from the first ';', or empty */
	bool brackets;        /* the URI stood in <> */
	bool star;            /* the Contact value "*" */
};

/* Without <> all parameters are header parameters, and ',', ';' or '?' in the
 * URI is an error (RFC 3261 20).  The URI itself is not parsed here.
 * 0, or -1 malformed. */
int nameaddr_parse(struct nameaddr *n, struct slice text);
/* The same, but for what is in the URI and the parameters: who parses the one and walks the
 * others anyway sees whether they are malformed. */
int nameaddr_split(struct nameaddr *n, struct slice text);

/* The next one of a comma separated list: 1, 0 at the end, -1 malformed. */
int nameaddr_next(struct slice *rest, struct nameaddr *n);

#endif
