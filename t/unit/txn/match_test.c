/* Which transaction a request belongs to: RFC 3261 17.2.3, 9.2. */
#include "rig.h"

/* Whether `again` is taken for a retransmission of `first`. */
static bool same(const char *first, const char *again)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, first);
	struct server *st = rig.server;
	rig_in(&rig, again);
	bool is_same = rig.requests == 1;
	CHECK_INT(rig.txn.counters.retransmissions_in, is_same ? 1 : 0);
	if (!is_same)
		server_drop(rig.server);
	server_drop(st);
	rig_free(&rig);
	return is_same;
}

#define VIA(method, sent_by, params)                                                       \
	method " sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP " sent_by params "\r\n"   \
	       "Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a1\r\n"              \
	       "To: <sip:bob@example.com>\r\nCall-ID: call@example.com\r\nCSeq: 7 " method \
	       "\r\nContent-Length: 0\r\n\r\n"

static void with_the_cookie_by_branch_sent_by_and_method(void)
{
	CHECK(same(ALICES("INVITE"), ALICES("INVITE")));
	CHECK(!same(ALICES("INVITE"), REQUEST("INVITE", ";branch=z9hG4bKelse", "")));
	CHECK(!same(ALICES("INVITE"), VIA("INVITE", "198.51.100.2:5060", ";branch=" BRANCH)));
	CHECK(!same(ALICES("INVITE"), VIA("INVITE", "198.51.100.1:5070", ";branch=" BRANCH)));
	CHECK(!same(ALICES("INVITE"), ALICES("OPTIONS")));
	CHECK(!same(ALICES("MESSAGE"), ALICES("INFO")));
	CHECK(same(ALICES("MESSAGE"), ALICES("MESSAGE")));
}

static void sent_by_is_compared_as_a_host_and_port(void)
{
	CHECK(same(ALICES("INVITE"), VIA("INVITE", "198.51.100.1", ";branch=" BRANCH)));
	CHECK(same(VIA("INVITE", "pc.Example.com", ";branch=" BRANCH),
		   VIA("INVITE", "PC.example.com", ";branch=" BRANCH)));
}

static void with_the_cookie_nothing_else_counts(void)
{
	CHECK(same(ALICES("INVITE"), REQUEST("INVITE", ";rport;branch=" BRANCH, ";tag=b1")));
}

/* --- RFC 2543 -----------------------------------------------------------------------------------
 */

#define OLD(method, uri, via, from_tag, to_tag, call_id, cseq)                          \
	method " " uri " SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5060" via "\r\n"      \
	       "Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=" from_tag "\r\n" \
	       "To: <sip:bob@example.com>" to_tag "\r\nCall-ID: " call_id "\r\n"        \
	       "CSeq: " cseq " " method "\r\nContent-Length: 0\r\n\r\n"
#define URI "sip:bob@example.com"
#define OLD_INVITE OLD("INVITE", URI, "", "a1", "", "c1", "7")

static void without_the_cookie_by_all_that_identifies(void)
{
	CHECK(same(OLD_INVITE, OLD_INVITE));
	CHECK(!same(OLD_INVITE, OLD("INVITE", "sip:bob@example.org", "", "a1", "", "c1", "7")));
	CHECK(!same(OLD_INVITE, OLD("INVITE", URI, ";hidden", "a1", "", "c1", "7")));
	CHECK(!same(OLD_INVITE, OLD("INVITE", URI, "", "a2", "", "c1", "7")));
	CHECK(!same(OLD_INVITE, OLD("INVITE", URI, "", "a1", ";tag=b1", "c1", "7")));
	CHECK(!same(OLD_INVITE, OLD("INVITE", URI, "", "a1", "", "c2", "7")));
	CHECK(!same(OLD_INVITE, OLD("INVITE", URI, "", "a1", "", "c1", "8")));
	CHECK(!same(OLD_INVITE, OLD("OPTIONS", URI, "", "a1", "", "c1", "7")));
}

static void the_bare_cookie_is_no_branch(void)
{
	CHECK(same(OLD("INVITE", URI, ";branch=z9hG4bK", "a1", "", "c1", "7"),
		   OLD("INVITE", URI, ";branch=z9hG4bK", "a1", "", "c1", "7")));
	CHECK(!same(OLD("INVITE", URI, ";branch=z9hG4bK", "a1", "", "c1", "7"),
		    OLD("INVITE", URI, ";branch=z9hG4bK", "a1", "", "c2", "7")));
	CHECK(!same(OLD("INVITE", URI, ";branch=1", "a1", "", "c1", "7"),
		    OLD("INVITE", URI, ";branch=1", "a1", "", "c2", "7")));
}

static void old_ack(struct rig *rig, const char *to_tag)
{
	char ack[1024];
	snprintf(ack, sizeof(ack), OLD("ACK", URI, "", "a1", "%s", "c1", "7"), to_tag);
	rig_in(rig, ack);
}

