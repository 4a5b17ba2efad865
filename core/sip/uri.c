#include "sip/uri.h"

#include "sip/lex.h"
#include "sip/param.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- parsing ---- */

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of the scheme, or 0 when s does not begin with "scheme:". */
static size_t scheme_length(struct slice s)
{
	if (s.n > 3 && memcmp(s.p, "sip:", 4) == 0) /* nearly always */
		return 3;
	size_t n = 0;
	while (n < s.n && (is_alpha(s.p[n]) || (n && (lex_is_digit(s.p[n]) || s.p[n] == '+' ||
						      s.p[n] == '-' || s.p[n] == '.'))))
		n++;
	return n < s.n && s.p[n] == ':' ? n : 0;
}

static enum uri_scheme scheme_of(struct slice name)
{
	if (slice_ieq(name, SLICE("sip")))
		return URI_SIP;
	if (slice_ieq(name, SLICE("sips")))
		return URI_SIPS;
	return slice_ieq(name, SLICE("tel")) ? URI_TEL : URI_OTHER;
}

/* Printing ASCII without the delimiters of RFC 2396 2.4.3 that SIP gives a meaning. */
static bool opaque_check(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("<>\"", s.p[i]))
			return false;
	return s.n > 0;
}

/* A literal's text without brackets; RFC 5118 4.10 wants ":::" read as "::". */
static int ip6_of(struct slice host, struct in6_addr *ip)
{
	char z[INET6_ADDRSTRLEN];
	size_t n = 0;
	for (size_t i = 0; i < host.n; i++) {
		if (n == sizeof(z) - 1)
			return -1;
		if (n < 2 || host.p[i] != ':' || z[n - 1] != ':' || z[n - 2] != ':')
			z[n++] = host.p[i];
	}
	z[n] = '\0';
	return memchr(z, '\0', n) || inet_pton(AF_INET6, z, ip) != 1 ? -1 : 0;
}

/* Length of the host at the beginning of s, brackets included; 0: none. */
static size_t host_length(struct slice s)
{
	if (s.n == 0 || s.p[0] != '[')
		return lex_span(s, LEX_HOST);
	const char *close = slice_chr(s, ']');
	struct in6_addr ip;
	if (!close || ip6_of(slice_range(s.p + 1, close), &ip) < 0)
		return 0;
	return (size_t)(close - s.p) + 1;
}

/* "user:password", before the '@'. */
static int parse_userinfo(struct uri *u, struct slice s)
{
	const char *colon = slice_chr(s, ':');
	u->user = colon ? slice_range(s.p, colon) : s;
	if (colon) {
		u->password = slice_range(colon + 1, slice_end(s));
		if (!lex_all_escaped(u->password, LEX_PASSWORD))
			return -1;
	}
	return u->user.n && lex_all_escaped(u->user, LEX_USER) ? 0 : -1;
}

/* "host:port".  Returns the bytes behind them, or null: malformed. */
static struct slice parse_hostport(struct uri *u, struct slice s)
{
	u->host = slice_of(s.p, host_length(s));
	if (u->host.n == 0)
		return SLICE_NULL;
	s = lex_skip(s, u->host.n);
	if (s.n == 0 || s.p[0] != ':')
		return s;
	s = lex_skip(s, 1);
	uint32_t port;
	size_t digits = lex_digits(s);
	if (slice_u32(slice_of(s.p, digits), &port) < 0 || port == 0 || port > 65535)
		return SLICE_NULL;
	u->port = (uint16_t)port;
	return lex_skip(s, digits);
}

/* The next of ";name;name=value", where no quotes and no blanks can stand. */
static bool uri_param_next(struct slice *rest, struct slice *one)
{
	if (rest->n == 0)
		return false;
	struct slice s = lex_skip(*rest, 1);
	const char *next = slice_chr(s, ';');
	*one = next ? slice_range(s.p, next) : s;
	*rest = next ? slice_range(next, slice_end(s)) : slice_of(slice_end(s), 0);
	return true;
}

