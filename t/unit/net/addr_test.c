#include "tap.h"

#include "net/addr.h"

#include <sys/socket.h>

static struct addr addr(const char *text)
{
	struct addr a;

	CHECK(addr_parse(&a, slice_str(text), 5060) == 0);
	return a;
}

/* What text is when it is written out again; "" when it is no address. */
static const char *normal(const char *text)
{
	static char out[ADDR_TEXT];
	struct addr a;

	if (addr_parse(&a, slice_str(text), 0) < 0)
		CHECK_INT(a.family, 0);
	addr_host(&a, false, out);
	return out;
}

static void reads_ipv4(void)
{
	CHECK_STR(normal("192.0.2.1"), "192.0.2.1");
	CHECK_STR(normal("255.255.255.255"), "255.255.255.255");
	CHECK_STR(normal("192.0.2"), "");
	CHECK_STR(normal("192.0.2.256"), "");
	CHECK_STR(normal("192.0.2.1.1"), "");
	CHECK_STR(normal("192.0.2.1 "), "");
	CHECK_STR(normal("010.0.0.1"), "");
	CHECK_STR(normal("[192.0.2.1]"), "");
	CHECK_STR(normal(""), "");
}

static void reads_ipv6(void)
{
	CHECK_STR(normal("2001:db8::1"), "2001:db8::1");
	CHECK_STR(normal("[2001:DB8:0:0:0:0:0:1]"), "2001:db8::1");
	CHECK_STR(normal("[::1]"), "::1");
	CHECK_STR(normal("::"), "::");
	CHECK_STR(normal("fe80::1%3"), "fe80::1%3");
	CHECK_STR(normal("[fe80::1%3]"), "fe80::1%3");
	CHECK_STR(normal("fe80::1%eth0"), "");
	CHECK_STR(normal("2001:db8::1::2"), "");
	CHECK_STR(normal("[2001:db8::1"), "");
	CHECK_STR(normal("2001:db8::1]"), "");
	CHECK_STR(normal("[]"), "");
	CHECK_STR(normal("[[::1]]"), "");
	CHECK_STR(normal("2001:db8::10:5070:1:2:3:4:5"), "");
}

/* RFC 5118: 4.5 brackets in received or not, 4.10 the extra colon, 4.9 mapped addresses. */
static void reads_rfc5118_forms(void)
{
	CHECK_STR(normal("[2001:db8::9:255]"), "2001:db8::9:255");
	CHECK_STR(normal("2001:db8::9:255"), "2001:db8::9:255");
	CHECK_STR(normal("[2001:db8:::192.0.2.1]"), "2001:db8::c000:201");
	CHECK_STR(normal("[2001:db8::192.0.2.1]"), "2001:db8::c000:201");
	CHECK_STR(normal("[2001:db8::::1]"), "");
	CHECK_STR(normal("[::ffff:192.0.2.2]"), "192.0.2.2");
}

static void names_are_no_addresses(void)
{
	CHECK_STR(normal("localhost"), "");
	CHECK_STR(normal("example.org"), "");
	CHECK_STR(normal("cafe"), "");
}

static void zero_bytes_and_long_texts_are_refused(void)
{
	struct addr a;
	char longest[200];

	memset(longest, ':', sizeof(longest));
	CHECK(addr_parse(&a, slice_of("192.0.2.1\0", 10), 0) == -1);
	CHECK(addr_parse(&a, slice_of(longest, sizeof(longest)), 0) == -1);
	CHECK(addr_parse(&a, SLICE_NULL, 0) == -1);
}

/* With a port, written out again; "" when it is none. */
static const char *normal_port(const char *text)
{
	static char out[ADDR_TEXT];
	struct addr a;

	if (addr_parse_port(&a, slice_str(text)) < 0)
		return "";
	addr_text(&a, out);
	return out;
}

static void reads_ports(void)
{
	CHECK_STR(normal_port("127.0.0.1:5060"), "127.0.0.1:5060");
	CHECK_STR(normal_port("127.0.0.1:0"), "127.0.0.1:0");
	CHECK_STR(normal_port("[::1]:65535"), "[::1]:65535");
	CHECK_STR(normal_port("[fe80::1%3]:5060"), "[fe80::1%3]:5060");
	CHECK_STR(normal_port("127.0.0.1"), "");
	CHECK_STR(normal_port("127.0.0.1:"), "");
	CHECK_STR(normal_port("127.0.0.1:65536"), "");
	CHECK_STR(normal_port("127.0.0.1:-1"), "");
	CHECK_STR(normal_port("::1:5060"), "");
	CHECK_STR(normal_port("[::1]"), "");
	CHECK_STR(normal_port("localhost:5060"), "");
	CHECK_STR(normal_port(""), "");
}

