/* CANCEL (RFC 3261 9, 16.10), Timer C (16.8) and the end of ringing. */
#include "world.h"

static char invite[WORLD_TEXT];

static struct world *calling(void)
{
	struct world *w = world_new();

	w->uris[0] = "sip:bob@203.0.113.1";
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, BOB, "INVITE");
	strcpy(invite, w->got);
	return w;
}

static struct world *ringing(void)
{
	struct world *w = calling();

	answer(w, BOB, invite, "180 Ringing", "");
	TAKE(w, ALICE, "SIP/2.0 180 Ringing\n");
	return w;
}

static void bob_ends(struct world *w)
{
	answer(w, BOB, invite, "487 Request Terminated", "");
	TAKE(w, BOB, "ACK");
}

/* Alice's CANCEL is answered, and her INVITE with it. */
static void cancelled_at_once(struct world *w)
{
	send(w, ALICE, CANCEL);
	TAKE(w, ALICE, "SIP/2.0 200 ");
	TAKE(w, ALICE, "SIP/2.0 487 Request Terminated\n");
	ack_final(w);
	QUIET(w);
}

/* Her CANCEL is answered, and passed on to Bob. */
static void cancel_passed_on(struct world *w)
{
	send(w, ALICE, CANCEL);
	TAKE(w, ALICE, "SIP/2.0 200 ");
	TAKE(w, BOB, "CANCEL sip:bob@203.0.113.1 SIP/2.0\n");
	QUIET(w);
}

static void timed_out(struct world *w)
{
	TAKE(w, BOB, "CANCEL");
	bob_ends(w);
	END_WITH(w, "SIP/2.0 408 Request Timeout\n"); /* not his 487 (16.8) */
}

static void while_it_rings(void)
{
	struct world *w = ringing();

	cancel_passed_on(w);
	answer(w, BOB, w->got, "200 OK", "");
	bob_ends(w);
	TAKE(w, ALICE, "SIP/2.0 487 Request Terminated\n");
	HAS(w, "\nCSeq: 7 INVITE\n");
	HAS(w, ";tag=b1\n"); /* Bob's own 487 */
	ack_final(w);
	QUIET(w);
	world_end(w);
}

static void a_repeated_cancel_is_one(void)
{
	struct world *w = ringing();

	cancel_passed_on(w);
	send(w, ALICE, CANCEL);
	TAKE(w, ALICE, "SIP/2.0 200 ");
	QUIET(w);
	bob_ends(w);
	END_WITH(w, "SIP/2.0 487");
}

/* Nothing can be cancelled yet (9.1), but Alice does not wait for it. */
static void before_any_1xx(void)
{
	struct world *w = calling();

	cancelled_at_once(w);
	answer(w, BOB, invite, "180 Ringing", "");
	TAKE(w, BOB, "CANCEL");
	bob_ends(w);
	QUIET(w);
	world_end(w);
}

static void before_any_1xx_and_bob_refuses(void)
{
	struct world *w = calling();

	cancelled_at_once(w);
	answer(w, BOB, invite, "486 Busy Here", "");
	TAKE(w, BOB, "ACK");
	QUIET(w);
	world_end(w);
}

/* 16.7 step 5: any 2xx to an INVITE goes up, whatever went before. */
static void before_any_1xx_and_bob_answers(void)
{
	struct world *w = calling();

	cancelled_at_once(w);
	answer(w, BOB, invite, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	HAS(w, "\nCSeq: 7 INVITE\n");
	QUIET(w);
	world_end(w);
}

static void it_crosses_a_200(void)
{
	struct world *w = ringing();

	cancel_passed_on(w);
	answer(w, BOB, invite, "200 OK", "");
	TAKE(w, ALICE, "SIP/2.0 200 OK\n");
	HAS(w, "\nCSeq: 7 INVITE\n");
	QUIET(w);
	world_end(w);
}

static void after_the_final_it_does_nothing(void)
{
	struct world *w = ringing();

	answer(w, BOB, invite, "486 Busy Here", "");
	TAKE(w, BOB, "ACK");
	TAKE(w, ALICE, "SIP/2.0 486");
	send(w, ALICE, CANCEL);
	TAKE(w, ALICE, "SIP/2.0 200 ");
	QUIET(w);
	ack_final(w);
	world_end(w);
}

/* One rings, one is silent: the 487 of the first is enough. */
static void the_silent_branch_is_not_waited_for(void)
{
	struct world *w = world_new();

	w->uris[0] = "sip:bob@203.0.113.1";
	w->uris[1] = "sip:bob@203.0.113.2";
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, BOB, "INVITE");
	strcpy(invite, w->got);
	TAKE(w, CAROL, "INVITE");
	answer(w, BOB, invite, "180 Ringing", "");
	TAKE(w, ALICE, "SIP/2.0 180");
	cancel_passed_on(w);
	bob_ends(w);
	END_WITH(w, "SIP/2.0 487");
}

