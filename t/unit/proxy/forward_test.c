/* Targets and next hops: RFC 3261 16.5, 16.6 steps 1, 2, 7; RFC 3263 4.3; who is "myself". */
#include "world.h"

static void myself(struct world *w, const char *text, bool expected)
{
	struct uri u;

	CHECK_INT(uri_parse(&u, slice_str(text)), 0);
	if (proxy_uri_is_myself(&w->proxy, &u) != expected) {
		tap_test_failed++;
		printf("# %s: expected %s\n", text, expected ? "myself" : "another");
	}
}

static void who_is_myself(void)
{
	struct world *w = world_new();

	myself(w, "sip:192.0.2.1", true);
	myself(w, "sip:192.0.2.1:5060", true);
	myself(w, "sip:10@192.0.2.1:5070;transport=tcp", true); /* any of our ports */
	myself(w, "sip:10@192.0.2.9", true);
	myself(w, "sip:EXAMPLE.com", true);
	myself(w, "sips:example.com:5060", true);
	myself(w, "sip:example.com:5080", false);
	myself(w, "sip:192.0.2.1:5080", false);
	myself(w, "sip:192.0.2.2", false);
	myself(w, "sip:sub.example.com", false);
	myself(w, "sip:example.com;maddr=203.0.113.1", false);
	myself(w, "sip:example.com;maddr=192.0.2.1", true);
	myself(w, "tel:192.0.2.1", false);
	CHECK(proxy_is_domain(&w->proxy, SLICE("example.com")));
	CHECK(!proxy_is_domain(&w->proxy, SLICE("example.org")));
	w->alias.port = 7060;
	myself(w, "sip:example.com:7060", true);
	myself(w, "sip:example.com", true);
	myself(w, "sip:example.com:5060", false);
	world_free(w);
}

static void a_target_is_tried_once(void)
{
	struct world *w = world_new();

	w->uris[0] = "sip:bob@203.0.113.1";
	w->uris[1] = "SIP:bob@203.0.113.1;unknown=1";
	w->uris[2] = "sip:b%6fb@203.0.113.1";
	w->uris[3] = "sip:bob@203.0.113.2";
	send(w, ALICE, OPTIONS);
	TAKE(w, BOB, "OPTIONS");
	TAKE(w, CAROL, "OPTIONS");
	QUIET(w);
	world_end(w);
}

static void what_a_request_uri_must_not_have_goes(void)
{
	struct world *w = world_new();

	w->uris[0] = "sip:bob@203.0.113.1;method=INVITE;x=1?Subject=hi";
	send(w, ALICE, OPTIONS);
	TAKE(w, BOB, "OPTIONS sip:bob@203.0.113.1;x=1 SIP/2.0\n");
	world_end(w);
}

static void next_hop(const char *hop, const char *to)
{
	struct world *w = world_new();

	w->next_hop = hop;
	w->uris[0] = "sip:bob@203.0.113.1";
	send(w, ALICE, REQUEST("OPTIONS", "sip:bob@example.com", "a", ""));
	TAKE(w, to, "OPTIONS sip:bob@203.0.113.1 SIP/2.0\n");
	world_end(w);
}

static void an_explicit_next_hop_wins(void)
{
	next_hop("203.0.113.2", CAROL);
	next_hop("203.0.113.2:7000", "203.0.113.2:7000");
	next_hop("sip:203.0.113.2", CAROL);
	next_hop("sip:x@198.51.100.9;maddr=203.0.113.2", CAROL);
}

static void it_wins_over_route_too(void)
{
	struct world *w = world_new();

	w->parked = true;
	send(w, ALICE,
	     IN_DIALOG("BYE", "sip:bob@203.0.113.1", "a", "Route: <sip:203.0.113.3;lr>\n"));
	CHECK_INT(context_set_next_hop(w->context, SLICE("203.0.113.2")), 0);
	world_resume(w, w->context);
	TAKE(w, CAROL, "BYE sip:bob@203.0.113.1 SIP/2.0\n");
	HAS(w, "\nRoute: <sip:203.0.113.3;lr>\n");
	world_end(w);
}

static void bad_uris_and_hops_are_refused(void)
{
	struct world *w = world_new();
	struct context *c;
	struct target t = {.uri = SLICE("sip:x@203.0.113.1 \r\nEvil: yes"), .q = -1, .socket = -1};

	w->parked = true;
	send(w, ALICE, OPTIONS);
	c = w->context;
	CHECK_INT(context_set_uri(c, SLICE("sip:a@b\r\nX: y")), -1);
	CHECK_INT(context_set_uri(c, SLICE("sip:a b@c")), -1);
	CHECK_INT(context_set_uri(c, SLICE("tel:1 2")), -1);
	CHECK_INT(context_set_uri(c, SLICE("tel:1\r\nX:2")), -1);
	CHECK_INT(context_set_uri(c, SLICE("nonsense")), -1);
	CHECK_INT(context_set_uri(c, SLICE("")), -1);
	CHECK_INT(context_set_next_hop(c, SLICE("a b")), -1);
	CHECK_INT(context_set_next_hop(c, SLICE("203.0.113.1:99999")), -1);
	CHECK_INT(context_set_next_hop(c, SLICE("2001:db8::1")), 0);
	CHECK_SLICE(c->next_hop, "sip:[2001:db8::1]");
	CHECK_INT(context_set_next_hop(c, SLICE_NULL), 0);
	CHECK(c->next_hop.p == NULL);
	CHECK_INT(context_add_target(c, &t), -1);
	t.uri = SLICE("sip:x@203.0.113.1");
	t.path = SLICE("<sip:e;lr>\r\nEvil: yes");
	CHECK_INT(context_add_target(c, &t), -1);
	context_set_targets(c, &t, 1);
	CHECK_SLICE(c->uri, "sip:bob@example.com");
	w->answer = 404;
	world_resume(w, c);
	TAKE(w, ALICE, "SIP/2.0 404");
	world_end(w);
}

