#include "sip/edit.h"

#include "tap.h"

#define LINE "INVITE sip:b@c SIP/2.0\r\n"
#define HEADERS                                                    \
	"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"                   \
	"Route: <sip:r1;lr>, <sip:r2;lr> ,<sip:r3;lr>\r\n"         \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: 1\r\n" \
	"CSeq: 1 INVITE\r\nX: folded\r\n here\r\n"
#define BODY "\r\nv=0\r\n"

struct fixture {
	struct arena arena;
	struct msg msg;
	struct edits edits;
};

static void setup(struct fixture *f, struct slice text)
{
	arena_init(&f->arena, 4096);
	CHECK(msg_parse(&f->msg, &f->arena, text) > 0);
	edits_init(&f->edits, &f->arena);
}

/* The result is expected; then all is freed. */
static void finish(struct fixture *f, const char *expected)
{
	struct buf out;
	buf_init(&out, 65536);
	edits_write(&f->edits, &f->msg, &out);
	CHECK_SLICE(buf_slice(&out), expected);
	buf_free(&out);
	arena_free(&f->arena);
}

static void nothing_changes_nothing(void)
{
	struct fixture f;
	setup(&f, SLICE("\r\n" LINE HEADERS "l: 5\r\n" BODY "trailing"));
	finish(&f, LINE HEADERS "l: 5\r\n" BODY);
}

static void whole_headers(void)
{
	struct fixture f;
	setup(&f, SLICE(LINE HEADERS BODY));
	edit_append_header(&f.edits, &f.msg, SLICE("Y: 1\r\n"));
	edit_prepend_header(&f.edits, &f.msg, SLICE("Via: one\r\n"));
	edit_append_header(&f.edits, &f.msg, SLICE("Y: 2\r\n"));
	edit_prepend_header(&f.edits, &f.msg, SLICE("Record-Route: two\r\n"));
	edit_drop_header(&f.edits, &f.msg, msg_hdr_named(&f.msg, SLICE("X")));
	edit_drop_header(&f.edits, &f.msg, msg_hdr(&f.msg, HDR_ROUTE));
	edit_drop_header(&f.edits, &f.msg, msg_hdr(&f.msg, HDR_ROUTE));
	finish(&f, LINE "Via: one\r\nRecord-Route: two\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
			"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: 1\r\n"
			"CSeq: 1 INVITE\r\nY: 1\r\nY: 2\r\n" BODY);
}

static void bare_lf(void)
{
	struct fixture f;
	setup(&f, SLICE("INVITE sip:b@c SIP/2.0\nX: 1\n\nbody"));
	edit_append_header(&f.edits, &f.msg, SLICE("Y: 1\r\n"));
	edit_prepend_header(&f.edits, &f.msg, SLICE("Z: 1\r\n"));
	finish(&f, "INVITE sip:b@c SIP/2.0\nZ: 1\r\nX: 1\nY: 1\r\n\nbody");
}

static void texts_and_places(void)
{
	struct fixture f;
	setup(&f, SLICE(LINE HEADERS BODY));
	edit_replace(&f.edits, &f.msg, f.msg.uri_text, SLICE("sip:new@target;x"));
	edit_insert(&f.edits, &f.msg, slice_end(f.msg.via.text), SLICE(";received=192.0.2.1"));
	edit_insert(&f.edits, &f.msg, slice_end(f.msg.via.text), SLICE(";rport=5060"));
	finish(&f, "INVITE sip:new@target;x SIP/2.0\r\n"
		   "Via: SIP/2.0/UDP h;branch=z9hG4bK1;received=192.0.2.1;rport=5060\r\n"
		   "Route: <sip:r1;lr>, <sip:r2;lr> ,<sip:r3;lr>\r\n"
		   "From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: 1\r\n"
		   "CSeq: 1 INVITE\r\nX: folded\r\n here\r\n" BODY);
}

