#include "sip/msg.h"

#include "base/buf.h"
#include "tap.h"

static struct arena arena;

/* Parses text; what the message points at lives until the next call. */
static struct msg parse(struct slice text)
{
	struct msg m;
	arena_free(&arena);
	arena_init(&arena, 4096);
	msg_parse(&m, &arena, text);
	return m;
}

#define VIA "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
#define FROM "From: <sip:alice@example.com>;tag=a1\r\n"
#define TO "To: <sip:bob@example.com>\r\n"
#define ID "Call-ID: 1@192.0.2.1\r\n"
#define CSEQ "CSeq: 1 INVITE\r\n"
#define LINE "INVITE sip:bob@example.com SIP/2.0\r\n"
#define MESSAGE(headers) SLICE(LINE headers "\r\n")

static void fault_is(struct slice text, unsigned status, const char *reason)
{
	struct msg m = parse(text);
	CHECK_INT(m.fault.status, status);
	CHECK_STR(m.fault.reason, reason);
}

#define CHECK_FINE(text) CHECK_INT(parse(text).fault.status, 0)

static void a_request(void)
{
	struct slice text = SLICE(LINE VIA FROM TO ID CSEQ "Max-Forwards: 70\r\n"
							   "Content-Length: 4\r\n\r\nv=0\nrest");
	struct msg m;
	struct arena a;
	arena_init(&a, 0);
	CHECK_INT(msg_parse(&m, &a, text), text.n - 4);
	CHECK(m.request && m.method == METHOD_INVITE && m.fault.status == 0);
	CHECK_SLICE(m.method_text, "INVITE");
	CHECK_SLICE(m.uri_text, "sip:bob@example.com");
	CHECK_SLICE(m.uri.user, "bob");
	CHECK_SLICE(m.via.branch, "z9hG4bK1");
	CHECK_SLICE(m.from.uri, "sip:alice@example.com");
	CHECK_SLICE(m.from_tag, "a1");
	CHECK(m.to_tag.p == NULL);
	CHECK_SLICE(m.call_id, "1@192.0.2.1");
	CHECK_INT(m.cseq, 1);
	CHECK_INT(m.max_forwards, 70);
	CHECK_SLICE(m.body, "v=0\n");
	CHECK(m.raw.p == text.p && m.raw.n == text.n - 4);
	CHECK(slice_end(m.head) == m.body.p);
	CHECK_INT(m.n_hdrs, 7);
	CHECK_SLICE(hdr_line(&m.hdrs[1]), FROM);
	CHECK_SLICE(m.hdrs[1].value, "<sip:alice@example.com>;tag=a1");
	arena_free(&a);
}

static void a_response(void)
{
	struct msg m =
	    parse(SLICE("SIP/2.0 180 Is ringing\r\n" VIA FROM TO ID "CSeq: 7 BYE\r\n\r\n"));
	CHECK(!m.request && m.fault.status == 0);
	CHECK_INT(m.status, 180);
	CHECK_SLICE(m.reason, "Is ringing");
	CHECK_INT(m.method, METHOD_BYE);
	CHECK_SLICE(m.method_text, "BYE");
	m = parse(SLICE("sip/2.0 100 \r\n" VIA FROM TO ID CSEQ "\r\n"));
	CHECK_INT(m.status, 100);
	CHECK(m.reason.p && m.reason.n == 0);
	m = parse(SLICE("SIP/2.0 200\r\n" VIA FROM TO ID CSEQ "\r\n"));
	CHECK_INT(m.status, 200);
}

/* They must be there (an ACK repeats To), but a proxy passes them on as they are. */
static void addresses_of_a_response(void)
{
	struct msg m = parse(SLICE("SIP/2.0 200 OK\r\n" VIA FROM TO ID CSEQ "\r\n"));
	CHECK(!m.from.text.p && !m.to_uri.text.p && !m.from_tag.p);
	msg_read_addresses(&m);
	CHECK(m.from.text.p && m.from_uri.host.p && m.to_uri.host.p && m.from_tag.p);
	CHECK_FINE(SLICE("SIP/2.0 200 OK\r\n" VIA FROM "To: *\r\n" ID CSEQ "\r\n"));
	m = parse(SLICE("SIP/2.0 200 OK\r\n" VIA FROM "To: *\r\n" ID CSEQ "\r\n"));
	msg_read_addresses(&m);
	CHECK(m.from.text.p && !m.to.text.p && !m.to_uri.text.p && !m.to_tag.p);
	fault_is(SLICE("SIP/2.0 200 OK\r\n" VIA FROM ID CSEQ "\r\n"), 400, "Missing To");
	fault_is(SLICE("SIP/2.0 200 OK\r\n" VIA TO ID CSEQ "\r\n"), 400, "Missing From");
}

