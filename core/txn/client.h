/*
 * client: the client transactions (RFC 3261 17.1, RFC 6026 7.2).
 *
 * INVITE: Timers A and B, ACK for 300..699 made here, D, Accepted with M.
 * Non-INVITE: E, F, K.  A CANCEL is a transaction of its own (client_cancel).
 */
#ifndef TXN_CLIENT_H
#define TXN_CLIENT_H

#include "txn/txn.h"
#include "txn/upstream.h"

enum client_state {
	CLIENT_CALLING, /* INVITE: calling; else: trying */
	CLIENT_PROCEEDING,
	CLIENT_COMPLETED,
	CLIENT_ACCEPTED, /* INVITE: a 2xx came; more of them may */
};

enum client_failure {
	CLIENT_TIMEOUT,     /* B or F: no final response; acts as 408 */
	CLIENT_UNREACHABLE, /* ICMP: acts as 503 (RFC 3261 16.9) */
};

/* Told to who started the transaction; each may be NULL. */
struct client_user {
	void *data;
	/* Every response that is not absorbed: each provisional, the first final,
	 * each 2xx to an INVITE.  Takes r. */
	void (*response)(void *data, struct client *ct, struct received *r);
	void (*failed)(void *data, struct client *ct, enum client_failure why);
	/* Freed after this: the last call about it.  Not after client_leave(). */
	void (*gone)(void *data, struct client *ct);
	/* The request as it was given to client_start(), byte for byte, until the final
	 * response: to repeat or cancel it.  The bytes may be in a scratch buffer.  NULL: a copy
	 * is kept for that. */
	struct slice (*again)(void *data);
};

struct client {
	struct hash_node node;
	struct txn *txn;
	enum client_state state;
	bool invite;
	bool cancelled; /* INVITE: a CANCEL was sent */
	bool ended;     /* failed or gone is being called */
	unsigned socket;
	uint32_t interval_ms; /* of A or E */
	struct timer retransmit;
	struct timer end; /* B, D, F, K, M; 64*T1 after CANCEL */
	struct client_user user;
	/* As sent, owned, unless user.again makes it; with the final response it goes, but for the
	 * ACK that takes its place. */
	char *sent;
	size_t sent_n;
	struct slice method, branch; /* in bytes */
	struct addr to;
	struct upstream upstream; /* client_leave(): further 2xx go there, unless its family is 0 */
	char bytes[];
};

enum {
	CLIENT_BRANCH = 48,     /* "z9hG4bK…" and its NUL */
	CLIENT_PREFIX_MAX = 14, /* bytes */
};

/* A new branch parameter with the cookie: 120 bits of chance after `prefix`
 * (the loop detection value of RFC 5393, or empty), which is cut at its maximum,
 * and the number of the worker at its end (transport/dispatch). */
void client_branch(struct txn *x, struct slice prefix, char out[CLIENT_BRANCH]);

/*
 * Sends a request (whole message with our Via and this branch on top) and
 * starts its transaction.  Copies bytes, or leaves that to user->again.  Not for ACK.
 */
struct client *client_start(struct txn *x, const struct client_user *user, unsigned socket,
			    const struct addr *to, struct slice bytes, struct slice branch,
			    enum method method);

/*
 * Sends CANCEL for an INVITE in Proceeding (RFC 3261 9.1), made from its request.
 * Its responses are absorbed here.  The INVITE's own timer for "no final after
 * CANCEL" is 64*T1: then user.failed(CLIENT_TIMEOUT).  In any other state, and
 * the second time, nothing happens: before a 1xx it is too early, after a final too late.
 */
void client_cancel(struct client *ct);

/* The user loses interest: no more calls to it but gone; the machine runs on
 * to absorb what still comes, an INVITE in Proceeding for at most 64*T1. */
void client_detach(struct client *ct);

/*
 * The user wants nothing more of a transaction that has had its final
 * response: no more calls to it, gone included.  It absorbs what still comes,
 * but for further 2xx to an INVITE, which go to `upstream` as they are, without our Via.
 */
void client_leave(struct client *ct, const struct upstream *upstream);

/* For txn.c.  Takes r, which has no fault. */
void client_response(struct txn *x, struct received *r);
void client_unreachable(struct txn *x, struct slice branch);
void client_end_all(struct txn *x);

#endif
