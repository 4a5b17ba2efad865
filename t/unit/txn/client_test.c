/* The client transactions: RFC 3261 17.1, RFC 6026 7.2, and CANCEL, 9.1. */
#include "rig.h"

static void invite(struct rig *rig)
{
	rig_init(rig);
	rig_start(rig, OURS("INVITE"), METHOD_INVITE);
	CHECK_STR(rig_out(rig), OURS("INVITE"));
}

static void options(struct rig *rig)
{
	rig_init(rig);
	rig_start(rig, OURS("OPTIONS"), METHOD_OPTIONS);
	CHECK_STR(rig_out(rig), OURS("OPTIONS"));
}

static void from_bob(struct rig *rig, const char *text, unsigned status)
{
	unsigned before = rig->responses;
	rig_bob(rig, text);
	CHECK_INT(rig->responses, before + (status ? 1 : 0));
	if (status)
		CHECK_INT(rig->status, status);
}

#define TO_INVITE(status) BOBS(status, "INVITE", OUR_BRANCH)
#define TO_OPTIONS(status) BOBS(status, "OPTIONS", OUR_BRANCH)
#define TO_CANCEL(status) BOBS(status, "CANCEL", OUR_BRANCH)

/* --- INVITE ----------------------------------------------------------------------------------- */

static void timers_a_and_b(void)
{
	struct rig rig;
	invite(&rig);
	CHECK_INT(rig.client->state, CLIENT_CALLING);
	rig_advance(&rig, 31999);
	CHECK_STR(rig_times(&rig), "500 1500 3500 7500 15500 31500");
	CHECK_INT(rig.failures, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.failures, 1);
	CHECK_INT(rig.why, CLIENT_TIMEOUT);
	CHECK_INT(rig.failed_ms, 32000);
	CHECK_INT(rig.clients_gone, 1);
	CHECK_INT(rig.client_gone_ms, 32000);
	CHECK_INT(rig.txn.counters.timeouts, 1);
	CHECK_INT(rig.txn.counters.retransmissions_out, 6);
	rig_free(&rig);
}

