#include "sip/digest.h"

#include "base/arena.h"
#include "sip/lex.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* ---- credentials ---- */

/* One of "name=value, ..."; what parameters share before they are told apart. */
struct pair {
	struct slice name;
	struct slice value;
};

/* 1: *p is set, *rest moved; 0: end; -1: malformed. */
static int pair_next(struct slice *rest, struct pair *p)
{
	struct slice s = lex_skip_space(*rest);
	while (s.n && s.p[0] == ',')
		s = lex_skip_space(lex_skip(s, 1));
	if (s.n == 0)
		return 0;
	p->name = slice_of(s.p, lex_token(s));
	s = lex_skip_space(lex_skip(s, p->name.n));
	if (p->name.n == 0 || s.n == 0 || s.p[0] != '=')
		return -1;
	s = lex_skip_space(lex_skip(s, 1));
	size_t quoted = lex_quoted(s), n = quoted ? quoted : lex_token(s);
	if (n == 0)
		return -1;
	p->value = slice_of(s.p, n);
	s = lex_skip_space(lex_skip(s, n));
	if (s.n && s.p[0] != ',')
		return -1;
	*rest = s;
	return 1;
}

/* Without its quotes; escapes stay, as they count in the hash (RFC 2617 3.2.2.1 unq). */
static struct slice bare(struct slice value)
{
	return value.p[0] == '"' ? slice_of(value.p + 1, value.n - 2) : value;
}

enum param {
	USERNAME,
	REALM,
	NONCE,
	URI,
	RESPONSE,
	CNONCE,
	NC,
	ALGORITHM,
	QOP,
	PARAMS,
	UNKNOWN = PARAMS,
};

static enum param param_of(struct slice name)
{
	static const struct slice names[PARAMS] = {{"username", 8}, {"realm", 5},     {"nonce", 5},
						   {"uri", 3},      {"response", 8},  {"cnonce", 6},
						   {"nc", 2},       {"algorithm", 9}, {"qop", 3}};
	for (int i = 0; i < PARAMS; i++)
		if (slice_ieq(name, names[i]))
			return (enum param)i;
	return UNKNOWN;
}

/* Each known parameter once. */
static int read_params(struct slice values[PARAMS], struct slice rest)
{
	struct pair p;
	int got;
	while ((got = pair_next(&rest, &p)) == 1) {
		enum param i = param_of(p.name);
		if (i == UNKNOWN)
			continue;
		if (values[i].p)
			return -1;
		values[i] = p.value;
	}
	return got;
}

static enum digest_algorithm algorithm_of(struct slice name, bool *sess)
{
	struct slice suffix = SLICE("-sess");
	*sess = name.n > suffix.n && slice_ieq(lex_skip(name, name.n - suffix.n), suffix);
	if (*sess)
		name.n -= suffix.n;
	if (slice_ieq(name, SLICE("MD5")))
		return DIGEST_MD5;
	if (slice_ieq(name, SLICE("SHA-256")))
		return DIGEST_SHA256;
	return slice_ieq(name, SLICE("SHA-512-256")) ? DIGEST_SHA512_256 : DIGEST_UNKNOWN;
}

static enum digest_qop qop_of(struct slice name)
{
	if (slice_ieq(name, SLICE("auth")))
		return DIGEST_QOP_AUTH;
	return slice_ieq(name, SLICE("auth-int")) ? DIGEST_QOP_AUTH_INT : DIGEST_QOP_UNKNOWN;
}

static int read_nc(struct slice nc, uint32_t *value)
{
	*value = 0;
	for (size_t i = 0; i < nc.n; i++) {
		int digit = lex_hex(nc.p[i]);
		if (digit < 0)
			return -1;
		*value = *value << 4 | (uint32_t)digit;
	}
	return nc.n == 8 ? 0 : -1;
}

