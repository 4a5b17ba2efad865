#include "script/lualex.h"

#include "sip/lex.h"

#include <string.h>

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t left(const struct lualex *l)
{
	return (size_t)(l->end - l->p);
}

static char at(const struct lualex *l, size_t i)
{
	return i < left(l) ? l->p[i] : '\0';
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* A line ends with LF, CR, or both in either order (Lua 5.4, 3.1). */
static void step(struct lualex *l)
{
	char c = *l->p++;

	if (!is_line_end(c))
		return;
	l->line++;
	if (l->p < l->end && is_line_end(*l->p) && *l->p != c)
		l->p++;
}

void lualex_init(struct lualex *l, struct arena *arena, struct slice text)
{
	*l = (struct lualex){arena, text.p, slice_end(text), 1};
	if (at(l, 0) == '#') /* "#!/usr/bin/env lunasip" */
		while (l->p < l->end && *l->p != '\n')
			l->p++;
}

/* The level of the long bracket at i ("[[": 0, "[==[": 2), or -1. */
static int bracket_level(const struct lualex *l, size_t i)
{
	int level = 0;

	if (at(l, i) != '[')
		return -1;
	while (at(l, i + 1 + (size_t)level) == '=')
		level++;
	return at(l, i + 1 + (size_t)level) == '[' ? level : -1;
}

static bool closes(const struct lualex *l, size_t level)
{
	if (at(l, 0) != ']' || at(l, level + 1) != ']')
		return false;
	for (size_t i = 1; i <= level; i++)
		if (at(l, i) != '=')
			return false;
	return true;
}

/* What is inside the long bracket that begins here; false: it does not end. */
static bool read_bracket(struct lualex *l, size_t level, struct slice *inside)
{
	l->p += level + 2;
	if (is_line_end(at(l, 0)))
		step(l);
	const char *begin = l->p;
	while (l->p < l->end && !closes(l, level))
		step(l);
	*inside = slice_range(begin, l->p);
	if (l->p == l->end)
		return false;
	l->p += level + 2;
	return true;
}

static void skip_comment(struct lualex *l)
{
	struct slice inside;
	int level = bracket_level(l, 2);

	l->p += 2;
	if (level >= 0) {
		read_bracket(l, (size_t)level, &inside);
		return;
	}
	while (l->p < l->end && !is_line_end(*l->p))
		l->p++;
}

static void skip_blank(struct lualex *l)
{
	while (l->p < l->end) {
		if (at(l, 0) == '-' && at(l, 1) == '-')
			skip_comment(l);
		else if (*l->p != '\0' && strchr(" \t\r\n\v\f", *l->p))
			step(l);
		else
			return;
	}
}

/* Strings */

static char *put_utf8(char *out, uint32_t c)
{
	unsigned bytes = c < 0x80        ? 1
			 : c < 0x800     ? 2
			 : c < 0x10000   ? 3
			 : c < 0x200000  ? 4
			 : c < 0x4000000 ? 5
					 : 6;

	if (bytes == 1) {
		*out = (char)c;
		return out + 1;
	}
	for (unsigned i = bytes; --i > 0; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xff00 >> bytes) | c);
	return out + bytes;
}

/* "\u{XXX}": not longer than what it is written as. */
static char *put_unicode(struct lualex *l, char *out)
{
	uint32_t c = 0;

	l->p++;
	if (at(l, 0) == '{')
		l->p++;
	while (lex_hex(at(l, 0)) >= 0 && c < 0x8000000)
		c = c << 4 | (uint32_t)lex_hex(*l->p++);
	if (at(l, 0) == '}')
		l->p++;
	return put_utf8(out, c);
}

static char put_digits(struct lualex *l)
{
	unsigned c = 0;

	for (unsigned i = 0; i < 3 && lex_is_digit(at(l, 0)); i++)
		c = c * 10 + (unsigned)(*l->p++ - '0');
	return (char)c;
}

static char put_hex(struct lualex *l)
{
	unsigned c = 0;

	l->p++;
	for (unsigned i = 0; i < 2 && lex_hex(at(l, 0)) >= 0; i++)
		c = c << 4 | (unsigned)lex_hex(*l->p++);
	return (char)c;
}

