/*
 * message: what a phone has to know of a SIP message that came to it.
 *
 * It reads what proxies really send, one header field a line, and refuses the rest; it shares
 * no line with the proxy's parser, so that one's mistakes do not hide the other's.
 */
#ifndef LOAD_MESSAGE_H
#define LOAD_MESSAGE_H

#include "text.h"

enum { MESSAGE_VIAS = 8, MESSAGE_ROUTES = 8 };

struct message {
	unsigned status; /* 0: a request */
	struct span method, uri;
	struct span from, to, call_id, cseq, contact, challenge;
	struct span cseq_method;
	uint32_t cseq_number;
	unsigned max_forwards; /* UINT_MAX: there is none */
	bool credentials, route;
	struct span vias[MESSAGE_VIAS], record_routes[MESSAGE_ROUTES]; /* lines */
	unsigned vias_n, record_routes_n;
	struct span body;
};

/* The spans point into `datagram`. */
bool message_read(struct message *m, struct span datagram);

/* Takes the next of the values that commas part off a line; quotes and <> are respected. */
bool message_next_value(struct span *line, struct span *value);
/* The URI of a name-addr. */
struct span message_uri(struct span name_addr);
/* How many Via values there are, of all lines. */
unsigned message_vias(const struct message *m);

#endif
