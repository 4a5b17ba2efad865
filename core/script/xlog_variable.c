#include "script/xlog.h"

#include "sip/digest.h"

#include <time.h>

/* The values of pseudo-variables; what peers sent is cleaned of control characters. */

static bool put(struct buf *out, struct slice s)
{
	if (!s.p)
		return false;
	log_clean(out, s, false);
	return true;
}

static bool put_number(struct buf *out, uint64_t n)
{
	buf_u64(out, n);
	return true;
}

static bool put_host(struct buf *out, const struct addr *a)
{
	char text[ADDR_TEXT];

	addr_host(a, false, text);
	buf_puts(out, text);
	return true;
}

/* The parsed text of a URI when it is a SIP one. */
static bool sip_uri(struct slice text, struct uri *u)
{
	return text.p && uri_parse(u, text) == URI_OK && uri_is_sip(u);
}

static bool put_user(struct buf *out, struct slice text)
{
	struct uri u;
	return sip_uri(text, &u) && put(out, u.user);
}

static bool put_domain(struct buf *out, struct slice text)
{
	struct uri u;
	return sip_uri(text, &u) && put(out, u.host);
}

static bool put_port(struct buf *out, struct slice text)
{
	struct uri u;
	return sip_uri(text, &u) && put_number(out, uri_port(&u));
}

static bool put_transport(struct buf *out, struct slice text)
{
	struct uri u;
	struct slice value;

	if (!sip_uri(text, &u))
		return false;
	return put(out, uri_param(&u, SLICE("transport"), &value) ? value : SLICE("UDP"));
}

static bool put_header(const struct scope *s, struct buf *out, enum hdr_id id)
{
	const struct hdr *h = msg_hdr(s->msg, id);
	return h && put(out, h->value);
}

/* Message */

static bool method(const struct scope *s, struct buf *out)
{
	return put(out, s->msg->method_text);
}

static bool status(const struct scope *s, struct buf *out)
{
	return !s->msg->request && put_number(out, s->msg->status);
}

static bool reason(const struct scope *s, struct buf *out)
{
	return !s->msg->request && put(out, s->msg->reason);
}

static bool buffer(const struct scope *s, struct buf *out)
{
	log_clean(out, s->msg->raw, true);
	return true;
}

static bool body(const struct scope *s, struct buf *out)
{
	if (s->msg->body.p)
		log_clean(out, s->msg->body, true);
	return s->msg->body.p != NULL;
}

static bool message_id(const struct scope *s, struct buf *out)
{
	return put_number(out, s->m->id);
}

static bool length(const struct scope *s, struct buf *out)
{
	return put_number(out, s->msg->raw.n);
}

static bool flags(const struct scope *s, struct buf *out)
{
	return put_number(out, s->m->flags);
}

static bool flags_hex(const struct scope *s, struct buf *out)
{
	buf_printf(out, "%08X", s->m->flags);
	return true;
}

/* Addresses */

static bool source_ip(const struct scope *s, struct buf *out)
{
	return put_host(out, &s->received->source);
}

static bool source_port(const struct scope *s, struct buf *out)
{
	return put_number(out, s->received->source.port);
}

static bool received_ip(const struct scope *s, struct buf *out)
{
	return put_host(out, &s->received->local);
}

static bool received_port(const struct scope *s, struct buf *out)
{
	return put_number(out, s->received->local.port);
}

/* The current Request-URI; replies have none. */
static struct slice ruri_of(const struct scope *s)
{
	if (!s->msg->request)
		return SLICE_NULL;
	return s->branch ? s->branch->target.uri : s->m->context->uri;
}

static bool ruri(const struct scope *s, struct buf *out)
{
	return put(out, ruri_of(s));
}

static bool ruri_user(const struct scope *s, struct buf *out)
{
	return put_user(out, ruri_of(s));
}

static bool ruri_domain(const struct scope *s, struct buf *out)
{
	return put_domain(out, ruri_of(s));
}

static bool ruri_port(const struct scope *s, struct buf *out)
{
	return put_port(out, ruri_of(s));
}

static bool ruri_transport(const struct scope *s, struct buf *out)
{
	return put_transport(out, ruri_of(s));
}

static bool original(const struct scope *s, struct buf *out)
{
	return put(out, s->msg->uri_text);
}

