#include "sip/param.h"

#include "tap.h"

static void walks(void)
{
	struct slice rest = SLICE(" ; lr;transport=udp ; q =\r\n 0.5;x=\"a;\\\"b\";e=");
	struct param p;
	CHECK_INT(param_next(&rest, &p), 1);
	CHECK_SLICE(p.name, "lr");
	CHECK(p.value.p == NULL);
	CHECK_SLICE(p.text, "lr");
	CHECK_INT(param_next(&rest, &p), 1);
	CHECK_SLICE(p.value, "udp");
	CHECK_SLICE(p.text, "transport=udp");
	CHECK_INT(param_next(&rest, &p), 1);
	CHECK_SLICE(p.name, "q");
	CHECK_SLICE(p.value, "0.5");
	CHECK_INT(param_next(&rest, &p), 1);
	CHECK_SLICE(p.value, "\"a;\\\"b\"");
	CHECK_INT(param_next(&rest, &p), 1);
	CHECK(p.value.p && p.value.n == 0);
	CHECK_INT(param_next(&rest, &p), 0);
	CHECK_INT(param_next(&rest, &p), 0);
}

static void accepts_addresses(void)
{
	struct slice value;
	CHECK(param_get(SLICE(";received=2001:db8::9:255;branch=z9hG4bKas3"), SLICE("branch"),
			&value));
	CHECK_SLICE(value, "z9hG4bKas3");
	CHECK(param_get(SLICE(";received=[2001:db8::1]"), SLICE("RECEIVED"), &value));
	CHECK_SLICE(value, "[2001:db8::1]");
}

static void gets_the_first(void)
{
	struct slice value = SLICE("untouched");
	CHECK(param_get(SLICE(";Tag=a;tag=b"), SLICE("tag"), &value));
	CHECK_SLICE(value, "a");
	CHECK(!param_get(SLICE(";tags=a"), SLICE("tag"), &value));
	CHECK(!param_get(SLICE_NULL, SLICE("tag"), &value));
}

static void refuses(void)
{
	CHECK(param_check(SLICE("")) && param_check(SLICE(";a;b=c")));
	CHECK(!param_check(SLICE(";")));
	CHECK(!param_check(SLICE(";;")));
	CHECK(!param_check(SLICE(";a;;b")));
	CHECK(!param_check(SLICE("a")));
	CHECK(!param_check(SLICE(";a b")));
	CHECK(!param_check(SLICE(";=b")));
	CHECK(!param_check(SLICE(";a=\"b")));
	CHECK(!param_check(SLICE(";a=\"b\"c")));
	CHECK(!param_check(SLICE(";a=b,c")));
	CHECK(!param_check(SLICE(";a=<b>")));
}

int main(void)
{
	TEST(walks);
	TEST(accepts_addresses);
	TEST(gets_the_first);
	TEST(refuses);
	return tap_done();
}
