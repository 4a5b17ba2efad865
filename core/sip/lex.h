/*
 * lex: the scanners all SIP parsers are made of (RFC 3261 25.1).
 *
 * A scanner takes the rest of the text and returns how many bytes it accepts
 * (0: none).  None reads past the slice, none allocates.
 */
#ifndef SIP_LEX_H
#define SIP_LEX_H

#include "base/slice.h"

/* What a byte may be part of; the escape's '%' counts where escapes may stand. */
enum lex_class {
	LEX_TOKEN = 0x01,
	LEX_DIGIT = 0x02,
	LEX_SPACE = 0x04,    /* SP, HTAB; CR and LF inside folded values too */
	LEX_USER = 0x08,     /* user part of a SIP URI */
	LEX_PASSWORD = 0x10, /* password of a SIP URI */
	LEX_HOST = 0x20,     /* host name; '_' too, for names that people have */
	LEX_URI_TAIL = 0x40, /* parameters and headers of a SIP URI */
	LEX_PARAM = 0x80,    /* name of a parameter, addresses included */
	LEX_ADDR = 0x100,    /* between < and >: no white space, controls, brackets, quotes */
	LEX_VALUE = 0x200,   /* unquoted value of a parameter: '=' too */
	LEX_HEX = 0x400,
};
extern const uint16_t lex_classes[256];

static inline bool lex_is(char c, enum lex_class class)
{
	return lex_classes[(unsigned char)c] & class;
}

static inline bool lex_is_token(char c) /* token characters of RFC 3261 25.1 */
{
	return lex_is(c, LEX_TOKEN);
}

static inline bool lex_is_digit(char c)
{
	return lex_is(c, LEX_DIGIT);
}

static inline bool lex_is_space(char c)
{
	return lex_is(c, LEX_SPACE);
}

/* 0..15, or -1; digits and letters alike, for of a hash nobody can foresee which comes. */
static inline int lex_hex(char c)
{
	return lex_is(c, LEX_HEX) ? (c & 15) + (c >> 6) * 9 : -1;
}

/* Leading bytes of one class. */
static inline size_t lex_span(struct slice s, enum lex_class class)
{
	size_t i = 0;
	while (i < s.n && lex_is(s.p[i], class))
		i++;
	return i;
}
static inline size_t lex_token(struct slice s)
{
	return lex_span(s, LEX_TOKEN);
}
static inline size_t lex_digits(struct slice s)
{
	return lex_span(s, LEX_DIGIT);
}
/* Leading white space, folded lines included (LWS). */
static inline size_t lex_space(struct slice s)
{
	return lex_span(s, LEX_SPACE);
}
/* A quoted string with both quotes, escapes honoured; 0 when it is not closed. */
size_t lex_quoted(struct slice s);
/*
 * Up to the first stop that stands outside quoted strings and <>; all of s when
 * there is none.  SIZE_MAX when a quote or < stays open.  A token character
 * cannot be a stop.
 */
size_t lex_until(struct slice s, char stop);

/* s without its first n bytes (n <= s.n); without leading white space. */
static inline struct slice lex_skip(struct slice s, size_t n)
{
	return slice_of(n ? s.p + n : s.p, s.n - n);
}
static inline struct slice lex_skip_space(struct slice s)
{
	return lex_skip(s, lex_space(s));
}

/* All of s is of this class, and every '%' begins an escape (%HH). */
bool lex_all_escaped(struct slice s, enum lex_class class);

/*
 * The next member of a comma separated list, trimmed; *rest moves behind it.
 * False at the end.  Commas inside quotes and <> do not separate; empty
 * members are skipped (RFC 3261 7.3.1).  A quote or < that stays open makes
 * all the rest one member, for its parser to refuse.
 */
bool lex_list_next(struct slice *rest, struct slice *member);

/* Unfolds: line breaks with the white space after them become one SP.
 * Returns s itself when it is not folded. */
struct arena;
struct slice lex_unfold(struct arena *a, struct slice s);
/* The content of a quoted string without quotes and escapes; other text as it is. */
struct slice lex_unquote(struct arena *a, struct slice s);
/* %HH decoded once, never twice; %00 stays a byte (RFC 3261 19.1.2). */
struct slice lex_unescape(struct arena *a, struct slice s);

#endif
