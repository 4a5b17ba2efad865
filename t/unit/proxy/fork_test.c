/* Several branches: the best response (RFC 3261 16.7 step 6), its losers, the failure handler. */
#include "world.h"

enum { BRANCHES = 3 };

static const char *const phones[BRANCHES] = {BOB, CAROL, DAVE};
static char invites[BRANCHES][WORLD_TEXT];

static void fork_request(struct world *w, unsigned n, const char *request)
{
	static const char *const uris[BRANCHES] = {"sip:bob@203.0.113.1", "sip:bob@203.0.113.2",
						   "sip:bob@203.0.113.3"};

	for (unsigned i = 0; i < n; i++)
		w->uris[i] = uris[i];
	send(w, ALICE, request);
	if (strncmp(request, "INVITE", 6) == 0)
		TAKE(w, ALICE, "SIP/2.0 100 Giving a try\n");
	for (unsigned i = 0; i < n; i++) {
		TAKE(w, phones[i], "");
		strcpy(invites[i], w->got);
	}
	QUIET(w);
}

/* Branch i answers finally; our ACK is taken. */
static void final(struct world *w, unsigned i, const char *status, const char *head)
{
	answer(w, phones[i], invites[i], status, head);
	TAKE(w, phones[i], "ACK");
}

static void ring(struct world *w, unsigned i)
{
	answer(w, phones[i], invites[i], "180 Ringing", "");
	TAKE(w, ALICE, "SIP/2.0 180");
}

/* Bob takes the CANCEL and ends his INVITE. */
static void cancelled(struct world *w, unsigned i)
{
	TAKE(w, phones[i], "CANCEL sip:bob@203.0.113.");
	answer(w, phones[i], w->got, "200 OK", "");
	final(w, i, "487 Request Terminated", "");
}

static void all_are_asked_at_once(void)
{
	struct world *w = world_new();

	fork_request(w, 3, INVITE);
	for (unsigned i = 0; i < 3; i++)
		CHECK(strncmp(strstr(invites[i], "branch="),
			      strstr(invites[(i + 1) % 3], "branch="), 60) != 0);
	CHECK(strstr(invites[0], "Max-Breadth: 20\n") != NULL);
	world_end(w);
}

