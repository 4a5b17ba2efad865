#include "registrar/registrar.h"

#include "base/utf8.h"
#include "registrar/contact.h"
#include "registrar/listing.h"
#include "sip/lex.h"

#include <string.h>

/* What fits in the columns of the store; longer texts are refused, not cut. */
enum {
	MAX_USER = 64,
	MAX_HOST = 64,
	MAX_CONTACT = 512,
	MAX_INSTANCE = 255,
	MAX_PATH = 512,
	MAX_CALLID = 255,
	MAX_USER_AGENT = 255, /* this one is cut */
};

enum {
	MAX_CONTACTS = 32,  /* of one REGISTER; each is compared with all bindings */
	MAX_ANSWER = 60000, /* bytes of header lines */
	STORE_RETRY_S = 5,  /* Retry-After when the store failed, and up to twice as much */
	BRIEF_S = 3600,     /* RFC 3261 10.3 step 7: longer ones may not be called too brief */
};

/* One REGISTER on its way. */
struct save {
	struct env *env;
	struct registrar_options o;
	struct registrar_request request;
	const struct registrar_request *r;
	struct slice user, host;
	struct contact *contacts;
	unsigned n_contacts;
	bool star; /* Contact: *, with Expires: 0 */
	struct slice path;
	struct slice received_uri; /* "sip:ADDR:PORT" of the source */
	int64_t methods;
	struct slice user_agent;
	int64_t now_s;
	int64_t retry_s;                /* Too Many Contacts: until a place becomes free */
	struct registrar_answer answer; /* of a refusal */
	void *data;
	void (*done)(void *data, const struct registrar_answer *answer);
};

static bool refuse(struct save *s, unsigned status, const char *reason)
{
	s->answer.status = status;
	s->answer.reason = reason ? slice_str(reason) : SLICE("");
	return false;
}

static void save_end(struct save *s)
{
	s->done(s->data, &s->answer);
}

/* Extensions (RFC 3261 8.2.2.3). */

static bool is_supported(const struct save *s, struct slice tag)
{
	return s->o.path && slice_ieq(tag, SLICE("path"));
}

static bool check_require(struct save *s)
{
	struct hdr_walk w = {0};
	struct slice tag;
	struct buf unknown;
	buf_init(&unknown, MAX_ANSWER);
	while (msg_walk(s->r->msg, HDR_REQUIRE, &w, &tag)) {
		if (is_supported(s, tag) || lex_token(tag) != tag.n)
			continue;
		buf_puts(&unknown, unknown.n ? ", " : "Unsupported: ");
		buf_put(&unknown, tag);
	}
	if (unknown.n > 0) {
		buf_puts(&unknown, "\r\n");
		s->answer.headers = arena_dup(s->r->arena, buf_slice(&unknown));
		refuse(s, 420, NULL);
	}
	buf_free(&unknown);
	return s->answer.status == 0;
}

/* A store would refuse anything else, and the whole write with it. */
static bool check_text(struct save *s, struct slice text, const char *why)
{
	return utf8_is(text) || refuse(s, 400, why);
}

/* The address-of-record (step 5). */

void registrar_aor(struct arena *a, const struct uri *u, struct slice *user, struct slice *host)
{
	*user = u->user.p ? lex_unescape(a, u->user) : SLICE("");
	*host = u->host;
}

static bool read_aor(struct save *s)
{
	const struct uri *to = &s->r->msg->to_uri;
	if (!uri_is_sip(to))
		return refuse(s, 400, "To Is Not a SIP URI");
	registrar_aor(s->r->arena, to, &s->user, &s->host);
	if (s->user.n == 0 || s->user.n > MAX_USER || s->host.n > MAX_HOST || !utf8_is(s->user))
		return refuse(s, 404, NULL);
	if (s->r->msg->call_id.n > MAX_CALLID)
		return refuse(s, 400, "Call-ID Too Long");
	return check_text(s, s->r->msg->call_id, "Call-ID Is Not UTF-8");
}

/* Contacts (steps 6 and 7). */