static void drops_that_overlap(void)
{
	struct fixture f;
	setup(&f, SLICE(LINE "X: 0123456789\r\n\r\n"));
	const char *digits = f.msg.hdrs[0].value.p;
	edit_drop(&f.edits, &f.msg, slice_of(digits + 4, 4));
	edit_drop(&f.edits, &f.msg, slice_of(digits + 2, 4));
	edit_drop(&f.edits, &f.msg, slice_of(digits + 5, 1));
	edit_insert(&f.edits, &f.msg, digits + 2, SLICE("a"));
	edit_insert(&f.edits, &f.msg, digits + 8, SLICE("b"));
	finish(&f, LINE "X: 01ab89\r\n\r\n");
}

/* ---- members of lists ---- */

/* Drops the members of Route whose numbers stand in order, and expects the rest. */
static void route_left(const char *order, const char *expected)
{
	struct fixture f;
	setup(&f, SLICE(LINE "Route: <sip:r1;lr>, <sip:r2;lr> ,<sip:r3;lr>\r\nX: 1\r\n\r\n"));
	for (; *order; order++) {
		struct hdr_walk w = {0};
		struct slice member;
		for (int i = '1'; i <= *order; i++)
			CHECK(msg_walk(&f.msg, HDR_ROUTE, &w, &member));
		edit_drop_member(&f.edits, &f.msg, w.hdr, member);
	}
	finish(&f, expected);
}

#define ROUTE(list) LINE "Route: " list "\r\nX: 1\r\n\r\n"

static void single_members(void)
{
	route_left("1", ROUTE("<sip:r2;lr> ,<sip:r3;lr>"));
	route_left("2", ROUTE("<sip:r1;lr> ,<sip:r3;lr>"));
	route_left("3", ROUTE("<sip:r1;lr>, <sip:r2;lr>"));
	route_left("33", ROUTE("<sip:r1;lr>, <sip:r2;lr>"));
}

static void several_members(void)
{
	route_left("12", ROUTE("<sip:r3;lr>"));
	route_left("21", ROUTE("<sip:r3;lr>"));
	route_left("13", ROUTE("<sip:r2;lr>"));
	route_left("31", ROUTE("<sip:r2;lr>"));
	route_left("23", ROUTE("<sip:r1;lr>"));
	route_left("32", ROUTE("<sip:r1;lr>"));
}

static void all_members(void)
{
	static const char *const orders[] = {"123", "132", "213", "231", "312", "321"};
	for (int i = 0; i < 6; i++)
		route_left(orders[i], LINE "X: 1\r\n\r\n");
}

/* ---- copies ---- */

static void copies_are_apart(void)
{
	struct fixture f;
	struct edits branch;
	setup(&f, SLICE(LINE "X: 1\r\n\r\n"));
	edit_append_header(&f.edits, &f.msg, SLICE("All: 1\r\n"));
	edits_copy(&branch, &f.edits, &f.arena);
	edit_append_header(&branch, &f.msg, SLICE("Branch: 1\r\n"));
	edit_append_header(&f.edits, &f.msg, SLICE("Later: 1\r\n"));
	struct buf out;
	buf_init(&out, 1000);
	edits_write(&branch, &f.msg, &out);
	CHECK_SLICE(buf_slice(&out), LINE "X: 1\r\nAll: 1\r\nBranch: 1\r\n\r\n");
	buf_free(&out);
	finish(&f, LINE "X: 1\r\nAll: 1\r\nLater: 1\r\n\r\n");
}

static void many_edits_keep_their_order(void)
{
	struct fixture f;
	char expected[300] = LINE "X: ";
	setup(&f, SLICE(LINE "X: 1\r\n\r\n"));
	for (int i = 0; i < 50; i++) {
		edit_insert(&f.edits, &f.msg, f.msg.hdrs[0].value.p,
			    i % 2 ? SLICE("b") : SLICE("a"));
		strcat(expected, i % 2 ? "b" : "a");
	}
	strcat(expected, "1\r\n\r\n");
	finish(&f, expected);
}

int main(void)
{
	TEST(nothing_changes_nothing);
	TEST(whole_headers);
	TEST(bare_lf);
	TEST(texts_and_places);
	TEST(drops_that_overlap);
	TEST(single_members);
	TEST(several_members);
	TEST(all_members);
	TEST(copies_are_apart);
	TEST(many_edits_keep_their_order);
	return tap_done();
}
