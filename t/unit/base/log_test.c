#include "base/log.h"

#include "base/list.h"
#include "tap.h"

struct sink {
	struct log log;
	enum log_level level;
	unsigned lines;
	struct buf last;
};

static void take(struct log *l, enum log_level level, struct slice line)
{
	struct sink *s = CONTAINER(l, struct sink, log);
	s->level = level;
	s->lines++;
	buf_reset(&s->last);
	buf_put(&s->last, line);
}

static void sink_init(struct sink *s, enum log_level level)
{
	*s = (struct sink){.log = {.level = level, .write = take}};
	buf_init(&s->last, 1 << 20);
}

static void drops_what_is_not_wanted(void)
{
	struct sink s;
	sink_init(&s, LOG_NOTICE);
	log_info(&s.log, "not this");
	log_line(&s.log, LOG_DEBUG, SLICE("nor this"));
	CHECK_INT(s.lines, 0);
	log_notice(&s.log, "call %d of %s", 7, "alice");
	CHECK_SLICE(buf_slice(&s.last), "call 7 of alice");
	CHECK_INT(s.level, LOG_NOTICE);
	buf_free(&s.last);
}

static void keeps_one_line_one_line(void)
{
	struct sink s;
	sink_init(&s, LOG_DEBUG);
	log_warn(&s.log, "from %s", "eve\r\nERROR: fake\033[31m");
	CHECK_SLICE(buf_slice(&s.last), "from eve\\x0d\\x0aERROR: fake\\x1b[31m");
	CHECK_INT(s.lines, 1);
	buf_free(&s.last);
}

static void bounds_the_line(void)
{
	struct sink s;
	sink_init(&s, LOG_DEBUG);
	log_error(&s.log, "%0100000d", 1);
	CHECK_INT(s.lines, 1);
	CHECK(s.last.n > 1000 && s.last.n < 10000);
	buf_free(&s.last);
}

static void clean_is(struct slice text, bool keep_lines, const char *expected)
{
	struct buf b;
	buf_init(&b, 1000);
	log_clean(&b, text, keep_lines);
	CHECK_SLICE(buf_slice(&b), expected);
	buf_free(&b);
}

static void cleans(void)
{
	clean_is(SLICE("plain ~ \\"), false, "plain ~ \\");
	clean_is(SLICE("a\0b\x7f"), false, "a\\x00b\\x7f");
	clean_is(SLICE("a\tb\nc"), false, "a\\x09b\\x0ac");
	clean_is(SLICE("a\tb\r\nc\nd\re"), true, "a\tb\nc\nd\\x0de");
	clean_is(SLICE_NULL, false, "");
}

static void cleans_what_is_not_utf8(void)
{
	clean_is(SLICE("J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80"), false,
		 "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80");
	clean_is(SLICE("\xc2\x9b[2J"), false, "\\xc2\\x9b[2J"); /* the C1 control CSI */
	clean_is(SLICE("\x9b"), false, "\\x9b");
	clean_is(SLICE("\xe2\x82"), false, "\\xe2\\x82");          /* cut off */
	clean_is(SLICE("\xc0\x8a"), false, "\\xc0\\x8a");          /* LF, overlong */
	clean_is(SLICE("\xe0\x80\x8a"), false, "\\xe0\\x80\\x8a"); /* likewise */
	clean_is(SLICE("\xed\xa0\x80"), false, "\\xed\\xa0\\x80"); /* a surrogate */
	clean_is(SLICE("\xf5\x80\x80\x80"), false, "\\xf5\\x80\\x80\\x80");
	clean_is(SLICE("\xe2(\xac"), false, "\\xe2(\\xac");
}

static void names_levels(void)
{
	enum log_level level = LOG_DEBUG;
	CHECK(log_level_parse(SLICE("error"), &level) == 0 && level == LOG_ERROR);
	CHECK(log_level_parse(SLICE("L_DBG"), &level) == 0 && level == LOG_DEBUG);
	CHECK(log_level_parse(SLICE("warning"), &level) == 0 && level == LOG_WARN);
	CHECK(log_level_parse(SLICE("L_CRIT"), &level) < 0 && level == LOG_WARN);
	CHECK_STR(log_level_name(LOG_INFO), "info");
}

int main(void)
{
	TEST(drops_what_is_not_wanted);
	TEST(keeps_one_line_one_line);
	TEST(bounds_the_line);
	TEST(cleans);
	TEST(cleans_what_is_not_utf8);
	TEST(names_levels);
	return tap_done();
}
