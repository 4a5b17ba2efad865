#include "sip/nameaddr.h"

#include "sip/lex.h"
#include "sip/param.h"

#include <string.h>

/* No white space, controls, brackets or quotes: the URI's own parser does the rest. */
static bool uri_check(struct slice s)
{
	return s.n > 0 && lex_span(s, LEX_ADDR) == s.n;
}

/* s begins with '<'. */
static int parse_brackets(struct nameaddr *n, struct slice s)
{
	const char *close = slice_chr(s, '>');
	if (!close)
		return -1;
	n->brackets = true;
	n->uri = slice_range(s.p + 1, close);
	n->params = slice_trim(slice_range(close + 1, slice_end(s)));
	return 0;
}

/* Without brackets: up to the first ';' or white space is the URI. */
static int parse_addr_spec(struct nameaddr *n, struct slice s)
{
	size_t length = 0;
	while (length < s.n && s.p[length] != ';' && !lex_is_space(s.p[length]))
		length++;
	n->uri = slice_of(s.p, length);
	if (slice_chr(n->uri, ',') || slice_chr(n->uri, '?'))
		return -1;
	n->params = slice_trim(lex_skip(s, length));
	return 0;
}

/*
 * Length of an unquoted display name, when a '<' follows; else SIZE_MAX.  The
 * RFC wants tokens here; people's names have more, so only what could be taken
 * for another part of the header is refused.
 */
static size_t display_length(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '<')
			return i;
		if (!lex_is_token(s.p[i]) && strchr("\",;>\\", s.p[i]))
			break;
	}
	return SIZE_MAX;
}

int nameaddr_split(struct nameaddr *n, struct slice text)
{
	text = slice_trim(text);
	*n = (struct nameaddr){.text = text, .display = slice_of(text.p, 0)};
	if (slice_eq(text, SLICE("*"))) {
		n->star = true;
		n->uri = n->params = slice_of(slice_end(text), 0);
		return 0;
	}
	size_t quoted = lex_quoted(text);
	size_t display = quoted ? quoted : display_length(text);
	if (display == SIZE_MAX)
		return parse_addr_spec(n, text);
	n->display = slice_trim(slice_of(text.p, display));
	struct slice rest = lex_skip_space(lex_skip(text, display));
	return rest.n && rest.p[0] == '<' ? parse_brackets(n, rest) : -1;
}

int nameaddr_parse(struct nameaddr *n, struct slice text)
{
	if (nameaddr_split(n, text) < 0 || (!n->star && !uri_check(n->uri)))
		return -1;
	return param_check(n->params) ? 0 : -1;
}

int nameaddr_next(struct slice *rest, struct nameaddr *n)
{
	struct slice member;
	if (!lex_list_next(rest, &member))
		return 0;
	return nameaddr_parse(n, member) < 0 ? -1 : 1;
}
