/* Two URIs, LF between them: parts are inside, comparison is an equivalence but for transitivity.
 */
#include "fuzz.h"
#include "sip/lex.h"
#include "sip/nameaddr.h"
#include "sip/param.h"
#include "sip/uri.h"
#include "sip/via.h"

static bool parse(struct uri *u, struct slice text)
{
	if (uri_parse(u, text) != URI_OK)
		return false;
	MUST(slice_eq(u->text, text));
	MUST(fuzz_inside(u->user, text) && fuzz_inside(u->password, text));
	MUST(fuzz_inside(u->host, text) && fuzz_inside(u->params, text));
	MUST(fuzz_inside(u->headers, text) && fuzz_inside(u->opaque, text));
	MUST(!uri_is_sip(u) || u->host.n > 0);
	return true;
}

/* Its own way through the parameters finds what that of all header fields does. */
static void check_params(const struct uri *u)
{
	struct slice rest = u->params, first, value;
	struct param p;
	MUST(param_check(u->params));
	while (param_next(&rest, &p) == 1) {
		MUST(param_get(u->params, p.name, &first) && uri_param(u, p.name, &value));
		MUST(slice_eq(first, value) && !first.p == !value.p);
	}
}

/* What is sent to is a URI again, without headers and method. */
static void check_target(const struct uri *u, struct arena *a)
{
	struct uri target;
	struct slice ignored;
	MUST(uri_parse(&target, uri_as_target(a, u)) == URI_OK);
	MUST(!target.headers.p && !uri_param(&target, SLICE("method"), &ignored));
	MUST(slice_eq(target.user, u->user) && slice_eq(target.host, u->host));
}

/* The other parsers of addresses see the same text. */
static void check_neighbours(struct slice text, struct arena *a)
{
	struct nameaddr n;
	struct via v;
	if (nameaddr_parse(&n, text) == 0)
		MUST(fuzz_inside(n.display, text) && fuzz_inside(n.uri, text));
	if (via_parse(&v, text) == 0)
		MUST(v.host.n > 0 && fuzz_inside(v.branch, text) && fuzz_inside(v.params, text));
	MUST(lex_unescape(a, text).n <= text.n);
	MUST(lex_unquote(a, text).n <= text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena a = {0};
	struct slice in = fuzz_slice(bytes, n);
	const char *lf = slice_chr(in, '\n');
	struct slice first = lf ? slice_range(in.p, lf) : in;
	struct slice second = lf ? slice_range(lf + 1, slice_end(in)) : in;
	struct uri x, y;
	bool x_ok = parse(&x, first), y_ok = parse(&y, second);
	if (x_ok) {
		MUST(uri_equal(&x, &x));
		check_params(&x);
		check_target(&x, &a);
	}
	if (x_ok && y_ok)
		MUST(uri_equal(&x, &y) == uri_equal(&y, &x));
	MUST(uri_host_equal(first, second) == uri_host_equal(second, first));
	check_neighbours(first, &a);
	arena_free(&a);
	return 0;
}
