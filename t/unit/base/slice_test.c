#include "tap.h"

static void compares(void)
{
	CHECK(slice_eq(SLICE("abc"), SLICE("abc")));
	CHECK(!slice_eq(SLICE("abc"), SLICE("abC")));
	CHECK(!slice_eq(SLICE("abc"), SLICE("ab")));
	CHECK(slice_ieq(SLICE("Call-ID"), SLICE("cALL-id")));
	CHECK(!slice_ieq(SLICE("a@"), SLICE("a`"))); /* differ in bit 5 only, but are no letters */
	CHECK(!slice_ieq(SLICE("\xc4"), SLICE("\xe4")));
	CHECK(slice_starts(SLICE("sip:x"), SLICE("sip:")) &&
	      !slice_starts(SLICE("si"), SLICE("sip")));
	CHECK(slice_istarts(SLICE("SIP:x"), SLICE("sip:")));
	CHECK(slice_eq(SLICE_NULL, SLICE("")));
}

static void finds_and_trims(void)
{
	struct slice s = SLICE("a,b");
	CHECK(slice_chr(s, ',') == s.p + 1);
	CHECK(slice_chr(s, ';') == NULL);
	CHECK(slice_chr(SLICE_NULL, 'x') == NULL);
	CHECK_SLICE(slice_trim(SLICE(" \t\r\n a b \r\n")), "a b");
	CHECK_INT(slice_trim(SLICE(" \t ")).n, 0);
	CHECK(slice_str(NULL).p == NULL && slice_str("").p != NULL);
}

static void reads_numbers(void)
{
	uint32_t v = 7;
	uint64_t w = 7;
	CHECK(slice_u32(SLICE("0068"), &v) == 0 && v == 68);
	CHECK(slice_u32(SLICE("4294967295"), &v) == 0 && v == UINT32_MAX);
	CHECK(slice_u64(SLICE("18446744073709551615"), &w) == 0 && w == UINT64_MAX);
	v = 7;
	CHECK(slice_u32(SLICE("4294967296"), &v) < 0 && v == 7);
	CHECK(slice_u64(SLICE("18446744073709551616"), &w) < 0 && w == UINT64_MAX);
	CHECK(slice_u32(SLICE("36893488147419103232"), &v) < 0);
	CHECK(slice_u32(SLICE(""), &v) < 0 && slice_u32(SLICE_NULL, &v) < 0);
	CHECK(slice_u32(SLICE("-1"), &v) < 0 && slice_u32(SLICE("+1"), &v) < 0);
	CHECK(slice_u32(SLICE(" 1"), &v) < 0 && slice_u32(SLICE("1a"), &v) < 0);
}

int main(void)
{
	TEST(compares);
	TEST(finds_and_trims);
	TEST(reads_numbers);
	return tap_done();
}
