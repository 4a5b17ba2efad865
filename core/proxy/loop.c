#include "proxy/loop.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct pieces {
	uint8_t key[16];
	uint64_t *v;
	unsigned n;
};

static void add(struct pieces *p, struct slice s)
{
	p->v[p->n++] = siphash13(p->key, s.p ? s.p : "", s.n);
}

/* A line that stands there already says nothing new: a script that adds one in
 * every turn must not make a spiral of a loop. */
static void add_line(struct pieces *p, unsigned first, struct slice line)
{
	add(p, line);
	for (unsigned i = first; i < p->n - 1; i++)
		if (p->v[i] == p->v[p->n - 1]) {
			p->n--;
			return;
		}
}

/* Not: what every hop changes (Via, Max-Forwards, Max-Breadth, Record-Route),
 * credentials, and what no route looks at. */
static bool decides(enum hdr_id id)
{
	return id == HDR_ROUTE || id == HDR_PROXY_REQUIRE || id == HDR_OTHER;
}

static void collect(struct pieces *p, const struct msg *m)
{
	unsigned first;

	add(p, m->uri_text);
	add(p, m->from_tag);
	add(p, m->to_tag);
	add(p, m->call_id);
	p->v[p->n++] = m->cseq;
	first = p->n;
	for (unsigned i = 0; i < m->n_hdrs; i++)
		if (decides(m->hdrs[i].id))
			add_line(p, first, hdr_line(&m->hdrs[i]));
}

void loop_value(const struct context *c, char out[PROXY_LOOP_VALUE + 1])
{
	enum { FIELDS = 5 };
	struct pieces p = {.n = 0};
	uint64_t key = c->proxy->options.loop_key, hash;

	memcpy(p.key, &key, sizeof(key));
	p.v = arena_alloc(&c->request->arena, (FIELDS + c->msg->n_hdrs) * sizeof(*p.v));
	collect(&p, c->msg);
	hash = siphash13(p.key, p.v, p.n * sizeof(*p.v));
	snprintf(out, PROXY_LOOP_VALUE + 1, "%014" PRIx64, hash >> 8);
}

static bool carries(const struct context *c, struct slice via_text, struct slice value)
{
	const size_t cookie = sizeof(VIA_COOKIE) - 1;
	struct via v;

	if (via_parse(&v, via_text) < 0 || !via_has_cookie(&v) || v.branch.n < cookie + value.n)
		return false;
	return slice_eq(slice_of(v.branch.p + cookie, value.n), value) &&
	       transport_is_ours(c->proxy->transport, v.host, v.port);
}

bool loop_found(const struct context *c, const char *value)
{
	struct hdr_walk w = {0};
	struct slice via;

	while (msg_walk(c->msg, HDR_VIA, &w, &via))
		if (carries(c, via, slice_str(value)))
			return true;
	return false;
}
