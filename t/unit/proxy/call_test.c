/* Whole transactions through the proxy: RFC 3261 16.6 and 16.7 in their plain form. */
#include "world.h"

#define BOBS_URI "sip:bob@203.0.113.1"

/* Alice's INVITE is on its way to Bob; w->got is what he received. */
static struct world *calling(bool record_route)
{
	struct world *w = world_new();

	w->uris[0] = BOBS_URI;
	w->record_route = record_route;
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100 Giving a try\n");
	TAKE(w, BOB, "INVITE " BOBS_URI " SIP/2.0\n");
	QUIET(w);
	return w;
}

static void a_call_goes_through(void)
{
	struct world *w = calling(true);
	char invite[WORLD_TEXT];

	strcpy(invite, w->got);
	answer(w, BOB, invite, "180 Ringing", "");
	TAKE(w, ALICE, "SIP/2.0 180 Ringing\n");
	LACKS(w, "Via: SIP/2.0/UDP 192.0.2.1");
	answer(w, BOB, invite, "200 OK", "Contact: <sip:bob@203.0.113.1>\n");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	HAS(w, "\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKa\n");
	HAS(w, "Record-Route: <sip:192.0.2.1;lr=on;ftag=a1;dialog=6955b900364327b3ac742fcb>\n");
	send(w, ALICE, IN_DIALOG("ACK", BOBS_URI, "ack", "Route: <sip:192.0.2.1;lr=on;ftag=a1>\n"));
	TAKE(w, BOB, "ACK " BOBS_URI " SIP/2.0\n");
	LACKS(w, "\nRoute:");
	send(w, ALICE, IN_DIALOG("BYE", BOBS_URI, "bye", "Route: <sip:192.0.2.1;lr=on;ftag=a1>\n"));
	TAKE(w, BOB, "BYE " BOBS_URI " SIP/2.0\n");
	answer(w, BOB, w->got, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	QUIET(w);
	world_end(w);
}

/* As phones behind a NAT send it: we fill in received and rport. */
static const char usual_invite[] =
    "INVITE sip:bob@example.com SIP/2.0\n"
    "Via: SIP/2.0/UDP 198.51.100.1:5060;rport;branch=z9hG4bK-524287-1---4f2c9e1b7a3d8e60\n"
    "Max-Forwards: 70\nContact: <sip:alice@198.51.100.1:5060;transport=udp>\n"
    "To: <sip:bob@example.com>\nFrom: \"Alice\" <sip:alice@example.com>;tag=9fxced76sl\n"
    "Call-ID: 3848276298220188511\nCSeq: 1 INVITE\nSupported: replaces, timer\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\n"
    "Proxy-Authorization: Digest "
    "username=\"alice\",realm=\"example.com\",nonce=\"0123456789\","
    "uri=\"sip:bob@example.com\",response=\"0123456789abcdef0123456789abcdef\"\n"
    "User-Agent: Phone 5.10.3\nContent-Type: application/sdp\nContent-Length: 108\n\n"
    "v=0\no=- 1 1 IN IP4 192.0.2.55\ns=-\nc=IN IP4 192.0.2.55\nt=0 0\n"
    "m=audio 49170 RTP/AVP 0 8 101\na=sendrecv\n";

/* All that the layers up to the proxy keep for a call that rings, of which 774 bytes are the
 * INVITE: with 600 for malloc, the script, the store's nonces it is less than 4 KB. */
static void a_waiting_call_is_small(void)
{
	struct world *w = world_new();
	const struct arena *a;

	w->uris[0] = BOBS_URI;
	w->record_route = true;
	send(w, ALICE, usual_invite);
	TAKE(w, ALICE, "SIP/2.0 100 Giving a try\n");
	TAKE(w, BOB, "INVITE " BOBS_URI " SIP/2.0\n");
	a = &w->context->request->arena;
	CHECK_INT(a->grow_bytes, 0);   /* it fits into what was allocated when it came … */
	CHECK(a->end - a->next < 128); /* … of which little stays free */
	CHECK(!w->context->request->msg);
	answer(w, BOB, w->got, "180 Ringing", "Contact: <sip:bob@203.0.113.1>\n");
	TAKE(w, ALICE, "SIP/2.0 180 Ringing\n");
	CHECK(!w->context->request->msg);
	CHECK(w->proxy.txn.bytes < 3300);
	printf("# %zu bytes\n", w->proxy.txn.bytes);
	world_end(w);
}

static void only_what_must_change_changes(void)
{
	struct world *w = world_new();

	w->uris[0] = BOBS_URI;
	send(w, "198.51.100.7:6060",
	     "MESSAGE sip:bob@example.com SIP/2.0\n"
	     "X-First:  two  blanks\n"
	     "v: SIP/2.0/UDP 10.0.0.1:5060 ; branch=z9hG4bKm;rport, SIP/2.0/UDP 10.0.0.2\n"
	     "f: \"A \\\" B\" <sip:alice@example.com> ;tag=a1\n"
	     "TO :\n <sip:bob@example.com>\n"
	     "i: m@example.com\n"
	     "CSeq: 0007   MESSAGE\n"
	     "Max-Forwards: 10\n"
	     "l: 14\n\n"
	     "body\tof 1 line");
	TAKE(w, BOB,
	     "MESSAGE " BOBS_URI " SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK");
	HAS(w, "\nX-First:  two  blanks\n"
	       "v: SIP/2.0/UDP 10.0.0.1:5060 ; branch=z9hG4bKm;rport=6060;received=198.51.100.7, "
	       "SIP/2.0/UDP 10.0.0.2\n"
	       "f: \"A \\\" B\" <sip:alice@example.com> ;tag=a1\n"
	       "TO :\n <sip:bob@example.com>\n"
	       "i: m@example.com\n"
	       "CSeq: 0007   MESSAGE\n"
	       "Max-Forwards: 9\n"
	       "l: 14\n"
	       "Max-Breadth: 60\n\n"
	       "body\tof 1 line");
	world_end(w);
}

static void a_response_keeps_its_bytes(void)
{
	struct world *w = world_new();
	char via[512];

	w->uris[0] = BOBS_URI;
	send(w, ALICE, OPTIONS);
	TAKE(w, BOB, "OPTIONS");
	snprintf(via, sizeof(via), "%.*s", (int)strcspn(strstr(w->got, "Via:"), "\n"),
		 strstr(w->got, "Via:"));
	{
		char text[2048];
		snprintf(text, sizeof(text),
			 "SIP/2.0 299  Quite  fine\nX-One: 1\n%s  ,  SIP/2.0/UDP "
			 "198.51.100.1:5060;branch=z9hG4bKa\n"
			 "f: <sip:alice@example.com>;tag=a1\nt: <sip:bob@example.com>;tag=zz\n"
			 "i: call@example.com\nCSeq: 7 OPTIONS\nx-two:\n  folded\nl: 4\n\nbody",
			 via);
		send(w, BOB, text);
	}
	TAKE(w, ALICE,
	     "SIP/2.0 299  Quite  fine\nX-One: 1\nVia: SIP/2.0/UDP "
	     "198.51.100.1:5060;branch=z9hG4bKa\n"
	     "f: <sip:alice@example.com>;tag=a1\nt: <sip:bob@example.com>;tag=zz\n"
	     "i: call@example.com\nCSeq: 7 OPTIONS\nx-two:\n  folded\nl: 4\n\nbody");
	world_end(w);
}

static void hundred_is_never_forwarded(void)
{
	struct world *w = calling(false);

	answer(w, BOB, w->got, "100 Trying", "");
	QUIET(w);
	world_end(w);
}

static void retransmissions_stop_at_the_transaction(void)
{
	struct world *w = calling(false);
	char invite[WORLD_TEXT];

	strcpy(invite, w->got);
	answer(w, BOB, invite, "180 Ringing", "");
	TAKE(w, ALICE, "SIP/2.0 180");
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 180");
	answer(w, BOB, invite, "486 Busy Here", "");
	TAKE(w, BOB, "ACK");
	TAKE(w, ALICE, "SIP/2.0 486 Busy Here\n");
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 486 Busy Here\n");
	ack_final(w);
	QUIET(w);
	CHECK_INT(w->requests, 1);
	world_end(w);
}

/* They are written anew each time, the proof in Record-Route included. */
static void a_request_is_repeated_byte_by_byte(void)
{
	struct world *w = calling(true);
	char invite[WORLD_TEXT];

	strcpy(invite, w->got);
	sim_advance(&w->sim, 3500);
	for (int i = 0; i < 3; i++) {
		TAKE(w, BOB, "INVITE " BOBS_URI " SIP/2.0\n");
		CHECK_STR(w->got, invite);
	}
	QUIET(w);
	world_end(w);
}

static void each_2xx_goes_up_even_late(void)
{
	struct world *w = calling(false);
	char invite[WORLD_TEXT];

	strcpy(invite, w->got);
	answer(w, BOB, invite, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	sim_advance(&w->sim, 500);
	answer(w, BOB, invite, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	sim_advance(&w->sim, 31000);
	answer(w, BOB, invite, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	QUIET(w);
	world_end(w);
}

/* RFC 6026: what was answered needs no context any more, its late 2xx neither. */
static void a_call_that_was_answered_leaves_little(void)
{
	struct world *w = calling(false);
	char invite[WORLD_TEXT], first[WORLD_TEXT];

	strcpy(invite, w->got);
	answer(w, BOB, invite, "200 OK", "X-Any: thing\n");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	LACKS(w, "192.0.2.1");
	strcpy(first, w->got);
	CHECK_INT(w->proxy.n_contexts, 0);
	CHECK(w->proxy.txn.bytes < 640);
	send(w, ALICE, INVITE); /* absorbed */
	send(w, ALICE, CANCEL);
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	HAS(w, "CSeq: 7 CANCEL\n");
	QUIET(w);
	sim_advance(&w->sim, 31000);
	answer(w, BOB, invite, "200 OK", "X-Any: thing\n");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	CHECK_STR(w->got, first);
	CHECK_INT(w->requests, 1);
	sim_advance(&w->sim, 2000);
	CHECK_INT(w->proxy.txn.bytes, 0);
	world_end(w);
}

static void a_late_2xx_without_another_via_goes_nowhere(void)
{
	struct world *w = calling(false);
	char invite[WORLD_TEXT];

	strcpy(invite, w->got);
	answer(w, BOB, invite, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	char *via = strstr(strstr(invite, "Via:") + 1, "Via:");
	memcpy(via, "Xia:", 4);
	answer(w, BOB, invite, "200 OK", "");
	QUIET(w);
	world_end(w);
}

static void a_call_that_was_refused_leaves_little(void)
{
	struct world *w = calling(false);
	char invite[WORLD_TEXT], first[WORLD_TEXT];

	strcpy(invite, w->got);
	answer(w, BOB, invite, "486 Busy Here", "");
	TAKE(w, BOB, "ACK");
	strcpy(first, w->got);
	TAKE(w, ALICE, "SIP/2.0 486 Busy Here\n");
	CHECK_INT(w->proxy.n_contexts, 0);
	answer(w, BOB, invite, "486 Busy Here", "");
	TAKE(w, BOB, "ACK"); /* made once */
	CHECK_STR(w->got, first);
	sim_advance(&w->sim, 500);
	TAKE(w, ALICE, "SIP/2.0 486 Busy Here\n"); /* Timer G */
	ack_final(w);
	ack_final(w);
	sim_advance(&w->sim, 4000);
	QUIET(w);
	CHECK_INT(w->requests, 1);
	sim_advance(&w->sim, 30000);
	CHECK_INT(w->proxy.txn.bytes, 0);
	world_end(w);
}

static void another_method_that_was_answered_leaves_little(void)
{
	struct world *w = world_new();
	char options[WORLD_TEXT], first[WORLD_TEXT];

	w->uris[0] = BOBS_URI;
	send(w, ALICE, OPTIONS);
	TAKE(w, BOB, "OPTIONS");
	strcpy(options, w->got);
	answer(w, BOB, options, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	strcpy(first, w->got);
	CHECK_INT(w->proxy.n_contexts, 0);
	answer(w, BOB, options, "200 OK", "");
	QUIET(w);
	sim_advance(&w->sim, 31000);
	send(w, ALICE, OPTIONS);
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	CHECK_STR(w->got, first);
	CHECK_INT(w->requests, 1);
	sim_advance(&w->sim, 1000);
	CHECK_INT(w->proxy.txn.bytes, 0);
	world_end(w);
}

static void add_a_header(void *data, struct branch *b, struct received *r, struct edits *e)
{
	(void)data;
	(void)b;
	edit_append_header(e, r->msg, SLICE("X-Mine: yes\r\n"));
}

/* Whoever lost the first one gets no other. */
static void what_a_handler_has_changed_is_changed_again(void)
{
	struct world *w = world_new();
	char invite[WORLD_TEXT];

	w->uris[0] = BOBS_URI;
	w->hooks = (struct context_hooks){.data = w, .reply = add_a_header};
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100 Giving a try\n");
	TAKE(w, BOB, "INVITE");
	strcpy(invite, w->got);
	for (int i = 0; i < 2; i++) {
		answer(w, BOB, invite, "200 OK", "");
		TAKE(w, ALICE, "SIP/2.0 200 OK\n");
		HAS(w, "X-Mine: yes\n");
	}
	CHECK_INT(w->proxy.n_contexts, 1);
	CHECK(w->proxy.txn.bytes > 2048); /* it counts */
	sim_advance(&w->sim, 33000);
	CHECK_INT(w->proxy.txn.bytes, 0);
	world_end(w);
}

static void add_far_too_much(void *data, struct branch *b, struct received *r, struct edits *e)
{
	(void)data;
	(void)b;
	for (int i = 0; i < 8; i++)
		edit_append_header(e, r->msg, arena_printf(&r->arena, "X-Long: %08000d\r\n", i));
}

/* A response that cannot take what a handler adds goes up without that. */
static void a_response_never_gets_too_large_to_be_sent(void)
{
	struct world *w = world_new();
	char invite[WORLD_TEXT], head[10000];

	w->uris[0] = BOBS_URI;
	w->hooks = (struct context_hooks){.data = w, .reply = add_far_too_much};
	snprintf(head, sizeof(head), "X-Theirs: %09000d\n", 0);
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100 Giving a try\n");
	TAKE(w, BOB, "INVITE");
	strcpy(invite, w->got);
	answer(w, BOB, invite, "486 Busy Here", head);
	TAKE(w, BOB, "ACK");
	TAKE(w, ALICE, "SIP/2.0 486 Busy Here\n");
	HAS(w, "X-Theirs: 0");
	CHECK(!strstr(w->got, "X-Long"));
	ack_final(w);
	world_end(w);
}

static void only_the_first_final_of_other_methods_goes_up(void)
{
	struct world *w = world_new();
	char options[WORLD_TEXT];

	w->uris[0] = BOBS_URI;
	w->uris[1] = "sip:bob@203.0.113.2";
	send(w, ALICE, OPTIONS);
	TAKE(w, BOB, "OPTIONS");
	strcpy(options, w->got);
	TAKE(w, CAROL, "OPTIONS");
	answer(w, CAROL, w->got, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	answer(w, BOB, options, "200 OK", "");
	answer(w, BOB, options, "404 Not Found", "");
	QUIET(w);
	world_end(w);
}

/* RFC 4320 4.1, 4.2 */
static void other_methods_get_no_provisional_and_no_408(void)
{
	struct world *w = world_new();
	char options[WORLD_TEXT];
	bool answered = false;
	struct sim_packet *p;

	w->uris[0] = BOBS_URI;
	send(w, ALICE, OPTIONS);
	TAKE(w, BOB, "OPTIONS");
	strcpy(options, w->got);
	answer(w, BOB, options, "183 Progress", "");
	QUIET(w);
	answer(w, BOB, options, "408 Request Timeout", "");
	for (int i = 0; i < 400; i++) {
		sim_advance(&w->sim, 100);
		while ((p = sim_take(&w->sim))) {
			answered |= slice_starts(p->bytes, SLICE("SIP/2.0 4"));
			sim_packet_free(p);
		}
	}
	CHECK(!answered);
	world_end(w);
}

static void a_reply_of_the_route_is_forgotten(void)
{
	struct world *w = world_new();

	w->answer = 404;
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 404 Not Found\n");
	CHECK_INT(w->proxy.n_contexts, 0);
	ack_final(w);
	QUIET(w);
	CHECK_INT(w->requests, 1); /* the ACK was known by its To tag */
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 404 Not Found\n");
	CHECK_INT(w->requests, 2);
	world_end(w);
}

static void a_reply_is_remembered_when_it_must_be(void)
{
	struct world *w = world_new();

	w->parked = true;
	send(w, ALICE, OPTIONS);
	w->context->remember = true;
	CHECK(context_reply(w->context, 200, SLICE(""), SLICE("")));
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	CHECK(!context_reply(w->context, 500, SLICE(""), SLICE("")));
	context_script_done(w->context);
	CHECK_INT(w->proxy.n_contexts, 0); /* what is remembered needs none */
	send(w, ALICE, OPTIONS);
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	CHECK_INT(w->requests, 1);
	world_end(w);
}

/* He has stopped repeating the INVITE: a lost 404 must come again. */
static void after_100_a_reply_is_remembered(void)
{
	struct world *w = world_new();

	w->parked = true;
	w->answer = 404;
	send(w, ALICE, INVITE);
	sim_advance(&w->sim, 250);
	TAKE(w, ALICE, "SIP/2.0 100 ");
	world_resume(w, w->context);
	TAKE(w, ALICE, "SIP/2.0 404 Not Found\n");
	sim_advance(&w->sim, 500);
	TAKE(w, ALICE, "SIP/2.0 404 Not Found\n");
	ack_final(w);
	sim_advance(&w->sim, 1000);
	QUIET(w);
	world_end(w);
}

static void there_is_one_final_reply(void)
{
	struct world *w = world_new();

	w->parked = true;
	send(w, ALICE, OPTIONS);
	CHECK(context_reply(w->context, 100, SLICE("Trying to Register"), SLICE("")));
	TAKE(w, ALICE, "SIP/2.0 100 Trying to Register\n");
	CHECK(!context_reply(w->context, 183, SLICE(""), SLICE("")));
	CHECK(context_reply(w->context, 404, SLICE(""), SLICE("")));
	TAKE(w, ALICE, "SIP/2.0 404 Not Found\n");
	CHECK(!context_reply(w->context, 500, SLICE(""), SLICE("")));
	proxy_relay(w->context, w, world_relayed);
	CHECK_INT(w->refusal.status, 500);
	QUIET(w);
	world_end(w);
}

static void a_route_without_a_word_leaves_nothing(void)
{
	struct world *w = world_new();

	w->silent = true;
	send(w, ALICE, OPTIONS);
	QUIET(w);
	CHECK_INT(w->proxy.n_contexts, 0);
	CHECK_INT(w->proxy.txn.servers.count, 0);
	world_end(w);
}

static void nobody_replies_to_an_ack(void)
{
	struct world *w = world_new();

	w->answer = 404;
	send(w, ALICE, IN_DIALOG("ACK", "sip:bob@203.0.113.1", "x", "Max-Forwards: 70\n"));
	QUIET(w);
	CHECK_INT(w->requests, 1);
	world_end(w);
}

/* Bob answers the INVITE himself although our ACK is not his: a 2xx needs Alice's. */
static void the_ack_of_a_2xx_goes_end_to_end_each_time(void)
{
	struct world *w = world_new();
	char first[WORLD_TEXT];

	send(w, ALICE, IN_DIALOG("ACK", BOBS_URI, "x", "Max-Forwards: 70\n"));
	TAKE(w, BOB, "ACK " BOBS_URI " SIP/2.0\n");
	LACKS(w, "Max-Breadth");
	strcpy(first, w->got);
	send(w, ALICE, IN_DIALOG("ACK", BOBS_URI, "x", "Max-Forwards: 70\n"));
	TAKE(w, BOB, "ACK");
	CHECK_STR(w->got, first); /* 16.11: a copy is forwarded as a copy */
	world_end(w);
}

/* Fault of the reference system: one such datagram became 204. */
static void a_stray_ack_does_not_come_back_to_us(void)
{
	struct world *w = world_new();

	send(w, ALICE, REQUEST("ACK", "sip:bob@192.0.2.1", "x", "Max-Forwards: 70\n"));
	send(w, ALICE, REQUEST("ACK", "sip:192.0.2.9:5070", "y", ""));
	send(w, ALICE,
	     REQUEST("ACK", "sip:bob@203.0.113.1", "z",
		     "Route: <sip:203.0.113.9;maddr=192.0.2.1>\n"));
	CHECK_INT(w->proxy.counters.stray_acks_dropped, 2);
	TAKE(w, BOB, "ACK");
	QUIET(w);
	CHECK_INT(w->proxy.counters.forwarded, 1);
	world_end(w);
}

static void the_proxy_may_end_in_the_middle(void)
{
	struct world *w = calling(false);

	w->parked = true;
	send(w, ALICE, REQUEST("INVITE", "sip:x@203.0.113.1", "b", ""));
	CHECK_INT(w->proxy.n_contexts, 2);
	world_free(w);
}

int main(void)
{
	TEST(a_call_goes_through);
	TEST(a_waiting_call_is_small);
	TEST(only_what_must_change_changes);
	TEST(a_response_keeps_its_bytes);
	TEST(hundred_is_never_forwarded);
	TEST(retransmissions_stop_at_the_transaction);
	TEST(a_request_is_repeated_byte_by_byte);
	TEST(each_2xx_goes_up_even_late);
	TEST(a_call_that_was_answered_leaves_little);
	TEST(a_late_2xx_without_another_via_goes_nowhere);
	TEST(a_call_that_was_refused_leaves_little);
	TEST(another_method_that_was_answered_leaves_little);
	TEST(what_a_handler_has_changed_is_changed_again);
	TEST(a_response_never_gets_too_large_to_be_sent);
	TEST(only_the_first_final_of_other_methods_goes_up);
	TEST(other_methods_get_no_provisional_and_no_408);
	TEST(a_reply_of_the_route_is_forgotten);
	TEST(a_reply_is_remembered_when_it_must_be);
	TEST(after_100_a_reply_is_remembered);
	TEST(there_is_one_final_reply);
	TEST(a_route_without_a_word_leaves_nothing);
	TEST(nobody_replies_to_an_ack);
	TEST(the_ack_of_a_2xx_goes_end_to_end_each_time);
	TEST(a_stray_ack_does_not_come_back_to_us);
	TEST(the_proxy_may_end_in_the_middle);
	return tap_done();
}
