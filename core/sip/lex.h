/*
 * lex: the scanners all SIP parsers are made of (RFC 3261 25.1).
 *
 * A scanner takes the rest of the text and returns how many bytes it accepts
 * (0: none).  None reads past the slice, none allocates.
 */
#ifndef SIP_LEX_H
#define SIP_LEX_H

#include "base/slice.h"

bool lex_is_token(char c); /* token characters of RFC 3261 25.1 */
bool lex_is_digit(char c);
bool lex_is_space(char c); /* SP, HTAB; CR and LF inside folded values too */
int lex_hex(char c);       /* 0..15, or -1 */

size_t lex_token(struct slice s);
size_t lex_digits(struct slice s);
/* Leading white space, folded lines included (LWS). */
size_t lex_space(struct slice s);
/* A quoted string with both quotes, escapes honoured; 0 when it is not closed. */
size_t lex_quoted(struct slice s);
/*
 * Up to the first of the stop characters that stands outside quoted strings
 * and <>; all of s when there is none.  SIZE_MAX when a quote or < stays open.
 */
size_t lex_until(struct slice s, const char *stops);

/*
 * The next member of a comma separated list, trimmed; *rest moves behind it.
 * False at the end.  Commas inside quotes and <> do not separate; empty
 * members are skipped (RFC 3261 7.3.1).
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
