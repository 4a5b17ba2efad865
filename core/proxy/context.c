#include "proxy/context.h"

#include "proxy/branch.h"
#include "proxy/proxy.h"
#include "proxy/response.h"
#include "sip/lex.h"

#include <stdlib.h>
#include <string.h>

/* --- life ------------------------------------------------------------------------------------- */

static void init_edits(struct context *c)
{
	const struct msg *m = context_msg(c);
	struct slice as_received = m->via.text;

	edits_init(&c->edits, &c->request->arena);
	if (as_received.p && !slice_eq(as_received, c->request->top_via))
		edit_replace(&c->edits, m, as_received, c->request->top_via);
}

struct context *context_new(struct proxy *p, struct server *st, struct received *r)
{
	struct context *c = mem_zalloc(sizeof(*c));

	c->proxy = p;
	c->server = st;
	c->request = r;
	c->method = r->msg->method;
	c->uri = r->msg->uri_text;
	c->uri_parsed = &r->msg->uri;
	c->q = -1;
	c->socket = -1;
	c->in_script = true;
	c->holds = st ? 2 : 1;
	list_init(&c->branches);
	init_edits(c);
	list_push(&p->contexts, &c->node);
	p->n_contexts++;
	p->txn.bytes += sizeof(*c);
	return c;
}

void context_free(struct context *c)
{
	struct proxy *p = c->proxy;

	if (c->handed && p->user.gone)
		p->user.gone(p->user.data, c);
	while (!list_empty(&c->branches))
		branch_free(CONTAINER(c->branches.next, struct branch, node));
	list_remove(&c->node);
	p->n_contexts--;
	p->txn.bytes -= c->counted + sizeof(*c);
	received_free(c->request);
	free(c);
}

void context_hold(struct context *c)
{
	c->holds++;
}

void context_release(struct context *c)
{
	if (--c->holds == 0)
		context_free(c);
}

/* --- rest ------------------------------------------------------------------------------------- */

void context_rest(struct context *c)
{
	bool busy = c->in_script || c->in_failure || c->relay;

	if (c->method != METHOD_INVITE || !c->server || busy || !c->request->msg)
		return;
	c->uri_parsed = NULL;
	server_rest(c->server);
}

const struct uri *context_uri(struct context *c)
{
	if (!c->uri_parsed) {
		c->uri_parsed = arena_alloc(&c->request->work, sizeof(*c->uri_parsed));
		uri_parse(c->uri_parsed, c->uri); /* it went well before */
	}
	return c->uri_parsed;
}

/* --- replies ---------------------------------------------------------------------------------- */

static bool may_reply(const struct context *c, unsigned status)
{
	if (!c->server || c->answered || status < 100 || status > 699)
		return false;
	return status >= 200 || status == 100 || c->server->invite;
}

/*
 * A reply that leaves nothing behind is fine while the caller still repeats the
 * request, and his ACK can be told by its To tag (txn_reply_stateless).
 */
static bool must_remember(const struct context *c)
{
	if (c->remember || c->relayed || c->relay || !list_empty(&c->branches))
		return true;
	return c->server->invite && (c->server->state != SERVER_TRYING || context_msg(c)->to_tag.p);
}

bool context_reply_stateful(struct context *c, unsigned status, struct slice reason,
			    struct slice headers)
{
	if (!may_reply(c, status))
		return false;
	c->proxy->counters.replies_made++;
	server_reply(c->server, status, reason, headers);
	if (status >= 200)
		response_answered(c);
	return true;
}

static void reply_stateless(struct context *c, unsigned status, struct slice reason,
			    struct slice headers)
{
	c->proxy->counters.replies_made++;
	txn_reply_stateless(&c->proxy->txn, c->request, status, reason, headers);
	if (status < 200)
		return;
	c->answered = true;
	server_drop(c->server);
}

bool context_reply(struct context *c, unsigned status, struct slice reason, struct slice headers)
{
	bool provisional = status < 200;

	if (!may_reply(c, status))
		return false;
	if (provisional ? c->server->invite : must_remember(c))
		return context_reply_stateful(c, status, reason, headers);
	reply_stateless(c, status, reason, headers);
	return true;
}

/* --- the route's end -------------------------------------------------------------------------- */

void context_script_done(struct context *c)
{
	if (!c->in_script)
		return;
	c->in_script = false;
	response_settle(c);
	context_release(c);
}

void context_failure_done(struct context *c)
{
	if (!c->in_failure)
		return;
	c->in_failure = false;
	response_settle(c);
	context_release(c);
}