/* Of what LEX_URI_TAIL lets pass nothing but ';' and '=' has a meaning: only a name can be
 * missing. */
static bool params_check(struct slice s)
{
	struct slice one;
	if (s.n && s.p[0] != ';')
		return false;
	while (uri_param_next(&s, &one))
		if (one.n == 0 || one.p[0] == '=')
			return false;
	return true;
}

/* ";params?headers" */
static int parse_tail(struct uri *u, struct slice s)
{
	u->params = s;
	if (s.n == 0)
		return 0;
	const char *question = slice_chr(s, '?');
	u->params = question ? slice_range(s.p, question) : s;
	if (question)
		u->headers = slice_range(question + 1, slice_end(s));
	return lex_all_escaped(s, LEX_URI_TAIL) && params_check(u->params) ? 0 : -1;
}

static int parse_sip(struct uri *u, struct slice s)
{
	const char *at = slice_chr(s, '@');
	if (at) {
		if (parse_userinfo(u, slice_range(s.p, at)) < 0)
			return -1;
		s = slice_range(at + 1, slice_end(s));
	}
	s = parse_hostport(u, s);
	return s.p ? parse_tail(u, s) : -1;
}

enum uri_result uri_parse(struct uri *u, struct slice text)
{
	*u = (struct uri){.text = text};
	size_t n = scheme_length(text);
	if (n == 0)
		return URI_MALFORMED;
	u->scheme_text = slice_of(text.p, n);
	u->scheme = scheme_of(u->scheme_text);
	struct slice rest = lex_skip(text, n + 1);
	u->params = slice_of(slice_end(text), 0);
	if (uri_is_sip(u))
		return parse_sip(u, rest) < 0 ? URI_MALFORMED : URI_OK;
	u->opaque = rest;
	return opaque_check(rest) ? URI_OK : URI_MALFORMED;
}

bool uri_is_sip(const struct uri *u)
{
	return u->scheme == URI_SIP || u->scheme == URI_SIPS;
}

bool uri_param(const struct uri *u, struct slice name, struct slice *value)
{
	struct slice rest = u->params, one;
	while (uri_param_next(&rest, &one)) {
		bool alone = one.n == name.n;
		if (one.n < name.n || (!alone && one.p[name.n] != '=') ||
		    !slice_same_letters(one.p, name.p, name.n))
			continue;
		*value = alone ? SLICE_NULL : lex_skip(one, name.n + 1);
		return true;
	}
	return false;
}

uint16_t uri_port(const struct uri *u)
{
	return u->port ? u->port : u->scheme == URI_SIPS ? 5061 : 5060;
}

/* ---- comparison, RFC 3261 19.1.4 ---- */

enum {
	ESCAPED = 256,    /* added to a reserved character that was written as %HH */
	MAX_COMPARED = 16 /* parameters or headers; more are compared as text only */
};

/* The next character of *s: "%61" is 'a', but "%40" is not '@' (that is reserved). */
static int next_char(struct slice *s)
{
	unsigned char c = (unsigned char)s->p[0];
	int high = c == '%' && s->n > 2 ? lex_hex(s->p[1]) : -1;
	int low = high < 0 ? -1 : lex_hex(s->p[2]);
	*s = lex_skip(*s, low < 0 ? 1 : 3);
	if (low < 0)
		return c;
	int decoded = high << 4 | low;
	return decoded && strchr(";/?:@&=+$,%", decoded) ? ESCAPED + decoded : decoded;
}

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool text_equal(struct slice a, struct slice b, bool fold_case)
{
	if (!a.p != !b.p)
		return false;
	while (a.n && b.n) {
		int x = next_char(&a), y = next_char(&b);
		if (fold_case ? lower(x) != lower(y) : x != y)
			return false;
	}
	return a.n == b.n;
}

static bool find_param(struct slice params, struct slice name, struct slice *value)
{
	struct param p;
	while (param_next(&params, &p) == 1) {
		if (text_equal(p.name, name, true)) {
			*value = p.value;
			return true;
		}
	}
	return false;
}

