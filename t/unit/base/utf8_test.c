#include "base/utf8.h"
#include "tap.h"

static void well_formed(void)
{
	CHECK(utf8_is(SLICE("")));
	CHECK(utf8_is(SLICE("plain\r\n\t")));
	CHECK(utf8_is(SLICE("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xef\xbf\xbf")));
	CHECK(utf8_is(SLICE("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf")));
	CHECK_INT(utf8_char(SLICE("\xe2\x82\xac!")), 3);
	CHECK_INT(utf8_char(SLICE("")), 0);
}

static void malformed(void)
{
	static const char *const bad[] = {
	    "\x80",             /* begins in the middle */
	    "\xc3",             /* ends in it */
	    "\xe2\x82",         /* likewise */
	    "\xe2\x28\xa1",     /* another byte in it */
	    "\xc0\xaf",         /* longer than need be */
	    "\xe0\x9f\xbf",     /* likewise */
	    "\xf0\x8f\xbf\xbf", /* likewise */
	    "\xed\xa0\x80",     /* a surrogate */
	    "\xf4\x90\x80\x80", /* above U+10FFFF */
	    "\xff",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(!utf8_is(slice_str(bad[i])));
	CHECK(!utf8_is(slice_of("\xc3\xa9", 1)));
}

static void looks_at_each_byte(void)
{
	char text[40];
	for (size_t n = 1; n <= sizeof(text); n++)
		for (size_t i = 0; i < n; i++) {
			memset(text, 'a', sizeof(text));
			text[i] = (char)0xff;
			CHECK(!utf8_is(slice_of(text, n)));
			CHECK(utf8_is(slice_of(text, i)));
		}
}

int main(void)
{
	TEST(looks_at_each_byte);
	TEST(well_formed);
	TEST(malformed);
	return tap_done();
}
