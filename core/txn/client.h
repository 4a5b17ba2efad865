/*
 * client: the client transactions (RFC 3261 17.1, RFC 6026 7.2).
 *
 * INVITE: Timers A and B, ACK for 300..699 made here, D, Accepted with M.
 * Non-INVITE: E, F, K.  A CANCEL is a transaction of its own (client_cancel).
 */
#ifndef TXN_CLIENT_H
#define TXN_CLIENT_H

#include "txn/txn.h"

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

/* Told to who started the transaction. */
struct client_user {
	void *data;
	/* Every response that is not absorbed: each provisional, the first final,
	 * each 2xx to an INVITE.  Takes r. */
	void (*response)(void *data, struct client *ct, struct received *r);
	void (*failed)(void *data, struct client *ct, enum client_failure why);
	/* Freed after this: the last call about it. */
	void (*gone)(void *data, struct client *ct);
};

struct client {
	struct hash_node node;
	struct txn *txn;
	struct slice branch; /* in request */
	enum client_state state;
	bool invite;
	bool cancel; /* a CANCEL: shares its INVITE's branch */
	unsigned socket;
	struct addr to;
	char *request; /* the request as sent, owned */
	size_t request_n;
	char *ack; /* owned; for retransmitted finals */
	size_t ack_n;
	uint32_t interval_ms; /* of A or E */
	struct timer retransmit;
	struct timer end; /* B, D, F, K, M */
	struct client_user user;
};

enum { CLIENT_BRANCH = 48 }; /* "z9hG4bK…" and its NUL */

/* A new branch parameter with the cookie: 128 bits of chance after `prefix`
 * (the loop detection value of RFC 5393, or empty). */
void client_branch(struct txn *x, struct slice prefix, char out[CLIENT_BRANCH]);

/*
 * Sends a request (whole message with our Via and this branch on top) and
 * starts its transaction.  Copies bytes.  Not for ACK.
 */
struct client *client_start(struct txn *x, const struct client_user *user, unsigned socket,
			    const struct addr *to, struct slice bytes, struct slice branch,
			    enum method method);

/* Sends CANCEL for an INVITE in Proceeding (RFC 3261 9.1), made from its request.
 * Its responses are absorbed here.  The INVITE's own timer for "no final after
 * CANCEL" is 64*T1: then user.failed(CLIENT_TIMEOUT). */
void client_cancel(struct client *ct);

/* The user loses interest: no more calls to it but gone; the machine runs on
 * to absorb what still comes. */
void client_detach(struct client *ct);

#endif
