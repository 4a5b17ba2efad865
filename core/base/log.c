#include "base/log.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 2048 };

static const char *const names[] = {"error", "warning", "notice", "info", "debug"};

void log_line(struct log *l, enum log_level level, struct slice line)
{
	if (log_wants(l, level))
		l->write(l, level, line);
}

/* The whole line is cleaned, for any %s may be a peer's. */
void log_printf(struct log *l, enum log_level level, const char *format, ...)
{
	if (!log_wants(l, level))
		return;
	char text[LINE_MAX_BYTES];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		return;
	size_t got = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	struct buf clean;
	buf_init(&clean, 4 * sizeof(text));
	log_clean(&clean, slice_of(text, got), false);
	l->write(l, level, buf_slice(&clean));
	buf_free(&clean);
}

int log_level_parse(struct slice text, enum log_level *level)
{
	static const char *const old_names[] = {"L_ERR", "L_WARN", "L_NOTICE", "L_INFO", "L_DBG"};
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		if (slice_ieq(text, slice_str(names[i])) ||
		    slice_ieq(text, slice_str(old_names[i]))) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

const char *log_level_name(enum log_level level)
{
	return names[level];
}

/*
 * Bytes of s that may be shown as they are, one character: printing ASCII or
 * UTF-8 above the C1 controls (which terminals obey).  0: the first byte may not.
 */
static size_t shown(struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	if (c == 0xc2 && s.n > 1 && (unsigned char)s.p[1] < 0xa0)
		return 0;
	return utf8_char(s);
}

/* "\x1b"; by hand, for a body may be full of them. */
static void put_hex(struct buf *out, char c)
{
	buf_puts(out, "\\x");
	buf_hex(out, (const uint8_t[]){(uint8_t)c}, 1);
}

/* Bytes of a line break or HTAB at the beginning of s, else 0. */
static size_t layout(struct slice s)
{
	if (s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n')
		return 2;
	return s.p[0] == '\n' || s.p[0] == '\t';
}

void log_clean(struct buf *out, struct slice s, bool keep_lines)
{
	const char *end = slice_end(s);
	for (const char *p = s.p; p < end;) {
		struct slice rest = slice_range(p, end);
		size_t plain = shown(rest), line = keep_lines ? layout(rest) : 0;
		if (plain)
			buf_put(out, slice_of(p, plain));
		else if (line)
			buf_putc(out, *p == '\t' ? '\t' : '\n');
		else
			put_hex(out, *p);
		p += plain ? plain : line ? line : 1;
	}
}
