/*
 * server: the server transactions (RFC 3261 17.2, RFC 6026 7.1, RFC 4320).
 *
 * Created by the layer for each new request but ACK and CANCEL; the user
 * answers through it any number of provisionals and one final.  INVITE: 2xx
 * leads to Accepted (Timer L), others to Completed (G, H) and Confirmed (I).
 * Non-INVITE: Completed (J).  Retransmissions get the last response again and
 * are told to nobody.
 */
#ifndef TXN_SERVER_H
#define TXN_SERVER_H

#include "txn/txn.h"

enum server_state {
	SERVER_TRYING,     /* nothing sent yet */
	SERVER_PROCEEDING, /* a provisional was sent */
	SERVER_COMPLETED,  /* a final was sent (INVITE: 300..699, waits for ACK) */
	SERVER_CONFIRMED,  /* INVITE: ACK came, absorbs more of them */
	SERVER_ACCEPTED,   /* INVITE: 2xx sent, RFC 6026 */
};

struct server {
	struct hash_node node;
	struct txn *txn;
	struct slice key; /* in request->arena */
	enum server_state state;
	bool invite;
	struct received *request; /* owned */
	struct addr target;       /* where responses go, from request->socket */
	char *last;               /* the last response, owned */
	size_t last_n;
	unsigned last_status;
	uint32_t interval_ms;    /* of Timer G */
	struct timer retransmit; /* G; before any final of an INVITE: 100 Trying at 200 ms */
	struct timer end;        /* H, I, J, L */
	void *user;              /* the transaction user's; its context */
};

/* Sends a reply made here, with st's To tag; headers: whole lines, or empty.
 * RFC 4320: a 1xx to a non-INVITE other than 100, and 408 to a non-INVITE, are not sent. */
void server_reply(struct server *st, unsigned status, struct slice reason, struct slice headers);

/* Sends a response that was forwarded: bytes are the whole message for upstream. */
void server_forward(struct server *st, unsigned status, struct slice bytes);

/* A final response was sent. */
bool server_is_final(const struct server *st);

/*
 * Ends the transaction now and without a word (after a stateless reply, which
 * leaves nothing to remember).  user.server_gone is called; st is freed.
 */
void server_drop(struct server *st);

#endif
