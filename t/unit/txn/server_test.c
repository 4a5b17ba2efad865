/* The server transactions: RFC 3261 17.2, RFC 6026 7.1, RFC 4320. */
#include "rig.h"

/* --- INVITE ----------------------------------------------------------------------------------- */

static void trying_after_200_ms(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, REQUEST("INVITE", ";branch=" BRANCH, "\r\nTimestamp: 54"));
	CHECK_INT(rig.requests, 1);
	CHECK_INT(rig.server->state, SERVER_TRYING);
	rig_advance(&rig, 199);
	CHECK_STR(rig_out(&rig), "");
	rig_advance(&rig, 1);
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 100 Trying");
	CHECK_INT(rig.server->state, SERVER_PROCEEDING);
	CHECK_INT(rig.server->last_status, 100);
	server_drop(rig.server);
	rig_free(&rig);
}

static void trying_has_no_tag_and_the_timestamp(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, REQUEST("INVITE", ";branch=" BRANCH, "\r\nTimestamp: 54"));
	rig_advance(&rig, 200);
	rig_out(&rig);
	CHECK_SLICE(rig_header(&rig, "To:"), "<sip:bob@example.com>");
	CHECK_SLICE(rig_header(&rig, "Timestamp:"), "54");
	const char *first = strstr(rig.text, "Timestamp:");
	CHECK(first && !strstr(first + 1, "Timestamp:"));
	server_drop(rig.server);
	rig_free(&rig);
}

static void no_trying_once_the_user_has_spoken(void)
{
	struct rig rig;
	rig_invite(&rig, 180);
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 180 Ringing");
	rig_advance(&rig, 5000);
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.server->state, SERVER_PROCEEDING);
	server_drop(rig.server);
	rig_free(&rig);
}

static void invite_repeated_in_trying_gets_nothing(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, ALICES("INVITE"));
	rig_advance(&rig, 100);
	rig_in(&rig, ALICES("INVITE"));
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.requests, 1);
	CHECK_INT(rig.txn.counters.retransmissions_in, 1);
	server_drop(rig.server);
	rig_free(&rig);
}

static void invite_repeated_in_proceeding_gets_the_last_provisional(void)
{
	struct rig rig;
	char first[2048];
	rig_invite(&rig, 180);
	rig_reply(&rig, 183);
	rig_out(&rig);
	memcpy(first, rig_out(&rig), sizeof(first));
	rig_in(&rig, ALICES("INVITE"));
	CHECK_STR(rig_out(&rig), first);
	CHECK(strstr(first, "SIP/2.0 183 "));
	CHECK_INT(rig.requests, 1);
	server_drop(rig.server);
	rig_free(&rig);
}

static void timers_g_and_h_without_an_ack(void)
{
	struct rig rig;
	rig_invite(&rig, 486);
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 486 Busy Here");
	CHECK_INT(rig.server->state, SERVER_COMPLETED);
	rig_advance(&rig, 31999);
	CHECK_STR(rig_times(&rig), "500 1500 3500 7500 11500 15500 19500 23500 27500 31500");
	CHECK_INT(rig.servers_gone, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.servers_gone, 1);
	CHECK_INT(rig.txn.counters.timeouts, 1);
	CHECK_INT(rig.txn.counters.retransmissions_out, 10);
	rig_free(&rig);
}

