#include "txn/match.h"

enum { HOST_MAX = 255 }; /* of a DNS name; what is longer is hashed so far */

static uint64_t hash_text(const uint8_t key[16], struct slice s)
{
	return siphash13(key, s.p, s.n);
}

/* Host names compare without case, so they hash without it. */
static uint64_t hash_host(const uint8_t key[16], struct slice host)
{
	char lower[HOST_MAX];
	size_t n = host.n < HOST_MAX ? host.n : HOST_MAX;
	for (size_t i = 0; i < n; i++)
		lower[i] =
		    (char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] | 0x20 : host.p[i]);
	return hash_text(key, slice_of(lower, n));
}

/* Each piece by itself first: no byte of one can pass for a byte of the next. */
static uint64_t join(const uint8_t key[16], const uint64_t *pieces, size_t n)
{
	return siphash13(key, pieces, n * sizeof(*pieces));
}

uint64_t match_hash(const uint8_t key[16], const struct msg *m)
{
	if (via_has_cookie(&m->via)) {
		uint64_t pieces[] = {hash_text(key, m->via.branch), hash_host(key, m->via.host),
				     m->via.host.n, via_port(&m->via)};
		return join(key, pieces, 4);
	}
	uint64_t pieces[] = {hash_text(key, m->uri_text), hash_text(key, m->from_tag),
			     hash_text(key, m->call_id), m->cseq, hash_text(key, m->via.text)};
	return join(key, pieces, 5);
}

struct match match_of(const struct hash *t, const uint8_t check_key[16], const struct msg *m)
{
	return (struct match){
	    .hash = match_hash(t->key, m),
	    .check = match_hash(check_key, m),
	    .method = (uint32_t)hash_of(t, m->method_text),
	    .to_tag = (uint32_t)hash_of(t, m->to_tag),
	    .cookie = via_has_cookie(&m->via),
	};
}
