#include "registrar/contact.h"

#include "sip/lex.h"
#include "sip/param.h"

int contact_seconds(struct slice text, uint32_t *s)
{
	size_t digits = lex_digits(text);
	if (digits == 0 || digits != text.n)
		return -1;
	if (slice_u32(text, s) < 0)
		*s = UINT32_MAX;
	return 0;
}

/* qvalue of RFC 3261 25.1: 0, 1, up to three decimals. */
static int read_q(struct slice text, int *q)
{
	int value = 0;
	if (text.n == 0 || text.n > 5 || (text.p[0] != '0' && text.p[0] != '1'))
		return -1;
	if (text.n > 1 && text.p[1] != '.')
		return -1;
	for (size_t i = 0, unit = 1000; i < text.n; i++) {
		if (i == 1)
			continue;
		if (!lex_is_digit(text.p[i]))
			return -1;
		value += (text.p[i] - '0') * (int)unit;
		unit /= 10;
	}
	if (value > 1000)
		return -1;
	*q = value;
	return 0;
}

static const char *read_param(struct contact *c, struct arena *a, const struct param *p)
{
	struct slice value = lex_unquote(a, p->value);
	if (slice_ieq(p->name, SLICE("expires"))) {
		c->has_expires = true;
		c->expires_malformed = contact_seconds(value, &c->expires_s) < 0;
	} else if (slice_ieq(p->name, SLICE("q"))) {
		if (read_q(value, &c->q) < 0)
			return "Bad q in Contact";
	} else if (slice_ieq(p->name, SLICE("+sip.instance"))) {
		c->instance = value.n > 0 ? value : SLICE_NULL;
	} else if (slice_ieq(p->name, SLICE("reg-id"))) {
		if (slice_u32(value, &c->reg_id) < 0)
			c->reg_id = 0;
	}
	return NULL;
}

const char *contact_read(struct contact *c, struct arena *a, const struct nameaddr *n)
{
	struct slice rest = n->params;
	struct param p;
	int more;
	*c = (struct contact){.text = n->uri, .q = -1};
	if (uri_parse(&c->uri, n->uri) != URI_OK)
		return "Bad URI in Contact";
	if (!uri_is_sip(&c->uri) || c->uri.host.n == 0)
		return "Contact Is Not a SIP URI";
	while ((more = param_next(&rest, &p)) > 0) {
		const char *why = read_param(c, a, &p);
		if (why)
			return why;
	}
	if (!c->instance.p)
		c->reg_id = 0;
	return more < 0 ? "Bad Parameter in Contact" : NULL;
}

static bool has_flow(struct slice instance, uint32_t reg_id)
{
	return instance.n > 0 && reg_id != 0;
}

bool contact_same_flow(const struct contact *c, const struct store_binding *b)
{
	return has_flow(c->instance, c->reg_id) && c->reg_id == b->reg_id &&
	       slice_eq(c->instance, b->instance);
}

bool contact_same_uri(const struct contact *c, const struct store_binding *b)
{
	struct uri u;
	if (has_flow(c->instance, c->reg_id) && has_flow(b->instance, b->reg_id))
		return false;
	if (slice_eq(c->text, b->contact))
		return true;
	return uri_parse(&u, b->contact) == URI_OK && uri_equal(&c->uri, &u);
}