static void every_final_is_the_same_bytes(void)
{
	struct rig rig;
	char first[2048];
	rig_invite(&rig, 404);
	memcpy(first, rig_out(&rig), sizeof(first));
	rig_advance(&rig, 500);
	CHECK_STR(rig_out(&rig), first);
	rig_in(&rig, ALICES("INVITE"));
	CHECK_STR(rig_out(&rig), first);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void ack_leads_to_confirmed_and_timer_i(void)
{
	struct rig rig;
	rig_invite(&rig, 486);
	rig_advance(&rig, 600);
	rig_in(&rig, ALICES("ACK"));
	CHECK_INT(rig.server->state, SERVER_CONFIRMED);
	CHECK_STR(rig_times(&rig), "0 500");
	rig_advance(&rig, 4999);
	CHECK_INT(rig.servers_gone, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.server_gone_ms, 5600);
	CHECK_STR(rig_times(&rig), "");
	CHECK_INT(rig.acks, 0);
	CHECK_INT(rig.txn.counters.timeouts, 0);
	rig_free(&rig);
}

static void confirmed_absorbs_acks_and_invites(void)
{
	struct rig rig;
	rig_invite(&rig, 486);
	rig_in(&rig, ALICES("ACK"));
	rig_out(&rig);
	rig_advance(&rig, 3000);
	rig_in(&rig, ALICES("ACK"));
	rig_in(&rig, ALICES("INVITE"));
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.acks, 0);
	CHECK_INT(rig.requests, 1);
	rig_advance(&rig, 2000); /* Timer I was not started anew */
	CHECK_INT(rig.server_gone_ms, 5000);
	rig_free(&rig);
}

static void ack_before_any_final_changes_nothing(void)
{
	struct rig rig;
	rig_invite(&rig, 180);
	rig_in(&rig, ALICES("ACK"));
	CHECK_INT(rig.server->state, SERVER_PROCEEDING);
	CHECK_INT(rig.acks, 0);
	server_drop(rig.server);
	rig_free(&rig);
}

static void a_second_final_is_not_sent(void)
{
	struct rig rig;
	rig_invite(&rig, 486);
	rig_out(&rig);
	rig_reply(&rig, 404);
	rig_reply(&rig, 180);
	rig_reply(&rig, 200);
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.server->last_status, 486);
	CHECK_INT(rig.server->state, SERVER_COMPLETED);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void a_408_to_invite_is_sent(void)
{
	struct rig rig;
	rig_invite(&rig, 408);
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 408 Request Timeout");
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- Accepted (RFC 6026) ------------------------------------------------------------------------
 */

#define OK_TO_ALICE                                                                  \
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=" BRANCH "\r\n" \
	"Content-Length: 0\r\n\r\n"

static void accepted_lasts_timer_l(void)
{
	struct rig rig;
	rig_invite(&rig, 180);
	rig_out(&rig);
	server_forward(rig.server, 200, SLICE(OK_TO_ALICE));
	CHECK_STR(rig_out(&rig), OK_TO_ALICE);
	CHECK_INT(rig.server->state, SERVER_ACCEPTED);
	CHECK(server_is_final(rig.server));
	CHECK(!rig.server->last);
	rig_advance(&rig, 31999);
	CHECK_INT(rig.servers_gone, 0);
	rig_advance(&rig, 1);
	CHECK_INT(rig.server_gone_ms, 32000);
	CHECK_STR(rig_times(&rig), ""); /* the 2xx is the user agent's to repeat */
	CHECK_INT(rig.txn.counters.timeouts, 0);
	rig_free(&rig);
}

static void accepted_absorbs_invites_in_silence(void)
{
	struct rig rig;
	rig_invite(&rig, 200);
	rig_out(&rig);
	rig_advance(&rig, 20000);
	rig_in(&rig, ALICES("INVITE"));
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.requests, 1);
	rig_advance(&rig, 12000);
	CHECK_INT(rig.server_gone_ms, 32000);
	rig_free(&rig);
}

static void accepted_passes_more_2xx_and_nothing_else(void)
{
	struct rig rig;
	rig_invite(&rig, 200);
	rig_out(&rig);
	rig_advance(&rig, 1000);
	server_forward(rig.server, 200, SLICE(OK_TO_ALICE));
	server_forward(rig.server, 200, SLICE(OK_TO_ALICE));
	CHECK_STR(rig_times(&rig), "1000 1000");
	server_forward(rig.server, 486, SLICE(OK_TO_ALICE));
	server_forward(rig.server, 183, SLICE(OK_TO_ALICE));
	CHECK_STR(rig_times(&rig), "");
	CHECK_INT(rig.server->state, SERVER_ACCEPTED);
	rig_advance(&rig, 31000);
	CHECK_INT(rig.server_gone_ms, 32000);
	rig_free(&rig);
}