static int result(struct slice text)
{
	struct msg m;
	arena_free(&arena);
	arena_init(&arena, 0);
	return msg_parse(&m, &arena, text);
}

static void not_a_message(void)
{
	CHECK_INT(result(SLICE("hello\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("INVITE sip:a@b\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("INVITE SIP/2.0\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("<x> sip:a@b SIP/2.0\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("SIP/2.0 4294967301 no\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("SIP/2.0 099 no\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("SIP/2.0 700 no\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("SIP/2.0 20 no\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("SIP/2.0 200OK\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("SIP/7.0 200 OK\r\n\r\n")), -1);
	CHECK_INT(result(SLICE("SIP/2.0\r\n\r\n")), -1);
}

static void incomplete(void)
{
	CHECK_INT(result(SLICE("")), 0);
	CHECK_INT(result(SLICE("\r\n\r\n")), 0);
	CHECK_INT(result(SLICE("INVITE sip:bob@exam")), 0);
	CHECK_INT(result(SLICE(LINE VIA FROM)), 0);
	/* What is there can be answered all the same. */
	struct msg m = parse(SLICE(LINE VIA FROM TO ID "CSeq: 1 INV"));
	CHECK(m.request && m.via.text.p && m.from.text.p);
	CHECK_INT(m.fault.status, 400);
	CHECK_STR(m.fault.reason, "Header does not end");
	CHECK_INT(m.body.n, 0);
}

static void leading_line_ends(void)
{
	struct slice text = SLICE("\r\n\r\n\n" LINE VIA FROM TO ID CSEQ "\r\n");
	struct msg m = parse(text);
	CHECK_INT(m.fault.status, 0);
	CHECK(m.raw.p == text.p + 5);
	CHECK_INT(result(text), text.n);
}

static void folds_names_and_line_ends(void)
{
	struct msg m =
	    parse(SLICE("INVITE sip:b@c SIP/2.0\n"
			"v :\r\n SIP/2.0/UDP h;branch=z9hG4bK1 ,\n\tSIP/2.0/UDP i\n"
			"fROM:\tsip:a@b;tag=1\r\nT:sip:c@d\r\ni  : x\r\ncseq: 0009\r\n  INVITE\r\n"
			"s :\r\nm:<sip:x@y>\r\n\r\n"));
	CHECK_INT(m.fault.status, 0);
	CHECK_INT(m.n_hdrs, 7);
	CHECK_SLICE(m.via.host, "h");
	CHECK_SLICE(m.from_tag, "1");
	CHECK_SLICE(m.call_id, "x");
	CHECK_INT(m.cseq, 9);
	CHECK_SLICE(hdr_line(&m.hdrs[0]),
		    "v :\r\n SIP/2.0/UDP h;branch=z9hG4bK1 ,\n\tSIP/2.0/UDP i\n");
	CHECK_SLICE(m.hdrs[0].name, "v");
	CHECK(m.hdrs[5].value.p && m.hdrs[5].value.n == 0);
	CHECK_INT(m.hdrs[6].id, HDR_CONTACT);
}

static void missing_headers(void)
{
	CHECK_FINE(MESSAGE(VIA FROM TO ID CSEQ));
	fault_is(MESSAGE(FROM TO ID CSEQ), 400, "Missing Via");
	fault_is(MESSAGE(VIA TO ID CSEQ), 400, "Missing From");
	fault_is(MESSAGE(VIA FROM ID CSEQ), 400, "Missing To");
	fault_is(MESSAGE(VIA FROM TO CSEQ), 400, "Missing Call-ID");
	fault_is(MESSAGE(VIA FROM TO ID), 400, "Missing CSeq");
	CHECK_INT(parse(MESSAGE(VIA FROM TO ID CSEQ)).max_forwards, -1);
}

static void duplicate_headers(void)
{
	fault_is(MESSAGE(VIA FROM TO ID CSEQ FROM), 400, "Duplicate From");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "t: <sip:x@y>\r\n"), 400, "Duplicate To");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "i: 2\r\n"), 400, "Duplicate Call-ID");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ CSEQ), 400, "Duplicate CSeq");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "l: 0\r\nContent-Length: 0\r\n"), 400,
		 "Duplicate Content-Length");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "Max-Forwards: 1\r\nMax-Forwards: 2\r\n"), 400,
		 "Duplicate Max-Forwards");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "Expires: 1\r\nExpires: 2\r\n"), 400,
		 "Duplicate Expires");
	CHECK_FINE(MESSAGE(VIA VIA FROM TO ID CSEQ "Route: <sip:a;lr>\r\nRoute: <sip:b;lr>\r\n"
						   "Contact: <sip:a>\r\nContact: <sip:b>\r\n"));
}

