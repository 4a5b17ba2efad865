/*
 * transport: where bytes become messages and back (RFC 3261 18).
 *
 * Inbound: one arena for each datagram, parsed; requests get received/rport
 * (RFC 3581) in their top Via; responses whose top Via is not ours are dropped
 * (18.1.2).  Outbound: our Via, and where a response goes (18.2.2).
 */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include "base/env.h"
#include "net/net.h"
#include "sip/msg.h"

/*
 * A message as it came in.  Owned by who holds it; received_free() ends it.
 *
 * What was read from its bytes takes more room than these.  A message that waits
 * can do without: received_rest(); received_msg() reads them again.
 */
struct received {
	struct arena arena;   /* holds the bytes, and what is made to last as long as they do */
	struct arena work;    /* holds msg, and what is made for the moment: until it rests */
	struct msg *msg;      /* NULL: it rests.  All its slices point into the bytes */
	struct slice raw;     /* its bytes, from the start line to the end of the body */
	struct slice top_via; /* requests: value of the top Via with received/rport filled in */
	struct addr source;   /* where it came from */
	struct addr local;    /* the address of the socket where it came in … */
	unsigned socket;      /* … from which answers leave … */
	uint16_t reply_port;  /* … to this port of the source (requests) */
};

void received_free(struct received *r);
/* Gives back all but what is in r->arena.  Not while anybody uses r->msg. */
void received_rest(struct received *r);
/* What it takes. */
size_t received_bytes(const struct received *r);

struct msg *received_wake(struct received *r); /* private */

/* Its msg, valid until it rests again. */
static inline struct msg *received_msg(struct received *r)
{
	return r->msg ? r->msg : received_wake(r);
}

struct transport_user {
	void *data;
	/* Both take r.  Responses have our Via on top, requests may have a fault. */
	void (*request)(void *data, struct received *r);
	void (*response)(void *data, struct received *r);
	/* A request of ours with this branch could not be delivered (ICMP). */
	void (*unreachable)(void *data, struct slice branch);
};

/*
 * Told of every datagram, as it came or leaves: what comes from one of our own
 * sockets was told when it left.  Keep-alives are not told.
 */
struct transport_trace {
	void *data;
	void (*datagram)(void *data, const struct addr *from, const struct addr *to,
			 struct slice bytes); /* NULL: nobody wants to know */
};

struct transport_counters {
	uint64_t received;
	uint64_t received_bad;    /* dropped: no SIP, no way to answer */
	uint64_t responses_stray; /* dropped: not our Via */
	uint64_t sent;
};

enum { TRANSPORT_HOST = 256 }; /* a host name of 253 characters, or a bracketed address, and NUL */

/* What a socket is called towards the world. */
struct listen_point {
	struct addr addr;          /* as bound */
	char host[TRANSPORT_HOST]; /* sent-by host in Via and Record-Route: advertised, or the
				      address */
	uint16_t port;             /* likewise */
	struct addr host_ip;       /* host as an address, or none */
	struct buf via;            /* the Via line up to "branch=" */
	struct buf uri;  /* "sip:host:port", the port where 5060 is not meant without it */
	struct buf name; /* "udp:" and the address as bound */
};

struct transport {
	struct env *env;
	struct net *net;
	struct listen_point *points; /* [net->n_sockets] */
	struct transport_user user;
	struct transport_trace trace; /* set by who wants it, any time */
	struct transport_counters counters;
	struct list lookups; /* resolves under way */
	struct buf scratch;
};

/*
 * Becomes the user of net.  advertise: NULL, or for each socket NULL or what to
 * show instead: a host name or address, maybe with ":port".
 */
void transport_init(struct transport *t, struct env *env, struct net *net,
		    const struct transport_user *user, const char *const *advertise);
/* Resolves under way are not answered any more; net outlives t and may be closed after it. */
void transport_free(struct transport *t);

/* sent-by names one of our sockets (any of our ports when port is 0). */
bool transport_is_ours(const struct transport *t, struct slice host, uint16_t port);

/*
 * Where the response to r goes: RFC 3261 18.2.2 with RFC 3581.  From r->socket.
 * It is always the address the request came from: at its port with rport or
 * with a damaged Via (RFC 4475 3.1.2.1), else at the port of sent-by.  maddr is
 * ignored, or anybody could have our responses sent to a third party.
 */
struct addr transport_response_target(const struct received *r);
/* Sends a response to r, made of bytes. */
void transport_respond(struct transport *t, const struct received *r, struct slice bytes);
/* Sends a request from a socket to an address.  Both drop with a log line what is not unicast. */
void transport_send(struct transport *t, unsigned socket, const struct addr *to,
		    struct slice bytes);

/*
 * The socket to reach `to` from: `preferred` when it fits, else the first that fits.
 * One of its family that is on the loopback when `to` is, if there is one; else
 * one of its family.  -1: we listen on no such family.
 */
int transport_socket_for(const struct transport *t, const struct addr *to, unsigned preferred);

/* "Via: SIP/2.0/UDP host:port;rport;branch=…\r\n" for a request that leaves from socket. */
void transport_via(const struct transport *t, unsigned socket, struct slice branch,
		   struct buf *out);

/*
 * The addresses of a next hop URI, RFC 3263 as far as UDP and A/AAAA go: an IP
 * literal (or maddr) at once, a name through the net's resolver.  done is
 * called exactly once, maybe before this returns; n == 0: it has none that we
 * can send to (unicast, of a family we listen on), or asks for a transport we do not speak.
 */
void transport_resolve(struct transport *t, const struct uri *uri, void *data,
		       void (*done)(void *data, const struct addr *addrs, unsigned n));

#endif