static int fill(struct digest_credentials *c, struct arena *a, const struct slice v[PARAMS])
{
	for (int i = USERNAME; i <= RESPONSE; i++)
		if (!v[i].p)
			return -1;
	c->username = lex_unquote(a, v[USERNAME]);
	c->realm = lex_unquote(a, v[REALM]);
	c->nonce = bare(v[NONCE]);
	c->uri = bare(v[URI]);
	c->response = bare(v[RESPONSE]);
	c->cnonce = v[CNONCE].p ? bare(v[CNONCE]) : SLICE_NULL;
	c->nc = v[NC].p ? bare(v[NC]) : SLICE_NULL;
	c->qop = v[QOP].p ? qop_of(bare(v[QOP])) : DIGEST_QOP_NONE;
	c->algorithm = DIGEST_MD5;
	if (v[ALGORITHM].p)
		c->algorithm = algorithm_of(bare(v[ALGORITHM]), &c->sess);
	if (c->nc.p && read_nc(c->nc, &c->nc_value) < 0)
		return -1;
	if (v[QOP].p && (!c->cnonce.p || !c->nc.p))
		return -1;
	return c->sess && !c->cnonce.p ? -1 : 0;
}

int digest_parse(struct digest_credentials *c, struct arena *a, struct slice value)
{
	*c = (struct digest_credentials){0};
	value = slice_trim(value);
	struct slice scheme = slice_of(value.p, lex_token(value));
	struct slice rest = lex_skip(value, scheme.n), values[PARAMS] = {{0}};
	if (scheme.n == 0)
		return -1;
	if (!slice_ieq(scheme, SLICE("Digest")))
		return 1;
	if (lex_space(rest) == 0 || read_params(values, rest) < 0)
		return -1;
	return fill(c, a, values);
}

/* ---- hashes ---- */

size_t digest_hex_digits(enum digest_algorithm a)
{
	return a == DIGEST_MD5 ? 32 : 64;
}

static const EVP_MD *md_of(enum digest_algorithm a)
{
	switch (a) {
	case DIGEST_MD5:
		return EVP_md5();
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA512_256:
		return EVP_sha512_256();
	default:
		return NULL;
	}
}

/*
 * One text on its way into the hash, then the next.  Most fit, and are hashed at
 * once: each piece that the library is given costs more than its bytes do.
 */
struct hasher {
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
	bool begun;
	bool failed; /* a library without the algorithm: no response matches then */
	size_t n;
	char bytes[256];
};

void digester_free(struct digester *d)
{
	for (int a = 0; a < DIGEST_UNKNOWN; a++)
		EVP_MD_CTX_free(d->ctx[a]);
	*d = (struct digester){0};
}

/* Asking the library for an algorithm is dear: a context that knows its own is not told again. */
static void hasher_init(struct hasher *h, struct digester *d, enum digest_algorithm a)
{
	h->md = md_of(a);
	if (h->md && !d->ctx[a])
		d->ctx[a] = EVP_MD_CTX_new();
	h->ctx = h->md ? d->ctx[a] : NULL;
	if (h->ctx && EVP_MD_CTX_get0_md(h->ctx))
		h->md = NULL;
	h->failed = !h->ctx;
	h->begun = false;
	h->n = 0;
}

static void hash_bytes(struct hasher *h, const char *p, size_t n)
{
	if (!h->failed && !h->begun)
		h->failed = EVP_DigestInit_ex(h->ctx, h->md, NULL) != 1;
	h->begun = true;
	h->md = NULL;
	if (!h->failed)
		h->failed = EVP_DigestUpdate(h->ctx, p, n) != 1;
}

static void feed(struct hasher *h, struct slice s)
{
	if (s.n > sizeof(h->bytes) - h->n) {
		hash_bytes(h, h->bytes, h->n);
		hash_bytes(h, s.p, s.n);
		h->n = 0;
	} else if (s.n) {
		memcpy(h->bytes + h->n, s.p, s.n);
		h->n += s.n;
	}
}

