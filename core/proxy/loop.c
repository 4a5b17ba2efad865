#include "proxy/loop.h"

#include "base/buf.h"
#include "base/hash.h"

#include <string.h>

/* Not: what every hop changes (Via, Max-Forwards, Max-Breadth, Record-Route),
 * credentials, and what no route looks at. */
static bool decides(enum hdr_id id)
{
	return id == HDR_ROUTE || id == HDR_PROXY_REQUIRE || id == HDR_OTHER;
}

static bool is_among(const uint64_t *v, unsigned n, uint64_t hash)
{
	while (n && v[n - 1] != hash)
		n--;
	return n > 0;
}

/* A line that stands there already says nothing new: a script that adds one in
 * every turn must not make a spiral of a loop. */
static void add_lines(struct siphash *h, const uint8_t key[16], const struct msg *m,
		      uint64_t seen[])
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_hdrs; i++) {
		if (!decides(m->hdrs[i].id))
			continue;
		struct slice line = hdr_line(&m->hdrs[i]);
		seen[n] = siphash13(key, line.p, line.n);
		if (is_among(seen, n, seen[n]))
			continue;
		siphash_add_u64(h, seen[n++]);
	}
}

void loop_value(const struct context *c, char out[PROXY_LOOP_VALUE + 1])
{
	const struct msg *m = context_msg(c);
	struct arena *a = &c->request->work, before = *a;
	uint8_t key[16] = {0};
	struct siphash h;

	memcpy(key, &c->proxy->options.loop_key, sizeof(c->proxy->options.loop_key));
	siphash_init(&h, key);
	siphash_add(&h, m->uri_text);
	siphash_add(&h, m->from_tag);
	siphash_add(&h, m->to_tag);
	siphash_add(&h, m->call_id);
	siphash_add_u64(&h, m->cseq);
	add_lines(&h, key, m, arena_alloc(a, m->n_hdrs * sizeof(uint64_t)));
	arena_rewind(a, &before);
	hex_u64(siphash_end(&h) >> 8, PROXY_LOOP_VALUE, out);
	out[PROXY_LOOP_VALUE] = '\0';
}

static bool carries(const struct context *c, struct slice via_text, struct slice value)
{
	const size_t cookie = sizeof(VIA_COOKIE) - 1;
	struct via v;

	if (!memmem(via_text.p, via_text.n, value.p, value.n) || via_parse(&v, via_text) < 0 ||
	    !via_has_cookie(&v) || v.branch.n < cookie + value.n)
		return false;
	return slice_eq(slice_of(v.branch.p + cookie, value.n), value) &&
	       transport_is_ours(c->proxy->transport, v.host, v.port);
}

bool loop_found(const struct context *c, const char *value)
{
	struct hdr_walk w = {0};
	const struct msg *m = context_msg(c);
	struct slice via;

	while (msg_walk(m, HDR_VIA, &w, &via))
		if (carries(c, via, slice_of(value, PROXY_LOOP_VALUE)))
			return true;
	return false;
}
