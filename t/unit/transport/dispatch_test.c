#include "tap.h"

#include "sim/sim.h"
#include "transport/dispatch.h"

#include <stdlib.h>

/* Several workers whose threads are us: the mailboxes are read by hand. */

#define US "192.0.2.1:5060"
#define ALICE "198.51.100.1:5062"

enum { MAX = 4 };

struct worker {
	unsigned requests, responses, unreachables;
	char branch[100];
};

struct rig {
	struct sim sim;
	struct crew crew;
	struct mate mates[MAX];
	struct dispatch dispatches[MAX];
	struct worker workers[MAX];
	struct transport transport; /* of the worker at whose socket all comes in */
};

static void on_request(void *data, struct received *r)
{
	((struct worker *)data)->requests++;
	received_free(r);
}

static void on_response(void *data, struct received *r)
{
	((struct worker *)data)->responses++;
	received_free(r);
}

static void on_unreachable(void *data, struct slice branch)
{
	struct worker *w = data;
	w->unreachables++;
	snprintf(w->branch, sizeof(w->branch), "%.*s", SLICE_ARG(branch));
}

static void wake(void *data)
{
	(void)data;
}

static struct rig *rig_new(unsigned n, unsigned at)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	sim_init(&rig->sim, 1, (const char *const[]){US}, 1);
	rig->crew = (struct crew){.n = n, .mates = rig->mates};
	for (unsigned i = 0; i < n; i++) {
		const struct transport_user user = {&rig->workers[i], on_request, on_response,
						    on_unreachable};
		mailbox_init(&rig->mates[i].mailbox, wake, NULL);
		dispatch_init(rig->dispatches, i, &rig->crew, &user);
	}
	struct transport_user up = dispatch_user(&rig->dispatches[at]);
	transport_init(&rig->transport, &rig->sim.env, &rig->sim.net, &up, NULL);
	return rig;
}

static void rig_free(struct rig *rig)
{
	transport_free(&rig->transport);
	sim_free(&rig->sim);
	free(rig);
}

static void read_all(struct rig *rig)
{
	for (unsigned i = 0; i < rig->crew.n; i++)
		mailbox_read(&rig->mates[i].mailbox);
}

static void deliver(struct rig *rig, const char *text)
{
	sim_deliver(&rig->sim, ALICE, US, slice_str(text));
	read_all(rig);
}

static void send_request(struct rig *rig, const char *method, const char *call_id,
			 const char *branch)
{
	char text[1000];
	snprintf(text, sizeof(text),
		 "%s sip:bob@example.com SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 198.51.100.1:5062;branch=%s\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=a1\r\n"
		 "To: <sip:bob@example.com>\r\nCall-ID: %s\r\n"
		 "CSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
		 method, branch, call_id, method);
	deliver(rig, text);
}