static void skip_space(struct lualex *l)
{
	l->p++;
	while (l->p < l->end && *l->p != '\0' && strchr(" \t\r\n\v\f", *l->p))
		step(l);
}

/* Behind a backslash. */
static char *put_escape(struct lualex *l, char *out)
{
	static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
	char c = at(l, 0);
	const char *letter = c ? strchr(letters, c) : NULL;

	if (lex_is_digit(c)) {
		*out++ = put_digits(l);
	} else if (c == 'x') {
		*out++ = put_hex(l);
	} else if (c == 'u') {
		out = put_unicode(l, out);
	} else if (c == 'z') {
		skip_space(l);
	} else if (l->p < l->end) {
		step(l);
		*out++ = letter ? values[letter - letters] : c;
	}
	return out;
}

static bool read_quoted(struct lualex *l, struct slice *inside)
{
	char quote = *l->p++;
	const char *p = l->p;

	while (p < l->end && *p != quote)
		p += 1 + (*p == '\\');
	char *begin = arena_alloc(l->arena, (size_t)(p - l->p) + 1), *out = begin;
	while (l->p < l->end && *l->p != quote && !is_line_end(*l->p)) {
		if (*l->p == '\\') {
			l->p++;
			out = put_escape(l, out);
		} else {
			*out++ = *l->p++;
		}
	}
	*inside = slice_range(begin, out);
	if (at(l, 0) != quote)
		return false;
	l->p++;
	return true;
}

/* Words */

static bool is_keyword(struct slice word)
{
	static const char *const words[] = {
	    "and",      "break",  "do",   "else", "elseif", "end",   "false", "for",
	    "function", "goto",   "if",   "in",   "local",  "nil",   "not",   "or",
	    "repeat",   "return", "then", "true", "until",  "while",
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (slice_eq(word, slice_str(words[i])))
			return true;
	return false;
}

static size_t symbol_length(const struct lualex *l)
{
	static const char *const longer[] = {
	    "...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>"};
	struct slice rest = slice_range(l->p, l->end);

	for (unsigned i = 0; i < sizeof(longer) / sizeof(*longer); i++)
		if (slice_starts(rest, slice_str(longer[i])))
			return strlen(longer[i]);
	return 1;
}

static bool in_number(const char *begin, const char *p)
{
	bool hex = begin[0] == '0' && p > begin + 1 && (begin[1] | 0x20) == 'x';
	char before = p > begin ? (char)(p[-1] | 0x20) : '\0';

	if (*p == '+' || *p == '-')
		return before == (hex ? 'p' : 'e');
	return is_letter(*p) || lex_is_digit(*p) || *p == '.';
}

static void read_word(struct lualex *l, struct lualex_token *t)
{
	const char *begin = l->p;

	if (is_letter(*begin)) {
		while (l->p < l->end && (is_letter(*l->p) || lex_is_digit(*l->p)))
			l->p++;
		t->kind = is_keyword(slice_range(begin, l->p)) ? LUALEX_SYMBOL : LUALEX_NAME;
	} else if (lex_is_digit(*begin) || (*begin == '.' && lex_is_digit(at(l, 1)))) {
		while (l->p < l->end && in_number(begin, l->p))
			l->p++;
		t->kind = LUALEX_NUMBER;
	} else {
		l->p += symbol_length(l);
		t->kind = LUALEX_SYMBOL;
	}
	t->text = slice_range(begin, l->p);
}

struct lualex_token lualex_next(struct lualex *l)
{
	struct lualex_token t = {.kind = LUALEX_END};
	bool closed = true;

	skip_blank(l);
	t.line = l->line;
	if (l->p == l->end)
		return t;
	int level = bracket_level(l, 0);
	if (level >= 0 || *l->p == '"' || *l->p == '\'') {
		t.kind = LUALEX_STRING;
		closed =
		    level >= 0 ? read_bracket(l, (size_t)level, &t.text) : read_quoted(l, &t.text);
	} else {
		read_word(l, &t);
	}
	if (!closed)
		t.kind = LUALEX_BAD;
	return t;
}
