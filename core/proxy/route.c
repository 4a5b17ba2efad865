#include "proxy/route.h"

#include "proxy/proof.h"
#include "sip/lex.h"
#include "sip/nameaddr.h"
#include "sip/param.h"

#include <string.h>

/* One value of a Route header field. */
struct hop {
	struct slice text;
	struct hdr *hdr;
	struct uri uri;
	bool good; /* its URI is one of SIP */
};

static bool parse_hop(struct hop *h)
{
	struct nameaddr n;

	h->good = nameaddr_parse(&n, h->text) == 0 && uri_parse(&h->uri, n.uri) == URI_OK &&
		  uri_is_sip(&h->uri);
	return h->good;
}

/* The next Route value that is still there; false: none is. */
static bool next_route(const struct context *c, struct hdr_walk *w, struct hop *h)
{
	struct slice text;

	if (!msg_walk(context_msg(c), HDR_ROUTE, w, &text) || text.p == c->strict_route.p)
		return false;
	h->hdr = w->hdr;
	h->text = text;
	return true;
}

/* The first one; w goes on behind it. */
static bool first_route(const struct context *c, struct hdr_walk *w, struct hop *h)
{
	*w = (struct hdr_walk){0};
	for (unsigned i = 0; i < c->routes_dropped; i++)
		next_route(c, w, h);
	return next_route(c, w, h);
}

static bool last_route(const struct context *c, struct hop *h)
{
	struct hdr_walk w;
	bool found = first_route(c, &w, h);

	while (found && next_route(c, &w, h))
		;
	return found;
}

/* RFC 3263 4: with maddr, that is where the URI leads. */
static bool leads_to_us(const struct proxy *p, const struct uri *u)
{
	struct slice maddr;

	if (uri_param(u, SLICE("maddr"), &maddr) && maddr.n)
		return proxy_is_myself(p, maddr, u->port);
	return proxy_is_myself(p, u->host, u->port);
}

/* --- the proof in our Record-Route ------------------------------------------------------------ */

enum { MAX_PROOFS = 4 }; /* of our Routes that are looked at: no request brings more of sense */

static void note_proof(struct context *c, const struct uri *u)
{
	struct slice proof;

	if (!c->in_dialog && c->routes_dropped < MAX_PROOFS &&
	    uri_param(u, SLICE("dialog"), &proof))
		c->in_dialog = proof_holds(c, proof);
}

bool proxy_in_dialog(const struct context *c)
{
	return c->in_dialog && context_msg(c)->to_tag.p;
}

bool proxy_is_vouched(const struct context *c)
{
	struct hdr_walk w = {0};
	struct slice proof;
	struct hop h;

	return msg_walk(context_msg(c), HDR_RECORD_ROUTE, &w, &h.text) && parse_hop(&h) &&
	       uri_param(&h.uri, SLICE("dialog"), &proof) && proof_holds(c, proof);
}

void proxy_set_route_key(struct proxy *p, const uint8_t key[16])
{
	memcpy(p->options.route_key, key, sizeof(p->options.route_key));
}

/* --- 16.4: what a request brings -------------------------------------------------------------- */

static bool came_in_as(const struct context *c, const struct uri *u)
{
	struct slice transport;

	if (uri_param(u, SLICE("transport"), &transport) && !slice_ieq(transport, SLICE("udp")))
		return false;
	return u->port == 0 || u->port == c->request->local.port;
}

static bool is_stripped(const struct param *p)
{
	return slice_ieq(p->name, SLICE("maddr")) || slice_ieq(p->name, SLICE("transport"));
}

/* The Request-URI names us by maddr: it goes, and port and transport with it. */
static void strip_maddr(struct context *c)
{
	const struct uri *u = context_uri(c);
	struct buf *out = &c->proxy->scratch;
	struct slice maddr, rest = u->params;
	struct param p;

	if (!uri_is_sip(u) || !uri_param(u, SLICE("maddr"), &maddr) || !maddr.n ||
	    !proxy_is_myself(c->proxy, maddr, u->port) || !came_in_as(c, u))
		return;
	buf_reset(out);
	buf_put(out, slice_range(u->text.p, slice_end(u->host)));
	while (param_next(&rest, &p) > 0)
		if (!is_stripped(&p)) {
			buf_putc(out, ';');
			buf_put(out, p.text);
		}
	if (!out->failed)
		context_set_uri(c, buf_slice(out));
}

