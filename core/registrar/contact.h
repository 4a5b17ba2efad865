/*
 * contact: one Contact value of a REGISTER (RFC 3261 10.3, 20.10): what it
 * asks for, and which binding it means.
 */
#ifndef REGISTRAR_CONTACT_H
#define REGISTRAR_CONTACT_H

#include "base/arena.h"
#include "sip/nameaddr.h"
#include "sip/uri.h"
#include "store/store.h"

struct contact {
	struct slice text; /* the URI as written, without <> */
	struct uri uri;
	bool has_expires;       /* the parameter is there … */
	bool expires_malformed; /* … and no number */
	uint32_t expires_s;     /* of the parameter; later: what is granted */
	int q;                  /* thousandths, -1: none */
	struct slice instance;  /* content of +sip.instance, or null */
	uint32_t reg_id;        /* 0: none, or without an instance (RFC 5626 6) */
	bool translated;        /* registrar: its address is behind a NAT */
};

/* NULL, or why it must be refused: static text for a reason phrase. */
const char *contact_read(struct contact *c, struct arena *a, const struct nameaddr *n);

/* A time in seconds; what exceeds 32 bits is the largest one.  0, or -1: not a number. */
int contact_seconds(struct slice text, uint32_t *s);

/*
 * The binding has that identity: instance and reg-id where both have them
 * (RFC 5626 6), else equal URIs (RFC 3261 19.1.4).
 */
bool contact_same_flow(const struct contact *c, const struct store_binding *b);
bool contact_same_uri(const struct contact *c, const struct store_binding *b);

#endif
