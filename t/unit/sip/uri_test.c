#include "sip/uri.h"

#include "tap.h"

#include <stdlib.h>

static struct uri parse(const char *text)
{
	struct uri u;
	if (uri_parse(&u, slice_str(text)) != URI_OK) {
		printf("# does not parse: %s\n", text);
		tap_test_failed++;
	}
	return u;
}

static bool parses(const char *text)
{
	struct uri u;
	return uri_parse(&u, slice_str(text)) == URI_OK;
}

static void all_parts(void)
{
	struct uri u =
	    parse("sips:al%20ice:se=cret@example.com:5071;transport=tcp;lr?subject=x&to=y");
	CHECK_INT(u.scheme, URI_SIPS);
	CHECK_SLICE(u.scheme_text, "sips");
	CHECK_SLICE(u.user, "al%20ice");
	CHECK_SLICE(u.password, "se=cret");
	CHECK_SLICE(u.host, "example.com");
	CHECK_INT(u.port, 5071);
	CHECK_SLICE(u.params, ";transport=tcp;lr");
	CHECK_SLICE(u.headers, "subject=x&to=y");
}

static void few_parts(void)
{
	struct uri u = parse("sip:example.com");
	CHECK(u.user.p == NULL && u.password.p == NULL && u.headers.p == NULL);
	CHECK_INT(u.params.n, 0);
	CHECK_INT(u.port, 0);
	CHECK_INT(uri_port(&u), 5060);
	u = parse("SIPS:example.com");
	CHECK(uri_is_sip(&u));
	CHECK_INT(uri_port(&u), 5061);
	u = parse("sip:bob@10.0.0.1:5062");
	CHECK_INT(uri_port(&u), 5062);
}

