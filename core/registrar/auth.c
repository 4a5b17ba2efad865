#include "registrar/auth.h"

#include "registrar/credentials.h"
#include "registrar/nonce.h"
#include "sip/lex.h"

#include <stdlib.h>
#include <string.h>

enum { MD5_DIGITS = 32, SHA256_DIGITS = 64 };

struct auth {
	struct auth_options options;
	struct nonces nonces;
	struct digester digester;
	struct credentials *credentials;
};

/* One check on its way through the store. */
struct check {
	struct credentials_waiter waiter;
	struct auth *auth;
	struct arena *arena;
	const struct msg *msg;
	const struct hdr *header;
	struct slice realm;
	struct slice user; /* whom to ask the store for */
	bool full;         /* the user name was given as user@realm */
	struct digest_credentials c;
	struct nonce nonce;
	void *data;
	void (*done)(void *data, enum auth_result r, const struct auth_identity *id);
};

const char *auth_result_name(enum auth_result r)
{
	static const char *const names[] = {
	    [AUTH_OK] = "",           [AUTH_NONE] = "none",           [AUTH_NONCE] = "nonce",
	    [AUTH_STALE] = "stale",   [AUTH_USER] = "user",           [AUTH_PASSWORD] = "password",
	    [AUTH_REPLAY] = "replay", [AUTH_MALFORMED] = "malformed", [AUTH_DB] = "db",
	};
	return names[r];
}

struct auth *auth_new(struct env *env, struct store *store, const struct auth_options *o)
{
	struct auth *a = mem_zalloc(sizeof(*a));
	const struct credentials_options cache = {o->cache_size, o->cache_ttl_s};
	a->credentials = credentials_new(env, store, &cache);
	nonces_init(&a->nonces, env, o->nonce_expire_s, o->max_nonces);
	auth_set_options(a, o);
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	nonces_free(&a->nonces);
	digester_free(&a->digester);
	credentials_free(a->credentials);
	free(a);
}

void auth_join(struct auth *a, const struct credentials_crew *crew, unsigned own)
{
	credentials_join(a->credentials, crew, own);
}

void auth_set_options(struct auth *a, const struct auth_options *o)
{
	a->options = *o;
	a->nonces.expire_s = o->nonce_expire_s;
	a->nonces.max = o->max_nonces;
	const struct credentials_options cache = {o->cache_size, o->cache_ttl_s};
	credentials_set_options(a->credentials, &cache);
}

void auth_forget(struct auth *a, struct slice user)
{
	credentials_forget(a->credentials, user);
}

void auth_count(const struct auth *a, struct credentials_counters *c)
{
	credentials_count(a->credentials, c);
}

void auth_set_secret(struct auth *a, struct slice secret)
{
	nonces_set_secret(&a->nonces, secret);
}

static void check_end(struct check *k, enum auth_result r, bool stale)
{
	struct auth_identity id = {.stale = stale};
	if (r == AUTH_OK) {
		id.line = k->header ? hdr_line(k->header) : SLICE_NULL;
		id.username = k->user;
		id.realm = k->realm;
	}
	k->done(k->data, r, &id);
}

/* What the request says. */

/* Only what a challenge of ours can lead to: MD5 or SHA-256, without -sess, qop auth or none. */
static bool was_offered(const struct digest_credentials *c)
{
	if (c->algorithm != DIGEST_MD5 && c->algorithm != DIGEST_SHA256)
		return false;
	return !c->sess && (c->qop == DIGEST_QOP_AUTH || c->qop == DIGEST_QOP_NONE);
}

static struct nonce_scope scope_of(const struct msg *m, struct slice realm, enum digest_algorithm a)
{
	return (struct nonce_scope){.realm = realm, .call_id = m->call_id, .algorithm = a};
}

/* Takes credentials for the realm, unless they are no better than those of before. */
static void consider(struct check *k, const struct hdr *h, const struct digest_credentials *c)
{
	struct nonce_scope scope = scope_of(k->msg, k->realm, c->algorithm);
	struct nonce nonce;
	nonce_read(&k->auth->nonces, &scope, c->nonce, &nonce);
	if (k->header && nonce.origin == NONCE_FOREIGN)
		return;
	k->header = h;
	k->c = *c;
	k->nonce = nonce;
}

/*
 * The first credentials with a nonce of ours: a phone may add some that it has
 * from others.  What we never offered is none of ours, and asked for anew; a
 * header nobody can read counts when there is nothing else.
 */
static enum auth_result find_credentials(struct check *k, enum auth_kind kind)
{
	enum hdr_id id = kind == AUTH_WWW ? HDR_AUTHORIZATION : HDR_PROXY_AUTHORIZATION;
	enum auth_result r = AUTH_NONE;
	for (const struct hdr *h = msg_hdr(k->msg, id); h; h = msg_hdr_next(k->msg, h)) {
		struct digest_credentials c;
		int parsed = digest_parse(&c, k->arena, h->value);
		if (parsed < 0)
			r = AUTH_MALFORMED;
		if (parsed != 0 || !slice_ieq(c.realm, k->realm) || !was_offered(&c))
			continue;
		consider(k, h, &c);
		if (k->nonce.origin != NONCE_FOREIGN)
			return AUTH_OK;
	}
	return k->header ? AUTH_NONCE : r;
}