static void malformed_headers(void)
{
	fault_is(MESSAGE("Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" FROM TO ID CSEQ), 400,
		 "Malformed Via");
	fault_is(MESSAGE("Via:\r\n" FROM TO ID CSEQ), 400, "Malformed Via");
	fault_is(MESSAGE(VIA "From: Bell, A <sip:a@b>;tag=1\r\n" TO ID CSEQ), 400,
		 "Malformed From");
	fault_is(MESSAGE(VIA "From: alice@b;tag=1\r\n" TO ID CSEQ), 400, "Malformed From");
	fault_is(MESSAGE(VIA "From: <sip:a@b:99999>;tag=1\r\n" TO ID CSEQ), 400, "Malformed From");
	fault_is(MESSAGE(VIA "From: <sip:a@b>;tag=1;tag=2\r\n" TO ID CSEQ), 400, "Malformed From");
	fault_is(MESSAGE(VIA FROM "To: \"Mr <sip:j@b>\r\n" ID CSEQ), 400, "Malformed To");
	fault_is(MESSAGE(VIA FROM "To: <sip:j@b>;tag=\r\n" ID CSEQ), 400, "Malformed To");
	fault_is(MESSAGE(VIA FROM "To: *\r\n" ID CSEQ), 400, "Malformed To");
	fault_is(MESSAGE(VIA FROM TO "Call-ID: a b\r\n" CSEQ), 400, "Malformed Call-ID");
	fault_is(MESSAGE(VIA FROM TO "Call-ID:\r\n" CSEQ), 400, "Malformed Call-ID");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "Max-Forwards: 7x\r\n"), 400,
		 "Malformed Max-Forwards");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "Foobar roobar\r\n"), 400,
		 "Malformed header field name");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "X\x01: y\r\n"), 400, "Malformed header field name");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ ": y\r\n"), 400, "Malformed header field name");
	fault_is(MESSAGE(" x: y\r\n" VIA FROM TO ID CSEQ), 400, "Malformed header field name");
	fault_is(MESSAGE(VIA FROM TO ID CSEQ "X: y\rContact: <sip:e>\r\n"), 400, "CR without LF");
	CHECK_FINE(MESSAGE(VIA FROM TO ID CSEQ "X-Y \t: z\r\n"));
}

static void garbage_is_not_kept(void)
{
	struct msg m =
	    parse(MESSAGE("Via: x\r\nFrom: \"x <sip:a@b>;tag=1\r\nTo: <>;tag=2\r\n" ID CSEQ));
	CHECK(!m.via.text.p && !m.from.text.p && !m.from_tag.p && !m.to.text.p && !m.to_tag.p);
}

static void from_tags(void)
{
	struct slice new = SLICE(LINE VIA "From: <sip:a@b>\r\n" TO ID CSEQ "\r\n");
	struct slice old =
	    SLICE(LINE "Via: SIP/2.0/UDP h\r\nFrom: <sip:a@b>\r\n" TO ID CSEQ "\r\n");
	struct slice bare = SLICE(
	    LINE "Via: SIP/2.0/UDP h;branch=z9hG4bK\r\nFrom: <sip:a@b>\r\n" TO ID CSEQ "\r\n");
	struct slice reply =
	    SLICE("SIP/2.0 200 OK\r\n" VIA "From: <sip:a@b>\r\n" TO ID CSEQ "\r\n");
	fault_is(new, 400, "Missing From tag");
	CHECK_FINE(old);
	CHECK_FINE(bare);
	CHECK_FINE(reply);
}

static void cseq(void)
{
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: 1 BYE\r\n"), 400, "CSeq method does not match");
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: 1 invite\r\n"), 400, "CSeq method does not match");
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: 1\r\n"), 400, "Malformed CSeq");
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: INVITE\r\n"), 400, "Malformed CSeq");
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: 1INVITE\r\n"), 400, "Malformed CSeq");
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: -1 INVITE\r\n"), 400, "Malformed CSeq");
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: 1 INVITE x\r\n"), 400, "Malformed CSeq");
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: 2147483648 INVITE\r\n"), 400,
		 "CSeq number too large");
	fault_is(MESSAGE(VIA FROM TO ID "CSeq: 36893488147419103232 INVITE\r\n"), 400,
		 "CSeq number too large");
	CHECK_INT(parse(MESSAGE(VIA FROM TO ID "CSeq: 2147483647 INVITE\r\n")).cseq, 2147483647);
	CHECK_FINE(MESSAGE(VIA FROM TO ID "CSeq: 0 INVITE\r\n"));
}