/* The Expires header field: 1 with a value, 0 without one (absent, or no number). */
static int expires_header(const struct save *s, uint32_t *seconds)
{
	const struct hdr *h = msg_hdr(s->r->msg, HDR_EXPIRES);
	return h && contact_seconds(h->value, seconds) == 0;
}

static bool too_brief(struct save *s)
{
	s->answer.headers = arena_printf(s->r->arena, "Min-Expires: %u\r\n", s->o.min_expires_s);
	return refuse(s, 423, NULL);
}

/* Sets c->expires_s to what is granted. */
static bool grant(struct save *s, struct contact *c)
{
	bool asked = c->has_expires && !c->expires_malformed;
	if (!c->has_expires && expires_header(s, &c->expires_s))
		asked = true;
	if (!asked)
		c->expires_s = s->o.default_expires_s;
	uint32_t e = c->expires_s;
	if (asked && e > 0 && e < s->o.min_expires_s && e < BRIEF_S)
		return too_brief(s);
	if (e > s->o.max_expires_s)
		c->expires_s = s->o.max_expires_s;
	return true;
}

static bool read_contact(struct save *s, struct slice member)
{
	struct nameaddr n;
	struct contact *c = &s->contacts[s->n_contacts];
	if (nameaddr_parse(&n, lex_unfold(s->r->arena, member)) < 0)
		return refuse(s, 400, "Bad Contact");
	if (n.star) {
		s->star = true;
		s->n_contacts++;
		return true;
	}
	const char *why = contact_read(c, s->r->arena, &n);
	if (why)
		return refuse(s, 400, why);
	if (c->text.n > MAX_CONTACT || c->instance.n > MAX_INSTANCE)
		return refuse(s, 400, "Contact Too Long");
	s->n_contacts++;
	return check_text(s, c->text, "Contact Is Not UTF-8") &&
	       check_text(s, c->instance, "Instance Is Not UTF-8") && grant(s, c);
}

static bool check_star(struct save *s)
{
	uint32_t seconds;
	if (s->n_contacts > 1)
		return refuse(s, 400, "Contact * Is Not Alone");
	if (!expires_header(s, &seconds) || seconds != 0)
		return refuse(s, 400, "Contact * Without Expires 0");
	s->n_contacts = 0;
	return true;
}

static unsigned count_members(const struct msg *m, enum hdr_id id)
{
	struct hdr_walk w = {0};
	struct slice member;
	unsigned n = 0;
	while (msg_walk(m, id, &w, &member))
		n++;
	return n;
}

static bool read_contacts(struct save *s)
{
	const struct msg *m = s->r->msg;
	struct hdr_walk w = {0};
	struct slice member;
	unsigned n = count_members(m, HDR_CONTACT);
	if (n == 0 && msg_hdr(m, HDR_CONTACT))
		return refuse(s, 400, "Empty Contact");
	if (n > MAX_CONTACTS)
		return refuse(s, 400, "Too Many Contacts");
	s->contacts = arena_zalloc(s->r->arena, (n + 1) * sizeof(*s->contacts));
	while (msg_walk(m, HDR_CONTACT, &w, &member))
		if (!read_contact(s, member))
			return false;
	return !s->star || check_star(s);
}

/* Path (RFC 3327). */

static bool read_path(struct save *s)
{
	struct hdr_walk w = {0};
	struct slice member;
	struct buf out;
	bool ok = true;
	if (!s->o.path || !msg_hdr(s->r->msg, HDR_PATH))
		return true;
	buf_init(&out, MAX_PATH);
	while (ok && msg_walk(s->r->msg, HDR_PATH, &w, &member)) {
		struct nameaddr n;
		struct uri u;
		ok = nameaddr_parse(&n, member) == 0 && uri_parse(&u, n.uri) == URI_OK &&
		     uri_is_sip(&u) && n.brackets;
		if (out.n > 0)
			buf_puts(&out, ", ");
		buf_put(&out, lex_unfold(s->r->arena, member));
	}
	if (!ok)
		refuse(s, 400, "Bad Path");
	else if (out.failed)
		refuse(s, 400, "Path Too Long");
	else if (out.n > 0)
		s->path = arena_dup(s->r->arena, buf_slice(&out));
	buf_free(&out);
	return s->answer.status == 0 && check_text(s, s->path, "Path Is Not UTF-8");
}