static void ack_for_a_2xx_goes_to_the_user(void)
{
	struct rig rig;
	rig_invite(&rig, 200);
	rig_in(&rig, REQUEST("ACK", ";branch=z9hG4bKother", ";tag=b1"));
	CHECK_INT(rig.acks, 1);
	rig_in(&rig, ALICES("ACK")); /* of phones that keep the branch */
	CHECK_INT(rig.acks, 2);
	CHECK_INT(rig.server->state, SERVER_ACCEPTED);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- non-INVITE
 * ----------------------------------------------------------------------------------- */

static void non_invite_repeats_its_final_until_timer_j(void)
{
	struct rig rig;
	char first[2048];
	rig_init(&rig);
	rig_in(&rig, ALICES("OPTIONS"));
	rig_reply(&rig, 200);
	CHECK_INT(rig.server->state, SERVER_COMPLETED);
	memcpy(first, rig_out(&rig), sizeof(first));
	rig_advance(&rig, 31999);
	CHECK_STR(rig_out(&rig), ""); /* no Timer G */
	rig_in(&rig, ALICES("OPTIONS"));
	CHECK_STR(rig_out(&rig), first);
	rig_advance(&rig, 1);
	CHECK_INT(rig.server_gone_ms, 32000);
	CHECK_INT(rig.requests, 1);
	CHECK_INT(rig.txn.counters.timeouts, 0);
	rig_in(&rig, ALICES("OPTIONS"));
	CHECK_INT(rig.requests, 2);
	server_drop(rig.server);
	rig_free(&rig);
}

static void non_invite_in_trying_is_silent(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, ALICES("BYE"));
	rig_advance(&rig, 500);
	rig_in(&rig, ALICES("BYE"));
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.requests, 1);
	CHECK_INT(rig.txn.counters.retransmissions_in, 1);
	server_drop(rig.server);
	rig_free(&rig);
}

static void non_invite_100_comes_when_timer_e_reaches_t2(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, ALICES("OPTIONS"));
	rig_reply(&rig, 100);
	rig_reply(&rig, 183);
	rig_advance(&rig, 3499);
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.server->state, SERVER_TRYING);
	rig_advance(&rig, 1);
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 100 Trying");
	CHECK_INT(rig.server->state, SERVER_PROCEEDING);
	rig_in(&rig, ALICES("OPTIONS"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 100 Trying");
	server_forward(rig.server, 180, SLICE(OK_TO_ALICE));
	CHECK_STR(rig_out(&rig), "");
	rig_reply(&rig, 200);
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 200 OK");
	rig_advance(&rig, 32000);
	CHECK_INT(rig.server_gone_ms, 35500);
	rig_free(&rig);
}

static void non_invite_never_gets_a_408(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, ALICES("OPTIONS"));
	rig_reply(&rig, 408);
	CHECK(server_is_final(rig.server));
	rig_in(&rig, ALICES("OPTIONS"));
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.requests, 1);
	rig_reply(&rig, 200); /* too late */
	rig_advance(&rig, 32000);
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.server_gone_ms, 32000);
	rig_in(&rig, ALICES("OPTIONS"));
	server_forward(rig.server, 408, SLICE("SIP/2.0 408 Request Timeout\r\n\r\n"));
	CHECK_STR(rig_out(&rig), "");
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- replies ---------------------------------------------------------------------------------- */