#define REST VIA FROM TO ID CSEQ "\r\n"

static void start_lines(void)
{
	fault_is(SLICE("INVITE sip:b@c SIP/7.0\r\n" REST), 505, "Version Not Supported");
	fault_is(SLICE("INVITE sip:b@c SIP/2.10\r\n" REST), 505, "Version Not Supported");
	CHECK_FINE(SLICE("INVITE sip:b@c sip/2.0\r\n" REST));
	fault_is(SLICE("INVITE  sip:b@c  SIP/2.0\r\n" REST), 400, "Space in Request-URI");
	fault_is(SLICE("INVITE sip:b@c; lr SIP/2.0\r\n" REST), 400, "Space in Request-URI");
	fault_is(SLICE("INVITE sip:b@c\t SIP/2.0\r\n" REST), 400, "Space in Request-URI");
	fault_is(SLICE("INVITE sip:b@c SIP/2.0  \r\n" REST), 400, "Space after SIP-Version");
	fault_is(SLICE("INVITE <sip:b@c> SIP/2.0\r\n" REST), 400, "Malformed Request-URI");
	fault_is(SLICE("INVITE sip:b@c:99999 SIP/2.0\r\n" REST), 400, "Malformed Request-URI");
	fault_is(SLICE("INVITE bob SIP/2.0\r\n" REST), 400, "Malformed Request-URI");
	fault_is(SLICE("INVITE sip:b@c?Route=%3Csip:x%3E SIP/2.0\r\n" REST), 400,
		 "Header in Request-URI");
}

#define WITH_LENGTH(length, body) SLICE(LINE VIA FROM TO ID CSEQ "l: " length "\r\n\r\n" body)

static void content_length(void)
{
	CHECK_SLICE(parse(WITH_LENGTH("3", "abcdef")).body, "abc");
	CHECK_SLICE(parse(WITH_LENGTH("0", "abcdef")).body, "");
	CHECK_SLICE(parse(SLICE(LINE VIA FROM TO ID CSEQ "\r\nabcdef")).body, "abcdef");
	fault_is(WITH_LENGTH("7", "abcdef"), 400, "Content-Length larger than the message");
	fault_is(WITH_LENGTH("4294967302", "abcdef"), 400,
		 "Content-Length larger than the message");
	fault_is(WITH_LENGTH("-999", "abcdef"), 400, "Malformed Content-Length");
	fault_is(WITH_LENGTH("five", "abcde"), 400, "Malformed Content-Length");
	fault_is(WITH_LENGTH("5,5", "abcde"), 400, "Malformed Content-Length");
	fault_is(WITH_LENGTH("", "abcde"), 400, "Malformed Content-Length");
}

static void max_forwards(void)
{
	CHECK_INT(parse(MESSAGE(VIA FROM TO ID CSEQ "Max-Forwards: 0068\r\n")).max_forwards, 68);
	CHECK_INT(parse(MESSAGE(VIA FROM TO ID CSEQ "Max-Forwards: 0\r\n")).max_forwards, 0);
	CHECK_INT(parse(MESSAGE(VIA FROM TO ID CSEQ "Max-Forwards: 300\r\n")).max_forwards, 255);
	CHECK_INT(parse(MESSAGE(VIA FROM TO ID CSEQ "Max-Forwards: 99999999999\r\n")).max_forwards,
		  255);
}

static void caps(void)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_puts(&b, LINE VIA FROM TO ID CSEQ);
	for (int i = 0; i < MSG_MAX_HEADERS; i++)
		buf_puts(&b, "X: y\r\n");
	buf_puts(&b, "\r\n");
	struct msg m = parse(buf_slice(&b));
	CHECK_STR(m.fault.reason, "Too many header fields");
	CHECK_INT(m.n_hdrs, MSG_MAX_HEADERS);

	buf_reset(&b);
	buf_puts(&b, LINE VIA FROM TO ID CSEQ);
	buf_printf(&b, "X: %0*d\r\n\r\n", MSG_MAX_HEADER_BYTES, 1);
	m = parse(buf_slice(&b));
	CHECK_STR(m.fault.reason, "Header field too long");
	buf_free(&b);
}

