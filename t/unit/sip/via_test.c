#include "sip/via.h"

#include "tap.h"

static struct via parse(const char *text)
{
	struct via v;
	CHECK(via_parse(&v, slice_str(text)) == 0);
	return v;
}

static void all_parts(void)
{
	struct via v = parse("SIP/2.0/UDP a.example.com:5070;branch=z9hG4bK1;rport=1024;"
			     "received=192.0.2.1;maddr=224.2.0.1;ttl=1;x");
	CHECK_SLICE(v.transport, "UDP");
	CHECK_SLICE(v.host, "a.example.com");
	CHECK_INT(v.port, 5070);
	CHECK_SLICE(v.branch, "z9hG4bK1");
	CHECK_SLICE(v.received, "192.0.2.1");
	CHECK_SLICE(v.maddr, "224.2.0.1");
	CHECK(v.rport);
	CHECK_INT(v.rport_value, 1024);
	CHECK(via_has_cookie(&v));
}

static void few_parts(void)
{
	struct via v = parse("SIP/2.0/UDP iftgw.example.com");
	CHECK(!v.branch.p && !v.received.p && !v.maddr.p && !v.rport && v.params.n == 0);
	CHECK_INT(v.port, 0);
	CHECK_INT(via_port(&v), 5060);
	v = parse("SIP/2.0/TLS h");
	CHECK_INT(via_port(&v), 5061);
	v = parse("SIP/2.0/UDP h;rport");
	CHECK(v.rport && v.rport_value == 0);
}

/* RFC 4475 3.1.1.1. */
static void white_space(void)
{
	struct via v = parse(
	    "SIP  /    2.0\r\n / UDP\r\n  192.168.255.111 : 5062  ; branch=\r\n z9hG4bK30239");
	CHECK_SLICE(v.transport, "UDP");
	CHECK_SLICE(v.host, "192.168.255.111");
	CHECK_INT(v.port, 5062);
	CHECK_SLICE(v.branch, "z9hG4bK30239");
}

static void ip6(void)
{
	struct via v =
	    parse("SIP/2.0/UDP [2001:db8::9:1]:6050;received=2001:db8::9:255;branch=z9hG4bKas3");
	CHECK_SLICE(v.host, "[2001:db8::9:1]");
	CHECK_INT(v.port, 6050);
	CHECK_SLICE(v.received, "2001:db8::9:255");
	CHECK_SLICE(v.branch, "z9hG4bKas3");
	v = parse("SIP/2.0/UDP [::ffff:192.0.2.10];received=[2001:db8::9:255]");
	CHECK_SLICE(v.received, "[2001:db8::9:255]");
}

static void cookies(void)
{
	struct via v = parse("SIP/2.0/UDP h;branch=z9hG4bK");
	CHECK(!via_has_cookie(&v));
	v = parse("SIP/2.0/UDP h;branch=390skdjuw");
	CHECK(!via_has_cookie(&v));
	v = parse("SIP/2.0/UDP h;branch=Z9HG4BKx");
	CHECK(!via_has_cookie(&v));
	v = parse("SIP/2.0/UDP h");
	CHECK(!via_has_cookie(&v));
}

static void refuses(void)
{
	static const char *const bad[] = {
	    "",
	    "SIP/2.0/UDP",
	    "SIP/2.0/UDP ",
	    "SIP/2.0 UDP h",
	    "SIP/2.0/UDP:h",
	    "HTTP/2.0/UDP h",
	    "/2.0/UDP h",
	    "SIP/2.0/UDP h:",
	    "SIP/2.0/UDP h:0",
	    "SIP/2.0/UDP h:65536",
	    "SIP/2.0/UDP h:5060x",
	    "SIP/2.0/UDP h x",
	    "SIP/2.0/UDP 192.0.2.15;;,;,,",
	    "SIP/2.0/UDP [::1",
	    "SIP/2.0/UDP []",
	    "SIP/2.0/UDP ::1",
	    "SIP/2.0/UDP h;branch",
	    "SIP/2.0/UDP h;branch=",
	    "SIP/2.0/UDP h;branch=a;branch=b",
	    "SIP/2.0/UDP h;received=1.2.3.4;received=1.2.3.5",
	    "SIP/2.0/UDP h;rport;rport=1",
	    "SIP/2.0/UDP h;rport=x",
	    "SIP/2.0/UDP h;rport=65536",
	};
	struct via v;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(via_parse(&v, slice_str(bad[i])) < 0);
		if (via_parse(&v, slice_str(bad[i])) == 0)
			printf("# parses: %s\n", bad[i]);
	}
}

int main(void)
{
	TEST(all_parts);
	TEST(few_parts);
	TEST(white_space);
	TEST(ip6);
	TEST(cookies);
	TEST(refuses);
	return tap_done();
}
