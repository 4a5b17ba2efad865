/*
 * txn: the transaction layer (RFC 3261 17 with RFC 6026 and RFC 4320).
 *
 * One table of each kind, server and client; the machines themselves are in
 * txn/server.h and txn/client.h.  All timers run on env->wheel.
 */
#ifndef TXN_TXN_H
#define TXN_TXN_H

#include "base/hash.h"
#include "transport/transport.h"

/* RFC 3261 17.1.1.1, milliseconds.  Settings may change T1 and T2 for tests of scripts. */
struct txn_timers {
	uint32_t t1_ms; /* 500 */
	uint32_t t2_ms; /* 4000 */
	uint32_t t4_ms; /* 5000 */
};

struct server;
struct client;
struct match;

/* An INVITE of a dialog that was refused without a transaction. */
struct refused {
	uint64_t hash; /* match_of() */
	uint64_t until_ms;
};

/*
 * Towards the transaction user (the proxy core).  `received` is borrowed unless
 * said otherwise.  No message with a fault gets here: such requests are
 * answered with the fault's status, statelessly, ACKs and responses dropped.
 * Every function of this room may be called from inside an upcall.
 */
struct txn_user {
	void *data;
	/* A new request, which now has a server transaction; st holds st->request.
	 * Not for ACK and CANCEL. */
	void (*request)(void *data, struct server *st);
	/* An ACK that no transaction absorbed: one for a 2xx, or a stray.  Takes r. */
	void (*ack)(void *data, struct received *r);
	/* A CANCEL that matches `invite`; the layer has already answered it 200.
	 * Told each time one arrives while the INVITE has no final response yet, so
	 * retransmissions too.  Unmatched CANCELs are answered 481 and not told. */
	void (*cancel)(void *data, struct server *invite, struct received *cancel);
	/* The transaction has ended by itself or by server_drop(): the last call about
	 * it.  The user may keep st->request by setting it to NULL; else it is freed with st.
	 * Not called when the user has left before (server_leave). */
	void (*server_gone)(void *data, struct server *st);
};

struct txn_counters {
	uint64_t retransmissions_in; /* absorbed */
	uint64_t retransmissions_out;
	uint64_t timeouts; /* B, F, H */
	uint64_t strays;   /* responses that matched nothing; dropped (RFC 6026 8.9) */
	uint64_t refused;  /* requests beyond max_servers or max_bytes, answered 503 */
	uint64_t faulty;   /* requests with a fault, answered with it; faulty ACKs and responses */
};

struct txn {
	struct env *env;
	struct transport *transport;
	struct txn_user user;
	struct txn_timers timers;
	unsigned worker; /* responses come to this one */
	struct hash servers;
	struct hash clients;
	/* At the limit new requests get 503; those inside a dialog have an eighth on
	 * top, so that calls under way can end. */
	size_t max_servers;
	/* Likewise what requests, their copies sent on, and last responses take. */
	size_t bytes, max_bytes;
	uint8_t tag_key[16];
	struct slice server_name; /* Server header of our replies, or empty */
	struct txn_counters counters;
	struct refused *refused; /* [TXN_REFUSED], by hash; newer ones take the place of older */
	struct buf scratch;
};

/* Unless x->max_servers, x->max_bytes are set to something else. */
enum { TXN_MAX_SERVERS = 1000000, TXN_MAX_BYTES = 1 << 30 };
enum { TXN_REFUSED = 1024 };

/* The user is copied. */
void txn_init(struct txn *x, struct env *env, const struct txn_user *user);
/* Ends all transactions without a word to the network. */
void txn_free(struct txn *x);
/* The upcalls to give to transport_init(); x->transport is set after that. */
struct transport_user txn_transport_user(struct txn *x);

/*
 * The To tag of replies to this request that we make ourselves: keyed hash of
 * what is equal in its retransmissions and its ACK, so that a stateless reply
 * gets the same tag each time, and nobody else can foresee it.
 */
enum { TXN_TAG = 16 + 1 };
void txn_to_tag(const struct txn *x, const struct msg *request, char out[TXN_TAG]);

/*
 * A stateless reply to r: never to an ACK.  headers: whole lines, or empty;
 * reason: empty for the usual phrase.  The ACK for a final one is known by its
 * To tag and absorbed; by its branch when the request came with a To tag of its
 * own, as long as not too many of those are refused at once.
 */
void txn_reply_stateless(struct txn *x, struct received *r, unsigned status, struct slice reason,
			 struct slice headers);

/* For server.c: this ACK, which has no transaction, is for a stateless reply. */
bool txn_is_for_stateless(const struct txn *x, const struct msg *ack, const struct match *k);

/* For server.c: the reply in x->scratch; null when it would exceed MSG_MAX_BYTES. */
struct slice txn_make_reply(struct txn *x, struct received *r, unsigned status, struct slice reason,
			    struct slice headers);

#endif