static bool uri_is_target(const struct digest_credentials *c, const struct msg *m)
{
	struct uri u;
	if (slice_eq(c->uri, m->uri_text))
		return true;
	return m->uri.text.p && uri_parse(&u, c->uri) == URI_OK && uri_equal(&u, &m->uri);
}

/* All that can be refused without asking the store. */
static enum auth_result check_request(const struct check *k)
{
	if (k->c.qop == DIGEST_QOP_AUTH && k->c.nc_value == 0) /* it did not grow */
		return AUTH_REPLAY;
	return uri_is_target(&k->c, k->msg) ? AUTH_OK : AUTH_REPLAY;
}

/* "10@example.org" is user 10 when example.org is the realm. */
static void split_user(struct check *k)
{
	const char *at = k->c.username.n ? memrchr(k->c.username.p, '@', k->c.username.n) : NULL;
	k->user = k->c.username;
	if (!at || !slice_ieq(slice_range(at + 1, slice_end(k->c.username)), k->realm))
		return;
	k->user = slice_range(k->c.username.p, at);
	k->full = true;
}

/* What the store says. */

/* With use_domain the realm's row or none; else the realm's, then one of no domain, then any. */
static const struct store_subscriber *pick_row(const struct check *k,
					       const struct credentials_rows *rows)
{
	const struct store_subscriber *no_domain = NULL;
	for (unsigned i = 0; i < rows->n; i++) {
		const struct store_subscriber *row = &rows->v[i];
		if (slice_ieq(row->domain, k->realm))
			return row;
		if (row->domain.n == 0 && !no_domain)
			no_domain = row;
	}
	if (k->auth->options.use_domain || rows->n == 0)
		return NULL;
	return no_domain ? no_domain : &rows->v[0];
}

/* A column's hash in lower case; false when it does not hold that many hex digits. */
static bool take_ha1(struct slice column, size_t digits, char out[DIGEST_HEX])
{
	if (column.n != digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		int digit = lex_hex(column.p[i]);
		if (digit < 0)
			return false;
		out[i] = "0123456789abcdef"[digit];
	}
	out[digits] = '\0';
	return true;
}

/* A ha1 column may hold the SHA-256 kind too: its length tells. */
static bool stored_ha1(const struct check *k, const struct store_subscriber *row,
		       char out[DIGEST_HEX])
{
	if (k->c.algorithm == DIGEST_MD5)
		return take_ha1(k->full ? row->ha1b : row->ha1, MD5_DIGITS, out);
	if (k->full)
		return take_ha1(row->ha1b, SHA256_DIGITS, out);
	return take_ha1(row->ha1_sha256, SHA256_DIGITS, out) ||
	       take_ha1(row->ha1, SHA256_DIGITS, out);
}

/*
 * The HA1 to check against.  Without a usable one (false) it is that of a
 * password nobody has, at the same cost, so that time does not tell who exists.
 */
static bool find_ha1(const struct check *k, const struct store_subscriber *row,
		     char out[DIGEST_HEX])
{
	bool plain = k->auth->options.plain;
	if (row && stored_ha1(k, row, out))
		return true;
	bool known = row && plain && row->password.n > 0;
	struct slice password = known ? row->password : SLICE("nobody has it");
	if (known || plain) {
		digest_ha1(&k->auth->digester, k->c.algorithm, k->c.username, k->c.realm, password,
			   out);
		return known;
	}
	memset(out, '0', SHA256_DIGITS);
	out[digest_hex_digits(k->c.algorithm)] = '\0';
	return false;
}

static bool response_is_right(const struct check *k, const char *ha1)
{
	char expected[DIGEST_HEX];
	digest_response(&k->auth->digester, &k->c, slice_str(ha1), k->msg->method_text,
			k->msg->body, expected);
	return digest_equal(k->c.response, slice_str(expected));
}

static enum auth_result check_use(struct check *k)
{
	uint32_t nc = k->c.qop == DIGEST_QOP_AUTH ? k->c.nc_value : 0;
	switch (nonce_use(&k->auth->nonces, &k->nonce, nc)) {
	case NONCE_FRESH:
		return AUTH_OK;
	case NONCE_REPLAY:
		return AUTH_REPLAY;
	default:
		return AUTH_STALE;
	}
}

/* AUTH_OK: the response is that of the user's password. */
static enum auth_result check_response(const struct check *k, const struct credentials_rows *rows)
{
	char ha1[DIGEST_HEX];
	bool known = find_ha1(k, pick_row(k, rows), ha1);
	bool right = response_is_right(k, ha1);
	if (known && right)
		return AUTH_OK;
	return known ? AUTH_PASSWORD : AUTH_USER;
}