static bool original_user(const struct scope *s, struct buf *out)
{
	return put_user(out, s->msg->uri_text);
}

static bool original_domain(const struct scope *s, struct buf *out)
{
	return put_domain(out, s->msg->uri_text);
}

static bool original_port(const struct scope *s, struct buf *out)
{
	return put_port(out, s->msg->uri_text);
}

static bool original_transport(const struct scope *s, struct buf *out)
{
	return put_transport(out, s->msg->uri_text);
}

/* Destinations */

static struct slice next_hop_of(const struct scope *s)
{
	if (!s->msg->request)
		return SLICE_NULL;
	return s->branch ? s->branch->target.next_hop : s->m->context->next_hop;
}

static bool next_hop(const struct scope *s, struct buf *out)
{
	return put(out, next_hop_of(s));
}

static bool next_hop_domain(const struct scope *s, struct buf *out)
{
	return put_domain(out, next_hop_of(s));
}

static bool next_hop_port(const struct scope *s, struct buf *out)
{
	return put_port(out, next_hop_of(s));
}

static bool next_hop_transport(const struct scope *s, struct buf *out)
{
	return put_transport(out, next_hop_of(s));
}

static bool first_branch(const struct scope *s, struct buf *out)
{
	const struct context *c = s->m->context;
	return s->msg->request && c->n_more && put(out, c->more[0].uri);
}

static bool all_branches(const struct scope *s, struct buf *out)
{
	const struct context *c = s->m->context;

	if (!s->msg->request)
		return false;
	for (unsigned i = 0; i < c->n_more; i++) {
		buf_puts(out, i ? ", " : "");
		put(out, c->more[i].uri);
	}
	return c->n_more > 0;
}

/* None until the route has said where the request is to go. */
static bool destinations(const struct scope *s, struct buf *out)
{
	const struct context *c = s->m->context;

	if (!s->msg->request || (!c->n_more && slice_eq(c->uri, s->msg->uri_text)))
		return false;
	buf_puts(out, "Contact: ");
	put(out, c->uri);
	for (unsigned i = 0; i < c->n_more; i++) {
		buf_puts(out, ", ");
		put(out, c->more[i].uri);
	}
	return true;
}

/* From and To */

static bool from_uri(const struct scope *s, struct buf *out)
{
	return put(out, scope_addresses(s)->from.uri);
}

static bool from_user(const struct scope *s, struct buf *out)
{
	return put_user(out, scope_addresses(s)->from.uri);
}

static bool from_domain(const struct scope *s, struct buf *out)
{
	return put_domain(out, scope_addresses(s)->from.uri);
}

static bool from_name(const struct scope *s, struct buf *out)
{
	return scope_addresses(s)->from.display.n && put(out, scope_addresses(s)->from.display);
}

static bool from_tag(const struct scope *s, struct buf *out)
{
	return put(out, scope_addresses(s)->from_tag);
}

static bool to_uri(const struct scope *s, struct buf *out)
{
	return put(out, scope_addresses(s)->to.uri);
}

static bool to_user(const struct scope *s, struct buf *out)
{
	return put_user(out, scope_addresses(s)->to.uri);
}

static bool to_domain(const struct scope *s, struct buf *out)
{
	return put_domain(out, scope_addresses(s)->to.uri);
}

static bool to_name(const struct scope *s, struct buf *out)
{
	return scope_addresses(s)->to.display.n && put(out, scope_addresses(s)->to.display);
}

static bool to_tag(const struct scope *s, struct buf *out)
{
	return put(out, scope_addresses(s)->to_tag);
}

/* Header fields */

static bool call_id(const struct scope *s, struct buf *out)
{
	return put(out, s->msg->call_id);
}

static bool cseq(const struct scope *s, struct buf *out)
{
	return put_number(out, s->msg->cseq);
}

static bool contact(const struct scope *s, struct buf *out)
{
	return put_header(s, out, HDR_CONTACT);
}

static bool content_length(const struct scope *s, struct buf *out)
{
	return put_header(s, out, HDR_CONTENT_LENGTH);
}

static bool content_type(const struct scope *s, struct buf *out)
{
	return put_header(s, out, HDR_CONTENT_TYPE);
}

static bool user_agent(const struct scope *s, struct buf *out)
{
	return put_header(s, out, HDR_USER_AGENT);
}

