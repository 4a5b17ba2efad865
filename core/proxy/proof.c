#include "proxy/proof.h"

#include "base/buf.h"
#include "base/hash.h"
#include "proxy/proxy.h"
#include "sip/lex.h"

enum { TIME_DIGITS = 8 };

/* Caller or callee: what stays as it is in a dialog, however it is written. */
struct side {
	struct slice user;
	struct slice host;
};

static struct side side_of(const struct context *c, const struct uri *u)
{
	struct arena *a = &c->request->work;

	if (!uri_is_sip(u))
		return (struct side){u->text, SLICE("")};
	return (struct side){u->user.p ? lex_unescape(a, u->user) : SLICE(""), u->host};
}

static void add_side(struct siphash *h, const struct side *s)
{
	siphash_add(h, s->user);
	siphash_add_lower(h, s->host);
}

static void write_proof(const struct context *c, const struct side *caller, struct slice caller_tag,
			const struct side *callee, uint32_t time, char out[PROOF_DIGITS + 1])
{
	struct siphash h;

	siphash_init(&h, c->proxy->options.route_key);
	siphash_add(&h, context_msg(c)->call_id);
	siphash_add(&h, caller_tag);
	add_side(&h, caller);
	add_side(&h, callee);
	siphash_add_u64(&h, time);
	hex_u64(time, TIME_DIGITS, out);
	hex_u64(siphash_end(&h), PROOF_DIGITS - TIME_DIGITS, out + TIME_DIGITS);
	out[PROOF_DIGITS] = '\0';
}

void proof_make(const struct context *c, char out[PROOF_DIGITS + 1])
{
	const struct msg *m = context_msg(c);
	const struct side from = side_of(c, &m->from_uri), to = side_of(c, &m->to_uri);

	write_proof(c, &from, m->from_tag, &to, (uint32_t)env_wall_s(c->proxy->env), out);
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
	const struct msg *m = context_msg(c);
	const struct side from = side_of(c, &m->from_uri), to = side_of(c, &m->to_uri);
	char text[PROOF_DIGITS + 1];
	uint32_t time;

	if (proof.n != PROOF_DIGITS || read_time(proof, &time) < 0 || is_too_old(c->proxy, time))
		return false;
	write_proof(c, &from, m->from_tag, &to, time, text);
	if (slice_eq(proof, slice_str(text)))
		return true;
	write_proof(c, &to, m->to_tag, &from, time, text);
	return slice_eq(proof, slice_str(text));
}
