/*
 * via: one Via value (RFC 3261 20.42, RFC 3581).
 */
#ifndef SIP_VIA_H
#define SIP_VIA_H

#include "base/slice.h"

#define VIA_COOKIE "z9hG4bK"

struct via {
	struct slice text;      /* one member of the list, trimmed */
	struct slice transport; /* "UDP" as written */
	struct slice host;      /* sent-by host, IPv6 with its brackets */
	uint16_t port;          /* 0: not written */
	struct slice params;    /* from the first ';', or empty */
	struct slice branch;    /* null: none */
	struct slice received;  /* null: none; IPv6 with or without brackets */
	struct slice maddr;     /* null: none */
	bool rport;             /* the parameter is there */
	uint16_t rport_value;   /* 0: without a value */
};

/* 0, or -1 malformed. */
int via_parse(struct via *v, struct slice text);
/* The branch begins with the cookie and something follows (RFC 3261 17.2.3). */
bool via_has_cookie(const struct via *v);
/* RFC 3261 18.2.1: written, else 5060 (5061 for TLS). */
uint16_t via_port(const struct via *v);

#endif