static void who_answers_first_wins(void)
{
	struct world *w = world_new();

	fork_request(w, 3, INVITE);
	ring(w, 0);
	ring(w, 1);
	answer(w, CAROL, invites[1], "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	cancelled(w, 0);
	QUIET(w); /* Dave has not said 1xx: no CANCEL yet (9.1) */
	answer(w, DAVE, invites[2], "180 Ringing", "");
	cancelled(w, 2);
	QUIET(w);
	world_end(w);
}

static void two_2xx_both_go_up(void)
{
	struct world *w = world_new();

	fork_request(w, 2, INVITE);
	ring(w, 0);
	ring(w, 1);
	answer(w, BOB, invites[0], "200 OK", "X-Who: bob\n");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	TAKE(w, CAROL, "CANCEL");
	answer(w, CAROL, invites[1], "200 OK", "X-Who: carol\n");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	HAS(w, "X-Who: carol");
	QUIET(w);
	world_end(w);
}

/* Bob's 200 ended Alice's transaction with Timer L; Carol's still lives. */
static void a_2xx_after_the_server_transaction_goes_up(void)
{
	struct world *w = world_new();

	fork_request(w, 2, INVITE);
	answer(w, BOB, invites[0], "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	sim_advance(&w->sim, 20000);
	while (!list_empty(&w->sim.sent)) /* Carol has not answered: her INVITE again */
		sim_packet_free(sim_take(&w->sim));
	answer(w, CAROL, invites[1], "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	sim_advance(&w->sim, 20000);
	CHECK_INT(w->proxy.txn.servers.count, 0);
	answer(w, CAROL, invites[1], "200 OK", "X-Late: yes\n");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	HAS(w, "X-Late: yes");
	QUIET(w);
	world_end(w);
}

static void six_hundred_stops_all(void)
{
	struct world *w = world_new();

	fork_request(w, 3, INVITE);
	ring(w, 0);
	ring(w, 1);
	final(w, 2, "603 Decline", "");
	TAKE(w, BOB, "CANCEL");
	TAKE(w, CAROL, "CANCEL");
	final(w, 0, "487 Request Terminated", "");
	QUIET(w); /* the 603 waits until no 2xx can come any more */
	final(w, 1, "487 Request Terminated", "");
	END_WITH(w, "SIP/2.0 603 Decline\n");
}

static void a_2xx_beats_even_600(void)
{
	struct world *w = world_new();

	fork_request(w, 2, INVITE);
	ring(w, 0);
	final(w, 1, "600 Busy Everywhere", "");
	TAKE(w, BOB, "CANCEL");
	answer(w, BOB, invites[0], "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	QUIET(w);
	world_end(w);
}

/* Answers of three branches, in this order, and what Alice gets. */
struct best {
	const char *answers[BRANCHES]; /* NULL: silence */
	const char *expected;
};

static const struct best bests[] = {
    {{"486 Busy Here", "404 Not Found", "404 Not Found"}, "404"},
    {{"486 Busy Here", "603 Decline", "302 Moved"}, "603"},
    {{"500 Oops", "408 Request Timeout", "500 Oops"}, "408"},
    {{"486 Busy Here", "401 Unauthorized", "404 Not Found"}, "401"},
    {{"404 Not Found", "407 Proxy", "486 Busy Here"}, "407"},
    {{"404 Not Found", "484 Address Incomplete", "486 Busy Here"}, "484"},
    {{"404 Not Found", "415 Media", "403 Forbidden"}, "415"},
    {{"420 Bad Extension", "404 Not Found", "403 Forbidden"}, "420"},
    {{"404 Not Found", "302 Moved", "503 Unavailable"}, "302"},
    {{"503 Unavailable", "501 Not Implemented", "503 Unavailable"}, "501"},
    {{"503 Unavailable", "503 Unavailable", "503 Unavailable"}, "500"},
    {{"503 Unavailable", "486 Busy Here", "500 Oops"}, "486"},
    {{"487 Request Terminated", "488 Not Acceptable", "487 Request Terminated"}, "488"},
    {{"486 Busy Here", NULL, NULL}, "486"},
    {{"500 Oops", NULL, "500 Oops"}, "408"},
    {{NULL, NULL, NULL}, "408"},
};

static void best_case(const struct best *t)
{
	struct world *w = world_new();
	char expected[32];
	struct sim_packet *p;

	fork_request(w, BRANCHES, INVITE);
	for (unsigned i = 0; i < BRANCHES; i++)
		if (t->answers[i])
			final(w, i, t->answers[i], "");
	for (int i = 0; i < 3 && list_empty(&w->sim.sent); i++)
		sim_advance(&w->sim, 1);
	if (!t->answers[0] || !t->answers[1]) {
		sim_advance(&w->sim, 31900); /* Timer B is at 32 s */
		while ((p = sim_take(&w->sim)))
			sim_packet_free(p);
		sim_advance(&w->sim, 200);
	}
	snprintf(expected, sizeof(expected), "SIP/2.0 %s ", t->expected);
	TAKE(w, ALICE, expected);
	ack_final(w);
	QUIET(w);
	world_end(w);
}

static void the_best_response_is_chosen(void)
{
	for (size_t i = 0; i < sizeof(bests) / sizeof(*bests); i++)
		best_case(&bests[i]);
}

static void challenges_are_collected(void)
{
	struct world *w = world_new();

	fork_request(w, 3, INVITE);
	final(w, 0, "401 Unauthorized", "WWW-Authenticate: Digest realm=\"b\", nonce=\"1\"\n");
	final(w, 1, "407 Proxy",
	      "Proxy-Authenticate: Digest realm=\"c\",\n nonce=\"2\"\n"
	      "proxy-authenticate: Digest realm=\"cc\", nonce=\"3\"\n");
	final(w, 2, "401 Unauthorized", "WWW-Authenticate: Digest realm=\"d\", nonce=\"4\"\n");
	TAKE(w, ALICE, "SIP/2.0 401 Unauthorized\n");
	HAS(w, "WWW-Authenticate: Digest realm=\"b\", nonce=\"1\"\n"
	       "Content-Length: 0\n"
	       "Proxy-Authenticate: Digest realm=\"c\",\n nonce=\"2\"\n"
	       "Proxy-Authenticate: Digest realm=\"cc\", nonce=\"3\"\n"
	       "WWW-Authenticate: Digest realm=\"d\", nonce=\"4\"\n\n");
	ack_final(w);
	world_end(w);
}

static void an_icmp_error_ends_a_branch_at_once(void)
{
	struct world *w = world_new();
	struct sim_packet *p;

	w->uris[0] = "sip:bob@203.0.113.1";
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100");
	p = sim_take(&w->sim);
	CHECK(p != NULL);
	sim_unreachable(&w->sim, p);
	sim_packet_free(p);
	TAKE(w, ALICE, "SIP/2.0 500 "); /* a 503 from below (16.9), so a 500 */
	ack_final(w);
	QUIET(w);
	CHECK_INT(env_now_ms(&w->sim.env), 0);
	world_end(w);
}

static void the_tag_of_a_forwarded_final_stays(void)
{
	struct world *w = world_new();

	fork_request(w, 1, INVITE);
	final(w, 0, "486 Busy Here", "");
	TAKE(w, ALICE, "SIP/2.0 486 Busy Here\n");
	HAS(w, "To: <sip:bob@example.com>;tag=b1\n");
	ack_final(w);
	world_end(w);
}

static void a_response_without_our_senders_via_is_not_forwarded(void)
{
	struct world *w = world_new();
	char *second;

	fork_request(w, 1, INVITE);
	second = strstr(strstr(invites[0], "Via:") + 1, "Via:");
	memmove(second, second + strcspn(second, "\n") + 1,
		strlen(second + strcspn(second, "\n") + 1) + 1);
	answer(w, BOB, invites[0], "180 Ringing", "");
	QUIET(w);
	final(w, 0, "486 Busy Here", "");
	END_WITH(w, "SIP/2.0 502 Bad Gateway\n");
}

/* --- hooks ------------------------------------------------------------------------------------ */

static unsigned failures;

static void failure_relayed(void *data, struct context *c, struct refusal why)
{
	struct world *w = data;

	w->relays++;
	w->refusal = why;
	context_failure_done(c);
}

/* To Dave instead. */
static bool to_dave(void *data, struct context *c)
{
	CHECK_INT(proxy_best(c)->status, 486);
	failures++;
	CHECK_INT(context_set_uri(c, SLICE("sip:voicemail@203.0.113.3")), 0);
	proxy_relay(c, data, failure_relayed);
	return true;
}

static void a_failure_handler_goes_on_elsewhere(void)
{
	struct world *w = world_new();

	failures = 0;
	w->hooks = (struct context_hooks){.data = w, .failure = to_dave};
	w->next_hop = "203.0.113.1"; /* of the first relay, not of the next */
	fork_request(w, 1, INVITE);
	final(w, 0, "486 Busy Here", "");
	TAKE(w, DAVE, "INVITE sip:voicemail@203.0.113.3 SIP/2.0\n");
	CHECK_INT(w->relays, 2);
	CHECK_INT(w->refusal.status, 0);
	answer(w, DAVE, w->got, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	QUIET(w);
	CHECK_INT(failures, 1);
	world_end(w);
}

static void the_best_of_all_attempts_goes_up(void)
{
	struct world *w = world_new();

	failures = 0;
	w->hooks = (struct context_hooks){.data = w, .failure = to_dave};
	fork_request(w, 1, INVITE);
	final(w, 0, "486 Busy Here", "");
	TAKE(w, DAVE, "INVITE");
	answer(w, DAVE, w->got, "404 Not Found", "");
	TAKE(w, DAVE, "ACK");
	TAKE(w, ALICE, "SIP/2.0 404 Not Found\n");
	CHECK_INT(failures, 1);
	ack_final(w);
	world_end(w);
}

static bool again_the_same(void *data, struct context *c)
{
	failures++;
	c->hooks.failure = again_the_same;
	proxy_relay(c, data, failure_relayed);
	return true;
}

/* 16.5: a target once only; and a handler that sets itself again does not run for ever. */
static void nothing_is_tried_twice(void)
{
	struct world *w = world_new();

	failures = 0;
	w->hooks = (struct context_hooks){.data = w, .failure = again_the_same};
	fork_request(w, 1, INVITE);
	final(w, 0, "486 Busy Here", "");
	CHECK_INT(w->refusal.status, 480);
	CHECK_INT(failures, 1);
	END_WITH(w, "SIP/2.0 486 Busy Here\n");
}

static void after_6xx_nothing_is_tried(void)
{
	struct world *w = world_new();

	w->hooks = (struct context_hooks){.data = w, .failure = again_the_same};
	fork_request(w, 1, INVITE);
	final(w, 0, "603 Decline", "");
	CHECK_INT(w->refusal.status, 603);
	END_WITH(w, "SIP/2.0 603 Decline\n");
}

static struct context *waiting;

static bool wait(void *data, struct context *c)
{
	(void)data;
	waiting = c;
	return true;
}

static void a_failure_handler_may_wait_and_answer(void)
{
	struct world *w = world_new();

	w->hooks = (struct context_hooks){.data = w, .failure = wait};
	fork_request(w, 1, INVITE);
	final(w, 0, "486 Busy Here", "");
	sim_advance(&w->sim, 1000);
	QUIET(w);
	CHECK(context_reply(waiting, 480, SLICE("Gone Fishing"), SLICE("")));
	context_failure_done(waiting);
	END_WITH(w, "SIP/2.0 480 Gone Fishing\n");
}

static bool decline(void *data, struct context *c)
{
	(void)data;
	(void)c;
	failures++;
	return false;
}

static void a_failure_handler_may_do_nothing(void)
{
	struct world *w = world_new();

	failures = 0;
	w->hooks = (struct context_hooks){.data = w, .failure = decline};
	fork_request(w, 1, INVITE);
	final(w, 0, "486 Busy Here", "");
	CHECK_INT(failures, 1);
	END_WITH(w, "SIP/2.0 486 Busy Here\n");
}

static unsigned replies[7];

static void mark(void *data, struct branch *b, struct received *r, struct edits *e)
{
	(void)data;
	CHECK(b->client != NULL);
	replies[r->msg->status / 100]++;
	edit_append_header(e, r->msg, SLICE("X-Seen: yes\r\n"));
}

static void each_reply_is_shown_and_may_be_edited(void)
{
	struct world *w = world_new();

	memset(replies, 0, sizeof(replies));
	w->hooks = (struct context_hooks){.data = w, .reply = mark};
	fork_request(w, 2, INVITE);
	answer(w, BOB, invites[0], "100 Trying", "");
	QUIET(w);
	ring(w, 0);
	HAS(w, "X-Seen: yes\n\n");
	final(w, 0, "486 Busy Here", "");
	final(w, 1, "487 Terminated", "");
	TAKE(w, ALICE, "SIP/2.0 486 Busy Here\n");
	HAS(w, "X-Seen: yes\n\n");
	ack_final(w);
	CHECK_INT(replies[1], 2);
	CHECK_INT(replies[4], 2);
	world_end(w);
}

static bool not_to_carol(void *data, struct branch *b)
{
	const struct context *c = b->context;

	(void)data;
	edit_append_header(&b->edits, context_msg(c), SLICE("X-Branch: mine\r\n"));
	return !slice_eq(b->target.uri, SLICE("sip:bob@203.0.113.2"));
}

static void a_branch_may_be_changed_or_dropped(void)
{
	struct world *w = world_new();

	w->hooks = (struct context_hooks){.data = w, .branch = not_to_carol};
	w->uris[0] = "sip:bob@203.0.113.1";
	w->uris[1] = "sip:bob@203.0.113.2";
	send(w, ALICE, OPTIONS);
	TAKE(w, BOB, "OPTIONS");
	HAS(w, "X-Branch: mine\n");
	QUIET(w);
	answer(w, BOB, w->got, "404 Not Found", "");
	TAKE(w, ALICE, "SIP/2.0 404");
	world_end(w);
}

int main(void)
{
	TEST(all_are_asked_at_once);
	TEST(who_answers_first_wins);
	TEST(two_2xx_both_go_up);
	TEST(a_2xx_after_the_server_transaction_goes_up);
	TEST(six_hundred_stops_all);
	TEST(a_2xx_beats_even_600);
	TEST(the_best_response_is_chosen);
	TEST(challenges_are_collected);
	TEST(an_icmp_error_ends_a_branch_at_once);
	TEST(the_tag_of_a_forwarded_final_stays);
	TEST(a_response_without_our_senders_via_is_not_forwarded);
	TEST(a_failure_handler_goes_on_elsewhere);
	TEST(the_best_of_all_attempts_goes_up);
	TEST(nothing_is_tried_twice);
	TEST(after_6xx_nothing_is_tried);
	TEST(a_failure_handler_may_wait_and_answer);
	TEST(a_failure_handler_may_do_nothing);
	TEST(each_reply_is_shown_and_may_be_edited);
	TEST(a_branch_may_be_changed_or_dropped);
	return tap_done();
}
