/*
 * Route and Record-Route: RFC 3261 16.4, 16.6 steps 4 and 6, the examples of
 * 16.12.1; RFC 3327.  We are p.example.com beside our address and example.com.
 */
#include "world.h"

/* What comes in and what leaves, as "uri | Route values", and where to. */
struct route {
	const char *uri;
	const char *routes; /* header lines */
	bool dialog;
	bool loose; /* what loose_route() says */
	const char *to;
	const char *uri_out;
	const char *routes_out; /* all Route lines as sent */
};

static const struct route table[] = {
    /* No Route at all. */
    {"sip:b@203.0.113.1", "", true, false, BOB, "sip:b@203.0.113.1", ""},
    /* 16.12.1.1: P1 takes itself off, the next proxy stays. */
    {"sip:b@203.0.113.1", "Route: <sip:p.example.com;lr>,<sip:203.0.113.2;lr>\n", true, true, CAROL,
     "sip:b@203.0.113.1", "Route: <sip:203.0.113.2;lr>\n"},
    /* P2: the last one; the Request-URI decides. */
    {"sip:b@203.0.113.1", "Route: <sip:p.example.com;lr>\n", true, true, BOB, "sip:b@203.0.113.1",
     ""},
    /* By address, with port and transport, our other socket, in capitals, compact spelling. */
    {"sip:b@203.0.113.1", "Route: <sip:192.0.2.1;lr=on;ftag=x>\n", true, true, BOB,
     "sip:b@203.0.113.1", ""},
    {"sip:b@203.0.113.1", "route: <SIP:192.0.2.1:5060;transport=udp;lr>\n", true, true, BOB,
     "sip:b@203.0.113.1", ""},
    {"sip:b@203.0.113.1", "ROUTE : <sip:P.Example.COM:5070;lr>\n", true, true, BOB,
     "sip:b@203.0.113.1", ""},
    /* Another port of our host is somebody else. */
    {"sip:b@203.0.113.1", "Route: <sip:203.0.113.2:6060;lr>\n", true, true, "203.0.113.2:6060",
     "sip:b@203.0.113.1", "Route: <sip:203.0.113.2:6060;lr>\n"},
    /* Ours without lr is taken off as well. */
    {"sip:b@203.0.113.1", "Route: <sip:192.0.2.1>\n", true, true, BOB, "sip:b@203.0.113.1", ""},
    /* Double Record-Route: both are ours, in two rows or one. */
    {"sip:b@203.0.113.1", "Route: <sip:192.0.2.1;lr>\nRoute: <sip:192.0.2.9:5070;lr>\n", true, true,
     BOB, "sip:b@203.0.113.1", ""},
    {"sip:b@203.0.113.1",
     "Route: <sip:192.0.2.1;lr> , <sip:192.0.2.9:5070;lr>,<sip:203.0.113.2;lr>\n", true, true,
     CAROL, "sip:b@203.0.113.1", "Route: <sip:203.0.113.2;lr>\n"},
    /* maddr decides who is meant. */
    {"sip:b@203.0.113.1", "Route: <sip:other.net;maddr=192.0.2.1;lr>\n", true, true, BOB,
     "sip:b@203.0.113.1", ""},
    {"sip:b@203.0.113.1", "Route: <sip:192.0.2.1;maddr=203.0.113.2;lr>\n", true, true, CAROL,
     "sip:b@203.0.113.1", "Route: <sip:192.0.2.1;maddr=203.0.113.2;lr>\n"},
    /* A Route that names only us on an initial request says nothing (baresip, linphone). */
    {"sip:b@203.0.113.1", "Route: <sip:192.0.2.1;lr>\n", false, false, BOB, "sip:b@203.0.113.1",
     ""},
    /* A preloaded Route beyond us decides. */
    {"sip:b@203.0.113.1", "Route: <sip:192.0.2.1;lr>,<sip:203.0.113.2;lr>\n", false, true, CAROL,
     "sip:b@203.0.113.1", "Route: <sip:203.0.113.2;lr>\n"},
    {"sip:b@203.0.113.1", "Route: \"x, y\" <sip:203.0.113.2;lr>;p=1\n", false, true, CAROL,
     "sip:b@203.0.113.1", "Route: \"x, y\" <sip:203.0.113.2;lr>;p=1\n"},
    /* 16.12.1.2, P4: the next one is a strict router. */
    {"sip:b@203.0.113.1",
     "Route: <sip:192.0.2.1;lr>\nRoute: <sip:203.0.113.3>\nRoute: <sip:203.0.113.2;lr>\n"
     "Route: <sip:p1.net;lr>\n",
     true, true, DAVE, "sip:203.0.113.3",
     "Route: <sip:203.0.113.2;lr>\nRoute: <sip:p1.net;lr>\nRoute: <sip:b@203.0.113.1>\n"},
    {"sip:b@203.0.113.1;x=1", "Route: <sip:192.0.2.1;lr>, <sip:d@203.0.113.3;method=BYE?a=b>\n",
     true, true, DAVE, "sip:d@203.0.113.3", "Route: <sip:b@203.0.113.1;x=1>\n"},
    /* 16.12.1.2, P2: a strict router sent us, we are the Request-URI. */
    {"sip:192.0.2.1;lr", "Route: <sip:203.0.113.2;lr>\nRoute: <sip:b@203.0.113.1>\n", true, true,
     CAROL, "sip:b@203.0.113.1", "Route: <sip:203.0.113.2;lr>\n"},
    {"sip:192.0.2.1;lr=on;ftag=x", "Route: <sip:b@203.0.113.1>\n", true, true, BOB,
     "sip:b@203.0.113.1", ""},
    /* A user of ours, or we without lr, are no Record-Route of ours. */
    {"sip:b@192.0.2.1;lr", "Route: <sip:203.0.113.2;lr>\n", true, true, CAROL, "sip:b@192.0.2.1;lr",
     "Route: <sip:203.0.113.2;lr>\n"},
    {"sip:192.0.2.1", "Route: <sip:203.0.113.2;lr>\n", true, true, CAROL, "sip:192.0.2.1",
     "Route: <sip:203.0.113.2;lr>\n"},
    /* Strict before and behind us. */
    {"sip:192.0.2.1;lr", "Route: <sip:203.0.113.3>, <sip:b@203.0.113.1>\n", true, true, DAVE,
     "sip:203.0.113.3", "Route: <sip:b@203.0.113.1>\n"},
    /* Strict sender, and our double Record-Route. */
    {"sip:192.0.2.1;lr", "Route: <sip:192.0.2.9:5070;lr>, <sip:b@203.0.113.1>\n", true, true, BOB,
     "sip:b@203.0.113.1", ""},
};

