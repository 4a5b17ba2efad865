/*
 * server: the server transactions (RFC 3261 17.2, RFC 6026 7.1, RFC 4320).
 *
 * Created by the layer for each new request but ACK and CANCEL; the user
 * answers through it any number of provisionals and one final.  INVITE: 2xx
 * leads to Accepted (Timer L), others to Completed (G, H) and Confirmed (I).
 * Non-INVITE: Completed (J).  Retransmissions get the last response again (in
 * Accepted: nothing) and are told to nobody.
 *
 * 100 Trying is the machine's own business: for an INVITE 200 ms after it came
 * unless the user was faster, for others when the client's Timer E has grown
 * to T2 (RFC 4320 4.1: 3.5 s).
 */
#ifndef TXN_SERVER_H
#define TXN_SERVER_H

#include "txn/match.h"
#include "txn/txn.h"
#include "txn/upstream.h"

enum server_state {
	SERVER_TRYING,     /* nothing sent yet */
	SERVER_PROCEEDING, /* a provisional was sent */
	SERVER_COMPLETED,  /* a final was sent (INVITE: 300..699, waits for ACK) */
	SERVER_CONFIRMED,  /* INVITE: ACK came, absorbs more of them */
	SERVER_ACCEPTED,   /* INVITE: 2xx sent, RFC 6026 */
};

/* With the last response all that absorbs retransmissions and ACKs: the request may go before. */
struct server {
	struct hash_node node; /* its hash is the first half of the match */
	struct txn *txn;
	uint64_t check; /* struct match, as are these two */
	uint32_t method;
	uint32_t to_tag;
	enum server_state state : 8;
	bool invite;
	bool ended;               /* server_gone is being called */
	bool made;                /* last is what a response was made of, see there … */
	uint32_t made_for;        /* … for this Call-ID and CSeq: a hash of them */
	struct received *request; /* owned; NULL: the user has left */
	struct upstream upstream;
	/*
	 * The last response, owned; NULL in Accepted.  Of one made here for another method than
	 * INVITE only reason and headers: it is sent again when the request comes again, and
	 * that brings the rest (but Server, which is as the settings are by then).  Under the same
	 * branch, but with another Call-ID or CSeq, comes a new request.
	 */
	uint32_t last_n;
	char *last;
	uint16_t reason_n;      /* so much of last is the reason */
	uint16_t last_status;   /* 0: none yet */
	uint32_t interval_ms;   /* of Timer G */
	uint32_t request_bytes; /* what request took at first, or resting: counted in txn->bytes */
	struct timer timer;     /* until a final response: when 100 is due; G with H, or I, J, L */
	uint64_t end_ms;        /* when H is due */
	void *user;             /* the transaction user's; its context */
};

/*
 * Sends a reply made here, with st's To tag (txn_to_tag); reason: empty for the
 * usual phrase; headers: whole lines, or empty.
 *
 * What the machine does not allow is not sent: a second final (but further 2xx
 * in Accepted), a 1xx after it.  RFC 4320: a 1xx to a non-INVITE is not sent;
 * a 408 to a non-INVITE ends it in silence, its retransmissions are absorbed
 * without an answer until Timer J.  A 2xx to an INVITE is sent once: whoever
 * makes one himself must retransmit it (RFC 3261 13.3.1.4).
 */
void server_reply(struct server *st, unsigned status, struct slice reason, struct slice headers);

/* Sends a response that was forwarded: bytes are the whole message for upstream. The same rules. */
void server_forward(struct server *st, unsigned status, struct slice bytes);

/* A final response was sent. */
bool server_is_final(const struct server *st);

/* The request waits for an answer: received_rest(). */
void server_rest(struct server *st);

/*
 * Ends the transaction now and without a word (after a stateless reply, which
 * leaves nothing to remember).  user.server_gone is called; st is freed.
 */
void server_drop(struct server *st);

/*
 * The user wants nothing more of a transaction that is final: server_gone is
 * not called for it, and what st->request was is his.  A few hundred bytes
 * stay to absorb what comes until the end timer.  Returns what the request is
 * counted with in txn->bytes: to be taken off there when it is freed.
 */
size_t server_leave(struct server *st);

/* For txn.c: a request that has no fault. All take r. */
void server_request(struct txn *x, struct received *r);
void server_ack(struct txn *x, struct received *r);
void server_cancel(struct txn *x, struct received *r);
void server_end_all(struct txn *x);

#endif