static void while_the_route_is_parked(void)
{
	struct world *w = world_new();

	w->parked = true;
	send(w, ALICE, INVITE);
	send(w, ALICE, CANCEL);
	TAKE(w, ALICE, "SIP/2.0 200 ");
	TAKE(w, ALICE, "SIP/2.0 487 Request Terminated\n");
	CHECK(w->context->cancelled);
	world_resume(w, w->context);
	CHECK_INT(w->refusal.status, 487);
	ack_final(w);
	QUIET(w);
	world_end(w);
}

static void while_a_name_is_resolved(void)
{
	struct world *w = world_new();

	sim_host(&w->sim, "bob.example.net", "203.0.113.1");
	w->sim.resolve_delay_ms = 100;
	w->uris[0] = "sip:bob@bob.example.net";
	send(w, ALICE, INVITE);
	QUIET(w);
	CHECK_INT(w->relays, 0);
	cancelled_at_once(w);
	sim_advance(&w->sim, 100);
	CHECK_INT(w->refusal.status, 487);
	QUIET(w);
	world_end(w);
}

static unsigned failures;

static bool count(void *data, struct context *c)
{
	(void)data;
	(void)c;
	failures++;
	return false;
}

static void the_failure_handler_is_not_called(void)
{
	struct world *w = world_new();

	failures = 0;
	w->hooks.failure = count;
	w->uris[0] = "sip:bob@203.0.113.1";
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, BOB, "INVITE");
	cancelled_at_once(w);
	CHECK_INT(failures, 0);
	world_end(w);
}

static void without_an_invite_it_is_answered_481(void)
{
	struct world *w = world_new();

	send(w, ALICE, CANCEL);
	TAKE(w, ALICE, "SIP/2.0 481 ");
	QUIET(w);
	CHECK_INT(w->requests, 0);
	world_end(w);
}

/* The documents' fault: the transaction vanished after two minutes. */
static void timer_c_ends_the_ringing(void)
{
	struct world *w = ringing();

	sim_advance(&w->sim, PROXY_TIMER_C_MS - 1);
	QUIET(w);
	sim_advance(&w->sim, 1);
	timed_out(w);
}

static void each_1xx_starts_timer_c_again(void)
{
	struct world *w = ringing();

	sim_advance(&w->sim, PROXY_TIMER_C_MS - 1);
	answer(w, BOB, invite, "183 Progress", "");
	TAKE(w, ALICE, "SIP/2.0 183");
	sim_advance(&w->sim, PROXY_TIMER_C_MS - 1);
	QUIET(w);
	sim_advance(&w->sim, 1);
	timed_out(w);
}

static void hundred_does_not_start_timer_c_again(void)
{
	struct world *w = ringing();

	sim_advance(&w->sim, PROXY_TIMER_C_MS - 1);
	answer(w, BOB, invite, "100 Trying", "");
	sim_advance(&w->sim, 1);
	timed_out(w);
}

static void ringing_has_an_end_whatever_comes(void)
{
	struct world *w = ringing();
	uint64_t last = 0;
	struct sim_packet *p;
	bool cancelled = false;

	for (int s = 0; s < 700 && !cancelled; s += 10) {
		sim_advance(&w->sim, 10000);
		answer(w, BOB, invite, "180 Ringing", "");
		while ((p = sim_take(&w->sim))) {
			last = p->at_ms;
			cancelled |= slice_starts(p->bytes, SLICE("CANCEL"));
			sim_packet_free(p);
		}
	}
	CHECK(cancelled);
	CHECK_INT(last, PROXY_RING_MAX_MS);
	bob_ends(w);
	END_WITH(w, "SIP/2.0 408");
}

/* He does not even answer the CANCEL. */
static void a_dead_phone_ends_64_t1_later(void)
{
	struct world *w = ringing();
	struct sim_packet *p;

	sim_advance(&w->sim, PROXY_TIMER_C_MS + 31000);
	while ((p = sim_take(&w->sim))) {
		CHECK(slice_starts(p->bytes, SLICE("CANCEL")));
		sim_packet_free(p);
	}
	sim_advance(&w->sim, 1000);
	while (list_empty(&w->sim.sent) == false &&
	       slice_starts(CONTAINER(w->sim.sent.next, struct sim_packet, node)->bytes,
			    SLICE("CANCEL")))
		sim_packet_free(sim_take(&w->sim));
	END_WITH(w, "SIP/2.0 408");
}

int main(void)
{
	TEST(while_it_rings);
	TEST(a_repeated_cancel_is_one);
	TEST(before_any_1xx);
	TEST(before_any_1xx_and_bob_refuses);
	TEST(before_any_1xx_and_bob_answers);
	TEST(it_crosses_a_200);
	TEST(after_the_final_it_does_nothing);
	TEST(the_silent_branch_is_not_waited_for);
	TEST(while_the_route_is_parked);
	TEST(while_a_name_is_resolved);
	TEST(the_failure_handler_is_not_called);
	TEST(without_an_invite_it_is_answered_481);
	TEST(timer_c_ends_the_ringing);
	TEST(each_1xx_starts_timer_c_again);
	TEST(hundred_does_not_start_timer_c_again);
	TEST(ringing_has_an_end_whatever_comes);
	TEST(a_dead_phone_ends_64_t1_later);
	return tap_done();
}