/* What else a binding keeps. */

/*
 * The phone gave its own address (its Contact is where its Via is) and is not
 * there: a NAT stands between, and calls reach it where the request came from.
 * A Contact that is elsewhere was meant so; behind an edge proxy Path tells.
 */
static bool is_translated(const struct save *s, const struct contact *c)
{
	const struct addr *source = &s->r->source;
	const struct via *via = &s->r->msg->via;
	struct addr own;
	if (source->family == 0 || s->path.p || !via->text.p ||
	    !uri_host_equal(via->host, c->uri.host) ||
	    addr_parse(&own, c->uri.host, uri_port(&c->uri)) < 0)
		return false;
	/* The same host: its port may be for sending only, unless it asks for answers there. */
	return !addr_ip_equal(&own, source) || (own.port != source->port && via->rport);
}

/* Sets who is reached where the request came from, and what that is. */
static void find_translated(struct save *s)
{
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < s->n_contacts; i++) {
		struct contact *c = &s->contacts[i];
		c->translated = is_translated(s, c);
		if (c->translated && !s->received_uri.p) {
			addr_text(&s->r->source, text);
			s->received_uri = arena_printf(s->r->arena, "sip:%s", text);
		}
	}
}

/* Allow as the bit mask of the methods column; -1 without it. */
static int64_t methods_of(const struct msg *m)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = {
	    {"INVITE", 1},    {"CANCEL", 2},      {"ACK", 4},       {"BYE", 8},
	    {"INFO", 16},     {"OPTIONS", 32},    {"UPDATE", 64},   {"REGISTER", 128},
	    {"MESSAGE", 256}, {"SUBSCRIBE", 512}, {"NOTIFY", 1024}, {"PRACK", 2048},
	    {"REFER", 4096},  {"PUBLISH", 8192},
	};
	struct hdr_walk w = {0};
	struct slice member;
	int64_t mask = 0;
	if (!msg_hdr(m, HDR_ALLOW))
		return -1;
	while (msg_walk(m, HDR_ALLOW, &w, &member))
		for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (slice_eq(member, slice_str(known[i].name)))
				mask |= known[i].bit;
	return mask;
}

/* It is for people only: cut where it is too long, '?' for what is no character. */
static struct slice user_agent_of(const struct save *s)
{
	const struct hdr *h = msg_hdr(s->r->msg, HDR_USER_AGENT);
	if (!h)
		return SLICE_NULL;
	struct slice text = lex_unfold(s->r->arena, h->value);
	char *out = arena_alloc(s->r->arena, text.n + 1);
	size_t n = 0;
	while (text.n > 0) {
		size_t size = utf8_char(text), step = size ? size : 1;
		if (n + step > MAX_USER_AGENT)
			break;
		memcpy(out + n, size ? text.p : "?", step);
		n += step;
		text = lex_skip(text, step);
	}
	return slice_of(out, n);
}

/* All that needs the request's arena, which save_merge() may not touch. */
static void describe(struct save *s)
{
	find_translated(s);
	s->methods = methods_of(s->r->msg);
	s->user_agent = user_agent_of(s);
}

static void fill_binding(const struct save *s, const struct contact *c, struct store_binding *b)
{
	*b = (struct store_binding){
	    .contact = c->text,
	    .received = c->translated ? s->received_uri : SLICE_NULL,
	    .path = s->path,
	    .expires = s->now_s + c->expires_s,
	    .q = c->q,
	    .callid = s->r->msg->call_id,
	    .cseq = s->r->msg->cseq,
	    .last_modified = s->now_s,
	    .user_agent = s->user_agent,
	    .socket = s->r->socket,
	    .methods = s->methods,
	    .instance = c->instance,
	    .reg_id = c->reg_id,
	};
}