/* RFC 4475 3.1.1.1, 3.1.1.2 and 3.1.1.9. */
static void unusual_users(void)
{
	struct uri u = parse("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:"
			     "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com");
	CHECK_SLICE(u.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
	CHECK_SLICE(u.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
	u = parse("sip:user;par=u%40example.net@example.com");
	CHECK_SLICE(u.user, "user;par=u%40example.net");
	CHECK_INT(u.params.n, 0);
	u = parse("sip:sips%3Auser%40example.com@example.net");
	CHECK_SLICE(u.user, "sips%3Auser%40example.com");
	CHECK_SLICE(u.host, "example.net");
	parse("sip:%00@host5.example.com");
}

/* RFC 5118 4.1 to 4.4 and 4.10. */
static void ip6(void)
{
	struct uri u = parse("sip:[2001:db8::10]");
	CHECK_SLICE(u.host, "[2001:db8::10]");
	CHECK(!parses("sip:2001:db8::10"));
	u = parse("sip:[2001:db8::10:5070]");
	CHECK_INT(u.port, 0);
	u = parse("sip:user@[2001:db8::10]:5070;transport=udp");
	CHECK_SLICE(u.host, "[2001:db8::10]");
	CHECK_INT(u.port, 5070);
	parse("sip:user@[2001:db8:::192.0.2.1]");
	parse("sip:ted@[::ffff:192.0.2.2]");
	CHECK(!parses("sip:[2001:db8::10"));
	CHECK(!parses("sip:[]"));
	CHECK(!parses("sip:[::1%eth0]"));
	CHECK(!parses("sip:[1:2:3:4:5:6:7:8:9]"));
	CHECK(!parses("sip:[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]"));
	CHECK(!parses("sip:[::1]x"));
}

static void refuses(void)
{
	static const char *const bad[] = {
	    "",
	    "sip",
	    ":x",
	    "1sip:x",
	    "sip:",
	    "sip:@host",
	    "sip:a@",
	    "sip:a@b@c",
	    "sip:a b@c",
	    "sip:a@b c",
	    "<sip:a@b>",
	    "sip:a<b@c",
	    "sip:a\"b@c",
	    "sip:a@b:",
	    "sip:a@b:0",
	    "sip:a@b:x",
	    "sip:a@b:65536",
	    "sip:a@b:99999",
	    "sip:a@b:4294967297",
	    "sip:a@b;",
	    "sip:a@b;;x",
	    "sip:a@b;x;",
	    "sip:a@b;=x",
	    "sip:a@b;x;=",
	    "sip:a@b;x y",
	    "sip:a%4@b",
	    "sip:a%zz@b",
	    "sip:a@b;p=%2",
	    "sip:a@b/c",
	    "sip:a#b@c",
	    "sip:a[@c",
	    "sip:\xc3\xb6@c",
	    "sip:a@b\r\nX: y",
	    "tel:",
	    "http://a b",
	    "isbn:<1>",
	    "sip:a@b?x=\"y\"",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(!parses(bad[i]));
		if (parses(bad[i]))
			printf("# parses: %s\n", bad[i]);
	}
	struct uri u;
	CHECK(uri_parse(&u, SLICE("sip:a\0b@c")) == URI_MALFORMED);
	CHECK(uri_parse(&u, SLICE("sip:a@[::1\0]")) == URI_MALFORMED);
}

static void other_schemes(void)
{
	struct uri u = parse("tel:+1-201-555-0123;ext=7");
	CHECK_INT(u.scheme, URI_TEL);
	CHECK_SLICE(u.opaque, "+1-201-555-0123;ext=7");
	u = parse("soap.beep://192.0.2.103:3002");
	CHECK_INT(u.scheme, URI_OTHER);
	CHECK_SLICE(u.scheme_text, "soap.beep");
	CHECK(!uri_is_sip(&u));
	parse("nobodyKnowsThisScheme:totallyopaquecontent");
}

static void params(void)
{
	struct uri u = parse("sip:x;transport=TCP;lr");
	struct slice value;
	CHECK(uri_param(&u, SLICE("Transport"), &value));
	CHECK_SLICE(value, "TCP");
	CHECK(uri_param(&u, SLICE("lr"), &value) && value.p == NULL);
	CHECK(!uri_param(&u, SLICE("maddr"), &value));
	u = parse("sip:x;transporter=a;ttl=;LR=on=1;trans=b?h=;lr2=c");
	CHECK(!uri_param(&u, SLICE("transport"), &value) && !uri_param(&u, SLICE("lr2"), &value));
	CHECK(uri_param(&u, SLICE("ttl"), &value) && value.p && value.n == 0);
	CHECK(uri_param(&u, SLICE("lr"), &value));
	CHECK_SLICE(value, "on=1");
}

/* ---- RFC 3261 19.1.4 ---- */

static void equal_is(const char *x, const char *y, bool expected)
{
	struct uri a = parse(x), b = parse(y);
	if (uri_equal(&a, &b) != expected || uri_equal(&b, &a) != expected) {
		printf("# %s and %s\n", x, y);
		tap_test_failed++;
	}
}

static void rfc_examples_that_are_equal(void)
{
	equal_is("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp",
		 true);
	equal_is("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true);
	equal_is("sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true);
	equal_is("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true);
	equal_is("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		 "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true);
	equal_is("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		 "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true);
	equal_is("sip:carol@chicago.com;security=off", "sip:carol@chicago.com", true);
}

static void rfc_examples_that_differ(void)
{
	equal_is("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP",
		 false);
	equal_is("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false);
	equal_is("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false);
	equal_is("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false);
	equal_is("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false);
	equal_is("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false);
	equal_is("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false);
}

static void the_other_rules(void)
{
	equal_is("sip:a@b", "sips:a@b", false);
	equal_is("sip:a@b", "sip:b", false);
	equal_is("sip:a:p@b", "sip:a@b", false);
	equal_is("sip:a:p@b", "sip:a:P@b", false);
	equal_is("sip:a@b;user=phone", "sip:a@b", false);
	equal_is("sip:a@b;ttl=1", "sip:a@b", false);
	equal_is("sip:a@b;method=INVITE", "sip:a@b", false);
	equal_is("sip:a@b;maddr=1.2.3.4", "sip:a@b", false);
	equal_is("sip:a@b;lr", "sip:a@b;lr=on", false);
	equal_is("sip:a%40c@b", "sip:a%40C@b", false);
	equal_is("sip:a%3bc@b", "sip:a%3Bc@b", true); /* hex in either case */
	equal_is("sip:a%3Bc@b", "sip:a;c@b", false);  /* ';' is reserved */
	equal_is("sip:a%2541@b", "sip:aA@b", false);  /* one escape is one escape */
	equal_is("sip:a%00@b", "sip:a%00%00@b", false);
	equal_is("sip:a@b;%6eew=5", "sip:a@b;new=6", false);
	equal_is("sip:a@b?x=1&x=1", "sip:a@b?x=1", true);
	equal_is("sip:a@b?x=1", "sip:a@b?x=2", false);
	equal_is("sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0:0::1]", true);
	equal_is("sip:a@b;x=1;x=2", "sip:a@b;x=1;x=2", true); /* equal to itself at least */
	equal_is("tel:+1", "TEL:+1", true);
	equal_is("tel:+1", "tel:+2", false);
}

static void long_ones_are_compared_as_text(void)
{
	char x[4000] = "sip:a@b", y[4000] = "sip:a@b";
	for (int i = 0; i < 16; i++) {
		snprintf(x + strlen(x), 20, ";p%d=1", i);
		snprintf(y + strlen(y), 20, ";P%d=1", i);
	}
	equal_is(x, y, true);
	strcat(x, ";p=1");
	strcat(y, ";P=1");
	equal_is(x, x, true);
	equal_is(x, y, false);
}

static void hosts(void)
{
	CHECK(uri_host_equal(SLICE("Example.COM"), SLICE("example.com")));
	CHECK(!uri_host_equal(SLICE("example.com"), SLICE("example.org")));
	CHECK(uri_host_equal(SLICE("[2001:db8::1]"), SLICE("2001:0db8:0::1")));
	CHECK(!uri_host_equal(SLICE("[2001:db8::1]"), SLICE("[2001:db8::2]")));
	CHECK(uri_host_equal(SLICE("[2001:db8:::192.0.2.1]"), SLICE("[2001:db8::c000:201]")));
	CHECK(uri_host_equal(SLICE("192.0.2.1"), SLICE("192.0.2.1")));
	CHECK(!uri_host_equal(SLICE("192.0.2.1"), SLICE("192.0.2.10")));
	CHECK(!uri_host_equal(SLICE("[::ffff:192.0.2.1]"), SLICE("192.0.2.1")));
	CHECK(!uri_host_equal(SLICE(""), SLICE("192.0.2.1")));
}

static void target_is(const char *text, const char *expected)
{
	struct arena a;
	struct uri u = parse(text);
	arena_init(&a, 512);
	CHECK_SLICE(uri_as_target(&a, &u), expected);
	arena_free(&a);
}

static void as_target(void)
{
	target_is("sip:a@b;lr;x=1", "sip:a@b;lr;x=1");
	target_is("sip:a@b?Route=%3Csip:e%3E", "sip:a@b");
	target_is("sip:a@b;transport=tcp;method=REGISTER;lr?x=y", "sip:a@b;transport=tcp;lr");
	target_is("sip:a@b;Method=BYE", "sip:a@b");
}

int main(void)
{
	TEST(all_parts);
	TEST(few_parts);
	TEST(unusual_users);
	TEST(ip6);
	TEST(refuses);
	TEST(other_schemes);
	TEST(params);
	TEST(rfc_examples_that_are_equal);
	TEST(rfc_examples_that_differ);
	TEST(the_other_rules);
	TEST(long_ones_are_compared_as_text);
	TEST(hosts);
	TEST(as_target);
	return tap_done();
}
