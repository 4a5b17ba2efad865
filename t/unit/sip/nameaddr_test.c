#include "sip/nameaddr.h"

#include "tap.h"

static void is(const char *text, const char *display, const char *uri, const char *params)
{
	struct nameaddr n;
	CHECK(nameaddr_parse(&n, slice_str(text)) == 0);
	CHECK_SLICE(n.display, display);
	CHECK_SLICE(n.uri, uri);
	CHECK_SLICE(n.params, params);
}

static void with_brackets(void)
{
	is("<sip:a@b>", "", "sip:a@b", "");
	is("Bob <sip:a@b;lr>;tag=x", "Bob", "sip:a@b;lr", ";tag=x");
	is("caller<sip:a@b>;tag=323", "caller", "sip:a@b", ";tag=323");
	is("\"Watson, T. <x>\" <sip:a@b>", "\"Watson, T. <x>\"", "sip:a@b", "");
	is("\"J \\\\\\\"\"\t\r\n <sip:a@b>\r\n ;\r\n tag = y", "\"J \\\\\\\"\"", "sip:a@b",
	   ";\r\n tag = y");
	is("A. Bell (home) <sip:a@b>", "A. Bell (home)", "sip:a@b", "");
	is("J\xc3\xb6rg <sip:a@b?x=y,z>", "J\xc3\xb6rg", "sip:a@b?x=y,z", "");
	is("<isbn:2983792873>", "", "isbn:2983792873", "");
}

static void without_brackets(void)
{
	is("sip:a@b", "", "sip:a@b", "");
	is(" sip:a@b ;   tag    = 19 ", "", "sip:a@b", ";   tag    = 19");
	is("sip:a@b;unknownparam", "", "sip:a@b", ";unknownparam");
	is("sip:a@b;x=\"<y>\"", "", "sip:a@b", ";x=\"<y>\"");
}

static void star(void)
{
	struct nameaddr n;
	CHECK(nameaddr_parse(&n, SLICE(" * ")) == 0 && n.star);
	CHECK(nameaddr_parse(&n, SLICE("<sip:a@b>")) == 0 && !n.star && n.brackets);
	CHECK(nameaddr_parse(&n, SLICE("sip:a@b")) == 0 && !n.brackets);
}

static void refuses(void)
{
	static const char *const bad[] = {
	    "",
	    "<>",
	    "<sip:a@b",
	    "\"Mr. J. User <sip:j.user@example.com>",
	    "\"A\" B <sip:a@b>",
	    "\"A\"",
	    "\"A\" sip:a@b",
	    "Bell, Alexander <sip:a@b>",
	    "A > B <sip:a@b>",
	    "< sip:a@b>",
	    "<sip:a@b >",
	    "<sip:a<b>",
	    "<sip:a@b> x",
	    "<sip:a@b>;;;;",
	    "<sip:a@b>,",
	    "sip:a@b?Route=x",
	    "sip:a,c@b",
	    "sip:a@b x",
	    "sip:a\"@b",
	};
	struct nameaddr n;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(nameaddr_parse(&n, slice_str(bad[i])) < 0);
		if (nameaddr_parse(&n, slice_str(bad[i])) == 0)
			printf("# parses: %s\n", bad[i]);
	}
}

static void lists(void)
{
	struct slice rest = SLICE("\"a,b\" <sip:c,d@e>;x=1 , sip:f@g;y, , <sip:h@i");
	struct nameaddr n;
	CHECK_INT(nameaddr_next(&rest, &n), 1);
	CHECK_SLICE(n.uri, "sip:c,d@e");
	CHECK_SLICE(n.text, "\"a,b\" <sip:c,d@e>;x=1");
	CHECK_INT(nameaddr_next(&rest, &n), 1);
	CHECK_SLICE(n.uri, "sip:f@g");
	CHECK_INT(nameaddr_next(&rest, &n), -1);
	CHECK_INT(nameaddr_next(&rest, &n), 0);
}

int main(void)
{
	TEST(with_brackets);
	TEST(without_brackets);
	TEST(star);
	TEST(refuses);
	TEST(lists);
	return tap_done();
}
