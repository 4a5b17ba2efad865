/*
 * wire: a UDP socket that speaks from many addresses of 127.0.0.0/8, in batches.
 *
 * One socket stands for all phones of a side: each datagram says from which address it leaves
 * (IP_PKTINFO), so that a proxy with several sockets on one port (SO_REUSEPORT) is reached at
 * all of them.  The socket hears on every address, but is tied to the loopback device.
 */
#ifndef LOAD_WIRE_H
#define LOAD_WIRE_H

#include "text.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { WIRE_BATCH = 64, WIRE_BYTES = 4096 };

struct wire;
struct wire_batch;

struct wire_counters {
	uint64_t sent, received, refused; /* refused: by the kernel, the datagram is lost */
};

/* A wire to `proxy`, on `port`, 0: one of the kernel's choice; NULL with errno. */
struct wire *wire_open(struct in_addr proxy, uint16_t proxy_port, uint16_t port);
void wire_close(struct wire *w);

uint16_t wire_port(const struct wire *w);
const struct wire_counters *wire_counters(const struct wire *w);

/* A place for the next datagram; it leaves with wire_send from there, and with the next
 * wire_flush at the latest. */
struct text wire_next(struct wire *w);
void wire_send(struct wire *w, const struct text *t, struct in_addr from);
void wire_copy(struct wire *w, struct span datagram, struct in_addr from);
void wire_flush(struct wire *w);

/* Up to WIRE_BATCH datagrams that wait; each is valid until the next call. */
unsigned wire_receive(struct wire *w);
struct span wire_received(const struct wire *w, unsigned i);

#endif