/* What route_record() writes has no user and an lr; a phone's address or a
 * domain that is ours does not look so. */
static bool is_our_record_route(const struct proxy *p, const struct uri *u)
{
	struct slice lr;

	return uri_is_sip(u) && !u->user.p && uri_param(u, SLICE("lr"), &lr) && leads_to_us(p, u);
}

/* A strict router sent us: the real target is the last Route. */
static void take_strict(struct context *c)
{
	struct uri ours = *context_uri(c);
	struct nameaddr n;
	struct hop last;

	if (c->strict_route.p || !is_our_record_route(c->proxy, &ours) || !last_route(c, &last) ||
	    !parse_hop(&last) || leads_to_us(c->proxy, &last.uri) ||
	    nameaddr_parse(&n, last.text) < 0 || context_set_uri(c, n.uri) < 0)
		return;
	note_proof(c, &ours);
	edit_drop_member(&c->edits, context_msg(c), last.hdr, last.text);
	c->strict_route = last.text;
}

/* Several of ours in a row (double Record-Route, a spiral) are one visit. */
static void drop_ours(struct context *c)
{
	const struct hdr *row = NULL;
	struct hdr_walk w;
	struct hop h;
	bool more = first_route(c, &w, &h);

	for (; more && parse_hop(&h) && leads_to_us(c->proxy, &h.uri);
	     more = next_route(c, &w, &h)) {
		if (row && row != h.hdr)
			edit_drop_header(&c->edits, context_msg(c), row);
		row = h.hdr;
		note_proof(c, &h.uri);
		c->routes_dropped++;
	}
	if (row && more && row == h.hdr)
		edit_drop(&c->edits, context_msg(c), slice_range(row->value.p, h.text.p));
	else if (row)
		edit_drop_header(&c->edits, context_msg(c), row);
}

bool proxy_loose_route(struct context *c)
{
	struct hdr_walk w;
	struct hop h;

	strip_maddr(c);
	if (!msg_hdr(context_msg(c), HDR_ROUTE))
		return false;
	take_strict(c);
	drop_ours(c);
	if (first_route(c, &w, &h))
		return true;
	return context_msg(c)->to_tag.p && (c->routes_dropped || c->strict_route.p);
}

/* --- 16.6 step 6: what it takes along --------------------------------------------------------- */

/* The Path of a binding without what leads to ourselves: we are here. */
static struct slice path_ahead(const struct proxy *p, struct slice path, struct hop *first)
{
	struct slice rest = path, before = path;

	while (lex_list_next(&rest, &first->text)) {
		first->hdr = NULL;
		if (!parse_hop(first) || !leads_to_us(p, &first->uri))
			return before;
		before = rest;
	}
	return SLICE_NULL;
}

static struct slice without_first(struct slice list)
{
	struct slice member;

	lex_list_next(&list, &member);
	return slice_trim(list);
}

/* As the last Route value. */
static void append_route(struct branch *b, struct slice uri)
{
	struct context *c = b->context;
	const struct msg *m = context_msg(c);
	struct slice line = arena_printf(&c->request->arena, "Route: <%.*s>\r\n", SLICE_ARG(uri));
	const struct hdr *last = NULL;

	for (const struct hdr *h = msg_hdr(m, HDR_ROUTE); h; h = msg_hdr_next(m, h))
		last = h;
	if (last)
		edit_insert(&b->edits, m, slice_end(hdr_line(last)), line);
	else
		b->routes = arena_printf(&c->request->arena, "%.*s%.*s", SLICE_ARG(b->routes),
					 SLICE_ARG(line));
}

static void put_path(struct branch *b, struct slice path)
{
	path = slice_trim(path);
	if (path.n && path.p[0] == ',')
		path = slice_trim(slice_range(path.p + 1, slice_end(path)));
	if (path.n)
		b->routes =
		    arena_printf(&b->context->request->arena, "Route: %.*s\r\n", SLICE_ARG(path));
}