/* Hex of what was fed, and ready for the next text; "" after a failure. */
static struct slice finish(struct hasher *h, char out[DIGEST_HEX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	hash_bytes(h, h->bytes, h->n);
	h->n = 0;
	h->begun = false;
	if (!h->failed)
		h->failed = EVP_DigestFinal_ex(h->ctx, hash, &n) != 1;
	if (h->failed)
		n = 0;
	for (unsigned i = 0; i < n; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[2 * n] = '\0';
	return slice_of(out, 2 * n);
}

/* text after text, with colons between them. */
static void feed_joined(struct hasher *h, const struct slice *texts, int n)
{
	for (int i = 0; i < n; i++) {
		if (i)
			feed(h, SLICE(":"));
		feed(h, texts[i]);
	}
}

static struct slice hash_joined(struct hasher *h, const struct slice *texts, int n,
				char out[DIGEST_HEX])
{
	feed_joined(h, texts, n);
	return finish(h, out);
}

void digest_ha1(struct digester *d, enum digest_algorithm a, struct slice user, struct slice realm,
		struct slice password, char out[DIGEST_HEX])
{
	struct hasher h;
	hasher_init(&h, d, a);
	hash_joined(&h, (struct slice[]){user, realm, password}, 3, out);
	OPENSSL_cleanse(&h, sizeof(h));
}

/* What was fed is method and URI, most often those of the last HA2. */
static struct slice finish_a2(struct digester *d, struct hasher *h, enum digest_algorithm a,
			      char out[DIGEST_HEX])
{
	const struct slice text = slice_of(h->bytes, h->n);
	if (h->begun || text.n > sizeof(d->last.text))
		return finish(h, out);
	if (d->last.algorithm != a || !slice_eq(slice_of(d->last.text, d->last.n), text)) {
		memcpy(d->last.text, text.p, text.n);
		d->last.algorithm = a;
		d->last.n = finish(h, d->last.hex).n ? text.n : 0;
	}
	h->n = 0;
	return slice_str(d->last.hex);
}

/* HA2 of RFC 2617 3.2.2.3; with auth-int the body counts. */
static struct slice hash_a2(struct digester *d, struct hasher *h,
			    const struct digest_credentials *c, struct slice method,
			    struct slice body, char out[DIGEST_HEX])
{
	if (c->qop != DIGEST_QOP_AUTH_INT) {
		feed_joined(h, (struct slice[]){method, c->uri}, 2);
		return finish_a2(d, h, c->algorithm, out);
	}
	char body_hex[DIGEST_HEX];
	feed(h, body);
	struct slice body_hash = finish(h, body_hex);
	return hash_joined(h, (struct slice[]){method, c->uri, body_hash}, 3, out);
}

void digest_response(struct digester *d, const struct digest_credentials *c, struct slice ha1,
		     struct slice method, struct slice body, char out[DIGEST_HEX])
{
	struct hasher h;
	char a1_hex[DIGEST_HEX], a2_hex[DIGEST_HEX];
	hasher_init(&h, d, c->algorithm);
	h.failed |= c->qop == DIGEST_QOP_UNKNOWN;
	if (c->sess)
		ha1 = hash_joined(&h, (struct slice[]){ha1, c->nonce, c->cnonce}, 3, a1_hex);
	struct slice ha2 = hash_a2(d, &h, c, method, body, a2_hex);
	if (c->qop == DIGEST_QOP_NONE) {
		hash_joined(&h, (struct slice[]){ha1, c->nonce, ha2}, 3, out);
	} else {
		struct slice qop =
		    c->qop == DIGEST_QOP_AUTH_INT ? SLICE("auth-int") : SLICE("auth");
		hash_joined(&h, (struct slice[]){ha1, c->nonce, c->nc, c->cnonce, qop, ha2}, 6,
			    out);
	}
}

bool digest_equal(struct slice a, struct slice b)
{
	return a.n && a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

/* ---- challenges ---- */

static const char *first_special(struct slice s)
{
	const char *quote = slice_chr(s, '"'), *backslash = slice_chr(s, '\\');
	return !quote || (backslash && backslash < quote) ? backslash : quote;
}

static void put_quoted(struct buf *out, struct slice s)
{
	const char *special;
	buf_putc(out, '"');
	while ((special = first_special(s))) {
		buf_put(out, slice_range(s.p, special));
		buf_putc(out, '\\');
		buf_putc(out, *special);
		s = slice_range(special + 1, slice_end(s));
	}
	buf_put(out, s);
	buf_putc(out, '"');
}

static const char *algorithm_name(enum digest_algorithm a)
{
	return a == DIGEST_SHA256 ? "SHA-256" : a == DIGEST_SHA512_256 ? "SHA-512-256" : "MD5";
}

void digest_challenge_write(struct buf *out, const struct digest_challenge *c)
{
	buf_puts(out, "Digest realm=");
	put_quoted(out, c->realm);
	buf_puts(out, ", nonce=");
	put_quoted(out, c->nonce);
	if (c->stale)
		buf_puts(out, ", stale=true");
	if (c->algorithm != DIGEST_MD5 || c->qop) {
		buf_puts(out, ", algorithm=");
		buf_puts(out, algorithm_name(c->algorithm));
	}
	if (c->qop)
		buf_puts(out, ", qop=\"auth\"");
}