static void send_response(struct rig *rig, const char *branch)
{
	char text[1000];
	snprintf(text, sizeof(text),
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=%s\r\n"
		 "From: <sip:a@example.com>;tag=a1\r\nTo: <sip:bob@example.com>;tag=b1\r\n"
		 "Call-ID: another@example.com\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		 branch);
	deliver(rig, text);
}

/* Whose it was; MAX: nobody's, or several had it. */
static unsigned who_had_requests(const struct rig *rig, unsigned n)
{
	for (unsigned i = 0; i < rig->crew.n; i++)
		if (rig->workers[i].requests == n)
			return i;
	return MAX;
}

static void all_requests_of_a_call_have_one_owner(void)
{
	for (unsigned at = 0; at < MAX; at++) {
		struct rig *rig = rig_new(MAX, at);
		send_request(rig, "INVITE", "one@example.com", "z9hG4bK1");
		send_request(rig, "CANCEL", "one@example.com", "z9hG4bK1");
		send_request(rig, "ACK", "one@example.com", "z9hG4bK1");
		send_request(rig, "BYE", "one@example.com", "z9hG4bK2");
		CHECK(who_had_requests(rig, 4) == crew_owner(&rig->crew, SLICE("one@example.com")));
		rig_free(rig);
	}
}

static void calls_are_spread(void)
{
	struct rig *rig = rig_new(MAX, 0);
	for (int i = 0; i < 400; i++) {
		char call_id[32];
		snprintf(call_id, sizeof(call_id), "%d@example.com", i);
		send_request(rig, "INVITE", call_id, "z9hG4bK1");
	}
	for (unsigned i = 0; i < MAX; i++)
		CHECK(rig->workers[i].requests > 60 && rig->workers[i].requests < 140);
	CHECK_INT(rig->dispatches[0].handed_over, 400 - rig->workers[0].requests);
	rig_free(rig);
}

/* One call, whose owner has no time to read. */
static void flood(struct rig *rig, unsigned n)
{
	static const char request[] = "OPTIONS sip:bob@example.com SIP/2.0\r\n"
				      "Via: SIP/2.0/UDP 198.51.100.1:5062;branch=z9hG4bK1\r\n"
				      "From: <sip:a@example.com>;tag=a1\r\n"
				      "To: <sip:bob@example.com>\r\nCall-ID: one@example.com\r\n"
				      "CSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	for (unsigned i = 0; i < n; i++)
		sim_deliver(&rig->sim, ALICE, US, slice_str(request));
}

static void what_waits_for_a_worker_has_a_limit(void)
{
	enum { MANY = DISPATCH_MAX_WAITING / 1000 };
	struct rig *rig = rig_new(2, 0);
	unsigned owner = crew_owner(&rig->crew, SLICE("one@example.com"));
	rig_free(rig);
	rig = rig_new(2, 1 - owner);
	for (int round = 0; round < 2; round++) {
		struct dispatch *from = &rig->dispatches[1 - owner];
		from->handed_over = from->lost = rig->workers[owner].requests = 0;
		flood(rig, MANY);
		CHECK(from->lost > 0 && from->handed_over > 1000);
		CHECK_INT(from->handed_over + from->lost, MANY);
		CHECK(rig->dispatches[owner].waiting <= DISPATCH_MAX_WAITING);
		read_all(rig);
		CHECK_INT(rig->workers[owner].requests, from->handed_over);
		CHECK_INT(rig->dispatches[owner].waiting, 0);
	}
	rig_free(rig);
}

static void a_response_goes_to_the_worker_in_its_branch(void)
{
	struct rig *rig = rig_new(MAX, 1);
	for (unsigned i = 0; i < MAX; i++) {
		char branch[] = "z9hG4bKabcdefgh..";
		dispatch_mark(i, branch + strlen(branch) - DISPATCH_MARK);
		send_response(rig, branch);
		CHECK_INT(rig->workers[i].responses, 1);
	}
	rig_free(rig);
}

static void a_branch_that_is_not_ours_stays_where_it_came_in(void)
{
	struct rig *rig = rig_new(MAX, 2);
	send_response(rig, "z9hG4bK-zz");
	send_response(rig, "z");
	CHECK_INT(rig->workers[2].responses, 2);
	rig_free(rig);
}

static void an_icmp_error_goes_to_who_sent_the_request(void)
{
	struct rig *rig = rig_new(MAX, 0);
	struct sim_packet p = {.bytes = SLICE("INVITE sip:bob@192.0.2.7 SIP/2.0\r\n"
					      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKxad\r\n")};
	addr_parse(&p.to, SLICE("192.0.2.7"), 5060);
	sim_unreachable(&rig->sim, &p);
	CHECK_INT(rig->workers[3].unreachables, 0);
	read_all(rig);
	CHECK_INT(rig->workers[3].unreachables, 1);
	CHECK_STR(rig->workers[3].branch, "z9hG4bKxad");
	rig_free(rig);
}

static void alone_nothing_stands_between(void)
{
	struct rig *rig = rig_new(1, 0);
	const struct transport_user up = dispatch_user(&rig->dispatches[0]);
	CHECK(up.data == &rig->workers[0]);
	send_request(rig, "INVITE", "one@example.com", "z9hG4bK1");
	CHECK_INT(rig->workers[0].requests, 1);
	rig_free(rig);
}

static void more_than_thirty_two_workers_have_marks_of_their_own(void)
{
	char a[DISPATCH_MARK], b[DISPATCH_MARK];
	dispatch_mark(1, a);
	dispatch_mark(33, b);
	CHECK(memcmp(a, b, sizeof(a)) != 0);
}

int main(void)
{
	TEST(all_requests_of_a_call_have_one_owner);
	TEST(calls_are_spread);
	TEST(what_waits_for_a_worker_has_a_limit);
	TEST(a_response_goes_to_the_worker_in_its_branch);
	TEST(a_branch_that_is_not_ours_stays_where_it_came_in);
	TEST(an_icmp_error_goes_to_who_sent_the_request);
	TEST(alone_nothing_stands_between);
	TEST(more_than_thirty_two_workers_have_marks_of_their_own);
	return tap_done();
}