bool xlog_header(const struct scope *s, struct slice name, int n, struct buf *out)
{
	int at = 0;

	for (const struct hdr *h = msg_hdr_named(s->msg, name); h; h = msg_hdr_next(s->msg, h)) {
		if (n < 0 && at)
			buf_puts(out, ", ");
		if (n < 0 || at == n)
			put(out, h->value);
		if (at++ == n)
			return true;
	}
	return n < 0 && at > 0;
}

/* Authentication: who was accepted, else what the request claims. */

static bool identity_of(const struct scope *s, struct slice *user, struct slice *realm)
{
	static const enum hdr_id kinds[] = {HDR_PROXY_AUTHORIZATION, HDR_AUTHORIZATION};
	struct digest_credentials c;

	*user = s->m->identity.username;
	*realm = s->m->identity.realm;
	if (s->m->authorized || !s->msg->request)
		return s->msg->request;
	for (unsigned i = 0; i < 2; i++) {
		const struct hdr *h = msg_hdr(s->msg, kinds[i]);
		if (!h || digest_parse(&c, &s->received->arena, h->value))
			continue;
		*user = c.username;
		*realm = c.realm;
		return true;
	}
	return false;
}

static bool auth_user(const struct scope *s, struct buf *out)
{
	struct slice user, realm;
	return identity_of(s, &user, &realm) && put(out, user);
}

static bool auth_realm(const struct scope *s, struct buf *out)
{
	struct slice user, realm;
	return identity_of(s, &user, &realm) && put(out, realm);
}

static bool auth_both(const struct scope *s, struct buf *out)
{
	struct slice user, realm;

	if (!identity_of(s, &user, &realm))
		return false;
	put(out, user);
	buf_putc(out, '@');
	return put(out, realm);
}

/* Time and process */

static bool time_text(const struct scope *s, struct buf *out)
{
	time_t now = (time_t)env_wall_s(s->m->script->host->env);
	struct tm tm;
	char text[64];

	localtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
	buf_puts(out, text);
	return true;
}

static bool time_number(const struct scope *s, struct buf *out)
{
	return put_number(out, (uint64_t)env_wall_s(s->m->script->host->env));
}

static bool process(const struct scope *s, struct buf *out)
{
	return put_number(out, (uint64_t)s->m->script->host->pid);
}

const struct xlog_variable xlog_variables[] = {
    {"rm", method},
    {"rs", status},
    {"rr", reason},
    {"mb", buffer},
    {"rb", body},
    {"mi", message_id},
    {"ml", length},
    {"mf", flags},
    {"mF", flags_hex},
    {"si", source_ip},
    {"src_ip", source_ip},
    {"sp", source_port},
    {"Ri", received_ip},
    {"Rp", received_port},
    {"ru", ruri},
    {"ruri", ruri},
    {"rU", ruri_user},
    {"ruri.user", ruri_user},
    {"rd", ruri_domain},
    {"ruri.domain", ruri_domain},
    {"rp", ruri_port},
    {"rP", ruri_transport},
    {"ou", original},
    {"ouri", original},
    {"oU", original_user},
    {"od", original_domain},
    {"op", original_port},
    {"oP", original_transport},
    {"du", next_hop},
    {"duri", next_hop},
    {"dd", next_hop_domain},
    {"dp", next_hop_port},
    {"dP", next_hop_transport},
    {"br", first_branch},
    {"bR", all_branches},
    {"ds", destinations},
    {"fu", from_uri},
    {"from", from_uri},
    {"fU", from_user},
    {"from.user", from_user},
    {"fd", from_domain},
    {"from.domain", from_domain},
    {"fn", from_name},
    {"ft", from_tag},
    {"tu", to_uri},
    {"to", to_uri},
    {"tU", to_user},
    {"to.user", to_user},
    {"td", to_domain},
    {"to.domain", to_domain},
    {"tn", to_name},
    {"tt", to_tag},
    {"ci", call_id},
    {"cs", cseq},
    {"ct", contact},
    {"cl", content_length},
    {"cT", content_type},
    {"ua", user_agent},
    {"au", auth_user},
    {"aU", auth_user},
    {"ar", auth_realm},
    {"Au", auth_both},
    {"Tf", time_text},
    {"Ts", time_number},
    {"pp", process},
};
const unsigned xlog_variable_count = sizeof(xlog_variables) / sizeof(*xlog_variables);