static void an_old_ack_carries_the_tag_we_sent(void)
{
	struct rig rig;
	char to_tag[8 + TXN_TAG] = ";tag=";
	rig_init(&rig);
	rig_in(&rig, OLD_INVITE);
	rig_reply(&rig, 486);
	txn_to_tag(&rig.txn, rig.server->request->msg, to_tag + 5);
	old_ack(&rig, ";tag=else");
	CHECK_INT(rig.server->state, SERVER_COMPLETED);
	CHECK_INT(rig.acks, 1);
	old_ack(&rig, to_tag);
	CHECK_INT(rig.server->state, SERVER_CONFIRMED);
	old_ack(&rig, to_tag);
	CHECK_INT(rig.acks, 1);
	rig_advance(&rig, 5000);
	rig_free(&rig);
}

static void an_old_ack_for_a_2xx_goes_to_the_user(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, OLD_INVITE);
	server_forward(rig.server, 200, SLICE("SIP/2.0 200 OK\r\n\r\n"));
	old_ack(&rig, ";tag=b1");
	CHECK_INT(rig.acks, 1);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void an_old_cancel_finds_its_invite(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, OLD_INVITE);
	rig_in(&rig, OLD("CANCEL", URI, "", "a1", "", "c1", "8"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 481 Call/Transaction Does Not Exist");
	rig_in(&rig, OLD("CANCEL", URI, "", "a1", "", "c1", "7"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 200 OK");
	CHECK_INT(rig.cancels, 1);
	server_drop(rig.server);
	rig_free(&rig);
}

/* --- CANCEL -------------------------------------------------------------------------------------
 */

static void cancel_is_answered_and_told(void)
{
	struct rig rig;
	char to[128];
	rig_invite(&rig, 180);
	rig_out(&rig);
	snprintf(to, sizeof(to), "%.*s", SLICE_ARG(rig_header(&rig, "To:")));
	rig_in(&rig, ALICES("CANCEL"));
	CHECK_INT(rig.cancels, 1);
	CHECK(strncmp(rig_out(&rig), "SIP/2.0 200 OK\r\n", 16) == 0);
	CHECK_SLICE(rig_header(&rig, "CSeq:"), "7 CANCEL");
	CHECK_SLICE(rig_header(&rig, "To:"), to);
	CHECK_INT(rig.server->state, SERVER_PROCEEDING);
	rig_in(&rig, ALICES("CANCEL"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 200 OK");
	CHECK_INT(rig.cancels, 2);
	server_drop(rig.server);
	rig_free(&rig);
}

static void cancel_after_the_final_has_no_effect(void)
{
	struct rig rig;
	rig_invite(&rig, 200);
	rig_out(&rig);
	rig_in(&rig, ALICES("CANCEL"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 200 OK");
	CHECK_INT(rig.cancels, 0);
	rig_advance(&rig, 32000);
	rig_free(&rig);
}

static void cancel_of_a_non_invite_has_no_effect(void)
{
	struct rig rig;
	rig_init(&rig);
	rig_in(&rig, ALICES("OPTIONS"));
	rig_in(&rig, ALICES("CANCEL"));
	CHECK_STR(rig_out_line(&rig), "SIP/2.0 200 OK");
	CHECK_INT(rig.cancels, 0);
	CHECK_INT(rig.server->state, SERVER_TRYING);
	server_drop(rig.server);
	rig_free(&rig);
}

static void cancel_of_nothing_gets_481(void)
{
	struct rig rig;
	char first[2048];
	rig_init(&rig);
	rig_in(&rig, ALICES("CANCEL"));
	memcpy(first, rig_out(&rig), sizeof(first));
	CHECK(strncmp(first, "SIP/2.0 481 ", 12) == 0);
	CHECK(strstr(first, "To: <sip:bob@example.com>;tag="));
	rig_in(&rig, ALICES("CANCEL"));
	CHECK_STR(rig_out(&rig), first);
	CHECK_INT(rig.cancels, 0);
	CHECK_INT(rig.requests, 0);
	rig_free(&rig);
}

int main(void)
{
	TEST(with_the_cookie_by_branch_sent_by_and_method);
	TEST(sent_by_is_compared_as_a_host_and_port);
	TEST(with_the_cookie_nothing_else_counts);
	TEST(without_the_cookie_by_all_that_identifies);
	TEST(the_bare_cookie_is_no_branch);
	TEST(an_old_ack_carries_the_tag_we_sent);
	TEST(an_old_ack_for_a_2xx_goes_to_the_user);
	TEST(an_old_cancel_finds_its_invite);
	TEST(cancel_is_answered_and_told);
	TEST(cancel_after_the_final_has_no_effect);
	TEST(cancel_of_a_non_invite_has_no_effect);
	TEST(cancel_of_nothing_gets_481);
	return tap_done();
}