static void check_finish(struct check *k, enum auth_result r)
{
	bool right = r == AUTH_OK;
	if (right)
		r = check_use(k);
	check_end(k, r, right && r != AUTH_OK);
}

/* Hashes hold for one realm: who made them for another sees nothing but 401s. */
static void note_realm(const struct check *k, const struct credentials_rows *rows)
{
	const struct store_subscriber *row = pick_row(k, rows);
	struct buf text;
	if (rows->n == 0 || (row && (row->domain.n == 0 || slice_ieq(row->domain, k->realm))))
		return;
	row = row ? row : &rows->v[0];
	buf_init(&text, 1024);
	buf_puts(&text, "auth: user ");
	log_clean(&text, k->user, false);
	buf_puts(&text, " has a password for realm \"");
	log_clean(&text, row->domain, false);
	buf_puts(&text, "\", not for \"");
	log_clean(&text, k->realm, false);
	log_info(k->auth->nonces.env->log, "%.*s\"", SLICE_ARG(buf_slice(&text)));
	buf_free(&text);
}

static void on_credentials(struct credentials_waiter *w, enum store_error e,
			   const struct credentials_rows *rows)
{
	struct check *k = CONTAINER(w, struct check, waiter);
	if (e != STORE_OK) {
		check_end(k, AUTH_DB, false);
		return;
	}
	enum auth_result r = check_response(k, rows);
	if (r != AUTH_OK)
		note_realm(k, rows);
	check_finish(k, r);
}

/* Who is refused by what was kept is looked up once more: the password may be new. */
static void check_user(struct check *k, struct slice table)
{
	struct credentials *c = k->auth->credentials;
	struct credentials_rows rows;
	bool worn = false;
	split_user(k);
	if (credentials_find(c, table, k->user, &rows, &worn)) {
		enum auth_result r = check_response(k, &rows);
		if (r == AUTH_OK || !worn) {
			check_finish(k, r);
			return;
		}
	}
	k->waiter.found = on_credentials;
	credentials_ask(c, table, k->user, &k->waiter);
}

void auth_check(struct auth *a, struct arena *arena, const struct msg *msg, enum auth_kind kind,
		struct slice realm, struct slice table, void *data,
		void (*done)(void *data, enum auth_result r, const struct auth_identity *id))
{
	struct check *k = arena_zalloc(arena, sizeof(*k));
	k->auth = a;
	k->arena = arena;
	k->msg = msg;
	k->realm = arena_dup(arena, realm);
	k->data = data;
	k->done = done;
	/* Neither can be challenged (RFC 3261 22.1), so neither is checked. */
	if (msg->method == METHOD_ACK || msg->method == METHOD_CANCEL) {
		k->realm = SLICE_NULL;
		check_end(k, AUTH_OK, false);
		return;
	}
	enum auth_result r = find_credentials(k, kind);
	if (r == AUTH_OK)
		r = check_request(k);
	if (r == AUTH_OK)
		check_user(k, table);
	else
		check_end(k, r, false);
}

/* Challenges. */

static void challenge_line(struct auth *a, const struct msg *msg, enum auth_kind kind,
			   const struct digest_challenge *c, struct buf *out)
{
	char nonce[NONCE_DIGITS];
	struct digest_challenge line = *c;
	struct nonce_scope scope = scope_of(msg, c->realm, c->algorithm);
	nonce_make(&a->nonces, &scope, nonce);
	line.nonce = slice_of(nonce, sizeof(nonce));
	buf_puts(out, kind == AUTH_WWW ? "WWW-Authenticate: " : "Proxy-Authenticate: ");
	digest_challenge_write(out, &line);
	buf_puts(out, "\r\n");
}

static bool is_printable(char c)
{
	return (unsigned char)c >= ' ' && c != 0x7f;
}

/* No realm ends a line. */
static struct slice printable(struct buf *clean, struct slice s)
{
	size_t n = 0;
	while (n < s.n && is_printable(s.p[n]))
		n++;
	if (n == s.n)
		return s;
	for (size_t i = 0; i < s.n; i++)
		if (is_printable(s.p[i]))
			buf_putc(clean, s.p[i]);
	return buf_slice(clean);
}

void auth_challenge(struct auth *a, const struct msg *msg, enum auth_kind kind, struct slice realm,
		    const struct auth_challenge_options *o, struct buf *out)
{
	struct buf clean;
	buf_init(&clean, realm.n);
	realm = printable(&clean, realm);
	struct digest_challenge c = {.realm = realm, .qop = o->qop, .stale = o->stale};
	if (o->sha256) {
		c.algorithm = DIGEST_SHA256;
		challenge_line(a, msg, kind, &c, out);
	}
	if (o->md5 || !o->sha256) {
		c.algorithm = DIGEST_MD5;
		challenge_line(a, msg, kind, &c, out);
	}
	buf_free(&clean);
}
