/*
 * icmp: the error queue of a UDP socket (ip(7), IP_RECVERR): which datagrams
 * did not arrive, as far as hosts and routers on the way say so.
 */
#ifndef NET_ICMP_H
#define NET_ICMP_H

#include "net/addr.h"

enum icmp_result {
	ICMP_NONE,        /* the queue is empty */
	ICMP_IGNORED,     /* one that is no reason to give up */
	ICMP_UNREACHABLE, /* port, host, network or protocol unreachable, parameter problem */
};

/* Asks for errors on a socket of this family: 0, or -1 and errno. */
int icmp_enable(int fd, uint8_t family);

/*
 * Takes one error: the destination of the datagram and *n bytes of it, as many
 * as were quoted.  RFC 3261 18.4: TTL exceeded and source quench do not count.
 */
enum icmp_result icmp_read(int fd, struct addr *to, char *bytes, size_t size, size_t *n);

#endif
