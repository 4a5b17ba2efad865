/*
 * phone: who user number N is, what her name and password are and where she can be reached.
 *
 * User 42 is u00042 with password p00042.  Users share the hosts of their side: callers live
 * at 127.1.0.1 and up, callees at 127.2.0.1 and up.
 */
#ifndef LOAD_PHONE_H
#define LOAD_PHONE_H

#include "text.h"

#include <arpa/inet.h>

enum { PHONE_CALLERS = 0x7f010000, PHONE_CALLEES = 0x7f020000, PHONE_PER_NET = 250 };
enum { PHONE_USERS_MAX = 100000, PHONE_HOSTS_MAX = 250 * PHONE_PER_NET };

/* The host of a user, of `hosts` that a side has. */
static inline struct in_addr phone_address(uint32_t side, unsigned user, unsigned hosts)
{
	unsigned host = user % hosts;
	uint32_t low = (host / PHONE_PER_NET) << 8 | (host % PHONE_PER_NET + 1);

	return (struct in_addr){htonl(side | low)};
}

static inline void phone_put_address(struct text *t, struct in_addr address)
{
	uint32_t a = ntohl(address.s_addr);

	for (unsigned shift = 32; shift > 0;) {
		shift -= 8;
		text_number(t, (a >> shift) & 255, 1);
		if (shift)
			TEXT_PUTS(t, ".");
	}
}

static inline void phone_put_name(struct text *t, unsigned user)
{
	TEXT_PUTS(t, "u");
	text_number(t, user, 5);
}

static inline void phone_put_password(struct text *t, unsigned user)
{
	TEXT_PUTS(t, "p");
	text_number(t, user, 5);
}

/* sip:u00042@127.2.0.43:40000 */
static inline void phone_put_contact(struct text *t, unsigned user, struct in_addr address,
				     uint16_t port)
{
	TEXT_PUTS(t, "sip:");
	phone_put_name(t, user);
	TEXT_PUTS(t, "@");
	phone_put_address(t, address);
	TEXT_PUTS(t, ":");
	text_number(t, port, 1);
}

#endif
