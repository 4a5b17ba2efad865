/*
 * udp: the daemon's net, UDP sockets on a libuv loop.
 *
 * libuv tells when a socket can be read or written; reading and writing are
 * batched here (recvmmsg, sendmmsg): what one turn of the loop sends leaves in
 * as few system calls as the kernel allows, at the end of each batch that was
 * received and before the loop sleeps.  IP_RECVERR is on: ICMP errors are
 * read from the error queue and told to the user with the quoted datagram.
 * When the kernel takes no more, up to SENDQ_MAX datagrams of a socket wait;
 * those beyond are lost, counted and warned of.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "base/log.h"
#include "net/net.h"

#include <uv.h>

struct udp;

struct udp_counters {
	uint64_t received;
	uint64_t sent;
	uint64_t send_lost;   /* the kernel took no more */
	uint64_t unreachable; /* ICMP errors and refusals told to the user */
};

/*
 * Several workers listen on the same addresses, each with sockets of its own;
 * the kernel chooses one by the addresses and ports at both ends, so that what
 * comes from one place to one place stays with one socket as long as their number
 * does.  An ICMP error arrives at any of them, whoever sent the datagram: what
 * it quotes says whose it is.
 *
 * The first binds as if it were alone, so that nobody's address is taken, be it
 * another lunasip's; the others join it at its resolved addresses.
 */
enum udp_sharing { UDP_ALONE, UDP_FIRST, UDP_JOIN };

struct udp_options {
	unsigned receive_buffer_bytes; /* SO_RCVBUF asked for, 0: the kernel's default */
	unsigned send_buffer_bytes;    /* SO_SNDBUF asked for, 0: the kernel's default */
	enum udp_sharing sharing;
};

/*
 * Binds n addresses (port 0: an ephemeral one); none is a wildcard, or nobody
 * could tell from where an answer has to leave.  0, or -1 with a sentence in
 * error that names the address and the reason ("udp:127.0.0.1:5060: address
 * already in use"); nothing stays open then.
 */
int udp_open(struct udp **out, uv_loop_t *loop, struct log *log, const struct addr *addrs,
	     unsigned n, const struct udp_options *o, struct buf *error);

struct net *udp_net(struct udp *u);
const struct udp_counters *udp_counters(const struct udp *u);

/* begin is called before what the kernel brought is told: a batch of datagrams, an ICMP error,
 * the addresses of a name; end after a batch of datagrams, before what it led to is sent. */
void udp_on_batch(struct udp *u, void (*begin)(void *data), void (*end)(void *data), void *data);

/* Sends what is queued. */
void udp_flush(struct udp *u);

/*
 * Answers the resolves under way with none, sends what is queued, closes the
 * handles; done is called from the loop, u is gone then.
 */
void udp_close(struct udp *u, void (*done)(void *data), void *data);

#endif