static void retransmissions_are_the_same_bytes(void)
{
	struct rig rig;
	invite(&rig);
	rig_advance(&rig, 500);
	CHECK_STR(rig_out(&rig), OURS("INVITE"));
	from_bob(&rig, TO_INVITE("486 Busy Here"), 486);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* The ACK's To is the response's, and nothing has been kept that could be had from the user. */
static void the_user_may_write_the_request_again(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.again = OURS("INVITE");
	rig_start(&rig, OURS("INVITE"), METHOD_INVITE);
	CHECK_STR(rig_out(&rig), OURS("INVITE"));
	CHECK(rig.txn.bytes < sizeof(struct client) + 64);
	rig_advance(&rig, 500);
	CHECK_STR(rig_out(&rig), OURS("INVITE"));
	from_bob(&rig, TO_INVITE("180 Ringing"), 180);
	client_cancel(rig.client);
	CHECK_STR(rig_out_line(&rig), "CANCEL sip:bob@203.0.113.1 SIP/2.0");
	from_bob(&rig, TO_CANCEL("200 OK"), 0);
	from_bob(&rig, TO_INVITE("487 Request Terminated"), 487);
	rig.again = "";
	CHECK_STR(rig_out_line(&rig), "ACK sip:bob@203.0.113.1 SIP/2.0");
	from_bob(&rig, TO_INVITE("487 Request Terminated"), 0);
	CHECK_STR(rig_out_line(&rig), "ACK sip:bob@203.0.113.1 SIP/2.0");
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void a_provisional_stops_a_and_b(void)
{
	struct rig rig;
	invite(&rig);
	rig_advance(&rig, 600);
	from_bob(&rig, TO_INVITE("100 Trying"), 100);
	CHECK_INT(rig.client->state, CLIENT_PROCEEDING);
	from_bob(&rig, TO_INVITE("180 Ringing"), 180);
	from_bob(&rig, TO_INVITE("180 Ringing"), 180); /* each of them */
	rig_advance(&rig, 300000);
	CHECK_STR(rig_times(&rig), "500");
	CHECK_INT(rig.failures, 0);
	CHECK_INT(rig.client->state, CLIENT_PROCEEDING);
	from_bob(&rig, TO_INVITE("603 Decline"), 603);
	rig_advance(&rig, 32000);
	CHECK_INT(rig.clients_gone, 1);
	rig_free(&rig);
}

static void a_final_in_calling_is_acknowledged_for_timer_d(void)
{
	struct rig rig;
	invite(&rig);
	rig_advance(&rig, 400);
	from_bob(&rig, TO_INVITE("486 Busy Here"), 486);
	CHECK_INT(rig.client->state, CLIENT_COMPLETED);
	CHECK_STR(rig_out_line(&rig), "ACK sip:bob@203.0.113.1 SIP/2.0");
	rig_advance(&rig, 31999);
	CHECK_STR(rig_times(&rig), "");
	CHECK_INT(rig.clients_gone, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.client_gone_ms, 32400);
	CHECK_INT(rig.failures, 0);
	rig_free(&rig);
}

static void a_repeated_final_gets_the_ack_again(void)
{
	struct rig rig;
	char ack[2048];
	invite(&rig);
	from_bob(&rig, TO_INVITE("180 Ringing"), 180);
	from_bob(&rig, TO_INVITE("486 Busy Here"), 486);
	memcpy(ack, rig_out(&rig), sizeof(ack));
	rig_advance(&rig, 31000);
	from_bob(&rig, TO_INVITE("486 Busy Here"), 0);
	CHECK_STR(rig_out(&rig), ack);
	CHECK_INT(rig.txn.counters.retransmissions_in, 1);
	rig_advance(&rig, 1000); /* Timer D was not started anew */
	CHECK_INT(rig.client_gone_ms, 32000);
	rig_free(&rig);
}

static void completed_absorbs_all_else(void)
{
	struct rig rig;
	invite(&rig);
	from_bob(&rig, TO_INVITE("486 Busy Here"), 486);
	rig_out(&rig);
	from_bob(&rig, TO_INVITE("180 Ringing"), 0);
	from_bob(&rig, TO_INVITE("200 OK"), 0);
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.client->state, CLIENT_COMPLETED);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void the_ack_line_by_line(void)
{
	struct rig rig;
	invite(&rig);
	from_bob(&rig, TO_INVITE("404 Not Found"), 404);
	CHECK_STR(rig_out(&rig), "ACK sip:bob@203.0.113.1 SIP/2.0\r\n"
				 "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=" OUR_BRANCH "\r\n"
				 "Route: <sip:edge.example.com;lr>, <sip:203.0.113.1;lr>\r\n"
				 "Max-Forwards: 70\r\n"
				 "From: <sip:alice@example.com>;tag=a1\r\n"
				 "To: <sip:bob@example.com>;tag=b1\r\n"
				 "Call-ID: call@example.com\r\n"
				 "CSeq: 7 ACK\r\n"
				 "Content-Length: 0\r\n\r\n");
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- Accepted (RFC 6026) ------------------------------------------------------------------------
 */

static void accepted_passes_each_2xx_for_timer_m(void)
{
	struct rig rig;
	invite(&rig);
	rig_advance(&rig, 100);
	from_bob(&rig, TO_INVITE("200 OK"), 200);
	CHECK_INT(rig.client->state, CLIENT_ACCEPTED);
	CHECK_STR(rig_out(&rig), ""); /* the ACK is the caller's */
	rig_advance(&rig, 31999);
	from_bob(&rig, TO_INVITE("200 OK"), 200);
	from_bob(&rig, TO_INVITE("202 Accepted"), 202);
	rig_advance(&rig, 1);
	CHECK_INT(rig.client_gone_ms, 32100);
	CHECK_INT(rig.failures, 0);
	CHECK_STR(rig_times(&rig), "");
	from_bob(&rig, TO_INVITE("200 OK"), 0);
	CHECK_INT(rig.txn.counters.strays, 1);
	rig_free(&rig);
}

static void accepted_absorbs_what_is_no_2xx(void)
{
	struct rig rig;
	invite(&rig);
	from_bob(&rig, TO_INVITE("183 Session Progress"), 183);
	from_bob(&rig, TO_INVITE("200 OK"), 200);
	from_bob(&rig, TO_INVITE("180 Ringing"), 0);
	from_bob(&rig, TO_INVITE("486 Busy Here"), 0);
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.client->state, CLIENT_ACCEPTED);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- non-INVITE
 * ----------------------------------------------------------------------------------- */

static void timers_e_and_f(void)
{
	struct rig rig;
	options(&rig);
	rig_advance(&rig, 31999);
	CHECK_STR(rig_times(&rig), "500 1500 3500 7500 11500 15500 19500 23500 27500 31500");
	CHECK_INT(rig.failures, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.why, CLIENT_TIMEOUT);
	CHECK_INT(rig.failed_ms, 32000);
	CHECK_INT(rig.clients_gone, 1);
	rig_free(&rig);
}

static void a_provisional_makes_e_t2(void)
{
	struct rig rig;
	options(&rig);
	rig_advance(&rig, 600);
	from_bob(&rig, TO_OPTIONS("100 Trying"), 100);
	CHECK_INT(rig.client->state, CLIENT_PROCEEDING);
	rig_advance(&rig, 31399);
	CHECK_STR(rig_times(&rig), "500 1500 5500 9500 13500 17500 21500 25500 29500");
	rig_advance(&rig, 1);
	CHECK_INT(rig.failed_ms, 32000); /* F runs on */
	rig_free(&rig);
}

static void a_final_lasts_timer_k(void)
{
	struct rig rig;
	options(&rig);
	rig_advance(&rig, 700);
	rig_out(&rig);
	from_bob(&rig, TO_OPTIONS("404 Not Found"), 404);
	CHECK_INT(rig.client->state, CLIENT_COMPLETED);
	from_bob(&rig, TO_OPTIONS("404 Not Found"), 0);
	from_bob(&rig, TO_OPTIONS("100 Trying"), 0);
	rig_advance(&rig, 4999);
	CHECK_INT(rig.clients_gone, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.client_gone_ms, 5700);
	CHECK_STR(rig_times(&rig), ""); /* neither ACK nor retransmission */
	CHECK_INT(rig.txn.counters.retransmissions_in, 2);
	rig_free(&rig);
}

static void a_final_after_a_provisional(void)
{
	struct rig rig;
	options(&rig);
	from_bob(&rig, TO_OPTIONS("100 Trying"), 100);
	from_bob(&rig, TO_OPTIONS("200 OK"), 200);
	CHECK_INT(rig.client->state, CLIENT_COMPLETED);
	rig_advance(&rig, 5000);
	CHECK_INT(rig.client_gone_ms, 5000);
	rig_free(&rig);
}

/* --- matching (17.1.3) --------------------------------------------------------------------------
 */

static void responses_match_by_branch_and_method(void)
{
	struct rig rig;
	invite(&rig);
	from_bob(&rig, BOBS("200 OK", "INVITE", OUR_BRANCH "x"), 0);
	from_bob(&rig, TO_OPTIONS("200 OK"), 0);
	from_bob(&rig, TO_CANCEL("200 OK"), 0);
	from_bob(&rig, BOBS("200 OK", "INVITEX", OUR_BRANCH), 0);
	CHECK_INT(rig.client->state, CLIENT_CALLING);
	CHECK_INT(rig.txn.counters.strays, 4);
	from_bob(&rig, TO_INVITE("404 Not Found"), 404);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void strays_are_dropped(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_bob(&rig, TO_INVITE("200 OK"));
	CHECK_INT(rig.txn.counters.strays, 1);
	CHECK_STR(rig_out(&rig), "");
	rig_free(&rig);
}

static void branches_are_new_each_time(void)
{
	struct rig rig;
	char a[CLIENT_BRANCH], b[CLIENT_BRANCH], c[CLIENT_BRANCH];
	rig_init(&rig);
	client_branch(&rig.txn, SLICE(""), a);
	client_branch(&rig.txn, SLICE(""), b);
	client_branch(&rig.txn, SLICE("0123456789abcdef"), c);
	CHECK_INT(strlen(a), 7 + 26);
	CHECK(strncmp(a, "z9hG4bK", 7) == 0);
	CHECK(strcmp(a, b) != 0);
	CHECK_INT(strlen(c), CLIENT_BRANCH - 1);
	CHECK(strncmp(c, "z9hG4bK0123456789abcd", 7 + CLIENT_PREFIX_MAX) == 0);
	CHECK_INT(strspn(c, "abcdefghijklmnopqrstuvwxyz0123456789GK"), strlen(c));
	rig_free(&rig);
}

/* --- CANCEL (9.1) -------------------------------------------------------------------------------
 */

static void ringing(struct rig *rig)
{
	invite(rig);
	from_bob(rig, TO_INVITE("180 Ringing"), 180);
}

static void the_cancel_line_by_line(void)
{
	struct rig rig;
	ringing(&rig);
	client_cancel(rig.client);
	CHECK_STR(rig_out(&rig), "CANCEL sip:bob@203.0.113.1 SIP/2.0\r\n"
				 "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=" OUR_BRANCH "\r\n"
				 "Route: <sip:edge.example.com;lr>, <sip:203.0.113.1;lr>\r\n"
				 "Max-Forwards: 70\r\n"
				 "From: <sip:alice@example.com>;tag=a1\r\n"
				 "To: <sip:bob@example.com>\r\n"
				 "Call-ID: call@example.com\r\n"
				 "CSeq: 7 CANCEL\r\n"
				 "Content-Length: 0\r\n\r\n");
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void cancel_and_487(void)
{
	struct rig rig;
	ringing(&rig);
	client_cancel(rig.client);
	client_cancel(rig.client); /* once is enough */
	CHECK_STR(rig_times(&rig), "0");
	from_bob(&rig, TO_CANCEL("200 OK"), 0);
	CHECK_INT(rig.client->state, CLIENT_PROCEEDING);
	from_bob(&rig, TO_INVITE("487 Request Terminated"), 487);
	CHECK_STR(rig_out_line(&rig), "ACK sip:bob@203.0.113.1 SIP/2.0");
	rig_advance(&rig, 5000);
	CHECK_INT(rig.txn.clients.count, 1); /* the CANCEL has ended with its Timer K */
	rig_advance(&rig, 27000);
	CHECK_INT(rig.client_gone_ms, 32000);
	CHECK_INT(rig.clients_gone, 1);
	CHECK_INT(rig.failures, 0);
	rig_free(&rig);
}

static void cancel_is_a_transaction_of_its_own(void)
{
	struct rig rig;
	ringing(&rig);
	client_cancel(rig.client);
	rig_advance(&rig, 4000);
	CHECK_STR(rig_times(&rig), "0 500 1500 3500");
	from_bob(&rig, TO_CANCEL("200 OK"), 0);
	from_bob(&rig, TO_INVITE("487 Request Terminated"), 487);
	rig_out(&rig);
	rig_advance(&rig, 10000);
	CHECK_STR(rig_times(&rig), "");
	rig_advance(&rig, 22000);
	rig_free(&rig);
}

static void no_final_after_cancel_fails_after_64_t1(void)
{
	struct rig rig;
	ringing(&rig);
	rig_advance(&rig, 100000);
	client_cancel(rig.client);
	from_bob(&rig, TO_CANCEL("200 OK"), 0);
	rig_advance(&rig, 20000);
	from_bob(&rig, TO_INVITE("180 Ringing"), 180); /* does not put it off */
	rig_advance(&rig, 11999);
	CHECK_INT(rig.failures, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.why, CLIENT_TIMEOUT);
	CHECK_INT(rig.failed_ms, 132000);
	CHECK_INT(rig.clients_gone, 1);
	rig_free(&rig);
}

static void a_2xx_that_crosses_the_cancel_is_passed(void)
{
	struct rig rig;
	ringing(&rig);
	client_cancel(rig.client);
	from_bob(&rig, TO_INVITE("200 OK"), 200);
	from_bob(&rig, TO_CANCEL("481 Call/Transaction Does Not Exist"), 0);
	CHECK_INT(rig.client->state, CLIENT_ACCEPTED);
	rig_advance(&rig, 32000);
	CHECK_INT(rig.clients_gone, 1);
	rig_free(&rig);
}

static void cancel_only_in_proceeding(void)
{
	struct rig rig;
	invite(&rig);
	client_cancel(rig.client);
	CHECK_STR(rig_out(&rig), "");
	from_bob(&rig, TO_INVITE("200 OK"), 200);
	client_cancel(rig.client);
	CHECK_STR(rig_out(&rig), "");
	rig_advance(&rig, 32000);
	rig_free(&rig);
	options(&rig);
	from_bob(&rig, TO_OPTIONS("100 Trying"), 100);
	client_cancel(rig.client);
	CHECK_STR(rig_out(&rig), "");
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- unreachable (17.1.4, 18.4) -----------------------------------------------------------------
 */

static void icmp_for_the_last_packet(struct rig *rig)
{
	struct sim_packet *p = sim_take(&rig->sim);
	CHECK(p);
	if (!p)
		return;
	sim_unreachable(&rig->sim, p);
	sim_packet_free(p);
}

static void unreachable_fails_at_once(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_start(&rig, OURS("INVITE"), METHOD_INVITE);
	rig_advance(&rig, 3);
	icmp_for_the_last_packet(&rig);
	CHECK_INT(rig.why, CLIENT_UNREACHABLE);
	CHECK_INT(rig.failed_ms, 3);
	CHECK_INT(rig.clients_gone, 1);
	CHECK_INT(rig.txn.counters.timeouts, 0);
	rig_free(&rig);
}

static void unreachable_non_invite_in_proceeding(void)
{
	struct rig rig;
	options(&rig);
	from_bob(&rig, TO_OPTIONS("100 Trying"), 100);
	rig_advance(&rig, 500);
	icmp_for_the_last_packet(&rig);
	CHECK_INT(rig.why, CLIENT_UNREACHABLE);
	CHECK_INT(rig.failures, 1);
	rig_free(&rig);
}

static void unreachable_ack_harms_nothing(void)
{
	struct rig rig;
	invite(&rig);
	from_bob(&rig, TO_INVITE("486 Busy Here"), 486);
	icmp_for_the_last_packet(&rig);
	CHECK_INT(rig.failures, 0);
	CHECK_INT(rig.client->state, CLIENT_COMPLETED);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void unreachable_late_for_an_invite_that_was_heard(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_start(&rig, OURS("INVITE"), METHOD_INVITE);
	from_bob(&rig, TO_INVITE("180 Ringing"), 180);
	icmp_for_the_last_packet(&rig);
	CHECK_INT(rig.failures, 0);
	from_bob(&rig, TO_INVITE("486 Busy Here"), 486);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void unreachable_cancel_ends_its_invite(void)
{
	struct rig rig;
	ringing(&rig);
	client_cancel(rig.client);
	icmp_for_the_last_packet(&rig);
	CHECK_INT(rig.failures, 1);
	CHECK_INT(rig.why, CLIENT_UNREACHABLE);
	CHECK_INT(rig.clients_gone, 1);
	CHECK_INT(rig.txn.clients.count, 0);
	rig_free(&rig);
}

static void unreachable_branch_of_nobody(void)
{
	struct rig rig;
	invite(&rig);
	client_unreachable(&rig.txn, SLICE("z9hG4bKnobody"));
	CHECK_INT(rig.failures, 0);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- detached -----------------------------------------------------------------------------------
 */

static void detached_the_machine_runs_on(void)
{
	struct rig rig;
	ringing(&rig);
	client_detach(rig.client);
	from_bob(&rig, TO_INVITE("180 Ringing"), 0);
	from_bob(&rig, TO_INVITE("486 Busy Here"), 0);
	CHECK_STR(rig_out_line(&rig), "ACK sip:bob@203.0.113.1 SIP/2.0");
	rig_advance(&rig, 32000);
	CHECK_INT(rig.clients_gone, 1);
	CHECK_INT(rig.failures, 0);
	rig_free(&rig);
}

static void detached_in_proceeding_it_ends_after_64_t1(void)
{
	struct rig rig;
	ringing(&rig);
	rig_advance(&rig, 1000);
	client_detach(rig.client);
	rig_advance(&rig, 32000);
	CHECK_INT(rig.client_gone_ms, 33000);
	CHECK_INT(rig.failures, 0);
	rig_free(&rig);
}

static void detached_in_calling_it_ends_too(void)
{
	struct rig rig;
	invite(&rig);
	client_detach(rig.client);
	rig_advance(&rig, 1000);
	from_bob(&rig, TO_INVITE("180 Ringing"), 0);
	rig_advance(&rig, 32000);
	CHECK_INT(rig.client_gone_ms, 33000);
	rig_free(&rig);
}

static void detached_after_cancel(void)
{
	struct rig rig;
	ringing(&rig);
	client_cancel(rig.client);
	client_detach(rig.client);
	rig_advance(&rig, 31999);
	CHECK_INT(rig.clients_gone, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.clients_gone, 1);
	CHECK_INT(rig.failures, 0);
	rig_free(&rig);
}

/* --- from inside upcalls
 * -------------------------------------------------------------------------- */

static void cancel_and_detach(struct rig *rig, struct client *ct)
{
	(void)rig;
	client_cancel(ct);
	client_detach(ct);
}

static void start_another(struct rig *rig, struct client *ct)
{
	(void)ct;
	rig->on_failed = NULL;
	rig->on_response = NULL;
	rig_start(rig, OURS("OPTIONS"), METHOD_OPTIONS);
}

static void cancelled_and_detached_inside_response(void)
{
	struct rig rig;
	invite(&rig);
	rig.on_response = cancel_and_detach;
	from_bob(&rig, TO_INVITE("180 Ringing"), 180);
	CHECK_STR(rig_out_line(&rig), "CANCEL sip:bob@203.0.113.1 SIP/2.0");
	rig_advance(&rig, 32000);
	CHECK_INT(rig.clients_gone, 1);
	rig_free(&rig);
}

static void detached_inside_failed(void)
{
	struct rig rig;
	invite(&rig);
	rig.on_failed = cancel_and_detach;
	rig_advance(&rig, 32000);
	CHECK_INT(rig.clients_gone, 1);
	CHECK_INT(rig.failures, 1);
	rig_free(&rig);
}

static void another_started_inside_failed_and_response(void)
{
	struct rig rig;
	invite(&rig);
	rig.on_failed = start_another;
	rig_advance(&rig, 32000);
	CHECK_INT(rig.clients_gone, 1);
	CHECK(rig.client);
	rig.on_response = start_another;
	from_bob(&rig, TO_OPTIONS("200 OK"), 200);
	CHECK_INT(rig.txn.clients.count, 2);
	rig_advance(&rig, 32000);
	CHECK_INT(rig.clients_gone, 3);
	rig_free(&rig);
}

int main(void)
{
	TEST(timers_a_and_b);
	TEST(retransmissions_are_the_same_bytes);
	TEST(the_user_may_write_the_request_again);
	TEST(a_provisional_stops_a_and_b);
	TEST(a_final_in_calling_is_acknowledged_for_timer_d);
	TEST(a_repeated_final_gets_the_ack_again);
	TEST(completed_absorbs_all_else);
	TEST(the_ack_line_by_line);
	TEST(accepted_passes_each_2xx_for_timer_m);
	TEST(accepted_absorbs_what_is_no_2xx);
	TEST(timers_e_and_f);
	TEST(a_provisional_makes_e_t2);
	TEST(a_final_lasts_timer_k);
	TEST(a_final_after_a_provisional);
	TEST(responses_match_by_branch_and_method);
	TEST(strays_are_dropped);
	TEST(branches_are_new_each_time);
	TEST(the_cancel_line_by_line);
	TEST(cancel_and_487);
	TEST(cancel_is_a_transaction_of_its_own);
	TEST(no_final_after_cancel_fails_after_64_t1);
	TEST(a_2xx_that_crosses_the_cancel_is_passed);
	TEST(cancel_only_in_proceeding);
	TEST(unreachable_fails_at_once);
	TEST(unreachable_non_invite_in_proceeding);
	TEST(unreachable_ack_harms_nothing);
	TEST(unreachable_late_for_an_invite_that_was_heard);
	TEST(unreachable_cancel_ends_its_invite);
	TEST(unreachable_branch_of_nobody);
	TEST(detached_the_machine_runs_on);
	TEST(detached_in_proceeding_it_ends_after_64_t1);
	TEST(detached_in_calling_it_ends_too);
	TEST(detached_after_cancel);
	TEST(cancelled_and_detached_inside_response);
	TEST(detached_inside_failed);
	TEST(another_started_inside_failed_and_response);
	return tap_done();
}