static void a_reply_has_what_the_request_had(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.txn.server_name = SLICE("lunasip");
	rig_in(&rig, REQUEST("OPTIONS", ";rport;branch=" BRANCH, ""));
	server_reply(rig.server, 404, SLICE("Nobody"), SLICE("X-Why: gone\r\n"));
	CHECK(strncmp(rig_out(&rig), "SIP/2.0 404 Nobody\r\n", 20) == 0);
	CHECK_SLICE(rig_header(&rig, "Via:"),
		    "SIP/2.0/UDP 198.51.100.1:5060;rport=5060;branch=" BRANCH
		    ";received=198.51.100.1");
	CHECK_SLICE(rig_header(&rig, "From:"), "<sip:alice@example.com>;tag=a1");
	CHECK_SLICE(rig_header(&rig, "Call-ID:"), "call@example.com");
	CHECK_SLICE(rig_header(&rig, "CSeq:"), "7 OPTIONS");
	CHECK_SLICE(rig_header(&rig, "X-Why:"), "gone");
	CHECK_SLICE(rig_header(&rig, "Server:"), "lunasip");
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void to_tag(struct rig *rig, char out[128])
{
	struct slice to = rig_header(rig, "To:");
	snprintf(out, 128, "%.*s", SLICE_ARG(to));
}

static void replies_of_one_transaction_have_one_to_tag(void)
{
	struct rig rig;
	char first[128], expected[128], tag[TXN_TAG];
	rig_invite(&rig, 180);
	rig_out(&rig);
	to_tag(&rig, first);
	txn_to_tag(&rig.txn, rig.server->request->msg, tag);
	snprintf(expected, sizeof(expected), "<sip:bob@example.com>;tag=%s", tag);
	CHECK_STR(first, expected);
	CHECK_INT(strlen(tag), 16);
	rig_reply(&rig, 486);
	rig_out(&rig);
	CHECK_SLICE(rig_header(&rig, "To:"), expected);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void a_request_with_a_to_tag_keeps_it(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, REQUEST("BYE", ";branch=" BRANCH, ";tag=b1"));
	rig_reply(&rig, 481);
	rig_out(&rig);
	CHECK_SLICE(rig_header(&rig, "To:"), "<sip:bob@example.com>;tag=b1");
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* --- from inside upcalls
 * -------------------------------------------------------------------------- */

static void drop_it(struct rig *rig, struct server *st)
{
	(void)rig;
	server_drop(st);
}

static void refuse_it(struct rig *rig, struct server *st)
{
	(void)rig;
	server_reply(st, 603, SLICE(""), SLICE(""));
}

static void refuse_and_drop_it(struct rig *rig, struct server *st)
{
	refuse_it(rig, st);
	server_drop(st);
}

static void keep_its_request(struct rig *rig, struct server *st)
{
	struct received *r = st->request;
	(void)rig;
	st->request = NULL;
	CHECK_SLICE(r->msg->call_id, "call@example.com");
	received_free(r);
}

static void answered_inside_request(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.on_request = refuse_it;
	rig_in(&rig, ALICES("INVITE"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 603 Decline");
	rig_in(&rig, ALICES("ACK"));
	rig_advance(&rig, 5000);
	CHECK_INT(rig.servers_gone, 1);
	rig_free(&rig);
}

static void dropped_inside_request(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.on_request = drop_it;
	rig_in(&rig, ALICES("INVITE"));
	CHECK_INT(rig.servers_gone, 1);
	CHECK_STR(rig_out(&rig), "");
	rig.on_request = refuse_and_drop_it;
	rig_in(&rig, ALICES("INVITE"));
	CHECK_INT(rig.servers_gone, 2);
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 603 Decline");
	rig_free(&rig);
}

static void answered_or_dropped_inside_cancel(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.on_cancel = refuse_and_drop_it;
	rig_in(&rig, ALICES("INVITE"));
	rig_in(&rig, ALICES("CANCEL"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 200 OK");
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 603 Decline");
	CHECK_INT(rig.servers_gone, 1);
	rig_free(&rig);
}

static void gone_is_the_last_call_whatever_it_does(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.on_server_gone = refuse_and_drop_it;
	rig_in(&rig, ALICES("INVITE"));
	server_drop(rig.server);
	CHECK_INT(rig.servers_gone, 1);
	CHECK_STR(rig_out(&rig), "");
	rig_free(&rig);
}

static void the_request_may_outlive_the_transaction(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.on_server_gone = keep_its_request;
	rig_in(&rig, ALICES("INVITE"));
	server_drop(rig.server);
	rig_free(&rig);
}

static void other_timers_scale(void)
{
	struct rig rig;
	rig_init(&rig);
	rig.txn.timers = (struct txn_timers){.t1_ms = 10, .t2_ms = 40, .t4_ms = 50};
	rig_in(&rig, ALICES("INVITE"));
	rig_reply(&rig, 486);
	rig_advance(&rig, 200);
	CHECK_STR(rig_times(&rig), "0 10 30 70 110 150 190");
	rig_in(&rig, ALICES("ACK"));
	rig_advance(&rig, 50);
	CHECK_INT(rig.server_gone_ms, 250);
	rig_free(&rig);
}

/* --- what stays after the user has left --------------------------------------------------------
 */

static void leave(struct rig *rig)
{
	struct server *st = rig->server;
	struct received *r = st->request;
	rig->txn.bytes -= server_leave(st);
	received_free(r);
	rig->server = NULL;
	rig->servers_gone++; /* it will not be told */
	CHECK_INT(rig->txn.bytes, sizeof(*st) + st->last_n);
}

static void left_it_repeats_the_same_bytes(void)
{
	struct rig rig;
	char first[sizeof(rig.text)];
	rig_init(&rig);
	rig_in(&rig, ALICES("MESSAGE"));
	rig_reply(&rig, 202);
	strcpy(first, rig_out(&rig));
	leave(&rig);
	rig_advance(&rig, 31999);
	rig_in(&rig, ALICES("MESSAGE"));
	CHECK_STR(rig_out(&rig), first);
	rig_in(&rig, ALICES("INFO"));
	CHECK_INT(rig.requests, 2);
	server_drop(rig.server);
	rig_advance(&rig, 1);
	CHECK_INT(rig.txn.bytes, 0);
	rig_free(&rig);
}

/* Of what was made here only what the request does not bring along. */
static void of_a_reply_it_keeps_little(void)
{
	struct rig rig;
	char first[sizeof(rig.text)];
	rig_init(&rig);
	rig_in(&rig, ALICES("REGISTER"));
	server_reply(rig.server, 200, SLICE("Fine"), SLICE("Expires: 60\r\n"));
	CHECK_INT(rig.server->last_n, strlen("FineExpires: 60\r\n"));
	strcpy(first, rig_out(&rig));
	CHECK(strstr(first, "SIP/2.0 200 Fine\r\n"));
	CHECK(strstr(first, "\r\nExpires: 60\r\nContent-Length: 0\r\n"));
	leave(&rig);
	rig_in(&rig, ALICES("REGISTER"));
	CHECK_STR(rig_out(&rig), first);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* A phone that takes an old branch for its next request is served as if it had a new one. */
static void what_is_no_repetition_is_a_new_request(void)
{
	struct rig rig;
	char first[sizeof(rig.text)], next[] = ALICES("MESSAGE"), other[] = ALICES("MESSAGE");
	rig_init(&rig);
	rig_in(&rig, ALICES("MESSAGE"));
	rig_reply(&rig, 202);
	strcpy(first, rig_out(&rig));
	strstr(next, "CSeq: 7")[6] = '8';
	strstr(other, "Call-ID: call")[9] = 'f';
	rig_in(&rig, next);
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.requests, 2);
	rig_reply(&rig, 403);
	CHECK(strstr(rig_out(&rig), "CSeq: 8"));
	rig_in(&rig, other);
	CHECK_INT(rig.requests, 3);
	rig_reply(&rig, 404);
	CHECK(strstr(rig_out(&rig), "Call-ID: f"));
	rig_in(&rig, next);
	CHECK(strstr(rig_out(&rig), "SIP/2.0 403"));
	rig_in(&rig, ALICES("MESSAGE"));
	CHECK_STR(rig_out(&rig), first);
	CHECK_INT(rig.requests, 3);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

/* Who repeats it from elsewhere does not get it. */
static void it_answers_where_the_request_came_from(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, ALICES("REGISTER"));
	rig_reply(&rig, 200);
	rig_out(&rig);
	CHECK(sim_deliver(&rig.sim, "198.51.100.66:5060", US, slice_str(ALICES("REGISTER"))));
	struct sim_packet *p = sim_take(&rig.sim);
	struct addr alice;
	addr_parse_port(&alice, SLICE(ALICE));
	CHECK(p && addr_equal(&p->to, &alice));
	sim_packet_free(p);
	server_drop(rig.server);
	rig_free(&rig);
}

static void left_it_takes_ack_and_cancel(void)
{
	struct rig rig;
	rig_invite(&rig, 486);
	leave(&rig);
	rig_out(&rig);
	rig_in(&rig, ALICES("CANCEL"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 200 OK");
	rig_advance(&rig, 500);
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 486 Busy Here"); /* Timer G */
	rig_in(&rig, ALICES("ACK"));
	rig_in(&rig, ALICES("ACK"));
	rig_in(&rig, ALICES("INVITE"));
	rig_advance(&rig, 4999);
	CHECK_INT(rig.txn.servers.count, 1);
	rig_advance(&rig, 1); /* Timer I */
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.acks + rig.cancels, 0);
	CHECK_INT(rig.txn.bytes, 0);
	rig_free(&rig);
}

static void left_and_accepted_it_tells_of_the_ack(void)
{
	struct rig rig;
	rig_invite(&rig, 200);
	leave(&rig);
	rig_out(&rig);
	rig_in(&rig, ALICES("ACK"));
	CHECK_INT(rig.acks, 1);
	rig_in(&rig, ALICES("INVITE"));
	CHECK_STR(rig_out(&rig), "");
	rig_advance(&rig, 32000); /* Timer L */
	CHECK_INT(rig.txn.bytes, 0);
	rig_free(&rig);
}

static void left_it_knows_the_ack_of_rfc_2543(void)
{
	struct rig rig;
	char ack[2048], tag[TXN_TAG];
	rig_init(&rig);
	rig_in(&rig, REQUEST("INVITE", "", ""));
	rig_reply(&rig, 486);
	txn_to_tag(&rig.txn, rig.server->request->msg, tag);
	leave(&rig);
	rig_out(&rig);
	snprintf(ack, sizeof(ack), REQUEST("ACK", "", ";tag=%s"), tag);
	rig_in(&rig, ack);
	rig_advance(&rig, 5000); /* Timer I, not G */
	CHECK_STR(rig_out(&rig), "");
	CHECK_INT(rig.txn.servers.count, 0);
	rig_free(&rig);
}

int main(void)
{
	TEST(trying_after_200_ms);
	TEST(trying_has_no_tag_and_the_timestamp);
	TEST(no_trying_once_the_user_has_spoken);
	TEST(invite_repeated_in_trying_gets_nothing);
	TEST(invite_repeated_in_proceeding_gets_the_last_provisional);
	TEST(timers_g_and_h_without_an_ack);
	TEST(every_final_is_the_same_bytes);
	TEST(ack_leads_to_confirmed_and_timer_i);
	TEST(confirmed_absorbs_acks_and_invites);
	TEST(ack_before_any_final_changes_nothing);
	TEST(a_second_final_is_not_sent);
	TEST(a_408_to_invite_is_sent);
	TEST(accepted_lasts_timer_l);
	TEST(accepted_absorbs_invites_in_silence);
	TEST(accepted_passes_more_2xx_and_nothing_else);
	TEST(ack_for_a_2xx_goes_to_the_user);
	TEST(non_invite_repeats_its_final_until_timer_j);
	TEST(non_invite_in_trying_is_silent);
	TEST(non_invite_100_comes_when_timer_e_reaches_t2);
	TEST(non_invite_never_gets_a_408);
	TEST(a_reply_has_what_the_request_had);
	TEST(replies_of_one_transaction_have_one_to_tag);
	TEST(a_request_with_a_to_tag_keeps_it);
	TEST(answered_inside_request);
	TEST(dropped_inside_request);
	TEST(answered_or_dropped_inside_cancel);
	TEST(gone_is_the_last_call_whatever_it_does);
	TEST(the_request_may_outlive_the_transaction);
	TEST(other_timers_scale);
	TEST(left_it_repeats_the_same_bytes);
	TEST(of_a_reply_it_keeps_little);
	TEST(what_is_no_repetition_is_a_new_request);
	TEST(it_answers_where_the_request_came_from);
	TEST(left_it_takes_ack_and_cancel);
	TEST(left_and_accepted_it_tells_of_the_ack);
	TEST(left_it_knows_the_ack_of_rfc_2543);
	return tap_done();
}
