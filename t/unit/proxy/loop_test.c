/* RFC 5393: loops end, spirals go on, and no request becomes a storm. */
#include "world.h"

/* What we send to ourselves arrives. Returns how many datagrams were sent in all. */
static unsigned turn(struct world *w, unsigned limit)
{
	unsigned n = 0;
	struct sim_packet *p;

	while (n < limit && (p = sim_take(&w->sim))) {
		n++;
		sim_arrive(&w->sim, &p->from, &p->to, p->bytes);
		if (p->to.ip[0] != 192)
			keep(w, p->bytes);
		sim_packet_free(p);
	}
	return n;
}

/* The final response in w->got is the last thing Alice got. */
static void a_request_to_ourselves_is_a_loop(void)
{
	struct world *w = world_new();

	send(w, ALICE, INVITE); /* example.com, and nobody rewrites it */
	CHECK_INT(w->refusal.status, 478);
	TAKE(w, ALICE, "SIP/2.0 478 ");
	ack_final(w);
	w->next_hop = "192.0.2.1";
	send(w, ALICE, REQUEST("INVITE", "sip:bob@example.com", "b", "Max-Forwards: 70\n"));
	CHECK(turn(w, 100) < 20);
	CHECK(strncmp(w->got, "SIP/2.0 482 ", 12) == 0);
	CHECK_INT(w->proxy.counters.loops, 1);
	world_end(w);
}

static void hint(struct world *w, struct context *c)
{
	struct slice p_hint = SLICE("P-hint: Self-Looped\r\n");

	if (!msg_hdr_named(context_msg(c), SLICE("P-hint"))) {
		edit_append_header(&c->edits, context_msg(c), p_hint);
		context_set_next_hop(c, SLICE("192.0.2.1"));
	} else {
		context_set_uri(c, SLICE("sip:bob@203.0.113.1"));
	}
	proxy_relay(c, w, world_relayed);
}

/* The documents' way to see their own replies: t_relay() to itself, once. */
static void the_documents_self_loop_is_a_spiral(void)
{
	struct world *w = world_new();
	struct sim_packet *p;

	w->parked = true;
	send(w, ALICE, INVITE);
	hint(w, w->context);
	TAKE(w, ALICE, "SIP/2.0 100 Giving a try\n");
	p = sim_take(&w->sim);
	sim_arrive(&w->sim, &p->from, &p->to, p->bytes);
	sim_packet_free(p);
	CHECK_INT(w->requests, 2);
	hint(w, w->context);
	CHECK_INT(w->refusal.status, 0);
	TAKE(w, US, "SIP/2.0 100 Giving a try\n");
	TAKE(w, BOB, "INVITE sip:bob@203.0.113.1 SIP/2.0\n");
	answer(w, BOB, w->got, "200 OK", "");
	turn(w, 10);
	CHECK(strncmp(w->got, "SIP/2.0 200 ", 12) == 0);
	CHECK(strstr(w->got, "192.0.2.1") == NULL);
	world_end(w);
}

/* One of our users is an alias of another one. */
static void another_request_uri_is_a_spiral(void)
{
	struct world *w = world_new();
	struct sim_packet *p;

	w->uris[0] = "sip:robert@192.0.2.1";
	send(w, ALICE, INVITE);
	TAKE(w, ALICE, "SIP/2.0 100");
	w->uris[0] = "sip:bob@203.0.113.1";
	p = sim_take(&w->sim);
	sim_arrive(&w->sim, &p->from, &p->to, p->bytes);
	sim_packet_free(p);
	CHECK_INT(w->refusal.status, 0);
	TAKE(w, US, "SIP/2.0 100 Giving a try\n");
	TAKE(w, BOB, "INVITE sip:bob@203.0.113.1 SIP/2.0\n");
	HAS(w, "\nMax-Forwards: 68\n");
	world_end(w);
}

static void again_and_again(struct world *w, struct context *c)
{
	edit_append_header(&c->edits, context_msg(c), SLICE("X-Every: turn\r\n"));
	context_set_next_hop(c, SLICE("192.0.2.1"));
	proxy_relay(c, w, world_relayed);
}

