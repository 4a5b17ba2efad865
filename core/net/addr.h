/*
 * addr: an IP address and port as a plain value, IPv4 or IPv6.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include "base/slice.h"

struct sockaddr;

struct addr {
	uint8_t family; /* 4, 6, or 0: none */
	uint16_t port;
	uint32_t scope; /* IPv6 scope id, 0 otherwise */
	uint8_t ip[16]; /* network order; IPv4 in the first four */
};

enum { ADDR_TEXT = 64 }; /* "[2001:db8::1%4294967295]:65535" and its NUL fit */

/*
 * An IP literal: "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "fe80::1%3"; RFC 5118
 * 4.10's "[2001:db8:::192.0.2.1]" reads as "::"; "::ffff:192.0.2.1" is the IPv4
 * address.  Never a name.  0, or -1 and *a is none.
 */
int addr_parse(struct addr *a, struct slice text, uint16_t port);
/* "ADDR:PORT" / "[ADDR]:PORT" as in -l; 0, or -1 and *a is none. */
int addr_parse_port(struct addr *a, struct slice text);

/* "192.0.2.1" / "2001:db8::1" (brackets: "[2001:db8::1]"), NUL terminated. */
void addr_host(const struct addr *a, bool brackets, char out[ADDR_TEXT]);
/* "192.0.2.1:5060" / "[2001:db8::1]:5060", NUL terminated. */
void addr_text(const struct addr *a, char out[ADDR_TEXT]);

/* An IPv4-mapped IPv6 address equals its IPv4 address; a scope of 0 equals any. */
bool addr_ip_equal(const struct addr *a, const struct addr *b);
bool addr_equal(const struct addr *a, const struct addr *b);
/* Not 0.0.0.0/8, ::, multicast, reserved or broadcast: those are never a place to send to. */
bool addr_is_unicast(const struct addr *a);
bool addr_is_loopback(const struct addr *a); /* 127.0.0.0/8, ::1 */

/* To and from the kernel's form; storage holds sizeof(struct sockaddr_storage). */
unsigned addr_to_sockaddr(const struct addr *a, struct sockaddr *storage);
void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa);

#endif
