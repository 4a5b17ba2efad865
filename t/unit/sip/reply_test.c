#include "sip/reply.h"

#include "tap.h"

#define VIAS                                                            \
	"v: SIP/2.0/UDP h;branch=z9hG4bK1;rport ,SIP/2.0/UDP first\r\n" \
	"Via: SIP/2.0/UDP\r\n second\r\n"
#define REST                                                              \
	"From: \"A\" <sip:a@b>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" \
	"Record-Route: <sip:p1;lr>\r\nTimestamp: 54\r\nRecord-Route: <sip:p2;lr>\r\n"
#define FROM_ETC "From: \"A\" <sip:a@b>;tag=1\r\n"
#define ID_ETC "Call-ID: 1\r\nCSeq: 1 INVITE\r\n"
#define RECORD_ROUTE "Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n"
#define END "Content-Length: 0\r\n\r\n"
#define INVITE SLICE("INVITE sip:b@c SIP/2.0\r\n" VIAS "To: <sip:b@c>\r\n" REST "\r\n")

static void reply_is(struct slice request, struct reply r, const char *expected)
{
	struct arena a;
	struct msg m;
	struct buf out;
	arena_init(&a, 4096);
	buf_init(&out, 65536);
	msg_parse(&m, &a, request);
	reply_write(&out, &m, &r);
	CHECK_SLICE(buf_slice(&out), expected);
	buf_free(&out);
	arena_free(&a);
}

static void a_final_one(void)
{
	struct reply r = {.status = 404, .to_tag = SLICE("t1")};
	reply_is(INVITE, r,
		 "SIP/2.0 404 Not Found\r\n" VIAS FROM_ETC "To: <sip:b@c>;tag=t1\r\n" ID_ETC END);
}

static void with_everything(void)
{
	struct reply r = {.status = 407,
			  .reason = SLICE("Who are you?"),
			  .to_tag = SLICE("t1"),
			  .top_via = SLICE("SIP/2.0/UDP h;received=192.0.2.1"),
			  .headers = SLICE("Proxy-Authenticate: Digest x\r\n"),
			  .server = SLICE("lunasip")};
	reply_is(INVITE, r,
		 "SIP/2.0 407 Who are you?\r\n"
		 "v: SIP/2.0/UDP h;received=192.0.2.1 ,SIP/2.0/UDP first\r\n"
		 "Via: SIP/2.0/UDP\r\n second\r\n" FROM_ETC "To: <sip:b@c>;tag=t1\r\n" ID_ETC
		 "Proxy-Authenticate: Digest x\r\nServer: lunasip\r\n" END);
}

/* 100 copies Timestamp and gets no To tag (RFC 3261 8.2.6). */
static void trying(void)
{
	struct reply r = {.status = 100, .reason = SLICE("Giving a try"), .to_tag = SLICE("t1")};
	reply_is(INVITE, r,
		 "SIP/2.0 100 Giving a try\r\n" VIAS FROM_ETC "To: <sip:b@c>\r\n" ID_ETC
		 "Timestamp: 54\r\n" END);
}

static void route_sets_go_back(void)
{
	struct reply r = {.status = 180, .to_tag = SLICE("t1")};
	reply_is(INVITE, r,
		 "SIP/2.0 180 Ringing\r\n" VIAS RECORD_ROUTE FROM_ETC
		 "To: <sip:b@c>;tag=t1\r\n" ID_ETC END);
	r.status = 200;
	reply_is(SLICE("REGISTER sip:c SIP/2.0\r\n" VIAS FROM_ETC "To: <sip:a@b>\r\nCall-ID: 1\r\n"
		       "CSeq: 1 REGISTER\r\n" RECORD_ROUTE "\r\n"),
		 r,
		 "SIP/2.0 200 OK\r\n" VIAS FROM_ETC "To: <sip:a@b>;tag=t1\r\nCall-ID: 1\r\n"
		 "CSeq: 1 REGISTER\r\n" END);
}

static void a_tag_that_is_there_stays(void)
{
	struct reply r = {.status = 481, .to_tag = SLICE("t1")};
	reply_is(SLICE("BYE sip:b@c SIP/2.0\r\n" VIAS FROM_ETC "t:<sip:b@c>;tag=z\r\n"
		       "Call-ID: 1\r\nCSeq: 2 BYE\r\n\r\n"),
		 r,
		 "SIP/2.0 481 Call/Transaction Does Not Exist\r\n" VIAS FROM_ETC
		 "t:<sip:b@c>;tag=z\r\nCall-ID: 1\r\nCSeq: 2 BYE\r\n" END);
}

/* RFC 4475 3.3.1: no From, To and Call-ID, and none made up. */
static void what_is_missing_stays_missing(void)
{
	struct reply r = {.status = 400, .reason = SLICE("Missing From"), .to_tag = SLICE("t1")};
	reply_is(SLICE("INVITE sip:b@c SIP/2.0\r\nCSeq: 1 INVITE\r\n" VIAS "\r\n"), r,
		 "SIP/2.0 400 Missing From\r\n" VIAS "CSeq: 1 INVITE\r\n" END);
}

static void garbage_is_not_repeated(void)
{
	struct reply r = {.status = 400, .to_tag = SLICE("t1"), .top_via = SLICE("never")};
	reply_is(SLICE("INVITE sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP h;;\r\nFrom: \"A <sip:a@b>\r\n"
		       "To: <sip:b\r\n" ID_ETC "\r\n"),
		 r, "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP h;;\r\n" ID_ETC END);
}

static void a_reason_is_one_line(void)
{
	struct reply r = {.status = 400, .reason = SLICE("a\r\nEvil: b"), .to_tag = SLICE("t")};
	reply_is(SLICE("INVITE sip:b@c SIP/2.0\r\n\r\n"), r,
		 "SIP/2.0 400 a  Evil: b\r\nContent-Length: 0\r\n\r\n");
}

static void lines_end_with_crlf(void)
{
	struct reply r = {.status = 200, .to_tag = SLICE("t1")};
	reply_is(SLICE("OPTIONS sip:b@c SIP/2.0\nVia: SIP/2.0/UDP h\nFrom: <sip:a@b>\nTo: sip:b@c\n"
		       "Call-ID: 1\nCSeq: 1 OPTIONS\n\n"),
		 r,
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>\r\nTo: sip:b@c;tag=t1\r\n"
		 "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n" END);
}

static void phrases(void)
{
	CHECK_STR(reply_phrase(486), "Busy Here");
	CHECK_STR(reply_phrase(423), "Interval Too Brief");
	CHECK_STR(reply_phrase(499), "Bad Request");
	CHECK_STR(reply_phrase(699), "Busy Everywhere");
	CHECK_STR(reply_phrase(999), "Unknown");
}

int main(void)
{
	TEST(a_final_one);
	TEST(with_everything);
	TEST(trying);
	TEST(route_sets_go_back);
	TEST(a_tag_that_is_there_stays);
	TEST(what_is_missing_stays_missing);
	TEST(garbage_is_not_repeated);
	TEST(a_reason_is_one_line);
	TEST(lines_end_with_crlf);
	TEST(phrases);
	return tap_done();
}
