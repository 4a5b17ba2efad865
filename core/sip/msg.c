#include "sip/msg.h"

#include "sip/lex.h"
#include "sip/param.h"

#include <string.h>

enum {
	FIRST_HEADERS = 24, /* room at first; it doubles */
	CSEQ_MAX = 0x7fffffff,
	MAX_FORWARDS_MAX = 255,
};

/* The first fault wins: it is the nearest to the start line. */
static void set_fault(struct msg *m, unsigned status, const char *reason)
{
	if (m->fault.status == 0)
		m->fault = (struct fault){status, reason};
}

static void bad(struct msg *m, const char *reason)
{
	set_fault(m, 400, reason);
}

/* ---- start line ---- */

/* "SIP/" DIGITS "." DIGITS, any case: 20 for 2.0, 0 for other versions, -1: not one. */
static int version_of(struct slice s)
{
	if (slice_ieq(s, SLICE("SIP/2.0")))
		return 20;
	if (!slice_istarts(s, SLICE("SIP/")))
		return -1;
	s = lex_skip(s, 4);
	size_t major = lex_digits(s);
	s = lex_skip(s, major);
	if (major == 0 || s.n < 2 || s.p[0] != '.')
		return -1;
	return lex_digits(lex_skip(s, 1)) == s.n - 1 ? 0 : -1;
}

/* "SIP/2.0 200 OK"; the reason may be empty.  0, or -1: drop it. */
static int parse_status_line(struct msg *m, struct slice line)
{
	const char *space = slice_chr(line, ' ');
	if (!space || version_of(slice_range(line.p, space)) != 20)
		return -1;
	struct slice rest = slice_range(space + 1, slice_end(line));
	uint32_t status;
	size_t digits = lex_digits(rest);
	bool ended = digits == rest.n || rest.p[digits] == ' ';
	if (digits != 3 || !ended || slice_u32(slice_of(rest.p, 3), &status) < 0 || status < 100 ||
	    status > 699)
		return -1;
	m->status = status;
	m->reason = lex_skip(rest, digits == rest.n ? digits : digits + 1);
	return 0;
}

static const char *last_space(struct slice s)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == ' ')
			return s.p + i - 1;
	return NULL;
}

static bool has_space(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (lex_is_space(s.p[i]))
			return true;
	return false;
}

static void parse_request_uri(struct msg *m)
{
	if (uri_parse(&m->uri, m->uri_text) < 0)
		bad(m, has_space(m->uri_text) ? "Space in Request-URI" : "Malformed Request-URI");
	else if (m->uri.headers.p)
		bad(m, "Header in Request-URI");
}

/*
 * "INVITE sip:bob@example.com SIP/2.0".  What has a method in front and a
 * version at the end is a request; what lies between is then at worst a fault.
 */
static int parse_request_line(struct msg *m, struct slice line)
{
	struct slice trimmed = slice_trim(line);
	const char *first = slice_chr(trimmed, ' '), *last = last_space(trimmed);
	if (!first || !last || first == last || trimmed.p != line.p)
		return -1;
	int version = version_of(slice_range(last + 1, slice_end(trimmed)));
	m->method_text = slice_range(trimmed.p, first);
	if (version < 0 || lex_token(m->method_text) != m->method_text.n)
		return -1;
	m->request = true;
	m->method = method_of(m->method_text);
	m->uri_text = slice_range(first + 1, last);
	if (version != 20)
		set_fault(m, 505, "Version Not Supported");
	if (trimmed.n != line.n)
		bad(m, "Space after SIP-Version");
	parse_request_uri(m);
	return 0;
}

static int parse_start_line(struct msg *m, struct slice line)
{
	if (slice_istarts(line, SLICE("SIP/")))
		return parse_status_line(m, line);
	return parse_request_line(m, line);
}

/* ---- header fields ---- */

/* The line at the beginning of s, its line end included; 0: no line end there. */
static size_t line_length(struct slice s)
{
	const char *lf = slice_chr(s, '\n');
	return lf ? (size_t)(lf - s.p) + 1 : 0;
}

