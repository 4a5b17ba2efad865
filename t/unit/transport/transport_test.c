#include "tap.h"

#include "sim/sim.h"
#include "transport/transport.h"

#define US "192.0.2.1:5060"
#define US6 "[2001:db8::1]:5060"
#define ALICE "198.51.100.1:5062"
#define ALICE6 "[2001:db8::9]:5062"

#define REQUEST(vias)                                                         \
	"OPTIONS sip:bob@example.com SIP/2.0\r\n" vias "Max-Forwards: 70\r\n" \
	"From: <sip:alice@example.com>;tag=a1\r\n"                            \
	"To: <sip:bob@example.com>\r\n"                                       \
	"Call-ID: call@example.com\r\n"                                       \
	"CSeq: 7 OPTIONS\r\n"                                                 \
	"Content-Length: 0\r\n\r\n"

#define RESPONSE(vias)                                                       \
	"SIP/2.0 200 OK\r\n" vias "From: <sip:alice@example.com>;tag=a1\r\n" \
	"To: <sip:bob@example.com>;tag=b1\r\n"                               \
	"Call-ID: call@example.com\r\n"                                      \
	"CSeq: 7 OPTIONS\r\n"                                                \
	"Content-Length: 0\r\n\r\n"

struct rig {
	struct sim sim;
	struct transport transport;
	struct received *request, *response; /* the last ones */
	unsigned requests, responses, unreachables;
	char branch[100];
	char text[1000];
	unsigned resolved, n_addrs;
	struct addr addrs[8];
};

static void on_request(void *data, struct received *r)
{
	struct rig *rig = data;

	if (rig->request)
		received_free(rig->request);
	rig->request = r;
	rig->requests++;
}

static void on_response(void *data, struct received *r)
{
	struct rig *rig = data;

	if (rig->response)
		received_free(rig->response);
	rig->response = r;
	rig->responses++;
}

static void on_unreachable(void *data, struct slice branch)
{
	struct rig *rig = data;

	rig->unreachables++;
	snprintf(rig->branch, sizeof(rig->branch), "%.*s", SLICE_ARG(branch));
}

static void on_resolved(void *data, const struct addr *addrs, unsigned n)
{
	struct rig *rig = data;

	rig->resolved++;
	rig->n_addrs = n;
	for (unsigned i = 0; i < n; i++)
		rig->addrs[i] = addrs[i];
}

static void rig_listen(struct rig *rig, const char *const *listen, unsigned n,
		       const char *const *advertise)
{
	struct transport_user user = {rig, on_request, on_response, on_unreachable};

	memset(rig, 0, sizeof(*rig));
	CHECK_INT(sim_init(&rig->sim, 1, listen, n), 0);
	transport_init(&rig->transport, &rig->sim.env, &rig->sim.net, &user, advertise);
}

static void rig_open(struct rig *rig)
{
	static const char *const listen[] = {US, US6};

	rig_listen(rig, listen, 2, NULL);
}

static void rig_close(struct rig *rig)
{
	if (rig->request)
		received_free(rig->request);
	if (rig->response)
		received_free(rig->response);
	transport_free(&rig->transport);
	sim_free(&rig->sim);
}

static struct addr addr(const char *text)
{
	struct addr a;

	CHECK_INT(addr_parse_port(&a, slice_str(text)), 0);
	return a;
}

static const char *shown(struct rig *rig, const struct addr *a)
{
	addr_text(a, rig->text);
	return rig->text;
}

static void deliver(struct rig *rig, const char *from, const char *bytes)
{
	CHECK(sim_deliver(&rig->sim, from, from[0] == '[' ? US6 : US, slice_str(bytes)));
}

/* --- requests: received, rport, and where the response goes ------------------------------------
 */

struct via_row {
	const char *source;
	const char *via;     /* as sent */
	const char *top_via; /* as the response has it */
	const char *target;
};

