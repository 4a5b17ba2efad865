#include "txn/match.h"

enum { HOST_MAX = 255 }; /* of a DNS name; what is longer is hashed so far */

/* Host names compare without case, so they hash without it. */
static uint64_t hash_host(const struct hash *t, struct slice host)
{
	char lower[HOST_MAX];
	size_t n = host.n < HOST_MAX ? host.n : HOST_MAX;
	for (size_t i = 0; i < n; i++)
		lower[i] =
		    (char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] | 0x20 : host.p[i]);
	return hash_of(t, slice_of(lower, n));
}

/* Each piece by itself first: no byte of one can pass for a byte of the next. */
static uint64_t join(const struct hash *t, const uint64_t *pieces, size_t n)
{
	return hash_of(t, slice_of((const char *)pieces, n * sizeof(*pieces)));
}

uint64_t match_hash(const struct hash *t, const struct msg *m)
{
	if (via_has_cookie(&m->via)) {
		uint64_t pieces[] = {hash_of(t, m->via.branch), hash_host(t, m->via.host),
				     via_port(&m->via)};
		return join(t, pieces, 3);
	}
	uint64_t pieces[] = {hash_of(t, m->uri_text), hash_of(t, m->from_tag),
			     hash_of(t, m->call_id), m->cseq, hash_of(t, m->via.text)};
	return join(t, pieces, 5);
}

bool match_hop(const struct msg *a, const struct msg *b)
{
	bool cookie = via_has_cookie(&a->via);
	if (cookie != via_has_cookie(&b->via))
		return false;
	if (cookie)
		return slice_eq(a->via.branch, b->via.branch) &&
		       slice_ieq(a->via.host, b->via.host) &&
		       via_port(&a->via) == via_port(&b->via);
	return a->cseq == b->cseq && slice_eq(a->call_id, b->call_id) &&
	       slice_eq(a->from_tag, b->from_tag) && slice_eq(a->uri_text, b->uri_text) &&
	       slice_eq(a->via.text, b->via.text);
}