/* Parameters that matter even when only one of the URIs has them. */
static bool is_significant(struct slice name)
{
	static const char *const names[] = {"transport", "user", "ttl", "method", "maddr"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_equal(name, slice_str(names[i]), true))
			return true;
	return false;
}

/* What a has is in b with the same value, or does not matter. */
static bool params_agree(struct slice a, struct slice b)
{
	struct param p;
	struct slice value;
	while (param_next(&a, &p) == 1) {
		if (find_param(b, p.name, &value)) {
			if (!text_equal(p.value, value, true))
				return false;
		} else if (is_significant(p.name)) {
			return false;
		}
	}
	return true;
}

/* The next "name=value" of *rest. */
static bool header_next(struct slice *rest, struct slice *name, struct slice *value)
{
	if (rest->n == 0)
		return false;
	const char *ampersand = slice_chr(*rest, '&');
	struct slice one = ampersand ? slice_range(rest->p, ampersand) : *rest;
	*rest = lex_skip(*rest, one.n + (ampersand ? 1 : 0));
	const char *equals = slice_chr(one, '=');
	*name = equals ? slice_range(one.p, equals) : one;
	*value = equals ? slice_range(equals + 1, slice_end(one)) : SLICE_NULL;
	return true;
}

/* Every header of a is in b with the same value. */
static bool headers_within(struct slice a, struct slice b)
{
	struct slice name, value;
	while (header_next(&a, &name, &value)) {
		struct slice rest = b, other_name, other_value;
		bool found = false;
		while (!found && header_next(&rest, &other_name, &other_value))
			found = text_equal(name, other_name, true) &&
				text_equal(value, other_value, true);
		if (!found)
			return false;
	}
	return true;
}

static size_t count(struct slice s, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

/* Pairwise comparison costs the product of the lengths, which peers choose. */
static bool is_long(const struct uri *u)
{
	return count(u->params, ';') > MAX_COMPARED || count(u->headers, '&') > MAX_COMPARED;
}

static bool sip_equal(const struct uri *a, const struct uri *b)
{
	return text_equal(a->user, b->user, false) && text_equal(a->password, b->password, false) &&
	       uri_host_equal(a->host, b->host) && a->port == b->port &&
	       params_agree(a->params, b->params) && params_agree(b->params, a->params) &&
	       headers_within(a->headers, b->headers) && headers_within(b->headers, a->headers);
}

bool uri_equal(const struct uri *a, const struct uri *b)
{
	if (slice_eq(a->text, b->text))
		return true;
	if (!slice_ieq(a->scheme_text, b->scheme_text))
		return false;
	if (!uri_is_sip(a))
		return slice_eq(a->opaque, b->opaque);
	return !is_long(a) && !is_long(b) && sip_equal(a, b);
}

/* The address of an IPv6 literal, brackets or not. */
static bool read_ip6(struct slice host, struct in6_addr *ip)
{
	bool brackets = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	return slice_chr(host, ':') &&
	       ip6_of(brackets ? slice_of(host.p + 1, host.n - 2) : host, ip) == 0;
}

/* Only IPv6 addresses have several spellings. */
bool uri_host_equal(struct slice a, struct slice b)
{
	struct in6_addr x, y;
	if (slice_ieq(a, b))
		return true;
	return read_ip6(a, &x) && read_ip6(b, &y) && memcmp(&x, &y, sizeof(x)) == 0;
}

/* ---- as a target ---- */

struct slice uri_as_target(struct arena *a, const struct uri *u)
{
	struct slice ignored;
	if (!u->headers.p && !uri_param(u, SLICE("method"), &ignored))
		return u->text;
	char *out = arena_alloc(a, u->text.n);
	size_t n = (size_t)(u->params.p - u->text.p);
	memcpy(out, u->text.p, n);
	struct slice rest = u->params;
	struct param p;
	while (param_next(&rest, &p) == 1) {
		if (slice_ieq(p.name, SLICE("method")))
			continue;
		out[n++] = ';';
		memcpy(out + n, p.text.p, p.text.n);
		n += p.text.n;
	}
	return slice_of(out, n);
}