/* The change: what the request makes of the bindings. */

/* A binding as it is, as it will be, or both. */
struct slot {
	const struct store_binding *old; /* NULL: new */
	struct store_binding put;
	bool changed;
	bool removed;
};

struct plan {
	struct slot *v;
	unsigned n;
	unsigned added;
};

static const struct store_binding *slot_binding(const struct slot *x)
{
	return x->changed ? &x->put : x->old;
}

static struct slot *find_slot(struct plan *p, const struct contact *c)
{
	for (unsigned i = 0; i < p->n; i++)
		if (contact_same_flow(c, slot_binding(&p->v[i])))
			return &p->v[i];
	for (unsigned i = 0; i < p->n; i++)
		if (contact_same_uri(c, slot_binding(&p->v[i])))
			return &p->v[i];
	return NULL;
}

/* Steps 6 and 7: of the same UA, and not newer. */
static bool is_out_of_order(const struct save *s, const struct slot *x)
{
	return x->old && slice_eq(x->old->callid, s->r->msg->call_id) &&
	       s->r->msg->cseq <= x->old->cseq;
}

/* Seconds until a place becomes free. */
static int64_t first_expiry(const struct save *s, const struct plan *p)
{
	int64_t first = s->now_s + s->o.max_expires_s;
	for (unsigned i = 0; i < p->n; i++) {
		const struct store_binding *old = p->v[i].old;
		if (old && old->expires != 0 && old->expires < first)
			first = old->expires;
	}
	return first > s->now_s ? first - s->now_s : 1;
}

static bool too_many(struct save *s, const struct plan *p)
{
	s->retry_s = first_expiry(s, p);
	return refuse(s, 503, "Too Many Contacts");
}

static bool plan_contact(struct save *s, struct plan *p, const struct contact *c)
{
	struct slot *x = find_slot(p, c);
	if (x && is_out_of_order(s, x))
		return refuse(s, 400, "CSeq Out of Order");
	if (c->expires_s == 0) {
		if (x)
			x->removed = true;
		return true;
	}
	if (!x && p->added == s->o.max_contacts && s->o.max_contacts > 0)
		return too_many(s, p);
	if (!x) {
		x = &p->v[p->n++];
		p->added++;
	}
	fill_binding(s, c, &x->put);
	x->put.ruid = x->old ? x->old->ruid : SLICE_NULL;
	x->changed = true;
	x->removed = false;
	return true;
}

static bool plan_star(struct save *s, struct plan *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (is_out_of_order(s, &p->v[i]))
			return refuse(s, 400, "CSeq Out of Order");
		p->v[i].removed = true;
	}
	return true;
}

static unsigned count_alive(const struct plan *p)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->n; i++)
		n += !p->v[i].removed;
	return n;
}

/* The binding that was refreshed longest ago, none of this request's. */
static struct slot *oldest_slot(struct plan *p)
{
	struct slot *oldest = NULL;
	for (unsigned i = 0; i < p->n; i++) {
		struct slot *x = &p->v[i];
		if (x->removed || x->changed)
			continue;
		if (!oldest || x->old->last_modified < oldest->old->last_modified)
			oldest = x;
	}
	return oldest;
}

static bool plan_limit(struct save *s, struct plan *p)
{
	unsigned alive = count_alive(p);
	if (s->o.max_contacts == 0 || p->added == 0)
		return true;
	for (; alive > s->o.max_contacts; alive--) {
		struct slot *x = s->o.replace_oldest ? oldest_slot(p) : NULL;
		if (!x)
			return too_many(s, p);
		x->removed = true;
	}
	return true;
}

static void plan_write(const struct plan *p, struct arena *a, struct location_change *change)
{
	change->puts = arena_alloc(a, (p->n + 1) * sizeof(*change->puts));
	change->removes = arena_alloc(a, (p->n + 1) * sizeof(*change->removes));
	for (unsigned i = 0; i < p->n; i++) {
		const struct slot *x = &p->v[i];
		if (x->removed && x->old)
			change->removes[change->n_removes++] = x->old->ruid;
		else if (x->changed && !x->removed)
			change->puts[change->n_puts++] = x->put;
	}
}

