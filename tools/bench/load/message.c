#include "message.h"

#include <limits.h>
#include <stdlib.h>
#include <strings.h>

static bool named(struct span name, const char *full)
{
	return strlen(full) == name.n && strncasecmp(name.p, full, name.n) == 0;
}

static bool is(struct span name, char compact, const char *full)
{
	return name.n == 1 ? (name.p[0] | 32) == compact : named(name, full);
}

static uint32_t number(struct span s)
{
	uint32_t value = 0;

	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		value = value * 10 + (uint32_t)(s.p[i] - '0');
	return value;
}

static struct span trim(struct span s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* Cuts `s` at the first `c`: before it, and what is behind it remains. */
static bool cut(struct span *s, char c, struct span *before)
{
	const char *at = s->n ? memchr(s->p, c, s->n) : NULL;

	if (!at)
		return false;
	*before = (struct span){s->p, (size_t)(at - s->p)};
	*s = (struct span){at + 1, s->n - before->n - 1};
	return true;
}

static bool read_start(struct message *m, struct span line)
{
	struct span first, second;

	if (!cut(&line, ' ', &first) || !cut(&line, ' ', &second))
		return false;
	if (!span_is(first, SPAN("SIP/2.0"))) {
		m->method = first;
		m->uri = second;
		return span_is(trim(line), SPAN("SIP/2.0"));
	}
	m->status = number(second);
	return m->status >= 100 && m->status <= 699;
}

static void read_cseq(struct message *m, struct span value)
{
	struct span digits;

	m->cseq = value;
	m->cseq_number = number(value);
	if (cut(&value, ' ', &digits))
		m->cseq_method = trim(value);
}

static void push(struct span *list, unsigned *n, unsigned max, struct span value)
{
	if (*n < max)
		list[(*n)++] = value;
}

/* Those whose names begin with c, r and p; the others stand alone at their letters. */
static void read_c(struct message *m, struct span name, struct span value)
{
	if (named(name, "Call-ID"))
		m->call_id = value;
	else if (named(name, "CSeq"))
		read_cseq(m, value);
	else if (named(name, "Contact"))
		m->contact = value;
}

static void read_r(struct message *m, struct span name, struct span value)
{
	if (named(name, "Record-Route"))
		push(m->record_routes, &m->record_routes_n, MESSAGE_ROUTES, value);
	else if (named(name, "Route"))
		m->route = true;
}

static void read_p(struct message *m, struct span name, struct span value)
{
	if (named(name, "Proxy-Authenticate"))
		m->challenge = value;
	else if (named(name, "Proxy-Authorization"))
		m->credentials = true;
}

static void read_m(struct message *m, struct span name, struct span value)
{
	if (is(name, 'm', "Contact"))
		m->contact = value;
	else if (named(name, "Max-Forwards"))
		m->max_forwards = number(value);
}

static void read_field(struct message *m, struct span name, struct span value)
{
	switch (name.n ? name.p[0] | 32 : 0) {
	case 'v':
		if (is(name, 'v', "Via"))
			push(m->vias, &m->vias_n, MESSAGE_VIAS, value);
		break;
	case 'f':
		if (is(name, 'f', "From"))
			m->from = value;
		break;
	case 't':
		if (is(name, 't', "To"))
			m->to = value;
		break;
	case 'i':
		if (is(name, 'i', "Call-ID"))
			m->call_id = value;
		break;
	case 'a':
		m->credentials |= named(name, "Authorization");
		break;
	case 'w':
		if (named(name, "WWW-Authenticate"))
			m->challenge = value;
		break;
	case 'c':
		read_c(m, name, value);
		break;
	case 'r':
		read_r(m, name, value);
		break;
	case 'p':
		read_p(m, name, value);
		break;
	case 'm':
		read_m(m, name, value);
		break;
	default:
		break;
	}
}

bool message_read(struct message *m, struct span datagram)
{
	struct span rest = datagram, line, name;

	m->status = m->vias_n = m->record_routes_n = 0;
	m->from = m->to = m->call_id = m->cseq = m->contact = m->challenge = (struct span){0};
	m->method = m->uri = m->cseq_method = (struct span){0};
	m->max_forwards = UINT_MAX;
	m->credentials = m->route = false;
	if (!cut(&rest, '\n', &line) || !read_start(m, trim(line)))
		return false;
	while (cut(&rest, '\n', &line) && trim(line).n) {
		if (!cut(&line, ':', &name))
			return false;
		read_field(m, trim(name), trim(line));
	}
	m->body = rest;
	return m->vias_n && m->from.n && m->to.n && m->call_id.n && m->cseq_method.n;
}

bool message_next_value(struct span *line, struct span *value)
{
	bool quoted = false, angle = false;
	size_t i;

	if (!line->n)
		return false;
	for (i = 0; i < line->n && (quoted || angle || line->p[i] != ','); i++) {
		char c = line->p[i];
		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '<' || c == '>'))
			angle = c == '<';
	}
	*value = trim((struct span){line->p, i});
	i += i < line->n;
	*line = (struct span){line->p + i, line->n - i};
	return true;
}

struct span message_uri(struct span name_addr)
{
	struct span before, uri;

	if (cut(&name_addr, '<', &before) && cut(&name_addr, '>', &uri))
		return uri;
	return cut(&name_addr, ';', &before) ? before : name_addr;
}

unsigned message_vias(const struct message *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->vias_n; i++) {
		struct span line = m->vias[i], value;
		while (message_next_value(&line, &value))
			n++;
	}
	return n;
}