static void access_by_name(void)
{
	struct msg m = parse(
	    MESSAGE(VIA FROM TO ID CSEQ "X-a: 1\r\nSubject: s1\r\nx-A: 2\r\ns: s2\r\nk: path\r\n"));
	struct hdr *h = msg_hdr_named(&m, SLICE("X-A"));
	CHECK_SLICE(h->value, "1");
	h = msg_hdr_next(&m, h);
	CHECK_SLICE(h->value, "2");
	CHECK(msg_hdr_next(&m, h) == NULL);
	h = msg_hdr_named(&m, SLICE("S"));
	CHECK_SLICE(h->value, "s1");
	CHECK_SLICE(msg_hdr_next(&m, h)->value, "s2");
	CHECK_SLICE(msg_hdr_named(&m, SLICE("supported"))->value, "path");
	CHECK_SLICE(msg_hdr_named(&m, SLICE("K"))->value, "path");
	CHECK(msg_hdr_named(&m, SLICE("Route")) == NULL);
	CHECK(msg_hdr_named(&m, SLICE("Y")) == NULL);
	CHECK(msg_hdr(&m, HDR_ROUTE) == NULL);
	CHECK(msg_hdr_named(&m, SLICE("")) == NULL);
}

static void walks_lists_and_rows(void)
{
	struct msg m = parse(MESSAGE(VIA FROM TO ID CSEQ "Route: <sip:a;lr>, <sip:b>\r\nRoute:\r\n"
							 "Route: <sip:c>\r\n"));
	struct hdr_walk w = {0};
	struct slice member;
	CHECK(msg_walk(&m, HDR_ROUTE, &w, &member));
	CHECK_SLICE(member, "<sip:a;lr>");
	CHECK(msg_walk(&m, HDR_ROUTE, &w, &member));
	CHECK_SLICE(member, "<sip:b>");
	CHECK(w.hdr == msg_hdr(&m, HDR_ROUTE));
	CHECK(msg_walk(&m, HDR_ROUTE, &w, &member));
	CHECK_SLICE(member, "<sip:c>");
	CHECK(!msg_walk(&m, HDR_ROUTE, &w, &member));
}

static void tokens(void)
{
	struct msg m =
	    parse(MESSAGE(VIA FROM TO ID CSEQ "Supported: timer, PATH\r\nk: outbound\r\n"));
	CHECK(msg_has_token(&m, HDR_SUPPORTED, SLICE("path")));
	CHECK(msg_has_token(&m, HDR_SUPPORTED, SLICE("outbound")));
	CHECK(!msg_has_token(&m, HDR_SUPPORTED, SLICE("gruu")));
	CHECK(!msg_has_token(&m, HDR_REQUIRE, SLICE("path")));
}

static void names(void)
{
	for (enum hdr_id id = HDR_OTHER + 1; id < HDR_COUNT; id++)
		CHECK_INT(hdr_id_of(hdr_name(id)), id);
	CHECK_INT(hdr_id_of(SLICE("cALL-iD")), HDR_CALL_ID);
	CHECK_INT(hdr_id_of(SLICE("C%6Fntact")), HDR_OTHER);
	CHECK_INT(hdr_id_of(SLICE("V")), HDR_VIA);
	CHECK_INT(hdr_id_of(SLICE("s")), HDR_OTHER);
	CHECK_INT(hdr_id_of(SLICE("")), HDR_OTHER);
	CHECK_INT(hdr_id_of(SLICE("Proxy-Authorization-And-Longer")), HDR_OTHER);
	CHECK(hdr_name(HDR_OTHER).p == NULL);
	CHECK_SLICE(hdr_long_name(SLICE("m")), "Contact");
	CHECK_SLICE(hdr_long_name(SLICE("X")), "Session-Expires");
	CHECK_SLICE(hdr_long_name(SLICE("q")), "q");
	CHECK_INT(method_of(SLICE("REGISTER")), METHOD_REGISTER);
	CHECK_INT(method_of(SLICE("register")), METHOD_OTHER);
	CHECK_INT(method_of(SLICE("RE%47IST%45R")), METHOD_OTHER);
}

int main(void)
{
	TEST(a_request);
	TEST(a_response);
	TEST(addresses_of_a_response);
	TEST(not_a_message);
	TEST(incomplete);
	TEST(leading_line_ends);
	TEST(folds_names_and_line_ends);
	TEST(missing_headers);
	TEST(duplicate_headers);
	TEST(malformed_headers);
	TEST(garbage_is_not_kept);
	TEST(from_tags);
	TEST(cseq);
	TEST(start_lines);
	TEST(content_length);
	TEST(max_forwards);
	TEST(caps);
	TEST(access_by_name);
	TEST(walks_lists_and_rows);
	TEST(tokens);
	TEST(names);
	arena_free(&arena);
	return tap_done();
}
