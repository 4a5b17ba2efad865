/*
 * msg: one SIP message, indexed in place (RFC 3261 7).
 *
 * msg_parse() finds the start line and the header fields and reads those that
 * every element needs.  It copies nothing: all slices point into the bytes it
 * was given.  What is syntactically framed but must be refused (a second
 * Call-ID, a CSeq of another method, SIP/7.0) is not an error of the parser
 * but the message's `fault`: the status a server answers it with.
 */
#ifndef SIP_MSG_H
#define SIP_MSG_H

#include "base/arena.h"
#include "sip/nameaddr.h"
#include "sip/uri.h"
#include "sip/via.h"

enum {
	MSG_MAX_BYTES = 65535,
	MSG_MAX_HEADERS = 256,
	MSG_MAX_HEADER_BYTES = 16384, /* one header field */
};

/* Methods the core treats in their own way; all others are METHOD_OTHER. */
enum method {
	METHOD_OTHER,
	METHOD_INVITE,
	METHOD_ACK,
	METHOD_CANCEL,
	METHOD_BYE,
	METHOD_REGISTER,
	METHOD_OPTIONS,
};

/* Header fields the core reads; HDR_OTHER is found by name only. */
enum hdr_id {
	HDR_OTHER,
	HDR_ALLOW,
	HDR_AUTHORIZATION,
	HDR_CALL_ID,
	HDR_CONTACT,
	HDR_CONTENT_LENGTH,
	HDR_CONTENT_TYPE,
	HDR_CSEQ,
	HDR_DATE,
	HDR_EXPIRES,
	HDR_FROM,
	HDR_MAX_BREADTH,
	HDR_MAX_FORWARDS,
	HDR_MIN_EXPIRES,
	HDR_PATH,
	HDR_PROXY_AUTHENTICATE,
	HDR_PROXY_AUTHORIZATION,
	HDR_PROXY_REQUIRE,
	HDR_RECORD_ROUTE,
	HDR_REQUIRE,
	HDR_RETRY_AFTER,
	HDR_ROUTE,
	HDR_SUPPORTED,
	HDR_TIMESTAMP,
	HDR_TO,
	HDR_UNSUPPORTED,
	HDR_USER_AGENT,
	HDR_VIA,
	HDR_WWW_AUTHENTICATE,
	HDR_COUNT,
};

struct hdr {
	enum hdr_id id;
	uint32_t line_bytes;
	struct slice name;  /* as written */
	struct slice value; /* trimmed, folds kept */
};

/* From the name to the end of the last CRLF. */
static inline struct slice hdr_line(const struct hdr *h)
{
	return slice_of(h->name.p, h->line_bytes);
}

struct fault {
	unsigned status;    /* 0: none; else the answer, 400..505 */
	const char *reason; /* static text: the answer's reason phrase, says what is wrong */
};

struct msg {
	struct slice raw;  /* start line to end of body; trailing octets cut off */
	struct slice head; /* start line to the empty line, this included */
	struct slice body;
	struct hdr *hdrs; /* in the arena, in wire order */
	unsigned n_hdrs;
	uint16_t first[HDR_COUNT]; /* index + 1 of the first one of its kind, 0: none */

	bool request;
	enum method method;       /* of a response: of its CSeq */
	struct slice method_text; /* as above */
	struct slice uri_text;    /* requests: the Request-URI */
	struct uri uri;           /* requests: parsed, when fault says nothing else */
	unsigned status;          /* responses: 100..699 */
	struct slice reason;      /* responses */

	struct via via;      /* the topmost; via.text is null when it is missing or malformed */
	bool addresses_read; /* the six below; of a response: msg_read_addresses() */
	struct nameaddr from;
	struct nameaddr to;
	struct uri from_uri; /* of from and to, when these are well-formed */
	struct uri to_uri;
	struct slice from_tag; /* null: none */
	struct slice to_tag;   /* null: none */
	struct slice call_id;
	uint32_t cseq;
	int max_forwards; /* -1: none; above 255 counts as 255 */
	struct fault fault;
};

/*
 * bytes: a whole datagram (or one framed message of a stream).  Leading CRLFs
 * are skipped.  Header names are case-insensitive, compact forms count, folded
 * lines belong to their header, bare LF ends a line too.
 *
 *   > 0  octets consumed, *m is filled
 *     0  the header ends nowhere in bytes: need more.  A datagram has no more: *m is
 *        filled with what is there (its fault is set) and m->request tells whether
 *        there is somebody to answer
 *    -1  not a SIP message at all (no start line): nothing to answer to
 *
 * Without a Content-Length the body is the rest of bytes (RFC 3261 18.3); a
 * longer Content-Length than there are bytes is a fault (400).
 */
int msg_parse(struct msg *m, struct arena *a, struct slice bytes);

/*
 * From and To of a response, which msg_parse() only looks for: a proxy passes them on
 * as they came.  Malformed ones stay null.  Those of a request are there already.
 */
void msg_read_addresses(struct msg *m);

struct hdr *msg_hdr(const struct msg *m, enum hdr_id id); /* the first, or NULL */
/* The next one of the same id (HDR_OTHER: of the same name), or NULL. */
struct hdr *msg_hdr_next(const struct msg *m, const struct hdr *h);
/* By name in long or compact form, any case; the first, or NULL. */
struct hdr *msg_hdr_named(const struct msg *m, struct slice name);

enum hdr_id hdr_id_of(struct slice name);
/* "Via" for HDR_VIA; the null slice for HDR_OTHER. */
struct slice hdr_name(enum hdr_id id);
/* The long form of a compact name ("Subject" for "s"); other names as they are. */
struct slice hdr_long_name(struct slice name);
enum method method_of(struct slice name); /* case-sensitive, RFC 3261 7.1 */

/*
 * Walks the members of all header fields of one kind, comma lists and several
 * rows alike:  struct hdr_walk w = {0};  while (msg_walk(m, HDR_ROUTE, &w, &member))
 */
struct hdr_walk {
	struct hdr *hdr; /* the row the member came from */
	struct slice rest;
};
bool msg_walk(const struct msg *m, enum hdr_id id, struct hdr_walk *w, struct slice *member);

/* The list header field holds this token (option tags; case ignored). */
bool msg_has_token(const struct msg *m, enum hdr_id id, struct slice token);

#endif
