#include "proxy/proof.h"

#include "base/hash.h"
#include "proxy/proxy.h"
#include "sip/lex.h"

#include <inttypes.h>
#include <stdio.h>

enum { TIME_DIGITS = 8 };

/* Caller or callee: what stays as it is in a dialog, however it is written. */
struct side {
	struct slice user;
	struct slice host;
};

static struct slice lower(struct arena *a, struct slice s)
{
	char *out = arena_alloc(a, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
	return slice_of(out, s.n);
}

static struct side side_of(const struct context *c, struct slice text)
{
	struct arena *a = &c->request->arena;
	struct uri u;

	if (uri_parse(&u, text) != URI_OK || !uri_is_sip(&u))
		return (struct side){text, SLICE("")};
	return (struct side){u.user.p ? lex_unescape(a, u.user) : SLICE(""), lower(a, u.host)};
}

static uint64_t hash(const struct context *c, struct slice s)
{
	return siphash13(c->proxy->options.route_key, s.p ? s.p : "", s.n);
}

static void write_proof(const struct context *c, bool by_callee, uint32_t time,
			char out[PROOF_DIGITS + 1])
{
	const struct msg *m = c->msg;
	const struct side from = side_of(c, m->from.uri), to = side_of(c, m->to.uri);
	const struct side *caller = by_callee ? &to : &from, *callee = by_callee ? &from : &to;
	const uint64_t pieces[] = {
	    hash(c, m->call_id),
	    hash(c, by_callee ? m->to_tag : m->from_tag),
	    hash(c, caller->user),
	    hash(c, caller->host),
	    hash(c, callee->user),
	    hash(c, callee->host),
	    time,
	};

	snprintf(out, PROOF_DIGITS + 1, "%08" PRIx32 "%016" PRIx64, time,
		 siphash13(c->proxy->options.route_key, pieces, sizeof(pieces)));
}

void proof_make(const struct context *c, char out[PROOF_DIGITS + 1])
{
	write_proof(c, false, (uint32_t)env_wall_s(c->proxy->env), out);
}

static int read_time(struct slice proof, uint32_t *time)
{
	*time = 0;
	for (size_t i = 0; i < TIME_DIGITS; i++) {
		int digit = lex_hex(proof.p[i]);
		if (digit < 0)
			return -1;
		*time = *time << 4 | (uint32_t)digit;
	}
	return 0;
}

static bool is_too_old(const struct proxy *p, uint32_t time)
{
	return p->options.dialog_max_age_s &&
	       env_wall_s(p->env) - (int64_t)time > (int64_t)p->options.dialog_max_age_s;
}

bool proof_holds(const struct context *c, struct slice proof)
{
	char text[PROOF_DIGITS + 1];
	uint32_t time;

	if (proof.n != PROOF_DIGITS || read_time(proof, &time) < 0 || is_too_old(c->proxy, time))
		return false;
	write_proof(c, false, time, text);
	if (slice_eq(proof, slice_str(text)))
		return true;
	write_proof(c, true, time, text);
	return slice_eq(proof, slice_str(text));
}
