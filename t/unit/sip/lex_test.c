#include "sip/lex.h"

#include "base/arena.h"
#include "tap.h"

#define ALPHANUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define UNRESERVED ALPHANUM "-_.!~*'()"

/* Exactly the bytes of text are in the class; bytes above 127: all or none. */
static void class_is(enum lex_class class, const char *text, bool high)
{
	for (int c = 0; c < 256; c++) {
		bool expected = c > 127 ? high : c && strchr(text, c);
		if (lex_is((char)c, class) != expected)
			printf("# class 0x%02x, byte 0x%02x\n", class, c);
		CHECK(lex_is((char)c, class) == expected);
	}
}

static void classes(void)
{
	class_is(LEX_TOKEN, ALPHANUM "-.!%*_+`'~", false);
	class_is(LEX_DIGIT, "0123456789", false);
	class_is(LEX_SPACE, " \t\r\n", false);
	class_is(LEX_USER, UNRESERVED "%&=+$,;?/", false);
	class_is(LEX_PASSWORD, UNRESERVED "%&=+$,", false);
	class_is(LEX_HOST, ALPHANUM "-._", false);
	class_is(LEX_URI_TAIL, UNRESERVED "%[]/:&+$;=?", false);
	class_is(LEX_PARAM, UNRESERVED "%[]/:&+$?#@\\^`{|}", true);
	class_is(LEX_VALUE, UNRESERVED "%[]/:&+$?#@\\^`{|}=", true);
	class_is(LEX_HEX, "0123456789abcdefABCDEF", false);
	class_is(LEX_ADDR, UNRESERVED "%[]/:&+$?#@\\^`{|}=;,", true);
}

static void hex_digits(void)
{
	CHECK_INT(lex_hex('0'), 0);
	CHECK_INT(lex_hex('9'), 9);
	CHECK_INT(lex_hex('a'), 10);
	CHECK_INT(lex_hex('F'), 15);
	CHECK_INT(lex_hex('g'), -1);
	CHECK_INT(lex_hex('\x10'), -1);
	CHECK_INT(lex_hex('@'), -1);
}

static void scans(void)
{
	CHECK_INT(lex_token(SLICE("a-.!%*_+`'~b<")), 12);
	CHECK_INT(lex_token(SLICE(":")), 0);
	CHECK_INT(lex_digits(SLICE("0123a")), 4);
	CHECK_INT(lex_space(SLICE(" \t\r\n x")), 5);
	CHECK_INT(lex_space(SLICE_NULL), 0);
}

static void quoted_strings(void)
{
	CHECK_INT(lex_quoted(SLICE("\"a\" b")), 3);
	CHECK_INT(lex_quoted(SLICE("\"a\\\"b\"")), 6);
	CHECK_INT(lex_quoted(SLICE("\"\\\\\"")), 4);
	CHECK_INT(lex_quoted(SLICE("\"a")), 0);
	CHECK_INT(lex_quoted(SLICE("\"a\\\"")), 0);
	CHECK_INT(lex_quoted(SLICE("\"\\")), 0);
	CHECK_INT(lex_quoted(SLICE("a\"\"")), 0);
	CHECK_INT(lex_quoted(SLICE("\"NUL:\\\0\"")), 8);
}

static void stops_outside_quotes_and_brackets(void)
{
	CHECK_INT(lex_until(SLICE("ab,c"), ','), 2);
	CHECK_INT(lex_until(SLICE("\"a,b\",c"), ','), 5);
	CHECK_INT(lex_until(SLICE("<a,b>;c"), ';'), 5);
	CHECK_INT(lex_until(SLICE("abc"), ','), 3);
	CHECK(lex_until(SLICE("a\"b,c"), ',') == SIZE_MAX);
	CHECK(lex_until(SLICE("a<b,c"), ',') == SIZE_MAX);
	CHECK_INT(lex_until(SLICE("a\0b,c"), ','), 3); /* NUL is no stop */
}

static void lists(void)
{
	struct slice rest = SLICE(" , a ,\"b,c\" , ,<d,e>;f,\r\n g"), member;
	CHECK(lex_list_next(&rest, &member));
	CHECK_SLICE(member, "a");
	CHECK(lex_list_next(&rest, &member));
	CHECK_SLICE(member, "\"b,c\"");
	CHECK(lex_list_next(&rest, &member));
	CHECK_SLICE(member, "<d,e>;f");
	CHECK(lex_list_next(&rest, &member));
	CHECK_SLICE(member, "g");
	CHECK(!lex_list_next(&rest, &member));
}

static void an_open_quote_takes_the_rest(void)
{
	struct slice rest = SLICE("a, \"b, c"), member;
	CHECK(lex_list_next(&rest, &member));
	CHECK_SLICE(member, "a");
	CHECK(lex_list_next(&rest, &member));
	CHECK_SLICE(member, "\"b, c");
	CHECK(!lex_list_next(&rest, &member));
}

static void escapes(void)
{
	CHECK(lex_all_escaped(SLICE("a%20b"), LEX_USER));
	CHECK(!lex_all_escaped(SLICE("a%2"), LEX_USER));
	CHECK(!lex_all_escaped(SLICE("%"), LEX_USER));
	CHECK(!lex_all_escaped(SLICE("%g0"), LEX_USER));
	CHECK(!lex_all_escaped(SLICE("a b"), LEX_USER));
	CHECK(lex_all_escaped(SLICE(""), LEX_USER));
}

static void decodes(void)
{
	struct arena a;
	arena_init(&a, 512);
	CHECK_SLICE(lex_unfold(&a, SLICE("a\r\n \tb\n c")), "a b c");
	CHECK_SLICE(lex_unquote(&a, SLICE("\"a \\\"b\\\\\"")), "a \"b\\");
	CHECK_SLICE(lex_unquote(&a, SLICE("plain")), "plain");
	CHECK_SLICE(lex_unquote(&a, SLICE("\"\"")), "");
	CHECK_SLICE(lex_unescape(&a, SLICE("%61%2541b%4")), "a%41b%4");
	CHECK_SLICE(lex_unescape(&a, SLICE("%zz%")), "%zz%");
	CHECK(slice_eq(lex_unescape(&a, SLICE("n-%00-l")), SLICE("n-\0-l")));
	arena_free(&a);
}

int main(void)
{
	TEST(classes);
	TEST(hex_digits);
	TEST(scans);
	TEST(quoted_strings);
	TEST(stops_outside_quotes_and_brackets);
	TEST(lists);
	TEST(an_open_quote_takes_the_rest);
	TEST(escapes);
	TEST(decodes);
	return tap_done();
}