/* RFC 3261 18.2.1 and 18.2.2, RFC 3581 4, RFC 5118 4.5. */
static const struct via_row via_rows[] = {
    /* sent-by is the source: nothing to add */
    {ALICE, "SIP/2.0/UDP 198.51.100.1:5062;branch=z9hG4bK1",
     "SIP/2.0/UDP 198.51.100.1:5062;branch=z9hG4bK1", "198.51.100.1:5062"},
    {ALICE, "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1", "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1",
     "198.51.100.1:5060"},
    /* a name, or an address behind a NAT */
    {ALICE, "SIP/2.0/UDP pc.example.com;branch=z9hG4bK1",
     "SIP/2.0/UDP pc.example.com;branch=z9hG4bK1;received=198.51.100.1", "198.51.100.1:5060"},
    {ALICE, "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1",
     "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;received=198.51.100.1", "198.51.100.1:5070"},
    /* rport */
    {ALICE, "SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1",
     "SIP/2.0/UDP 10.0.0.1:5070;rport=5062;branch=z9hG4bK1;received=198.51.100.1", ALICE},
    {ALICE, "SIP/2.0/UDP 198.51.100.1:5070;branch=z9hG4bK1;rport",
     "SIP/2.0/UDP 198.51.100.1:5070;branch=z9hG4bK1;rport=5062;received=198.51.100.1", ALICE},
    /* what the client claims is overwritten */
    {ALICE, "SIP/2.0/UDP 10.0.0.1;received=203.0.113.9;branch=z9hG4bK1",
     "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=198.51.100.1", "198.51.100.1:5060"},
    {ALICE, "SIP/2.0/UDP 198.51.100.1;received=203.0.113.9",
     "SIP/2.0/UDP 198.51.100.1;received=198.51.100.1", "198.51.100.1:5060"},
    {ALICE, "SIP/2.0/UDP 10.0.0.1;rport=9;branch=z9hG4bK1",
     "SIP/2.0/UDP 10.0.0.1;rport=5062;branch=z9hG4bK1;received=198.51.100.1", ALICE},
    /* maddr would send our responses to a third party */
    {ALICE, "SIP/2.0/UDP 198.51.100.1;maddr=203.0.113.9;ttl=1",
     "SIP/2.0/UDP 198.51.100.1;maddr=203.0.113.9;ttl=1", "198.51.100.1:5060"},
    /* all other bytes stay */
    {ALICE, "SIP / 2.0 / UDP  10.0.0.1 : 5070 ; RPORT ;branch = z9hG4bK1;x=\";rport;\"",
     "SIP / 2.0 / UDP  10.0.0.1 : 5070 ;rport=5062 ;branch = z9hG4bK1;x=\";rport;\""
     ";received=198.51.100.1",
     ALICE},
    {ALICE6, "SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK1",
     "SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK1", "[2001:db8::9]:5070"},
    {ALICE6, "SIP/2.0/UDP [2001:DB8:0:0::9];branch=z9hG4bK1",
     "SIP/2.0/UDP [2001:DB8:0:0::9];branch=z9hG4bK1", "[2001:db8::9]:5060"},
    {ALICE6, "SIP/2.0/UDP pc.example.com;rport;received=[2001:db8::5]",
     "SIP/2.0/UDP pc.example.com;rport=5062;received=2001:db8::9", ALICE6},
};

static void check_via_row(const struct via_row *row)
{
	struct rig rig;
	struct addr to;
	char request[1000];

	rig_open(&rig);
	snprintf(request, sizeof(request), REQUEST("Via: %s\r\n"), row->via);
	deliver(&rig, row->source, request);
	CHECK_INT(rig.requests, 1);
	CHECK_INT(rig.request->msg->fault.status, 0);
	CHECK_SLICE(rig.request->top_via, row->top_via);
	to = transport_response_target(rig.request);
	CHECK_STR(shown(&rig, &to), row->target);
	CHECK_SLICE(rig.request->msg->raw, request);
	rig_close(&rig);
}

static void requests_show_where_they_came_from(void)
{
	for (unsigned i = 0; i < sizeof(via_rows) / sizeof(via_rows[0]); i++)
		check_via_row(&via_rows[i]);
}