static void writes_brackets_when_asked(void)
{
	struct addr a = addr("2001:db8::1"), b = addr("192.0.2.1");
	char out[ADDR_TEXT];

	addr_host(&a, true, out);
	CHECK_STR(out, "[2001:db8::1]");
	addr_host(&b, true, out);
	CHECK_STR(out, "192.0.2.1");
	addr_text(&a, out);
	CHECK_STR(out, "[2001:db8::1]:5060");
}

/* The longest text there can be. */
static void longest_address_fits(void)
{
	struct addr a = {.family = 6, .port = 65535, .scope = UINT32_MAX};
	char out[ADDR_TEXT];

	memset(a.ip, 0xfd, sizeof(a.ip));
	addr_text(&a, out);
	CHECK_STR(out, "[fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd%4294967295]:65535");
}

static void compares(void)
{
	struct addr a = addr("192.0.2.1"), b = addr("192.0.2.1"), c = addr("192.0.2.2");
	struct addr mapped = {.family = 6, .port = 5060};
	static const uint8_t ip[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};

	memcpy(mapped.ip, ip, sizeof(ip));
	CHECK(addr_equal(&a, &b));
	CHECK(!addr_equal(&a, &c));
	CHECK(addr_ip_equal(&a, &mapped));
	CHECK(addr_equal(&mapped, &a));
	b.port = 5061;
	CHECK(addr_ip_equal(&a, &b));
	CHECK(!addr_equal(&a, &b));
}

static void compares_scopes_where_both_have_one(void)
{
	struct addr none = addr("fe80::1"), two = addr("fe80::1%2"), three = addr("fe80::1%3");

	CHECK(addr_ip_equal(&none, &two));
	CHECK(!addr_ip_equal(&two, &three));
}

static bool unicast(const char *text)
{
	struct addr a = addr(text);

	return addr_is_unicast(&a);
}

static void knows_unicast(void)
{
	struct addr none = {0};

	CHECK(unicast("192.0.2.1"));
	CHECK(unicast("127.0.0.1"));
	CHECK(unicast("::1"));
	CHECK(unicast("fe80::1"));
	CHECK(!unicast("0.0.0.0"));
	CHECK(!unicast("0.1.2.3"));
	CHECK(!unicast("224.0.1.75"));
	CHECK(!unicast("239.255.255.255"));
	CHECK(!unicast("255.255.255.255"));
	CHECK(!unicast("::"));
	CHECK(!unicast("ff02::1"));
	CHECK(!unicast("::ffff:224.0.0.1"));
	CHECK(!addr_is_unicast(&none));
}

static void knows_loopback(void)
{
	struct addr a = addr("127.1.2.3"), b = addr("::1"), c = addr("192.0.2.1"), d = addr("::2");

	CHECK(addr_is_loopback(&a));
	CHECK(addr_is_loopback(&b));
	CHECK(!addr_is_loopback(&c));
	CHECK(!addr_is_loopback(&d));
}

static void goes_to_the_kernel_and_back(void)
{
	static const char *const texts[] = {"192.0.2.1", "2001:db8::1", "fe80::1%7"};

	for (unsigned i = 0; i < 3; i++) {
		struct addr a = addr(texts[i]), b;
		struct sockaddr_storage storage;

		CHECK(addr_to_sockaddr(&a, (struct sockaddr *)&storage) <= sizeof(storage));
		addr_from_sockaddr(&b, (struct sockaddr *)&storage);
		CHECK(addr_equal(&a, &b));
		CHECK_INT(b.scope, a.scope);
	}
}

int main(void)
{
	TEST(reads_ipv4);
	TEST(reads_ipv6);
	TEST(reads_rfc5118_forms);
	TEST(names_are_no_addresses);
	TEST(zero_bytes_and_long_texts_are_refused);
	TEST(reads_ports);
	TEST(writes_brackets_when_asked);
	TEST(longest_address_fits);
	TEST(compares);
	TEST(compares_scopes_where_both_have_one);
	TEST(knows_unicast);
	TEST(knows_loopback);
	TEST(goes_to_the_kernel_and_back);
	return tap_done();
}