static void collect_routes(const char *message, char *out)
{
	*out = '\0';
	for (const char *line = message; *line && *line != '\n'; line = strchr(line, '\n') + 1)
		if (strncasecmp(line, "Route", 5) == 0)
			strncat(out, line, strcspn(line, "\n") + 1);
}

static void route_case(const struct route *t)
{
	struct world *w = world_new();
	char request[4096], first[1024], routes[4096];

	w->alias.host = SLICE("p.example.com");
	snprintf(request, sizeof(request),
		 "BYE %s SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKr\n%s"
		 "From: <sip:a@x>;tag=1\nTo: <sip:b@x>%s\nCall-ID: r\nCSeq: 1 BYE\n\n",
		 t->uri, t->routes, t->dialog ? ";tag=2" : "");
	send(w, ALICE, request);
	snprintf(first, sizeof(first), "BYE %s SIP/2.0\n", t->uri_out);
	if (TAKE(w, t->to, first)) {
		collect_routes(w->got, routes);
		CHECK_STR(routes, t->routes_out);
		CHECK_INT(w->loose, t->loose);
	} else {
		printf("#   uri %s, %s\n", t->uri, t->routes);
	}
	world_end(w);
}

static void requests_go_where_their_routes_say(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		route_case(&table[i]);
}

/* Fault of the reference system: the Request-URI became the Route's, the call ended in 404. */
static void our_domain_and_our_route_is_no_strict_router(void)
{
	static const char *const uris[] = {"sip:bob@example.com", "sip:192.0.2.1",
					   "sip:bob@192.0.2.1;lr", "sip:example.com",
					   "sip:192.0.2.1;lr"};

	for (size_t i = 0; i < sizeof(uris) / sizeof(*uris); i++) {
		struct world *w = world_new();
		char request[1024];
		snprintf(request, sizeof(request),
			 REQUEST("INVITE", "%s", "a", "Route: <sip:192.0.2.9:5070;lr>\n"), uris[i]);
		w->parked = true;
		send(w, ALICE, request);
		CHECK(!proxy_loose_route(w->context));
		CHECK_SLICE(w->context->uri, uris[i]);
		w->answer = 404;
		world_resume(w, w->context);
		CHECK(!w->loose);
		TAKE(w, ALICE, "SIP/2.0 404");
		world_end(w);
	}
}

static void asking_twice_gives_the_same_answer(void)
{
	struct world *w = world_new();

	w->parked = true;
	send(w, ALICE, IN_DIALOG("BYE", "sip:b@203.0.113.1", "r", "Route: <sip:192.0.2.1;lr>\n"));
	CHECK(proxy_loose_route(w->context));
	CHECK(proxy_loose_route(w->context));
	CHECK_INT(w->context->routes_dropped, 1);
	world_resume(w, w->context);
	TAKE(w, BOB, "BYE");
	world_end(w);
}

