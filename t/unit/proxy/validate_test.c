/* RFC 3261 16.3: what is refused before a route sees it, and what is not. */
#include "world.h"

static void refused(const char *request, const char *expected, const char *header)
{
	struct world *w = world_new();

	send(w, ALICE, request);
	TAKE(w, ALICE, expected);
	if (header)
		HAS(w, header);
	QUIET(w);
	CHECK_INT(w->requests, 0);
	CHECK_INT(w->proxy.n_contexts, 0);
	world_end(w);
}

static void passed(const char *request)
{
	struct world *w = world_new();

	w->silent = true;
	send(w, ALICE, request);
	QUIET(w);
	CHECK_INT(w->requests, 1);
	world_end(w);
}

static void unknown_schemes_are_416(void)
{
	refused(REQUEST("INVITE", "nobodyKnowsThisScheme:totallyopaquecontent", "s", ""),
		"SIP/2.0 416 Unsupported URI Scheme\n", NULL);
	refused(REQUEST("REGISTER", "http://example.com", "s", ""), "SIP/2.0 416 ", NULL);
}

static void tel_and_sips_are_the_routes_business(void)
{
	passed(REQUEST("INVITE", "tel:+1-201-555-0123", "s", ""));
	passed(REQUEST("REGISTER", "sips:example.com", "s", ""));
}

static void proxy_require_names_what_is_unsupported(void)
{
	refused(REQUEST("OPTIONS", "sip:b@203.0.113.1", "s",
			"Proxy-Require: nothingSupportsThis, nothingSupportsThisEither\n"
			"proxy-require:\n third\n"),
		"SIP/2.0 420 Bad Extension\n",
		"\nUnsupported: nothingSupportsThis, nothingSupportsThisEither, third\n");
}

static void an_empty_proxy_require_requires_nothing(void)
{
	passed(REQUEST("OPTIONS", "sip:b@203.0.113.1", "s", "Proxy-Require:\n"));
}

static void require_is_for_others(void)
{
	passed(REQUEST("OPTIONS", "sip:b@203.0.113.1", "s", "Require: nothingSupportsThis\n"));
}

/* 20.29: not for ACK and CANCEL. */
static void an_ack_is_not_asked(void)
{
	struct world *w = world_new();

	send(w, ALICE, IN_DIALOG("ACK", "sip:b@203.0.113.1", "s", "Proxy-Require: x\n"));
	TAKE(w, BOB, "ACK");
	world_end(w);
}

static void unknown_methods_pass(void)
{
	struct world *w = world_new();

	send(w, ALICE, REQUEST("NEWMETHOD!%*", "sip:b@203.0.113.1", "s", ""));
	TAKE(w, BOB, "NEWMETHOD!%* sip:b@203.0.113.1 SIP/2.0\n");
	answer(w, BOB, w->got, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	world_end(w);
}

static void max_forwards(const char *line, const char *expected)
{
	struct world *w = world_new();
	char request[1024];

	snprintf(request, sizeof(request), REQUEST("OPTIONS", "sip:b@203.0.113.1", "s", "%s"),
		 line);
	send(w, ALICE, request);
	TAKE(w, BOB, "OPTIONS");
	HAS(w, expected);
	world_end(w);
}

static void max_forwards_counts_down(void)
{
	max_forwards("Max-Forwards: 70\n", "\nMax-Forwards: 69\n");
	max_forwards("max-forwards:   1\n", "\nmax-forwards:   0\n");
	max_forwards("Max-Forwards: 255\n", "\nMax-Forwards: 254\n");
	max_forwards("", "\nMax-Forwards: 70\n");
}

static void at_zero_it_is_483(void)
{
	struct world *w = world_new();

	send(w, ALICE, REQUEST("INVITE", "sip:b@203.0.113.1", "a", "Max-Forwards: 0\n"));
	CHECK_INT(w->refusal.status, 483);
	END_WITH(w, "SIP/2.0 483 Too Many Hops\n");
}

static void at_zero_we_may_still_answer(void)
{
	struct world *w = world_new();

	w->answer = 200;
	send(w, ALICE, REQUEST("REGISTER", "sip:example.com", "s", "Max-Forwards: 0\n"));
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	world_end(w);
}

static void an_ack_at_zero_is_dropped(void)
{
	struct world *w = world_new();

	send(w, ALICE, IN_DIALOG("ACK", "sip:b@203.0.113.1", "s", "Max-Forwards: 0\n"));
	QUIET(w);
	world_end(w);
}

int main(void)
{
	TEST(unknown_schemes_are_416);
	TEST(tel_and_sips_are_the_routes_business);
	TEST(proxy_require_names_what_is_unsupported);
	TEST(an_empty_proxy_require_requires_nothing);
	TEST(require_is_for_others);
	TEST(an_ack_is_not_asked);
	TEST(unknown_methods_pass);
	TEST(max_forwards_counts_down);
	TEST(at_zero_it_is_483);
	TEST(at_zero_we_may_still_answer);
	TEST(an_ack_at_zero_is_dropped);
	return tap_done();
}
