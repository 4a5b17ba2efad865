/* What the layer decides before and beside the machines: faults, limits, stateless replies. */
#include "rig.h"

/* --- faults -------------------------------------------------------------------------------------
 */

#define TWO_CALL_IDS(method)                                                  \
	method " sip:bob@example.com SIP/2.0\r\n"                             \
	       "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=" BRANCH "\r\n"     \
	       "Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a1\r\n" \
	       "To: <sip:bob@example.com>\r\nCall-ID: call@example.com\r\n"   \
	       "Call-ID: second@example.com\r\nCSeq: 7 " method "\r\nContent-Length: 0\r\n\r\n"

static void a_faulty_request_gets_its_status_and_no_transaction(void)
{
	struct rig rig;
	char first[2048];
	rig_init(&rig);
	rig_in(&rig, TWO_CALL_IDS("INVITE"));
	memcpy(first, rig_out(&rig), sizeof(first));
	CHECK(strncmp(first, "SIP/2.0 400 ", 12) == 0);
	CHECK(strstr(first, "To: <sip:bob@example.com>;tag="));
	CHECK_INT(rig.requests, 0);
	CHECK_INT(rig.txn.servers.count, 0);
	CHECK_INT(rig.txn.counters.faulty, 1);
	rig_in(&rig, TWO_CALL_IDS("INVITE"));
	CHECK_STR(rig_out(&rig), first);
	rig_free(&rig);
}

static void a_faulty_cancel_cancels_nothing(void)
{
	struct rig rig;
	rig_invite(&rig, 180);
	rig_out(&rig);
	rig_in(&rig, TWO_CALL_IDS("CANCEL"));
	CHECK(strncmp(rig_out(&rig), "SIP/2.0 400 ", 12) == 0);
	CHECK_INT(rig.cancels, 0);
	server_drop(rig.server);
	rig_free(&rig);
}

static void a_faulty_ack_is_dropped(void)
{
	struct rig rig;
	rig_invite(&rig, 486);
	rig_out(&rig);
	rig_in(&rig, TWO_CALL_IDS("ACK"));
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.acks, 0);
	CHECK_INT(rig.server->state, SERVER_COMPLETED);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void a_faulty_response_is_dropped(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_start(&rig, OURS("INVITE"), METHOD_INVITE);
	rig_bob(&rig, "SIP/2.0 200 OK\r\n"
		      "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=" OUR_BRANCH "\r\n"
		      "CSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n");
	CHECK_INT(rig.responses, 0);
	CHECK_INT(rig.client->state, CLIENT_CALLING);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- limits -------------------------------------------------------------------------------------
 */

static void at_the_limit_new_requests_get_503(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.txn.max_servers = 1;
	rig_in(&rig, ALICES("INVITE"));
	rig_in(&rig, REQUEST("INVITE", ";branch=z9hG4bKelse", ""));
	CHECK(strncmp(rig_out(&rig), "SIP/2.0 503 Service Unavailable\r\n", 33) == 0);
	CHECK_SLICE(rig_header(&rig, "Retry-After:"), "5");
	CHECK_INT(rig.requests, 1);
	CHECK_INT(rig.txn.counters.refused, 1);
	rig_in(&rig, ALICES("INVITE")); /* the one inside is not disturbed */
	CHECK_INT(rig.txn.counters.retransmissions_in, 1);
	server_drop(rig.server);
	rig_in(&rig, REQUEST("INVITE", ";branch=z9hG4bKelse", ""));
	CHECK_INT(rig.requests, 2);
	server_drop(rig.server);
	rig_free(&rig);
}

/* Large requests reach this limit before the other. */
static void memory_is_a_limit_too(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, ALICES("INVITE"));
	struct server *invite = rig.server;
	size_t one = rig.txn.bytes;
	CHECK(one > sizeof(ALICES("INVITE")) + sizeof(struct server));
	rig_reply(&rig, 183);
	CHECK_INT(rig.txn.bytes, one + strlen(rig_out(&rig)));
	rig_start(&rig, OURS("INVITE"), METHOD_INVITE);
	CHECK(rig.txn.bytes > one + 2 * sizeof(ALICES("INVITE")));
	rig_out(&rig);
	rig.txn.max_bytes = rig.txn.bytes;
	rig_in(&rig, REQUEST("OPTIONS", ";branch=z9hG4bKelse", ""));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 503 Service Unavailable");
	rig.txn.max_bytes++;
	rig_in(&rig, REQUEST("OPTIONS", ";branch=z9hG4bKelse", ""));
	CHECK_INT(rig.requests, 2);
	rig_reply(&rig, 200);
	rig_advance(&rig, 64000);
	CHECK_INT(rig.servers_gone, 1);
	CHECK_INT(rig.clients_gone, 1);
	server_drop(invite);
	CHECK_INT(rig.txn.bytes, 0);
	rig_free(&rig);
}