static int save_merge(void *data, struct arena *a, const struct location_view *now,
		      struct location_change *change)
{
	struct save *s = data;
	struct plan p = {.n = now->n};
	bool ok = true;
	s->now_s = now->now_s;
	p.v = arena_zalloc(a, (now->n + s->n_contacts + 1) * sizeof(*p.v));
	for (unsigned i = 0; i < now->n; i++)
		p.v[i].old = now->v[i];
	if (s->star)
		ok = plan_star(s, &p);
	for (unsigned i = 0; i < s->n_contacts && ok; i++)
		ok = plan_contact(s, &p, &s->contacts[i]);
	if (!ok || !plan_limit(s, &p))
		return (int)s->answer.status;
	plan_write(&p, a, change);
	return 0;
}

/* The answer (step 8). */

/* RFC 3327 5.3: told to who understands it. */
static void put_path(const struct save *s, struct buf *out)
{
	const struct msg *m = s->r->msg;
	if (!s->path.p)
		return;
	if (!msg_has_token(m, HDR_SUPPORTED, SLICE("path")) &&
	    !msg_has_token(m, HDR_REQUIRE, SLICE("path")))
		return;
	buf_puts(out, "Path: ");
	buf_put(out, s->path);
	buf_puts(out, "\r\n");
}

static void answer_ok(struct save *s, const struct location_view *view)
{
	struct buf out;
	int64_t now_s = env_wall_s(s->env);
	buf_init(&out, MAX_ANSWER);
	for (unsigned i = 0; i < view->n; i++)
		listing_contact(&out, view->v[i], now_s);
	put_path(s, &out);
	listing_date(&out, now_s);
	s->answer = (struct registrar_answer){.status = 200, .reason = SLICE("")};
	if (out.failed)
		refuse(s, 500, "Too Many Bindings");
	else
		s->answer.headers = arena_dup(s->r->arena, buf_slice(&out));
	buf_free(&out);
}

struct slice registrar_retry_after(struct env *env, struct arena *a)
{
	unsigned seconds = STORE_RETRY_S + (unsigned)(rand_u64(env->rand) % STORE_RETRY_S);
	return arena_printf(a, "Retry-After: %u\r\n", seconds);
}

static void answer_store_failed(struct save *s)
{
	s->answer.headers = registrar_retry_after(s->env, s->r->arena);
	refuse(s, 503, NULL);
}

static void save_found(void *data, enum store_error e, const struct location_view *view)
{
	struct save *s = data;
	if (e != STORE_OK)
		answer_store_failed(s);
	else
		answer_ok(s, view);
	save_end(s);
}

static void save_changed(void *data, enum store_error e, int verdict,
			 const struct location_view *view)
{
	struct save *s = data;
	if (e != STORE_OK || verdict == 0) {
		save_found(s, e, view);
		return;
	}
	/* refused by the plan */
	if (s->retry_s)
		s->answer.headers =
		    arena_printf(s->r->arena, "Retry-After: %lld\r\n", (long long)s->retry_s);
	save_end(s);
}

void registrar_save(struct env *env, struct location *l, const struct registrar_options *o,
		    const struct registrar_request *r, void *data,
		    void (*done)(void *data, const struct registrar_answer *answer))
{
	struct save *s = arena_zalloc(r->arena, sizeof(*s));
	s->env = env;
	s->o = *o;
	s->request = *r;
	s->r = &s->request;
	s->data = data;
	s->done = done;
	s->answer.headers = SLICE("");
	if (!check_require(s) || !read_aor(s) || !read_contacts(s) || !read_path(s)) {
		save_end(s);
	} else if (s->n_contacts == 0 && !s->star) {
		location_lookup(l, s->user, s->host, s, save_found);
	} else {
		describe(s);
		location_change(l, s->user, s->host, s, save_merge, save_changed);
	}
}