/* The next hop is a strict router: it finds itself in the Request-URI, and the
 * Request-URI at the end of the Routes. */
static void make_strict(struct branch *b, const struct hop *first, struct slice *path,
			struct slice *uri)
{
	struct context *c = b->context;

	if (first->hdr)
		edit_drop_member(&b->edits, context_msg(c), first->hdr, first->text);
	else
		*path = without_first(*path);
	put_path(b, *path);
	append_route(b, *uri);
	*uri = uri_as_target(&c->request->arena, &first->uri);
}

static struct refusal check_target(const struct branch *b, const struct uri *u, bool routed)
{
	if (u->scheme == URI_SIPS)
		return (struct refusal){416, "SIPS Needs TLS"};
	if (u->scheme != URI_SIP && !routed && !b->target.next_hop.p)
		return (struct refusal){416, "Unsupported URI Scheme"};
	return (struct refusal){0};
}

/* Most often the target is the current Request-URI, and known. */
static bool parse_target(const struct branch *b, struct uri *u)
{
	const struct context *c = b->context;
	bool known = c->uri_parsed && b->target.uri.p == c->uri.p && b->target.uri.n == c->uri.n;

	if (known)
		*u = *c->uri_parsed;
	return known || uri_parse(u, b->target.uri) == URI_OK;
}

struct refusal route_apply(struct branch *b, struct uri *hop)
{
	struct context *c = b->context;
	struct hop first = {.good = false};
	struct hdr_walk w;
	struct slice path = path_ahead(c->proxy, b->target.path, &first), uri, lr;
	bool routed = path.n || first_route(c, &w, &first);
	struct refusal no;
	struct uri u;

	if (routed && !path.n)
		parse_hop(&first);
	if (!parse_target(b, &u))
		return (struct refusal){416, "Bad Request-URI"};
	no = check_target(b, &u, routed);
	if (no.status)
		return no;
	if (routed && !first.good)
		return (struct refusal){400, "Bad Route"};
	uri = uri_as_target(&c->request->arena, &u);
	*hop = routed ? first.uri : u;
	if (routed && !uri_param(&first.uri, SLICE("lr"), &lr))
		make_strict(b, &first, &path, &uri);
	else
		put_path(b, path);
	if (b->target.next_hop.p && uri_parse(hop, b->target.next_hop) != URI_OK)
		return (struct refusal){478, "Unresolvable Destination"};
	if (!slice_eq(uri, context_msg(c)->uri_text))
		edit_replace(&b->edits, context_msg(c), context_msg(c)->uri_text, uri);
	return (struct refusal){0};
}

/* --- 16.6 step 4 ------------------------------------------------------------------------------ */

bool proxy_record_route(struct context *c)
{
	if (c->record_route)
		return false;
	c->record_route = true;
	return true;
}

/* A tag is a token: all but two of its characters are paramchars (RFC 3261 25.1). */
static bool fits_uri_param(struct slice tag)
{
	return tag.n > 0 && !slice_chr(tag, '%') && !slice_chr(tag, '`');
}

static void put_record(const struct context *c, unsigned socket, struct buf *out)
{
	const struct listen_point *at = &c->proxy->transport->points[socket];
	char proof[PROOF_DIGITS + 1];

	buf_putc(out, '<');
	buf_put(out, buf_slice(&at->uri));
	buf_put(out, c->proxy->options.full_lr ? SLICE(";lr=on") : SLICE(";lr"));
	if (fits_uri_param(context_msg(c)->from_tag)) {
		buf_put(out, SLICE(";ftag="));
		buf_put(out, context_msg(c)->from_tag);
	}
	proof_make(c, proof);
	buf_put(out, SLICE(";dialog="));
	buf_put(out, slice_of(proof, PROOF_DIGITS));
	buf_putc(out, '>');
}

void route_record(const struct context *c, unsigned socket, struct buf *out)
{
	buf_put(out, SLICE("Record-Route: "));
	put_record(c, socket, out);
	if (socket != c->request->socket) {
		buf_put(out, SLICE(", "));
		put_record(c, c->request->socket, out);
	}
	buf_put(out, SLICE("\r\n"));
}
