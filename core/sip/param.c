#include "sip/param.h"

#include "sip/lex.h"

/* A quoted string, or a run of unquoted bytes ('=' among them). */
static size_t value_length(struct slice s)
{
	if (s.n && s.p[0] == '"')
		return lex_quoted(s);
	return lex_span(s, LEX_VALUE);
}

/* "=value" at the beginning of s, if any.  Returns the bytes behind it, or null: malformed. */
static struct slice read_value(struct slice s, struct slice *value)
{
	*value = SLICE_NULL;
	if (s.n == 0 || s.p[0] != '=')
		return s;
	s = lex_skip_space(lex_skip(s, 1));
	size_t n = value_length(s);
	if (n == 0 && s.n && s.p[0] == '"')
		return SLICE_NULL;
	*value = slice_of(s.p, n);
	return lex_skip(s, n);
}

int param_next(struct slice *rest, struct param *p)
{
	struct slice s = lex_skip_space(*rest);
	if (s.n == 0)
		return 0;
	if (s.p[0] != ';')
		return -1;
	s = lex_skip_space(lex_skip(s, 1));
	p->name = slice_of(s.p, lex_span(s, LEX_PARAM));
	if (p->name.n == 0)
		return -1;
	const char *end = slice_end(p->name);
	s = read_value(lex_skip_space(lex_skip(s, p->name.n)), &p->value);
	if (!s.p)
		return -1;
	p->text = slice_range(p->name.p, p->value.p ? slice_end(p->value) : end);
	s = lex_skip_space(s);
	if (s.n && s.p[0] != ';')
		return -1;
	*rest = s;
	return 1;
}

bool param_get(struct slice params, struct slice name, struct slice *value)
{
	struct param p;
	while (param_next(&params, &p) == 1) {
		if (slice_ieq(p.name, name)) {
			*value = p.value;
			return true;
		}
	}
	return false;
}

bool param_check(struct slice params)
{
	struct param p;
	int got;
	while ((got = param_next(&params, &p)) == 1)
		;
	return got == 0;
}
