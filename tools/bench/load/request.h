/*
 * request: what a caller says.
 *
 * Each writes a request into the session (request or ack) with the next CSeq and branch where
 * it begins a transaction; sending is the caller's business.  False: it does not fit.
 */
#ifndef LOAD_REQUEST_H
#define LOAD_REQUEST_H

#include "load.h"

#define REQUEST_SDP                                                                         \
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"         \
	"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" \
	"a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
#define REQUEST_TEXT "hello, world"

bool request_options(struct load *l, struct session *s);
bool request_message(struct load *l, struct session *s);
/* c: the challenge to answer, or NULL. */
bool request_register(struct load *l, struct session *s, const struct challenge *c);
bool request_invite(struct load *l, struct session *s, const struct challenge *c);
/* In the dialog. */
bool request_info(struct load *l, struct session *s);
bool request_bye(struct load *l, struct session *s);
/* To a 2xx, with a branch of its own; to any other final response, with that of the INVITE. */
bool request_ack(struct load *l, struct session *s);
bool request_ack_refusal(struct load *l, struct session *s);

/* The branch of the session's last request. */
void request_put_branch(const struct load *l, const struct session *s, struct text *t);
/* Content-Type, Content-Length, the empty line and the body. */
void request_put_body(struct text *t, const char *type, struct span body);

#endif