/* --- targets ---------------------------------------------------------------------------------- */

/* A copy of text in the request's arena that has been parsed as a URI; 0 or -1. */
static int take_uri(struct context *c, struct slice text, struct uri *u)
{
	return uri_parse(u, arena_dup(&c->request->arena, text)) == URI_OK ? 0 : -1;
}

/* A copy on one line, which must be a list of addresses: no other header hides in it. */
static int take_path(struct context *c, struct slice text, struct slice *path)
{
	struct arena *a = &c->request->arena;
	struct slice rest;
	struct nameaddr n;
	int found;

	*path = text.n ? lex_unfold(a, arena_dup(a, text)) : SLICE_NULL;
	for (size_t i = 0; i < path->n; i++)
		if ((unsigned char)path->p[i] < ' ')
			return -1;
	rest = *path;
	do
		found = nameaddr_next(&rest, &n);
	while (found > 0);
	return found;
}

static void drop_binding(struct context *c)
{
	if (!c->bound)
		return;
	c->bound = false;
	c->next_hop = SLICE_NULL;
	c->path = SLICE_NULL;
	c->socket = -1;
	c->q = -1;
}

static void set_parsed(struct context *c, const struct uri *u)
{
	c->uri_parsed = arena_alloc(&c->request->work, sizeof(*u));
	*c->uri_parsed = *u;
	c->uri = u->text;
}

int context_set_uri(struct context *c, struct slice uri)
{
	struct uri u;

	if (take_uri(c, uri, &u) < 0)
		return -1;
	set_parsed(c, &u);
	drop_binding(c);
	return 0;
}

/* The URI that a next hop means: "192.0.2.1:5070" is "sip:192.0.2.1:5070". */
static struct slice next_hop_uri(struct context *c, struct slice text)
{
	struct arena *a = &c->request->arena;
	char host[ADDR_TEXT];
	struct addr ip;

	if (slice_istarts(text, SLICE("sip:")) || slice_istarts(text, SLICE("sips:")))
		return text;
	if (addr_parse(&ip, text, 0) == 0) {
		addr_host(&ip, true, host);
		text = slice_str(host);
	}
	return arena_printf(a, "sip:%.*s", SLICE_ARG(text));
}

int context_set_next_hop(struct context *c, struct slice next_hop)
{
	struct uri u;

	if (!next_hop.p) {
		c->next_hop = SLICE_NULL;
		return 0;
	}
	if (take_uri(c, next_hop_uri(c, next_hop), &u) < 0 || !uri_is_sip(&u))
		return -1;
	c->next_hop = u.text;
	return 0;
}

/* uri: to's, parsed. */
static int take_target(struct context *c, struct target *to, const struct target *from,
		       struct uri *uri)
{
	struct uri u;

	*to = *from;
	if (take_uri(c, from->uri, uri) < 0 || take_path(c, from->path, &to->path) < 0)
		return -1;
	to->uri = uri->text;
	if (to->path.p || !from->next_hop.p)
		to->next_hop = SLICE_NULL;
	else if (take_uri(c, next_hop_uri(c, from->next_hop), &u) == 0 && uri_is_sip(&u))
		to->next_hop = u.text;
	else
		return -1;
	return 0;
}

int context_add_target(struct context *c, const struct target *t)
{
	struct uri uri;

	if (c->n_branches + c->n_more + 1 >= PROXY_MAX_BRANCHES)
		return -1;
	if (!c->more)
		c->more = arena_alloc(&c->request->arena, PROXY_MAX_BRANCHES * sizeof(*c->more));
	if (take_target(c, &c->more[c->n_more], t, &uri) < 0)
		return -1;
	c->n_more++;
	return 0;
}

static void set_current(struct context *c, const struct target *t, const struct uri *uri)
{
	set_parsed(c, uri);
	c->bound = true;
	c->next_hop = t->next_hop;
	c->path = t->path;
	c->q = t->q;
	c->socket = t->socket;
}

unsigned context_set_targets(struct context *c, const struct target *t, unsigned n)
{
	struct target first;
	struct uri uri;
	unsigned i = 0;

	while (i < n && take_target(c, &first, &t[i], &uri) < 0)
		i++;
	if (i == n)
		return 0;
	c->n_more = 0;
	set_current(c, &first, &uri);
	for (i++; i < n; i++)
		context_add_target(c, &t[i]);
	return 1 + c->n_more;
}
