#include "txn/match.h"

/* Host names compare without case, so they hash without it. */
static void add_hop(struct siphash *h, const struct msg *m)
{
	if (via_has_cookie(&m->via)) {
		siphash_add(h, m->via.branch);
		siphash_add_lower(h, m->via.host);
		siphash_add_u64(h, via_port(&m->via));
		return;
	}
	siphash_add(h, m->uri_text);
	siphash_add(h, m->from_tag);
	siphash_add(h, m->call_id);
	siphash_add_u64(h, m->cseq);
	siphash_add(h, m->via.text);
}

struct match match_of(const struct hash *t, const struct msg *m)
{
	struct siphash h;
	struct match k = {.cookie = via_has_cookie(&m->via)};
	siphash_init(&h, t->key);
	add_hop(&h, m);
	k.hash = siphash_end(&h);
	k.check = siphash_end(&h);
	k.method = m->method != METHOD_OTHER ? m->method : (uint32_t)hash_of(t, m->method_text);
	k.to_tag = k.cookie ? 0 : (uint32_t)hash_of(t, m->to_tag);
	return k;
}