/* As many as a datagram holds: a row goes as a whole, so the work grows with their number only. */
static void thousands_of_our_routes_cost_little(void)
{
	enum { ROWS = 4, VALUES = 900 };
	struct world *w = world_new();
	struct buf out;

	buf_init(&out, WORLD_TEXT);
	buf_puts(&out, "BYE sip:b@203.0.113.1 SIP/2.0\n"
		       "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKr\n");
	for (int row = 0; row < ROWS; row++) {
		buf_puts(&out, "Route: <sip:192.0.2.1>");
		for (int i = 1; i < VALUES; i++)
			buf_puts(&out, ",<sip:192.0.2.1>");
		buf_puts(&out, row == ROWS - 1 ? " , <sip:203.0.113.2;lr>,<sip:x;lr>\n" : "\n");
	}
	buf_puts(&out, "From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=2\nCall-ID: r\nCSeq: 1 BYE\n\n");
	buf_putc(&out, '\0');
	w->parked = true;
	send(w, ALICE, out.p);
	buf_free(&out);
	CHECK(proxy_loose_route(w->context));
	CHECK_INT(w->context->routes_dropped, ROWS * VALUES);
	CHECK(w->context->edits.n <= ROWS + 1); /* and our Via */
	world_resume(w, w->context);
	TAKE(w, CAROL, "BYE");
	HAS(w, "\nRoute: <sip:203.0.113.2;lr>,<sip:x;lr>\nFrom:");
	world_end(w);
}

static void a_bad_route_is_refused(void)
{
	static const char *const bad[] = {"Route: <sip:a@@b>\n", "Route: <>\n", "Route: <tel:1>\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct world *w = world_new();
		char request[1024];
		snprintf(request, sizeof(request),
			 REQUEST("OPTIONS", "sip:b@203.0.113.1", "a", "%s"), bad[i]);
		send(w, ALICE, request);
		TAKE(w, ALICE, "SIP/2.0 400 ");
		QUIET(w);
		world_end(w);
	}
}

/* 16.4, second paragraph. */
static void our_maddr_is_stripped(void)
{
	struct world *w = world_new();

	w->parked = true;
	send(w, ALICE,
	     REQUEST("INVITE", "sip:bob@example.com:5060;x=1;maddr=192.0.2.1;transport=UDP;y", "a",
		     ""));
	CHECK(!proxy_uri_is_myself(&w->proxy,
				   &(struct uri){.scheme = URI_SIP, .host = SLICE("example.net")}));
	proxy_loose_route(w->context);
	CHECK_SLICE(w->context->uri, "sip:bob@example.com;x=1;y");
	CHECK(proxy_uri_is_myself(&w->proxy, context_uri(w->context)));
	w->answer = 404;
	world_resume(w, w->context);
	TAKE(w, ALICE, "SIP/2.0 404");
	world_end(w);
}

static void a_foreign_maddr_is_where_it_goes(void)
{
	struct world *w = world_new();

	send(w, ALICE, REQUEST("OPTIONS", "sip:bob@example.com;maddr=203.0.113.2", "a", ""));
	TAKE(w, CAROL, "OPTIONS sip:bob@example.com;maddr=203.0.113.2 SIP/2.0\n");
	world_end(w);
}

/* An ICMP error quotes as little as 548 bytes of it (RFC 1812 4.3.2.3). */
static void our_via_comes_first_then_record_route(void)
{
	struct world *w = world_new();

	w->record_route = true;
	w->uris[0] = "sip:b@203.0.113.1";
	send(w, ALICE,
	     REQUEST("INVITE", "sip:bob@example.com", "a", "Record-Route: <sip:edge;lr>\n"));
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, BOB,
	     "INVITE sip:b@203.0.113.1 SIP/2.0\n"
	     "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK");
	HAS(w,
	    "\nRecord-Route: <sip:192.0.2.1;lr=on;ftag=a1;dialog=6955b900364327b3ac742fcb>\nVia: "
	    "SIP/2.0/UDP "
	    "198.51.100.1");
	HAS(w, "\nRecord-Route: <sip:edge;lr>\n");
	CHECK(!proxy_record_route(w->context)); /* once */
	world_end(w);
}

/* RFC 5658: each side sees its own. */
static void between_two_sockets_it_is_double(void)
{
	struct world *w = world_new();
	struct target t = {SLICE("sip:b@203.0.113.1"), SLICE_NULL, SLICE_NULL, -1, 1};

	w->parked = true;
	send(w, ALICE, INVITE);
	proxy_record_route(w->context);
	context_set_targets(w->context, &t, 1);
	proxy_relay(w->context, w, world_relayed);
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, BOB,
	     "INVITE sip:b@203.0.113.1 SIP/2.0\n"
	     "Via: SIP/2.0/UDP 192.0.2.9:5070;rport;branch=z9hG4bK");
	HAS(w,
	    "\nRecord-Route: <sip:192.0.2.9:5070;lr=on;ftag=a1;dialog=6955b900364327b3ac742fcb>, "
	    "<sip:192.0.2.1;lr=on;ftag=a1;dialog=6955b900364327b3ac742fcb>\nVia: ");
	world_end(w);
}