/* A scope means something on this machine only. */
static void scopes_are_shown_to_nobody(void)
{
	static const char *const listen[] = {"[fe80::1%3]:5060"};
	struct rig rig;
	struct addr to;

	rig_listen(&rig, listen, 1, NULL);
	sim_deliver(&rig.sim, "[fe80::9%3]:5062", "[fe80::1%3]:5060",
		    SLICE(REQUEST("Via: SIP/2.0/UDP pc.example.com;rport\r\n")));
	CHECK_SLICE(rig.request->top_via, "SIP/2.0/UDP pc.example.com;rport=5062;received=fe80::9");
	to = transport_response_target(rig.request);
	CHECK_STR(shown(&rig, &to), "[fe80::9%3]:5062");
	CHECK_STR(rig.transport.points[0].host, "[fe80::1]");
	CHECK_SLICE(buf_slice(&rig.transport.points[0].uri), "sip:[fe80::1]");
	CHECK_SLICE(buf_slice(&rig.transport.points[0].name), "udp:[fe80::1%3]:5060");
	rig_close(&rig);
}

static void only_the_top_via_is_touched(void)
{
	struct rig rig;

	rig_open(&rig);
	deliver(&rig, ALICE,
		REQUEST("v: SIP/2.0/UDP a.example.com;rport, SIP/2.0/UDP b.example.com;rport\r\n"));
	CHECK_SLICE(rig.request->top_via,
		    "SIP/2.0/UDP a.example.com;rport=5062;received=198.51.100.1");
	rig_close(&rig);
}

/* RFC 4475 3.1.2.1: "As the top Via is damaged, reply goes to source address/port". */
static void without_a_usable_via_the_response_goes_to_the_source(void)
{
	static const char *const requests[] = {
	    REQUEST(""),
	    REQUEST("Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n"),
	    REQUEST("Via: SIP/2.0/UDP host.example.com:99999;branch=z9hG4bK1\r\n"),
	};

	for (unsigned i = 0; i < 3; i++) {
		struct rig rig;
		struct addr to;

		rig_open(&rig);
		deliver(&rig, ALICE, requests[i]);
		CHECK_INT(rig.requests, 1);
		CHECK_INT(rig.request->msg->fault.status, 400);
		CHECK(rig.request->top_via.p == NULL);
		to = transport_response_target(rig.request);
		CHECK_STR(shown(&rig, &to), ALICE);
		rig_close(&rig);
	}
}

static void responses_leave_from_the_socket_of_the_request(void)
{
	struct rig rig;
	struct sim_packet *p;

	rig_open(&rig);
	deliver(&rig, ALICE6, REQUEST("Via: SIP/2.0/UDP pc.example.com;rport\r\n"));
	CHECK_INT(rig.request->socket, 1);
	CHECK_STR(shown(&rig, &rig.request->local), US6);
	transport_respond(&rig.transport, rig.request, SLICE("SIP/2.0 200 OK"));
	p = sim_take(&rig.sim);
	CHECK_INT(p->socket, 1);
	CHECK_STR(shown(&rig, &p->to), ALICE6);
	CHECK_SLICE(p->bytes, "SIP/2.0 200 OK");
	sim_packet_free(p);
	rig_close(&rig);
}

/* --- what is dropped ---------------------------------------------------------------------------
 */

static void keep_alives_are_not_worth_a_word(void)
{
	static const struct slice keep_alives[] = {
	    {"", 0},
	    {"\r\n", 2},
	    {"\r\n\r\n", 4},
	    {"\0\0\0\0", 4},
	    {"\0\1\0\0!\x12\xa4"
	     "Bxx",
	     10},
	};
	struct rig rig;

	rig_open(&rig);
	for (unsigned i = 0; i < 5; i++)
		sim_deliver(&rig.sim, ALICE, US, keep_alives[i]);
	CHECK_INT(rig.requests + rig.responses, 0);
	CHECK_INT(rig.transport.counters.received, 0);
	CHECK_INT(rig.sim.log_text.n, 0);
	rig_close(&rig);
}