/* n requests, each with a letter of its own in place of '#', all answered. */
static void fill(struct rig *rig, const char *text, unsigned n)
{
	char copy[1024];
	for (unsigned i = 0; i < n; i++) {
		snprintf(copy, sizeof(copy), "%s", text);
		for (char *p = copy; (p = strchr(p, '#'));)
			*p = (char)('A' + i);
		rig_in(rig, copy);
		if (rig->server)
			rig_reply(rig, 200);
	}
}

static void calls_under_way_can_end_at_the_limit(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.txn.max_servers = 16;
	fill(&rig, REQUEST("OPTIONS", ";branch=z9hG4bKo#", ""), 17);
	CHECK_INT(rig.requests, 16);
	fill(&rig, REQUEST("BYE", ";branch=z9hG4bKb#", ";tag=b1"), 3);
	CHECK_INT(rig.requests, 18);
	CHECK_INT(rig.txn.counters.refused, 2);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void one_branch_cannot_hold_any_number_of_methods(void)
{
	struct rig rig;
	rig_init(&rig);
	fill(&rig, REQUEST("M#", ";branch=" BRANCH, ""), 20);
	CHECK_INT(rig.requests, 8);
	CHECK_INT(rig.txn.counters.refused, 12);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void a_waiting_call_is_small(void)
{
	CHECK(sizeof(struct server) <= 216);
	CHECK(sizeof(struct client) <= 256);
}

/* --- stateless replies --------------------------------------------------------------------------
 */

static void answer_stateless(struct rig *rig, struct server *st)
{
	txn_reply_stateless(&rig->txn, st->request, 407, SLICE("Show your papers"),
			    SLICE("Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"));
	server_drop(st);
}

static void a_stateless_reply_and_its_ack(void)
{
	struct rig rig;
	char first[2048], ack[2048];
	rig_init(&rig);
	rig.on_request = answer_stateless;
	rig_in(&rig, ALICES("INVITE"));
	memcpy(first, rig_out(&rig), sizeof(first));
	CHECK(strncmp(first, "SIP/2.0 407 Show your papers\r\n", 30) == 0);
	CHECK(strstr(first, "\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"));
	struct slice to = rig_header(&rig, "To:");
	snprintf(ack, sizeof(ack), REQUEST("ACK", ";branch=" BRANCH, "%.*s"),
		 SLICE_ARG(slice_range(slice_chr(to, ';'), slice_end(to))));
	rig_in(&rig, ack);
	CHECK_INT(rig.acks, 0);
	rig_in(&rig, ALICES("INVITE"));
	CHECK_STR(rig_out(&rig), first); /* the same tag again */
	rig_in(&rig, REQUEST("ACK", ";branch=" BRANCH, ";tag=else"));
	CHECK_INT(rig.acks, 1);
	rig_free(&rig);
}

/* An INVITE of a dialog has a To tag already; what refuses it leaves nothing behind. */
static void the_ack_of_a_refused_reinvite(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.txn.max_servers = 0;
	rig_in(&rig, REQUEST("INVITE", ";branch=" BRANCH, ";tag=b1"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 503 Service Unavailable");
	rig_in(&rig, REQUEST("INVITE", ";branch=z9hG4bKfaulty", ";tag=b1\r\nBad header"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 400 Malformed header field name");
	rig_in(&rig, REQUEST("ACK", ";branch=" BRANCH, ";tag=b1"));
	rig_in(&rig, REQUEST("ACK", ";branch=z9hG4bKfaulty", ";tag=b1"));
	CHECK_INT(rig.acks, 0);
	rig_in(&rig, REQUEST("ACK", ";branch=z9hG4bKof2xx", ";tag=b1"));
	CHECK_INT(rig.acks, 1);
	rig_advance(&rig, 32000);
	rig_in(&rig, REQUEST("ACK", ";branch=" BRANCH, ";tag=b1"));
	CHECK_INT(rig.acks, 2);
	rig_free(&rig);
}

static void no_reply_to_an_ack(void)
{
	struct rig rig;
	struct msg ack = {.method = METHOD_ACK};
	struct received r = {.msg = &ack};
	rig_init(&rig);
	txn_reply_stateless(&rig.txn, &r, 400, SLICE(""), SLICE(""));
	CHECK_STR(rig_out(&rig), "");
	rig_free(&rig);
}

static void tag_of(struct rig *rig, const char *text, char out[TXN_TAG])
{
	rig_in(rig, text);
	txn_to_tag(&rig->txn, rig->server->request->msg, out);
	server_drop(rig->server);
}

static void tags_differ_by_request_and_by_run(void)
{
	struct rig rig;
	char a[TXN_TAG], b[TXN_TAG], c[TXN_TAG];
	rig_init(&rig);
	tag_of(&rig, ALICES("INVITE"), a);
	tag_of(&rig, REQUEST("INVITE", ";branch=z9hG4bKelse", ""), b);
	CHECK(strcmp(a, b) != 0);
	rig.txn.tag_key[0] ^= 1;
	tag_of(&rig, ALICES("INVITE"), c);
	CHECK(strcmp(a, c) != 0);
	rig_free(&rig);
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void free_ends_all_without_a_word(void)
{
	struct rig rig;
	rig_invite(&rig, 486);
	rig_in(&rig, REQUEST("INVITE", ";branch=z9hG4bKelse", ""));
	rig_start(&rig, OURS("INVITE"), METHOD_INVITE);
	rig_bob(&rig, BOBS("180 Ringing", "INVITE", OUR_BRANCH));
	client_cancel(rig.client);
	rig_times(&rig);
	txn_free(&rig.txn);
	CHECK_INT(rig.servers_gone, 2);
	CHECK_INT(rig.clients_gone, 1);
	CHECK_INT(rig.failures, 0);
	CHECK_INT(rig.sim.env.wheel.count, 0);
	CHECK_STR(rig_times(&rig), "");
	transport_free(&rig.transport);
	sim_free(&rig.sim);
}

int main(void)
{
	TEST(a_faulty_request_gets_its_status_and_no_transaction);
	TEST(a_faulty_cancel_cancels_nothing);
	TEST(a_faulty_ack_is_dropped);
	TEST(a_faulty_response_is_dropped);
	TEST(at_the_limit_new_requests_get_503);
	TEST(memory_is_a_limit_too);
	TEST(calls_under_way_can_end_at_the_limit);
	TEST(one_branch_cannot_hold_any_number_of_methods);
	TEST(a_waiting_call_is_small);
	TEST(a_stateless_reply_and_its_ack);
	TEST(the_ack_of_a_refused_reinvite);
	TEST(no_reply_to_an_ack);
	TEST(tags_differ_by_request_and_by_run);
	TEST(free_ends_all_without_a_word);
	return tap_done();
}