static void a_strange_from_tag_stays_out(void)
{
	struct world *w = world_new();

	w->proxy.options.full_lr = false;
	w->record_route = true;
	w->uris[0] = "sip:b@203.0.113.1";
	send(w, ALICE,
	     "INVITE sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKf\n"
	     "From: <sip:a@x>;tag=`%zz\nTo: <sip:b@x>\nCall-ID: call@example.com\n"
	     "CSeq: 1 INVITE\n\n");
	TAKE(w, ALICE, "SIP/2.0 100");
	TAKE(w, BOB, "INVITE sip:b@203.0.113.1 SIP/2.0\nVia: ");
	HAS(w, "\nRecord-Route: <sip:192.0.2.1;lr;dialog=6955b9008339bb25c05dfb3e>\nVia: ");
	world_end(w);
}

/* Our Record-Route proves the dialog, to whoever has a To tag (proof_test has who may). */
static bool proven(const char *uri, const char *route, bool dialog)
{
	struct world *w = world_new();
	char request[1024];
	bool yes;

	snprintf(request, sizeof(request),
		 "BYE %s SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKr\n%s"
		 "From: <sip:alice@example.com>;tag=a1\nTo: <sip:bob@example.com>%s\n"
		 "Call-ID: call@example.com\nCSeq: 8 BYE\n\n",
		 uri, route, dialog ? ";tag=b1" : "");
	send(w, ALICE, request);
	yes = w->in_dialog;
	world_end(w);
	return yes;
}

static void our_record_route_proves_the_dialog(void)
{
	const char *uri = "sip:b@203.0.113.1",
		   *ours = "Route: <sip:192.0.2.1;lr;dialog=6955b900364327b3ac742fcb>\n";

	CHECK(proven(uri, ours, true));
	CHECK(!proven(uri, ours, false));
	CHECK(!proven(uri, "Route: <sip:192.0.2.1;lr>\n", true));
	CHECK(!proven(uri, "Route: <sip:192.0.2.1;lr;dialog=6955b900364327b3ac742fcc>\n", true));
	CHECK(!proven(uri, "Route: <sip:203.0.113.2;lr;dialog=6955b900364327b3ac742fcb>\n", true));
	CHECK(!proven(uri, "", true));
	/* A strict router sent us. */
	CHECK(proven("sip:192.0.2.1;lr;dialog=6955b900364327b3ac742fcb",
		     "Route: <sip:b@203.0.113.1>\n", true));
}

/* RFC 3327: what the registration came through, before what the request brought. */
static void a_path_becomes_a_route(void)
{
	struct world *w = world_new();

	w->uris[0] = "sip:b@10.0.0.1";
	w->paths[0] = "<sip:192.0.2.1;lr>,\r\n <sip:203.0.113.2;lr>,<sip:203.0.113.3;lr>";
	send(w, ALICE, OPTIONS);
	TAKE(w, CAROL, "OPTIONS sip:b@10.0.0.1 SIP/2.0\n");
	HAS(w, "\nRoute: <sip:203.0.113.2;lr>,<sip:203.0.113.3;lr>\n");
	world_end(w);
}

static void a_strict_path_is_obeyed(void)
{
	struct world *w = world_new();

	w->uris[0] = "sip:b@10.0.0.1";
	w->paths[0] = "<sip:203.0.113.2>,<sip:203.0.113.3;lr>";
	send(w, ALICE, OPTIONS);
	TAKE(w, CAROL, "OPTIONS sip:203.0.113.2 SIP/2.0\n");
	HAS(w, "\nRoute: <sip:203.0.113.3;lr>\nRoute: <sip:b@10.0.0.1>\n");
	world_end(w);
}

int main(void)
{
	TEST(requests_go_where_their_routes_say);
	TEST(our_domain_and_our_route_is_no_strict_router);
	TEST(asking_twice_gives_the_same_answer);
	TEST(thousands_of_our_routes_cost_little);
	TEST(a_bad_route_is_refused);
	TEST(our_maddr_is_stripped);
	TEST(a_foreign_maddr_is_where_it_goes);
	TEST(our_via_comes_first_then_record_route);
	TEST(our_record_route_proves_the_dialog);
	TEST(between_two_sockets_it_is_double);
	TEST(a_strange_from_tag_stays_out);
	TEST(a_path_becomes_a_route);
	TEST(a_strict_path_is_obeyed);
	return tap_done();
}
