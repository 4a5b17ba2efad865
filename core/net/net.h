/*
 * net: datagrams in and out, behind an interface that the daemon fills with
 * sockets (net/udp) and the test kit with a virtual network (sim/).
 *
 * A socket is an index: the n-th listening point, in the order they were opened.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "net/addr.h"

/* What the layer above is told; all pointers are valid during the call only. */
struct net_user {
	void *data;
	void (*datagram)(void *data, unsigned socket, const struct addr *from, struct slice bytes);
	/*
	 * An ICMP error for a datagram we sent (port, host or network
	 * unreachable): where it went and as much of it as was quoted (maybe none).
	 */
	void (*unreachable)(void *data, unsigned socket, const struct addr *to,
			    struct slice quoted);
};

struct net {
	struct net_user user;
	unsigned n_sockets;
	const struct addr *local; /* [n_sockets], as bound: port 0 is resolved */
	/* Copies bytes; best effort, as UDP is: what the kernel refuses at once
	 * comes back as `unreachable` from the loop, never from inside send. */
	void (*send)(struct net *n, unsigned socket, const struct addr *to, struct slice bytes);
	/*
	 * The addresses of a host name, port 0.  done is called exactly once, maybe
	 * before resolve returns, at the latest when the net is closed; n is 0
	 * when there is none.  At most 8, none twice.
	 */
	void (*resolve)(struct net *n, struct slice host, void *data,
			void (*done)(void *data, const struct addr *addrs, unsigned n));
};

#endif
