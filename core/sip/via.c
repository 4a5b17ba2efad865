#include "sip/via.h"

#include "sip/lex.h"
#include "sip/param.h"

/* A token and the white space around it.  Returns what follows, or null: none there. */
static struct slice read_token(struct slice s, struct slice *token)
{
	s = lex_skip_space(s);
	*token = slice_of(s.p, lex_token(s));
	return token->n ? lex_skip_space(lex_skip(s, token->n)) : SLICE_NULL;
}

static struct slice read_slash(struct slice s)
{
	return s.n && s.p[0] == '/' ? lex_skip(s, 1) : SLICE_NULL;
}

/* "SIP/2.0/UDP " with any white space; other versions pass, to be answered 505. */
static struct slice read_protocol(struct via *v, struct slice s)
{
	struct slice usual = SLICE("SIP/2.0/UDP "), name, version;
	if (slice_starts(s, usual)) {
		v->transport = slice_of(s.p + usual.n - 4, 3);
		return lex_skip_space(lex_skip(s, usual.n));
	}
	s = read_slash(read_token(s, &name));
	s = s.p ? read_slash(read_token(s, &version)) : s;
	if (!s.p || !slice_ieq(name, SLICE("SIP")))
		return SLICE_NULL;
	s = read_token(s, &v->transport);
	bool separated = s.p && s.p > slice_end(v->transport);
	return separated ? s : SLICE_NULL;
}

static size_t host_length(struct slice s)
{
	if (s.n == 0 || s.p[0] != '[')
		return lex_span(s, LEX_HOST);
	size_t n = 1;
	while (n < s.n && (lex_hex(s.p[n]) >= 0 || s.p[n] == ':' || s.p[n] == '.'))
		n++;
	return n > 2 && n < s.n && s.p[n] == ']' ? n + 1 : 0;
}

static int read_port(struct slice digits, uint16_t *port)
{
	uint32_t value;
	if (slice_u32(digits, &value) < 0 || value == 0 || value > 65535)
		return -1;
	*port = (uint16_t)value;
	return 0;
}

/* "host:port"; white space may surround the colon. */
static struct slice read_sent_by(struct via *v, struct slice s)
{
	v->host = slice_of(s.p, host_length(s));
	if (v->host.n == 0)
		return SLICE_NULL;
	s = lex_skip_space(lex_skip(s, v->host.n));
	if (s.n == 0 || s.p[0] != ':')
		return s;
	s = lex_skip_space(lex_skip(s, 1));
	size_t digits = lex_digits(s);
	if (read_port(slice_of(s.p, digits), &v->port) < 0)
		return SLICE_NULL;
	return lex_skip(s, digits);
}

/* Keeps a value that must be there, once. */
static int keep(struct slice *field, const struct param *p)
{
	if (field->p || p->value.n == 0)
		return -1;
	*field = p->value;
	return 0;
}

static int keep_rport(struct via *v, const struct param *p)
{
	if (v->rport)
		return -1;
	v->rport = true;
	return p->value.n ? read_port(p->value, &v->rport_value) : 0;
}

static int read_param(struct via *v, const struct param *p)
{
	if (slice_ieq(p->name, SLICE("branch")))
		return keep(&v->branch, p);
	if (slice_ieq(p->name, SLICE("received")))
		return keep(&v->received, p);
	if (slice_ieq(p->name, SLICE("maddr")))
		return keep(&v->maddr, p);
	if (slice_ieq(p->name, SLICE("rport")))
		return keep_rport(v, p);
	return 0;
}

static int read_params(struct via *v)
{
	struct slice rest = v->params;
	struct param p;
	int got;
	while ((got = param_next(&rest, &p)) == 1)
		if (read_param(v, &p) < 0)
			return -1;
	return got;
}

int via_parse(struct via *v, struct slice text)
{
	text = slice_trim(text);
	*v = (struct via){.text = text};
	struct slice s = read_protocol(v, text);
	s = s.p ? read_sent_by(v, s) : s;
	if (!s.p)
		return -1;
	v->params = lex_skip_space(s);
	return read_params(v);
}

bool via_has_cookie(const struct via *v)
{
	struct slice cookie = SLICE(VIA_COOKIE);
	return v->branch.n > cookie.n && slice_starts(v->branch, cookie);
}

uint16_t via_port(const struct via *v)
{
	if (v->port)
		return v->port;
	bool tls = slice_ieq(v->transport, SLICE("TLS")) || slice_ieq(v->transport, SLICE("WSS"));
	return tls ? 5061 : 5060;
}
