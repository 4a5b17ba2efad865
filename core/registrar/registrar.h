/*
 * registrar: REGISTER (RFC 3261 10.3, RFC 3327) and lookup.
 *
 * Pure policy over a location: it reads a request and says what to answer; it
 * sends nothing itself.
 */
#ifndef REGISTRAR_REGISTRAR_H
#define REGISTRAR_REGISTRAR_H

#include "net/addr.h"
#include "registrar/location.h"
#include "sip/msg.h"

/*
 * A Contact outlives its refresh by RFC 3261 19.1.4 (or by instance and reg-id,
 * RFC 5626).  Refused, with nothing changed, are:
 *   400  a Contact, Path or q that cannot be read; a Contact that is no SIP
 *        URI; `*` without Expires 0 or not alone; a CSeq not above that of the
 *        same Call-ID; texts too long for the store; more than 32 Contacts
 *   404  To without a user part, or with one no subscriber can have
 *   420  Require of what is not supported
 *   423  a requested time below min_expires_s (and below an hour)
 *   503  max_contacts is reached, or the store failed
 * A time above 32 bits counts as the largest, one that is no number as absent.
 */
struct registrar_options {
	uint32_t default_expires_s; /* 3600 */
	uint32_t min_expires_s;     /* 60; shorter ones get 423 */
	uint32_t max_expires_s;     /* 86400; longer ones are shortened */
	unsigned max_contacts;      /* per AOR; 0: any number */
	bool replace_oldest;        /* at max_contacts: else 503 */
	bool path; /* Path is stored and obeyed; else a request that requires it gets 420 */
};

/* How a REGISTER is to be answered; texts live in the arena that save was given. */
struct registrar_answer {
	unsigned status;
	struct slice reason;  /* empty: the usual phrase */
	struct slice headers; /* whole lines: Contact, Min-Expires, Retry-After, Path … */
};

/*
 * arena and msg must live until done, which is called exactly once, maybe
 * before this returns.  status 200: saved (or only asked).
 */
struct registrar_request {
	struct arena *arena;
	const struct msg *msg;
	/* Kept as `received` when a NAT stands between: the Contact is the address
	 * in the top Via, and it is not this one. */
	struct addr source;
	struct slice socket; /* "udp:ADDR:PORT" it came in at */
};
void registrar_save(struct env *env, struct location *l, const struct registrar_options *o,
		    const struct registrar_request *r, void *data,
		    void (*done)(void *data, const struct registrar_answer *answer));

/* The header line for who could not be served because of the store: all who were
 * refused shall not come back at once. */
struct slice registrar_retry_after(struct env *env, struct arena *a);

/* The AOR of a URI: its user part unescaped (in the arena), its host. */
void registrar_aor(struct arena *a, const struct uri *u, struct slice *user, struct slice *host);

#endif