/* A header added in each turn does not make a spiral of a loop for ever. */
static void the_same_header_again_is_no_difference(void)
{
	struct world *w = world_new();
	struct sim_packet *p;
	unsigned turns = 0;

	w->parked = true;
	send(w, ALICE, INVITE);
	for (unsigned seen = 0; turns < 50 && seen < w->requests; turns++) {
		seen = w->requests;
		again_and_again(w, w->context);
		while ((p = sim_take(&w->sim))) {
			sim_arrive(&w->sim, &p->from, &p->to, p->bytes);
			sim_packet_free(p);
		}
	}
	CHECK(turns < 5);
	CHECK_INT(w->proxy.counters.loops, 1);
	world_end(w);
}

/* Both bindings of a and of b are a and b, through us (RFC 5393 3). */
static void crosswise(void *data, struct context *c)
{
	const struct target t[] = {
	    {SLICE("sip:a@192.0.2.1"), SLICE_NULL, SLICE_NULL, -1, -1},
	    {SLICE("sip:b@192.0.2.1"), SLICE_NULL, SLICE_NULL, -1, -1},
	};
	struct world *w = data;

	w->requests++;
	context_set_targets(c, t, 2);
	proxy_relay(c, w, world_relayed);
}

static void the_crosswise_attack_is_small(void)
{
	struct world *w = world_new();
	unsigned n = 0, more;

	w->proxy.user.request = crosswise;
	send(w, ALICE, REQUEST("INVITE", "sip:a@192.0.2.1", "a", "Max-Forwards: 70\n"));
	for (int i = 0; i < 700; i++) { /* 70 s, retransmissions included */
		more = turn(w, 1000);
		n += more;
		sim_advance(&w->sim, 100);
	}
	printf("# %u datagrams\n", n);
	CHECK(n < 200);
	world_end(w);
}

static void breadth(const char *line, const char *out, unsigned status)
{
	struct world *w = world_new();
	char request[1024];

	snprintf(request, sizeof(request), REQUEST("OPTIONS", "sip:bob@example.com", "a", "%s"),
		 line);
	w->uris[0] = "sip:bob@203.0.113.1";
	w->uris[1] = "sip:bob@203.0.113.2";
	send(w, ALICE, request);
	CHECK_INT(w->refusal.status, status);
	if (status) {
		TAKE(w, ALICE, "SIP/2.0 440 ");
	} else {
		TAKE(w, BOB, "OPTIONS");
		HAS(w, out);
		TAKE(w, CAROL, "OPTIONS");
		HAS(w, "\nMax-Breadth: ");
	}
	QUIET(w);
	world_end(w);
}

static void max_breadth_is_shared_out(void)
{
	breadth("", "\nMax-Breadth: 30\n", 0);
	breadth("Max-Breadth: 60\n", "\nMax-Breadth: 30\n", 0);
	breadth("Max-Breadth: 5\n", "\nMax-Breadth: 3\n", 0);
	breadth("Max-Breadth: 2\n", "\nMax-Breadth: 1\n", 0);
	breadth("Max-Breadth: 4000000000\n", "\nMax-Breadth: 30\n", 0); /* at most our 60 */
	breadth("Max-Breadth: 99999999999999\n", "\nMax-Breadth: 30\n", 0);
	breadth("Max-Breadth: 1\n", NULL, 440);
	breadth("Max-Breadth: 0\n", NULL, 440);
}

static void what_is_out_already_counts(void)
{
	struct world *w = world_new();

	w->uris[0] = "sip:bob@203.0.113.1";
	send(w, ALICE, REQUEST("OPTIONS", "sip:bob@example.com", "a", "Max-Breadth: 1\n"));
	TAKE(w, BOB, "OPTIONS");
	CHECK_INT(context_set_uri(w->context, SLICE("sip:bob@203.0.113.2")), 0);
	context_hold(w->context);
	proxy_relay(w->context, w, world_relayed);
	CHECK_INT(w->refusal.status, 440);
	context_release(w->context);
	TAKE(w, ALICE, "SIP/2.0 440 ");
	world_end(w);
}

int main(void)
{
	TEST(a_request_to_ourselves_is_a_loop);
	TEST(the_documents_self_loop_is_a_spiral);
	TEST(another_request_uri_is_a_spiral);
	TEST(the_same_header_again_is_no_difference);
	TEST(the_crosswise_attack_is_small);
	TEST(max_breadth_is_shared_out);
	TEST(what_is_out_already_counts);
	return tap_done();
}