static void what_is_no_sip_is_counted_and_dropped(void)
{
	static const char *const bad[] = {
	    "GET / HTTP/1.1\r\n\r\n",
	    "hello",
	    "OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1",
	};
	struct rig rig;

	rig_open(&rig);
	for (unsigned i = 0; i < 3; i++)
		deliver(&rig, ALICE, bad[i]);
	CHECK_INT(rig.requests + rig.responses, 0);
	CHECK_INT(rig.transport.counters.received, 3);
	CHECK_INT(rig.transport.counters.received_bad, 3);
	CHECK(list_empty(&rig.sim.sent));
	rig_close(&rig);
}

static void a_request_without_an_end_can_be_answered(void)
{
	struct rig rig;

	rig_open(&rig);
	deliver(&rig, ALICE,
		"OPTIONS sip:bob@example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1\r\n");
	CHECK_INT(rig.requests, 1);
	rig_close(&rig);
}

static void bad_bytes_cannot_forge_a_log_line(void)
{
	struct rig rig;

	rig_open(&rig);
	deliver(&rig, ALICE, "x\nerror: all is lost\x1b[2J");
	CHECK_SLICE(buf_slice(&rig.sim.log_text),
		    "debug: dropped 24 bytes from 198.51.100.1:5062: not a SIP message: "
		    "x\\x0aerror: all is lost\\x1b[2J\n");
	rig_close(&rig);
}

static void nobody_can_be_answered_at_port_0(void)
{
	struct rig rig;

	rig_open(&rig);
	deliver(&rig, "198.51.100.1:0", REQUEST("Via: SIP/2.0/UDP 198.51.100.1;rport\r\n"));
	CHECK_INT(rig.requests, 0);
	CHECK_INT(rig.transport.counters.received_bad, 1);
	rig_close(&rig);
}

/* --- responses ---------------------------------------------------------------------------------
 */

static void responses_with_our_via_come_in(void)
{
	struct rig rig;

	rig_open(&rig);
	deliver(&rig, ALICE, RESPONSE("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"));
	deliver(&rig, ALICE, RESPONSE("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"));
	deliver(&rig, ALICE6,
		RESPONSE("Via: SIP/2.0/UDP [2001:DB8:0::1]:5060;branch=z9hG4bK1\r\n"));
	CHECK_INT(rig.responses, 3);
	CHECK(rig.response->top_via.p == NULL);
	rig_close(&rig);
}

/* RFC 3261 18.1.2; the old system forwarded them by their second Via. */
static void responses_with_a_foreign_via_are_dropped(void)
{
	struct rig rig;

	rig_open(&rig);
	deliver(&rig, ALICE,
		RESPONSE("Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK1\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2\r\n"));
	deliver(&rig, ALICE, RESPONSE("Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK1\r\n"));
	CHECK_INT(rig.responses, 0);
	CHECK_INT(rig.transport.counters.responses_stray, 2);
	rig_close(&rig);
}

