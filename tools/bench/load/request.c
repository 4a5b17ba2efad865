#include "request.h"

static struct span words(const char *z)
{
	return (struct span){z, strlen(z)};
}

void request_put_branch(const struct load *l, const struct session *s, struct text *t)
{
	TEXT_PUTS(t, "z9hG4bK");
	session_put_id(&l->sessions, s, t);
	TEXT_PUTS(t, ".");
	text_hex(t, s->branch, 4);
}

static void put_aor(const struct load *l, struct text *t, unsigned user)
{
	TEXT_PUTS(t, "sip:");
	phone_put_name(t, user);
	TEXT_PUTS(t, "@");
	text_put(t, load_domain(l));
}

static void put_via(const struct load *l, const struct session *s, struct text *t)
{
	TEXT_PUTS(t, "Via: SIP/2.0/UDP ");
	phone_put_address(t, load_caller(l, s));
	TEXT_PUTS(t, ":");
	text_number(t, wire_port(l->caller), 1);
	TEXT_PUTS(t, ";branch=");
	request_put_branch(l, s, t);
}

static void put_to(const struct load *l, const struct session *s, struct text *t)
{
	TEXT_PUTS(t, "\r\nTo: ");
	if (s->to_n) {
		text_put(t, (struct span){s->to, s->to_n});
		return;
	}
	TEXT_PUTS(t, "<");
	put_aor(l, t, s->peer);
	TEXT_PUTS(t, ">");
}

/* The start line and what every request has. */
static void put_head(const struct load *l, const struct session *s, struct text *t,
		     const char *method, struct span uri)
{
	text_put(t, words(method));
	TEXT_PUTS(t, " ");
	text_put(t, uri);
	TEXT_PUTS(t, " SIP/2.0\r\n");
	put_via(l, s, t);
	TEXT_PUTS(t, "\r\nFrom: <");
	put_aor(l, t, s->user);
	TEXT_PUTS(t, ">;tag=");
	session_put_id(&l->sessions, s, t);
	put_to(l, s, t);
	TEXT_PUTS(t, "\r\nCall-ID: ");
	session_put_id(&l->sessions, s, t);
	TEXT_PUTS(t, "@phone\r\nCSeq: ");
	text_number(t, s->cseq, 1);
	TEXT_PUTS(t, " ");
	text_put(t, words(method));
	TEXT_PUTS(t, "\r\nMax-Forwards: 70\r\nUser-Agent: phone\r\n");
}

static void put_contact(struct text *t, unsigned user, struct in_addr address, uint16_t port)
{
	TEXT_PUTS(t, "Contact: <");
	phone_put_contact(t, user, address, port);
	TEXT_PUTS(t, ">\r\n");
}

void request_put_body(struct text *t, const char *type, struct span body)
{
	if (body.n) {
		TEXT_PUTS(t, "Content-Type: ");
		text_put(t, words(type));
		TEXT_PUTS(t, "\r\n");
	}
	TEXT_PUTS(t, "Content-Length: ");
	text_number(t, body.n, 1);
	TEXT_PUTS(t, "\r\n\r\n");
	text_put(t, body);
}

static struct text next_request(struct session *s)
{
	s->cseq++;
	s->branch++;
	return text_in(s->request, sizeof(s->request));
}

static bool take_request(struct session *s, const struct text *t)
{
	s->request_n = (uint16_t)t->n;
	return !t->full;
}

static bool take_ack(struct session *s, const struct text *t)
{
	s->ack_n = (uint16_t)t->n;
	s->ack_cseq = s->cseq;
	return !t->full;
}

bool request_options(struct load *l, struct session *s)
{
	char bytes[64];
	struct text t = next_request(s), uri = text_in(bytes, sizeof(bytes));

	TEXT_PUTS(&uri, "sip:");
	text_put(&uri, load_domain(l));
	put_head(l, s, &t, "OPTIONS", text_span(&uri));
	put_contact(&t, s->user, load_caller(l, s), wire_port(l->caller));
	request_put_body(&t, "", SPAN(""));
	return take_request(s, &t);
}

bool request_message(struct load *l, struct session *s)
{
	char bytes[64];
	struct text t = next_request(s), uri = text_in(bytes, sizeof(bytes));

	put_aor(l, &uri, s->peer);
	put_head(l, s, &t, "MESSAGE", text_span(&uri));
	request_put_body(&t, "text/plain", SPAN(REQUEST_TEXT));
	return take_request(s, &t);
}

static void put_answer(struct load *l, const struct session *s, struct text *t,
		       const struct challenge *c, struct digest_question q)
{
	if (!c)
		return;
	q.cnonce = l->sessions.run ^ (s->generation * 2654435761U);
	digest_answer(l->digest, t, c, &q, s->user);
}

bool request_register(struct load *l, struct session *s, const struct challenge *c)
{
	char bytes[64];
	struct text t = next_request(s), uri = text_in(bytes, sizeof(bytes));

	TEXT_PUTS(&uri, "sip:");
	text_put(&uri, load_domain(l));
	put_head(l, s, &t, "REGISTER", text_span(&uri));
	put_contact(&t, s->user, load_callee(l, s->user), wire_port(l->callee));
	put_answer(l, s, &t, c,
		   (struct digest_question){"Authorization", SPAN("REGISTER"), text_span(&uri), 0});
	TEXT_PUTS(&t, "Expires: ");
	text_number(&t, l->options->expires_s, 1);
	TEXT_PUTS(&t, "\r\n");
	request_put_body(&t, "", SPAN(""));
	return take_request(s, &t);
}

bool request_invite(struct load *l, struct session *s, const struct challenge *c)
{
	char bytes[64];
	struct text t = next_request(s), uri = text_in(bytes, sizeof(bytes));

	s->to_n = 0;
	put_aor(l, &uri, s->peer);
	put_head(l, s, &t, "INVITE", text_span(&uri));
	put_contact(&t, s->user, load_caller(l, s), wire_port(l->caller));
	put_answer(
	    l, s, &t, c,
	    (struct digest_question){"Proxy-Authorization", SPAN("INVITE"), text_span(&uri), 0});
	request_put_body(&t, "application/sdp", SPAN(REQUEST_SDP));
	return take_request(s, &t);
}

static void put_dialog(struct load *l, struct session *s, struct text *t, const char *method)
{
	put_head(l, s, t, method, (struct span){s->target, s->target_n});
	text_put(t, (struct span){s->routes, s->routes_n});
	request_put_body(t, "", SPAN(""));
}

bool request_info(struct load *l, struct session *s)
{
	struct text t = next_request(s);

	put_dialog(l, s, &t, "INFO");
	return take_request(s, &t);
}

bool request_bye(struct load *l, struct session *s)
{
	struct text t = next_request(s);

	put_dialog(l, s, &t, "BYE");
	return take_request(s, &t);
}

bool request_ack(struct load *l, struct session *s)
{
	struct text t = text_in(s->ack, sizeof(s->ack));

	s->branch++;
	put_dialog(l, s, &t, "ACK");
	return take_ack(s, &t);
}

bool request_ack_refusal(struct load *l, struct session *s)
{
	char bytes[64];
	struct text t = text_in(s->ack, sizeof(s->ack)), uri = text_in(bytes, sizeof(bytes));

	put_aor(l, &uri, s->peer);
	put_head(l, s, &t, "ACK", text_span(&uri));
	request_put_body(&t, "", SPAN(""));
	return take_ack(s, &t);
}