static struct slice without_line_end(struct slice line)
{
	line.n--;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* A header field with the folded lines that belong to it; 0: it does not end in s. */
static size_t header_length(struct slice s)
{
	size_t n = 0, line;
	while ((line = line_length(lex_skip(s, n)))) {
		n += line;
		if (n == s.n || (s.p[n] != ' ' && s.p[n] != '\t'))
			return n;
	}
	return 0;
}

static struct hdr *new_header(struct msg *m, struct arena *a, unsigned *cap)
{
	if (m->n_hdrs == *cap) {
		struct hdr *old = m->hdrs;
		*cap = *cap ? 2 * *cap : FIRST_HEADERS;
		if (old) /* it is the last allocation: most often it grows in place */
			arena_trim(a, old);
		m->hdrs = arena_alloc(a, *cap * sizeof(*old));
		if (old)
			memmove(m->hdrs, old, m->n_hdrs * sizeof(*old));
	}
	return &m->hdrs[m->n_hdrs++];
}

/* Header fields of which a message may have one only (RFC 3261 7.3.1, RFC 4475 3.3.8). */
static const char *duplicate_reason(enum hdr_id id)
{
	switch (id) {
	case HDR_CALL_ID:
		return "Duplicate Call-ID";
	case HDR_CONTENT_LENGTH:
		return "Duplicate Content-Length";
	case HDR_CONTENT_TYPE:
		return "Duplicate Content-Type";
	case HDR_CSEQ:
		return "Duplicate CSeq";
	case HDR_EXPIRES:
		return "Duplicate Expires";
	case HDR_FROM:
		return "Duplicate From";
	case HDR_MAX_BREADTH:
		return "Duplicate Max-Breadth";
	case HDR_MAX_FORWARDS:
		return "Duplicate Max-Forwards";
	case HDR_MIN_EXPIRES:
		return "Duplicate Min-Expires";
	case HDR_TO:
		return "Duplicate To";
	default:
		return NULL;
	}
}

static void note_first(struct msg *m, enum hdr_id id)
{
	if (id == HDR_OTHER)
		return;
	if (m->first[id] == 0)
		m->first[id] = (uint16_t)m->n_hdrs;
	else if (duplicate_reason(id))
		bad(m, duplicate_reason(id));
}

/* The name before the colon; empty: there is none.  A name that is known is a token. */
static struct slice name_before(struct slice line, const char *colon, enum hdr_id *id)
{
	struct slice name = slice_range(line.p, colon);
	while (name.n && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
		name.n--;
	*id = hdr_id_of(name);
	if (*id == HDR_OTHER && lex_token(name) != name.n)
		name.n = 0;
	return name;
}

/* line: a whole header field.  A line that is none is a fault and not listed. */
static void parse_header(struct msg *m, struct arena *a, struct slice line, unsigned *cap)
{
	enum hdr_id id = HDR_OTHER;
	const char *colon = slice_chr(line, ':');
	struct slice name = colon ? name_before(line, colon, &id) : SLICE_NULL;
	if (name.n == 0) {
		bad(m, "Malformed header field name");
		return;
	}
	if (line.n > MSG_MAX_HEADER_BYTES || m->n_hdrs == MSG_MAX_HEADERS) {
		bad(m, m->n_hdrs == MSG_MAX_HEADERS ? "Too many header fields"
						    : "Header field too long");
		return;
	}
	struct hdr *h = new_header(m, a, cap);
	h->id = id;
	h->name = name;
	struct slice rest = without_line_end(slice_range(colon + 1, slice_end(line)));
	h->value = slice_trim(rest.n && rest.p[0] == ' ' ? lex_skip(rest, 1) : rest);
	h->line_bytes = (uint32_t)line.n;
	note_first(m, h->id);
}

/* A CR that ends no line would be a line end to other parsers. */
static void check_bare_cr(struct msg *m)
{
	struct slice s = m->head;
	const char *cr;
	while ((cr = slice_chr(s, '\r'))) {
		s = slice_range(cr + 1, slice_end(s));
		if (s.n && s.p[0] != '\n') {
			bad(m, "CR without LF");
			return;
		}
	}
}

/* Length of the empty line at the beginning of s, or 0. */
static size_t empty_line(struct slice s)
{
	if (s.n > 0 && s.p[0] == '\n')
		return 1;
	return s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n' ? 2 : 0;
}

/*
 * From behind the start line to behind the empty line.  Returns the octets
 * taken; *ended: the empty line was there.
 */
static size_t parse_headers(struct msg *m, struct arena *a, struct slice s, bool *ended)
{
	unsigned cap = 0;
	size_t n = 0, empty, length;
	while (!(empty = empty_line(lex_skip(s, n)))) {
		length = header_length(lex_skip(s, n));
		if (length == 0)
			break;
		parse_header(m, a, slice_of(s.p + n, length), &cap);
		n += length;
	}
	if (m->hdrs)
		arena_trim(a, m->hdrs + m->n_hdrs);
	*ended = empty > 0;
	return n + empty;
}

/* ---- what every element reads ---- */

static void read_via(struct msg *m)
{
	struct hdr *h = msg_hdr(m, HDR_VIA);
	struct slice rest = h ? h->value : SLICE_NULL, top;
	if (!h) {
		bad(m, "Missing Via");
	} else if (!lex_list_next(&rest, &top) || via_parse(&m->via, top) < 0) {
		m->via = (struct via){0};
		bad(m, "Malformed Via");
	}
}

/* 0, or -1: the address, its URI or its tag is malformed, or there are two tags. */
static int read_address(struct nameaddr *n, struct uri *uri, struct slice *tag, struct slice value)
{
	if (nameaddr_split(n, value) < 0 || n->star || uri_parse(uri, n->uri) < 0)
		return -1;
	struct slice rest = n->params;
	struct param p;
	int got;
	while ((got = param_next(&rest, &p)) == 1) {
		if (!slice_ieq(p.name, SLICE("tag")))
			continue;
		if (tag->p || p.value.n == 0 || lex_token(p.value) != p.value.n)
			return -1;
		*tag = p.value;
	}
	return got;
}

static void read_from_to(struct msg *m, enum hdr_id id)
{
	bool from = id == HDR_FROM;
	struct nameaddr *n = from ? &m->from : &m->to;
	struct uri *uri = from ? &m->from_uri : &m->to_uri;
	struct slice *tag = from ? &m->from_tag : &m->to_tag;
	struct hdr *h = msg_hdr(m, id);
	if (!h || read_address(n, uri, tag, h->value) == 0)
		return;
	*n = (struct nameaddr){0};
	*uri = (struct uri){0};
	*tag = SLICE_NULL;
	bad(m, from ? "Malformed From" : "Malformed To");
}

void msg_read_addresses(struct msg *m)
{
	if (m->addresses_read)
		return;
	m->addresses_read = true;
	read_from_to(m, HDR_FROM);
	read_from_to(m, HDR_TO);
}

static void check_addresses(struct msg *m)
{
	if (!msg_hdr(m, HDR_FROM))
		bad(m, "Missing From");
	if (m->request)
		msg_read_addresses(m);
	if (!msg_hdr(m, HDR_TO))
		bad(m, "Missing To");
}

/* An RFC 3261 element (it writes the cookie) must send a From tag, an RFC 2543 one need not. */
static void check_from_tag(struct msg *m)
{
	if (m->request && m->from.text.p && !m->from_tag.p && via_has_cookie(&m->via))
		bad(m, "Missing From tag");
}

static void read_call_id(struct msg *m)
{
	struct hdr *h = msg_hdr(m, HDR_CALL_ID);
	if (!h) {
		bad(m, "Missing Call-ID");
		return;
	}
	m->call_id = h->value;
	if (h->value.n == 0 || has_space(h->value))
		bad(m, "Malformed Call-ID");
}

static void check_cseq_method(struct msg *m, struct slice method)
{
	if (lex_token(method) != method.n || method.n == 0)
		bad(m, "Malformed CSeq");
	else if (m->request && !slice_eq(method, m->method_text))
		bad(m, "CSeq method does not match");
	else if (!m->request)
		m->method_text = method;
	if (!m->request)
		m->method = method_of(m->method_text);
}

static void read_cseq(struct msg *m)
{
	struct hdr *h = msg_hdr(m, HDR_CSEQ);
	if (!h) {
		bad(m, "Missing CSeq");
		return;
	}
	size_t digits = lex_digits(h->value);
	struct slice rest = lex_skip(h->value, digits);
	uint32_t number;
	if (digits == 0 || lex_space(rest) == 0)
		bad(m, "Malformed CSeq");
	else if (slice_u32(slice_of(h->value.p, digits), &number) < 0 || number > CSEQ_MAX)
		bad(m, "CSeq number too large");
	else
		m->cseq = number;
	check_cseq_method(m, lex_skip_space(rest));
}

static void read_max_forwards(struct msg *m)
{
	struct hdr *h = msg_hdr(m, HDR_MAX_FORWARDS);
	m->max_forwards = -1;
	if (!h)
		return;
	uint32_t hops;
	if (h->value.n == 0 || lex_digits(h->value) != h->value.n)
		bad(m, "Malformed Max-Forwards");
	else if (slice_u32(h->value, &hops) < 0 || hops > MAX_FORWARDS_MAX)
		m->max_forwards = MAX_FORWARDS_MAX;
	else
		m->max_forwards = (int)hops;
}

/* Bytes of body among the `there` that follow the head (RFC 3261 18.3). */
static size_t body_length(struct msg *m, size_t there)
{
	struct hdr *h = msg_hdr(m, HDR_CONTENT_LENGTH);
	uint32_t length;
	if (!h)
		return there;
	if (h->value.n == 0 || lex_digits(h->value) != h->value.n)
		bad(m, "Malformed Content-Length");
	else if (slice_u32(h->value, &length) < 0 || length > there)
		bad(m, "Content-Length larger than the message");
	else
		return length;
	return there;
}

static void read_fields(struct msg *m)
{
	read_via(m);
	check_addresses(m);
	check_from_tag(m);
	read_call_id(m);
	read_cseq(m);
	read_max_forwards(m);
}

int msg_parse(struct msg *m, struct arena *a, struct slice bytes)
{
	*m = (struct msg){.max_forwards = -1};
	const char *begin = bytes.p, *end = slice_end(bytes);
	while (begin < end && (*begin == '\r' || *begin == '\n'))
		begin++;
	struct slice s = slice_range(begin, end);
	if (s.n > MSG_MAX_BYTES)
		s.n = MSG_MAX_BYTES;
	size_t start = line_length(s);
	if (start == 0)
		return 0;
	if (parse_start_line(m, without_line_end(slice_of(s.p, start))) < 0)
		return -1;
	bool ended;
	size_t head = start + parse_headers(m, a, lex_skip(s, start), &ended);
	m->head = slice_of(s.p, head);
	check_bare_cr(m);
	if (!ended)
		bad(m, "Header does not end");
	m->body = slice_of(s.p + head, ended ? body_length(m, s.n - head) : 0);
	m->raw = slice_range(s.p, slice_end(m->body));
	read_fields(m);
	return ended ? (int)(slice_end(m->body) - bytes.p) : 0;
}

/* ---- access ---- */

struct hdr *msg_hdr(const struct msg *m, enum hdr_id id)
{
	return m->first[id] ? &m->hdrs[m->first[id] - 1] : NULL;
}

struct hdr *msg_hdr_next(const struct msg *m, const struct hdr *h)
{
	struct slice name = h->id == HDR_OTHER ? hdr_long_name(h->name) : SLICE_NULL;
	for (unsigned i = (unsigned)(h - m->hdrs) + 1; i < m->n_hdrs; i++) {
		struct hdr *other = &m->hdrs[i];
		if (other->id != h->id)
			continue;
		if (h->id != HDR_OTHER || slice_ieq(hdr_long_name(other->name), name))
			return other;
	}
	return NULL;
}

struct hdr *msg_hdr_named(const struct msg *m, struct slice name)
{
	enum hdr_id id = hdr_id_of(name);
	if (id != HDR_OTHER)
		return msg_hdr(m, id);
	name = hdr_long_name(name);
	for (unsigned i = 0; i < m->n_hdrs; i++)
		if (m->hdrs[i].id == HDR_OTHER && slice_ieq(hdr_long_name(m->hdrs[i].name), name))
			return &m->hdrs[i];
	return NULL;
}

bool msg_walk(const struct msg *m, enum hdr_id id, struct hdr_walk *w, struct slice *member)
{
	while (!w->hdr || !lex_list_next(&w->rest, member)) {
		w->hdr = w->hdr ? msg_hdr_next(m, w->hdr) : msg_hdr(m, id);
		if (!w->hdr)
			return false;
		w->rest = w->hdr->value;
	}
	return true;
}

bool msg_has_token(const struct msg *m, enum hdr_id id, struct slice token)
{
	struct hdr_walk w = {0};
	struct slice member;
	while (msg_walk(m, id, &w, &member))
		if (slice_ieq(member, token))
			return true;
	return false;
}
