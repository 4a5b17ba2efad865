/*
 * dispatch: brings each message to the worker that owns it, whichever socket it
 * came in at.
 *
 * A request belongs where its Call-ID says: so its retransmissions, its ACK and
 * CANCEL (RFC 3261 17.2.3), merged copies of it (8.2.2.2), and all else of its
 * dialog meet in one place.  A response, or an ICMP error, belongs to who sent
 * the request, whose number is in the branch (dispatch_mark).
 *
 * What waits for a worker has a limit, beyond which it is lost.
 */
#ifndef TRANSPORT_DISPATCH_H
#define TRANSPORT_DISPATCH_H

#include "base/crew.h"
#include "transport/transport.h"

struct dispatch {
	const struct crew *crew;
	struct dispatch *all; /* [crew->n], of which this is … */
	unsigned own;
	struct transport_user user; /* where what belongs here goes */
	uint64_t handed_over;
	uint64_t lost;         /* there was no room at the owner's */
	atomic_size_t waiting; /* bytes of messages on their way to this one */
};

/* Of messages that wait for one worker, in bytes of memory. */
enum { DISPATCH_MAX_WAITING = 16 << 20 };

/* Sets all[own].  user is copied; all else is borrowed, and the others' are not looked into. */
void dispatch_init(struct dispatch *all, unsigned own, const struct crew *crew,
		   const struct transport_user *user);
/* The upcalls to give to transport_init(). */
struct transport_user dispatch_user(struct dispatch *d);

/* What a branch of ours consists of: 5 bits a digit. */
#define DISPATCH_DIGITS "abcdefghijklmnopqrstuvwxyz234567"
/* Its end: the worker's number. */
enum { DISPATCH_MARK = 2 };
void dispatch_mark(unsigned worker, char out[DISPATCH_MARK]);

#endif
