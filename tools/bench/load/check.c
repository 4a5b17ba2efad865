#include "check.h"

#include "request.h"

enum { MAX_FORWARDS_LEFT = 69 };

static void expect(struct load *l, bool good, enum violation v)
{
	if (!good)
		stats_violation(&l->stats, v);
}

/* One Via, and it is ours.  A response to an earlier request of the session has an earlier
 * branch, so only what is the same in all of them is compared. */
static bool only_our_via(const struct load *l, const struct session *s, const struct message *m)
{
	char bytes[64];
	struct text branch = text_in(bytes, sizeof(bytes));

	TEXT_PUTS(&branch, ";branch=");
	request_put_branch(l, s, &branch);
	branch.n -= 4;
	return message_vias(m) == 1 && span_has(m->vias[0], text_span(&branch));
}

void check_response(struct load *l, const struct session *s, const struct message *m)
{
	expect(l, only_our_via(l, s, m), VIOLATION_VIA);
	if (m->status >= 200)
		expect(l, span_has(m->to, SPAN(";tag=")), VIOLATION_TO_TAG);
}

void check_routes(struct load *l, struct span first)
{
	char bytes[64];
	struct text host = text_in(bytes, sizeof(bytes));

	expect(l, first.n > 0, VIOLATION_RECORD_ROUTE);
	if (!first.n)
		return;
	phone_put_address(&host, l->options->proxy);
	expect(l, span_has(first, text_span(&host)) && span_has(first, SPAN(";lr")),
	       VIOLATION_ROUTE);
}

static bool same_body(const struct message *m)
{
	if (span_is(m->method, SPAN("INVITE")))
		return span_is(m->body, SPAN(REQUEST_SDP));
	if (span_is(m->method, SPAN("MESSAGE")))
		return span_is(m->body, SPAN(REQUEST_TEXT));
	return m->body.n == 0;
}

void check_request(struct load *l, const struct session *s, const struct message *m)
{
	char bytes[64];
	struct text contact = text_in(bytes, sizeof(bytes));

	phone_put_contact(&contact, s->peer, load_callee(l, s->peer), wire_port(l->callee));
	expect(l, message_vias(m) >= 2, VIOLATION_VIA);
	expect(l, span_is(m->uri, text_span(&contact)), VIOLATION_URI);
	expect(l, m->max_forwards == MAX_FORWARDS_LEFT, VIOLATION_MAX_FORWARDS);
	expect(l, !m->credentials, VIOLATION_CREDENTIALS);
	expect(l, !m->route, VIOLATION_ROUTE);
	expect(l, same_body(m), VIOLATION_BODY);
	if (span_is(m->method, SPAN("INVITE")))
		expect(l, m->record_routes_n > 0, VIOLATION_RECORD_ROUTE);
}