static void faulty_responses_are_dropped(void)
{
	struct rig rig;

	rig_open(&rig);
	deliver(&rig, ALICE, RESPONSE(""));
	deliver(&rig, ALICE,
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n\r\n");
	CHECK_INT(rig.responses, 0);
	CHECK_INT(rig.transport.counters.received_bad, 2);
	rig_close(&rig);
}

/* --- ICMP errors -------------------------------------------------------------------------------
 */

/* What a request of ours begins with; the Via line ends at the second line break. */
#define OURS                                                           \
	"INVITE sip:bob@203.0.113.1 SIP/2.0\r\n"                       \
	"Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKours\r\n" \
	"Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKalice\r\n"   \
	"Max-Forwards: 69\r\n"

static void quote(struct rig *rig, struct slice quoted)
{
	struct addr to = addr("203.0.113.1:5060");

	rig->sim.net.user.unreachable(rig->sim.net.user.data, 0, &to, quoted);
}

/* Cut at every byte: no branch as long as the Via line is not whole, then that one. */
static void a_quoted_request_names_its_branch(void)
{
	struct slice whole = SLICE(OURS);
	size_t via_end = (size_t)(strstr(OURS, "\r\nVia: SIP/2.0/UDP 198") + 2 - OURS);
	struct rig rig;

	rig_open(&rig);
	for (size_t n = 0; n <= whole.n; n++) {
		rig.unreachables = 0;
		quote(&rig, slice_of(whole.p, n));
		CHECK_INT(rig.unreachables, n >= via_end);
		if (rig.unreachables)
			CHECK_STR(rig.branch, "z9hG4bKours");
	}
	rig_close(&rig);
}

static void other_quotes_mean_nothing(void)
{
	static const char *const quotes[] = {
	    RESPONSE("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKours\r\n"),
	    REQUEST("Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKtheirs\r\n"),
	    REQUEST("Via: SIP/2.0/UDP 192.0.2.1:5060\r\n"),
	    REQUEST("Via: nonsense\r\n"),
	    REQUEST("Via\r\n: x\r\n"),
	    REQUEST("V ia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKours\r\n"),
	    "\n\n\n",
	};
	struct rig rig;

	rig_open(&rig);
	for (unsigned i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		quote(&rig, slice_str(quotes[i]));
	CHECK_INT(rig.unreachables, 0);
	rig_close(&rig);
}

static void a_request_we_sent_is_found_again(void)
{
	struct rig rig;
	struct addr to = addr("[2001:db8::9]:5060");
	struct sim_packet *p;
	struct buf out;

	rig_open(&rig);
	buf_init(&out, 1000);
	buf_puts(&out, "OPTIONS sip:bob@[2001:db8::9] SIP/2.0\r\n");
	transport_via(&rig.transport, 1, SLICE("z9hG4bKsix"), &out);
	transport_send(&rig.transport, 1, &to, buf_slice(&out));
	p = sim_take(&rig.sim);
	sim_unreachable(&rig.sim, p);
	CHECK_STR(rig.branch, "z9hG4bKsix");
	sim_packet_free(p);
	buf_free(&out);
	rig_close(&rig);
}

/* --- names and sockets -------------------------------------------------------------------------
 */

static const char *via_of(struct rig *rig, unsigned socket)
{
	struct buf out;

	buf_init(&out, 1000);
	transport_via(&rig->transport, socket, SLICE("z9hG4bK1"), &out);
	snprintf(rig->text, sizeof(rig->text), "%.*s", SLICE_ARG(buf_slice(&out)));
	buf_free(&out);
	return rig->text;
}

static void our_via_names_the_socket(void)
{
	struct rig rig;

	rig_open(&rig);
	CHECK_STR(via_of(&rig, 0), "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1\r\n");
	CHECK_STR(via_of(&rig, 1), "Via: SIP/2.0/UDP [2001:db8::1]:5060;rport;branch=z9hG4bK1\r\n");
	rig_close(&rig);
}

static void our_via_names_what_is_advertised(void)
{
	static const char *const listen[] = {"10.0.0.1:5070", "10.0.0.1:5080", "10.0.0.1:5090"};
	static const char *const advertise[] = {"sip.example.org", "203.0.113.1:5060",
						"2001:db8::7"};
	struct rig rig;

	rig_listen(&rig, listen, 3, advertise);
	CHECK_STR(via_of(&rig, 0),
		  "Via: SIP/2.0/UDP sip.example.org:5070;rport;branch=z9hG4bK1\r\n");
	CHECK_STR(via_of(&rig, 1), "Via: SIP/2.0/UDP 203.0.113.1:5060;rport;branch=z9hG4bK1\r\n");
	CHECK_STR(via_of(&rig, 2), "Via: SIP/2.0/UDP [2001:db8::7]:5090;rport;branch=z9hG4bK1\r\n");
	CHECK(transport_is_ours(&rig.transport, SLICE("SIP.example.org"), 5070));
	CHECK(transport_is_ours(&rig.transport, SLICE("203.0.113.1"), 5060));
	CHECK(transport_is_ours(&rig.transport, SLICE("[2001:DB8:0::7]"), 5090));
	CHECK(transport_is_ours(&rig.transport, SLICE("10.0.0.1"), 5080));
	CHECK(!transport_is_ours(&rig.transport, SLICE("sip.example.org"), 5060));
	rig_close(&rig);
}

static void knows_its_own_addresses(void)
{
	struct rig rig;
	const struct transport *t = &rig.transport;

	rig_open(&rig);
	CHECK(transport_is_ours(t, SLICE("192.0.2.1"), 5060));
	CHECK(transport_is_ours(t, SLICE("192.0.2.1"), 0));
	CHECK(transport_is_ours(t, SLICE("[::ffff:192.0.2.1]"), 5060));
	CHECK(transport_is_ours(t, SLICE("[2001:db8::1]"), 0));
	CHECK(transport_is_ours(t, SLICE("2001:db8::1"), 5060));
	CHECK(!transport_is_ours(t, SLICE("192.0.2.1"), 5061));
	CHECK(!transport_is_ours(t, SLICE("192.0.2.2"), 5060));
	CHECK(!transport_is_ours(t, SLICE("example.org"), 5060));
	CHECK(!transport_is_ours(t, SLICE_NULL, 0));
	rig_close(&rig);
}

static int socket_for(struct rig *rig, const char *to, unsigned preferred)
{
	struct addr a = addr(to);

	return transport_socket_for(&rig->transport, &a, preferred);
}

static void picks_a_socket_that_reaches(void)
{
	static const char *const listen[] = {"127.0.0.1:5060", "192.0.2.1:5060", "192.0.2.2:5060",
					     "[::1]:5060"};
	struct rig rig;

	rig_listen(&rig, listen, 4, NULL);
	CHECK_INT(socket_for(&rig, "198.51.100.1:5060", 2), 2);
	CHECK_INT(socket_for(&rig, "198.51.100.1:5060", 0), 1);
	CHECK_INT(socket_for(&rig, "198.51.100.1:5060", 3), 1);
	CHECK_INT(socket_for(&rig, "127.0.0.2:5060", 1), 0);
	CHECK_INT(socket_for(&rig, "[::1]:5080", 0), 3);
	CHECK_INT(socket_for(&rig, "[2001:db8::9]:5060", 0), 3);
	rig_close(&rig);
	rig_listen(&rig, listen, 1, NULL);
	CHECK_INT(socket_for(&rig, "198.51.100.1:5060", 7), 0);
	CHECK_INT(socket_for(&rig, "[::1]:5060", 0), -1);
	rig_close(&rig);
}

static void sends_to_one_receiver_only(void)
{
	static const char *const none[] = {"255.255.255.255:5060", "224.0.1.75:5060",
					   "0.0.0.0:5060", "198.51.100.1:0"};
	struct rig rig;

	rig_open(&rig);
	for (unsigned i = 0; i < 4; i++) {
		struct addr to = addr(none[i]);

		transport_send(&rig.transport, 0, &to, SLICE("OPTIONS"));
	}
	CHECK(sim_take(&rig.sim) == NULL);
	CHECK_INT(rig.transport.counters.sent, 0);
	CHECK(strstr(rig.sim.log_text.p, "224.0.1.75:5060"));
	rig_close(&rig);
}

/* --- next hops ---------------------------------------------------------------------------------
 */

static void resolve(struct rig *rig, const char *text)
{
	struct uri uri;

	CHECK_INT(uri_parse(&uri, slice_str(text)), URI_OK);
	rig->n_addrs = 99;
	transport_resolve(&rig->transport, &uri, rig, on_resolved);
}

/* All addresses, separated by blanks. */
static const char *targets(struct rig *rig, const char *uri)
{
	static char all[400];

	resolve(rig, uri);
	all[0] = '\0';
	for (unsigned i = 0; i < rig->n_addrs && rig->n_addrs <= 8; i++) {
		strcat(all, i ? " " : "");
		strcat(all, shown(rig, &rig->addrs[i]));
	}
	return all;
}

static void next_hops_are_resolved(void)
{
	struct rig rig;

	rig_open(&rig);
	sim_host(&rig.sim, "example.org", "198.51.100.7");
	sim_host(&rig.sim, "example.org", "2001:db8::7");
	sim_host(&rig.sim, "evil.example.org", "224.0.0.1");
	CHECK_STR(targets(&rig, "sip:bob@198.51.100.1"), "198.51.100.1:5060");
	CHECK_STR(targets(&rig, "sip:bob@198.51.100.1:5070"), "198.51.100.1:5070");
	CHECK_STR(targets(&rig, "sip:[2001:db8::9]:5070"), "[2001:db8::9]:5070");
	CHECK_STR(targets(&rig, "sip:[::ffff:198.51.100.1]"), "198.51.100.1:5060");
	CHECK_STR(targets(&rig, "sip:bob@198.51.100.1;transport=UDP"), "198.51.100.1:5060");
	CHECK_STR(targets(&rig, "sip:bob@example.com;maddr=198.51.100.9"), "198.51.100.9:5060");
	CHECK_STR(targets(&rig, "sip:bob@example.org:5080"),
		  "198.51.100.7:5080 [2001:db8::7]:5080");
	CHECK_STR(targets(&rig, "sip:nowhere.example.org"), "");
	CHECK_STR(targets(&rig, "sip:evil.example.org"), "");
	CHECK_INT(rig.resolved, 9);
	rig_close(&rig);
}

static void what_we_cannot_reach_has_no_address(void)
{
	static const char *const listen[] = {US};
	struct rig rig;

	rig_listen(&rig, listen, 1, NULL);
	sim_host(&rig.sim, "example.org", "2001:db8::7");
	sim_host(&rig.sim, "example.org", "198.51.100.7");
	CHECK_STR(targets(&rig, "sip:bob@198.51.100.1;transport=tcp"), "");
	CHECK_STR(targets(&rig, "sips:bob@198.51.100.1"), "");
	CHECK_STR(targets(&rig, "tel:+358555"), "");
	CHECK_STR(targets(&rig, "sip:bob@224.0.1.75"), "");
	CHECK_STR(targets(&rig, "sip:bob@example.com;maddr=255.255.255.255"), "");
	CHECK_STR(targets(&rig, "sip:[2001:db8::9]"), "");
	CHECK_STR(targets(&rig, "sip:bob@example.org"), "198.51.100.7:5060");
	rig_close(&rig);
}

/* "010.1" is 8.0.0.1 to a resolver. */
static void numbers_are_not_asked_of_the_resolver(void)
{
	struct slice host = SLICE("010.1");
	struct uri uri = {.scheme = URI_SIP, .host = host, .params = {"", 0}};
	struct rig rig;

	rig_open(&rig);
	sim_host(&rig.sim, "010.1", "198.51.100.7");
	transport_resolve(&rig.transport, &uri, &rig, on_resolved);
	CHECK_INT(rig.resolved, 1);
	CHECK_INT(rig.n_addrs, 0);
	rig_close(&rig);
}

static void names_may_take_their_time(void)
{
	struct rig rig;

	rig_open(&rig);
	sim_host(&rig.sim, "example.org", "198.51.100.7");
	rig.sim.resolve_delay_ms = 100;
	resolve(&rig, "sip:example.org:5070");
	CHECK_INT(rig.resolved, 0);
	sim_advance(&rig.sim, 100);
	CHECK_INT(rig.resolved, 1);
	CHECK_STR(shown(&rig, &rig.addrs[0]), "198.51.100.7:5070");
	rig_close(&rig);
}

static void nobody_is_told_after_the_end(void)
{
	struct rig rig;

	rig_open(&rig);
	rig.sim.resolve_delay_ms = 100;
	resolve(&rig, "sip:example.org");
	rig_close(&rig);
	CHECK_INT(rig.resolved, 0);
}

/* --- trace ------------------------------------------------------------------------------------ */

struct told {
	unsigned n;
	char last[200];
};

static void on_told(void *data, const struct addr *from, const struct addr *to, struct slice bytes)
{
	struct told *told = data;
	char source[ADDR_TEXT], target[ADDR_TEXT];

	addr_text(from, source);
	addr_text(to, target);
	told->n++;
	snprintf(told->last, sizeof(told->last), "%s %s %.12s", source, target, bytes.p);
}

static void a_trace_is_told_all_that_comes_and_goes(void)
{
	struct told told = {0};
	struct addr alice = addr(ALICE);
	struct rig rig;

	rig_open(&rig);
	rig.transport.trace = (struct transport_trace){&told, on_told};
	deliver(&rig, ALICE, REQUEST("Via: SIP/2.0/UDP 198.51.100.1:5062;branch=z9hG4bK1\r\n"));
	CHECK_STR(told.last, ALICE " " US " OPTIONS sip:");
	transport_send(&rig.transport, 0, &alice, SLICE("SIP/2.0 200 OK\r\n"));
	CHECK_STR(told.last, US " " ALICE " SIP/2.0 200 ");
	deliver(&rig, ALICE, "nothing of SIP");
	CHECK_STR(told.last, ALICE " " US " nothing of S");
	CHECK_INT(told.n, 3);
	rig_close(&rig);
}

static void a_trace_is_told_once_of_what_we_send_ourselves(void)
{
	struct told told = {0};
	struct addr us = addr(US);
	struct rig rig;

	rig_open(&rig);
	rig.transport.trace = (struct transport_trace){&told, on_told};
	transport_send(&rig.transport, 0, &us, SLICE("OPTIONS sip:a@b SIP/2.0\r\n"));
	deliver(&rig, US, REQUEST("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"));
	CHECK_INT(rig.requests, 1);
	CHECK_INT(told.n, 1);
	rig_close(&rig);
}

static void a_trace_is_not_told_of_keep_alives(void)
{
	struct told told = {0};
	struct rig rig;

	rig_open(&rig);
	rig.transport.trace = (struct transport_trace){&told, on_told};
	deliver(&rig, ALICE, "\r\n\r\n");
	CHECK_INT(told.n, 0);
	rig_close(&rig);
}

int main(void)
{
	TEST(requests_show_where_they_came_from);
	TEST(scopes_are_shown_to_nobody);
	TEST(only_the_top_via_is_touched);
	TEST(without_a_usable_via_the_response_goes_to_the_source);
	TEST(responses_leave_from_the_socket_of_the_request);
	TEST(keep_alives_are_not_worth_a_word);
	TEST(what_is_no_sip_is_counted_and_dropped);
	TEST(a_request_without_an_end_can_be_answered);
	TEST(bad_bytes_cannot_forge_a_log_line);
	TEST(nobody_can_be_answered_at_port_0);
	TEST(responses_with_our_via_come_in);
	TEST(responses_with_a_foreign_via_are_dropped);
	TEST(faulty_responses_are_dropped);
	TEST(a_quoted_request_names_its_branch);
	TEST(other_quotes_mean_nothing);
	TEST(a_request_we_sent_is_found_again);
	TEST(our_via_names_the_socket);
	TEST(our_via_names_what_is_advertised);
	TEST(knows_its_own_addresses);
	TEST(picks_a_socket_that_reaches);
	TEST(sends_to_one_receiver_only);
	TEST(next_hops_are_resolved);
	TEST(what_we_cannot_reach_has_no_address);
	TEST(numbers_are_not_asked_of_the_resolver);
	TEST(names_may_take_their_time);
	TEST(nobody_is_told_after_the_end);
	TEST(a_trace_is_told_all_that_comes_and_goes);
	TEST(a_trace_is_told_once_of_what_we_send_ourselves);
	TEST(a_trace_is_not_told_of_keep_alives);
	return tap_done();
}