/* Where a phone really is (NAT) belongs to its binding, not to the next Request-URI. */
static void another_uri_forgets_the_bindings_hop(void)
{
	struct world *w = world_new();
	struct target t = {SLICE("sip:bob@10.0.0.1"), SLICE("sip:203.0.113.1:1024"), SLICE_NULL, -1,
			   -1};

	w->parked = true;
	send(w, ALICE, OPTIONS);
	context_set_targets(w->context, &t, 1);
	CHECK_SLICE(w->context->next_hop, "sip:203.0.113.1:1024");
	context_set_uri(w->context, SLICE("sip:carol@203.0.113.2"));
	CHECK(w->context->next_hop.p == NULL);
	context_set_targets(w->context, &t, 1);
	world_resume(w, w->context);
	TAKE(w, "203.0.113.1:1024", "OPTIONS sip:bob@10.0.0.1 SIP/2.0\n");
	world_end(w);
}

static void there_is_room_for_so_many_targets(void)
{
	struct world *w = world_new();
	char uri[64];
	int added = 0;

	w->parked = true;
	send(w, ALICE, OPTIONS);
	for (int i = 0; i < 100; i++) {
		struct target t = {SLICE_NULL, SLICE_NULL, SLICE_NULL, -1, -1};
		snprintf(uri, sizeof(uri), "sip:u%d@203.0.113.1", i);
		t.uri = slice_str(uri);
		added += context_add_target(w->context, &t) == 0;
	}
	CHECK_INT(added, PROXY_MAX_BRANCHES - 1);
	context_set_uri(w->context, SLICE("sip:first@203.0.113.1"));
	world_resume(w, w->context);
	for (int i = 0; i < PROXY_MAX_BRANCHES; i++)
		TAKE(w, BOB, "OPTIONS");
	QUIET(w);
	world_end(w);
}

static void unresolvable(const char *uri, unsigned status)
{
	struct world *w = world_new();
	char expected[32];

	w->uris[0] = uri;
	send(w, ALICE, OPTIONS);
	CHECK_INT(w->refusal.status, status);
	snprintf(expected, sizeof(expected), "SIP/2.0 %u ", status);
	TAKE(w, ALICE, expected);
	QUIET(w);
	world_end(w);
}

static void what_cannot_be_reached_is_refused(void)
{
	unresolvable("sip:bob@nowhere.example.net", 478);
	unresolvable("sip:bob@203.0.113.1;transport=tcp", 478);
	unresolvable("sip:bob@255.255.255.255", 478);
	unresolvable("sip:bob@[2001:db8::1]", 478); /* we listen on IPv4 only */
	unresolvable("sips:bob@203.0.113.1", 416);
	unresolvable("tel:+1234", 416);
}

static void one_good_target_is_enough(void)
{
	struct world *w = world_new();

	w->uris[0] = "sip:bob@nowhere.example.net";
	w->uris[1] = "sip:bob@203.0.113.1";
	w->uris[2] = "tel:1";
	send(w, ALICE, OPTIONS);
	CHECK_INT(w->refusal.status, 0);
	TAKE(w, BOB, "OPTIONS");
	answer(w, BOB, w->got, "486 Busy Here", "");
	TAKE(w, ALICE, "SIP/2.0 486");
	world_end(w);
}

static void a_tel_uri_goes_where_it_is_sent(void)
{
	struct world *w = world_new();

	w->next_hop = "203.0.113.2";
	send(w, ALICE, REQUEST("OPTIONS", "tel:+1-201-555-0123", "a", ""));
	TAKE(w, CAROL, "OPTIONS tel:+1-201-555-0123 SIP/2.0\n");
	world_end(w);
}

static struct world *two_addresses(uint64_t resolve_delay_ms)
{
	struct world *w = world_new();

	sim_host(&w->sim, "bob.example.net", "203.0.113.1");
	sim_host(&w->sim, "bob.example.net", "203.0.113.2");
	w->sim.resolve_delay_ms = resolve_delay_ms;
	w->uris[0] = "sip:bob@bob.example.net";
	return w;
}

static void a_name_is_resolved_while_nothing_waits(void)
{
	struct world *w = two_addresses(300);

	send(w, ALICE, INVITE);
	QUIET(w);
	sim_advance(&w->sim, 200);
	TAKE(w, ALICE, "SIP/2.0 100 Trying\n"); /* the transaction's own, at 200 ms */
	sim_advance(&w->sim, 100);
	TAKE(w, BOB, "INVITE sip:bob@bob.example.net SIP/2.0\n");
	QUIET(w);
	CHECK_INT(w->relays, 1);
	world_end(w);
}

/* RFC 3263 4.3: 503, ICMP and silence lead to the next address, with a branch of its own. */
static void after_503_comes_the_next_address(void)
{
	struct world *w = two_addresses(0);
	char first[WORLD_TEXT];

	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, BOB, "INVITE");
	strcpy(first, strstr(w->got, "branch="));
	answer(w, BOB, w->got, "503 Service Unavailable", "");
	TAKE(w, BOB, "ACK");
	TAKE(w, CAROL, "INVITE sip:bob@bob.example.net SIP/2.0\n");
	CHECK(strncmp(first, strstr(w->got, "branch="), 60) != 0);
	answer(w, CAROL, w->got, "503 Service Unavailable", "");
	TAKE(w, CAROL, "ACK");
	END_WITH(w, "SIP/2.0 500 ");
}

static void after_an_icmp_error_comes_the_next_address(void)
{
	struct world *w = two_addresses(0);
	struct sim_packet *p;

	send(w, ALICE, OPTIONS);
	p = sim_take(&w->sim);
	sim_unreachable(&w->sim, p);
	sim_packet_free(p);
	TAKE(w, CAROL, "OPTIONS");
	answer(w, CAROL, w->got, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	QUIET(w);
	world_end(w);
}

static void after_silence_comes_the_next_address(void)
{
	struct world *w = two_addresses(0);
	struct sim_packet *p;

	send(w, ALICE, INVITE);
	sim_advance(&w->sim, 31999);
	while ((p = sim_take(&w->sim)))
		sim_packet_free(p);
	sim_advance(&w->sim, 1);
	TAKE(w, CAROL, "INVITE");
	answer(w, CAROL, w->got, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	QUIET(w);
	world_end(w);
}

static void nobody_waits_for_the_next_address_any_more(void)
{
	struct world *w = two_addresses(0);
	char invite[WORLD_TEXT];

	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, BOB, "INVITE");
	strcpy(invite, w->got);
	send(w, ALICE, CANCEL);
	TAKE(w, ALICE, "SIP/2.0 200 ");
	TAKE(w, ALICE, "SIP/2.0 487");
	ack_final(w);
	answer(w, BOB, invite, "503 Service Unavailable", "");
	TAKE(w, BOB, "ACK");
	QUIET(w);
	world_end(w);
}

static void a_name_resolved_too_late_is_left_alone(void)
{
	struct world *w = two_addresses(1000);

	w->uris[1] = "sip:bob@203.0.113.3";
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, DAVE, "INVITE");
	answer(w, DAVE, w->got, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	sim_advance(&w->sim, 1000);
	QUIET(w);
	CHECK_INT(w->relays, 1);
	CHECK_INT(w->refusal.status, 0);
	world_end(w);
}

static void what_grows_too_large_is_refused(void)
{
	static char request[WORLD_TEXT];
	struct world *w = world_new();
	size_t n;

	n = (size_t)snprintf(request, sizeof(request), "%s",
			     REQUEST("OPTIONS", "sip:b@203.0.113.1", "a", ""));
	n -= strlen("Content-Length: 0\n\n");
	n += (size_t)snprintf(request + n, sizeof(request) - n, "\n");
	memset(request + n, 'x', 65500 - n);
	request[65500] = '\0';
	send(w, ALICE, request);
	CHECK_INT(w->refusal.status, 513);
	TAKE(w, ALICE, "SIP/2.0 513 Message Too Large\n");
	QUIET(w);
	world_end(w);
}

/* 4 KB a waiting INVITE is what a million phones allow. */
static void a_waiting_call_is_small(void)
{
	CHECK(sizeof(struct context) <= 768);
	CHECK(sizeof(struct branch) <= 512);
}

int main(void)
{
	TEST(who_is_myself);
	TEST(a_target_is_tried_once);
	TEST(what_a_request_uri_must_not_have_goes);
	TEST(an_explicit_next_hop_wins);
	TEST(it_wins_over_route_too);
	TEST(bad_uris_and_hops_are_refused);
	TEST(another_uri_forgets_the_bindings_hop);
	TEST(there_is_room_for_so_many_targets);
	TEST(what_cannot_be_reached_is_refused);
	TEST(one_good_target_is_enough);
	TEST(a_tel_uri_goes_where_it_is_sent);
	TEST(a_name_is_resolved_while_nothing_waits);
	TEST(after_503_comes_the_next_address);
	TEST(after_an_icmp_error_comes_the_next_address);
	TEST(after_silence_comes_the_next_address);
	TEST(nobody_waits_for_the_next_address_any_more);
	TEST(a_name_resolved_too_late_is_left_alone);
	TEST(what_grows_too_large_is_refused);
	TEST(a_waiting_call_is_small);
	return tap_done();
}
