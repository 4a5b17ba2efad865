#include "digest.h"

#include "phone.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { HEX = 32, REALM_MAX = 128 };

struct digest {
	EVP_MD *md5;
	EVP_MD_CTX *context;
	char realm[REALM_MAX]; /* the one that the kept hashes are for */
	size_t realm_n;
	unsigned users;
	bool *known;
	char (*ha1)[HEX];
};

static void *allocated(void *p)
{
	if (!p) {
		fputs("load: out of memory\n", stderr);
		abort();
	}
	return p;
}

struct digest *digest_new(unsigned users)
{
	struct digest *d = allocated(calloc(1, sizeof(*d)));

	d->users = users;
	d->known = allocated(calloc(users, sizeof(*d->known)));
	d->ha1 = allocated(calloc(users, sizeof(*d->ha1)));
	d->md5 = allocated(EVP_MD_fetch(NULL, "MD5", NULL));
	d->context = allocated(EVP_MD_CTX_new());
	return d;
}

void digest_free(struct digest *d)
{
	EVP_MD_CTX_free(d->context);
	EVP_MD_free(d->md5);
	free(d->known);
	free(d->ha1);
	free(d);
}

/* The hash of `n` parts with colons between them. */
static void hash(struct digest *d, char hex[HEX], const struct span *parts, unsigned n)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct text t = text_in(hex, HEX);

	EVP_DigestInit_ex2(d->context, d->md5, NULL);
	for (unsigned i = 0; i < n; i++) {
		if (i)
			EVP_DigestUpdate(d->context, ":", 1);
		EVP_DigestUpdate(d->context, parts[i].p, parts[i].n);
	}
	EVP_DigestFinal_ex(d->context, sum, NULL);
	for (unsigned i = 0; i < HEX / 2; i++)
		text_hex(&t, sum[i], 2);
}

static struct span ha1_of(struct digest *d, struct span realm, unsigned user)
{
	char name[8], password[8];
	struct text n = text_in(name, sizeof(name)), p = text_in(password, sizeof(password));

	if (!span_is(realm, (struct span){d->realm, d->realm_n})) {
		d->realm_n = realm.n < REALM_MAX ? realm.n : REALM_MAX;
		memcpy(d->realm, realm.p, d->realm_n);
		memset(d->known, 0, d->users * sizeof(*d->known));
	}
	if (!d->known[user]) {
		phone_put_name(&n, user);
		phone_put_password(&p, user);
		hash(d, d->ha1[user], (struct span[]){text_span(&n), realm, text_span(&p)}, 3);
		d->known[user] = true;
	}
	return (struct span){d->ha1[user], HEX};
}

/* The value of a parameter without its quotes. */
static bool parameter(struct span field, const char *name, struct span *value)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n < field.n; i++) {
		const char *p = field.p + i + n + 1, *end = field.p + field.n, *stop;
		bool begins = i == 0 || field.p[i - 1] == ' ' || field.p[i - 1] == ',';

		if (!begins || field.p[i + n] != '=' || strncasecmp(field.p + i, name, n) != 0)
			continue;
		if (p < end && *p == '"') {
			p++;
			stop = memchr(p, '"', (size_t)(end - p));
		} else {
			stop = memchr(p, ',', (size_t)(end - p));
		}
		*value = (struct span){p, (size_t)((stop ? stop : end) - p)};
		return true;
	}
	return false;
}

bool challenge_read(struct challenge *c, struct span field)
{
	struct span value;

	*c = (struct challenge){0};
	if (field.n < 7 || strncasecmp(field.p, "Digest ", 7) != 0)
		return false;
	if (!parameter(field, "nonce", &c->nonce) || !parameter(field, "realm", &c->realm))
		return false;
	if (!parameter(field, "opaque", &c->opaque))
		c->opaque = (struct span){0};
	c->qop = parameter(field, "qop", &value) && span_has(value, SPAN("auth"));
	c->stale = parameter(field, "stale", &value) && value.n == 4;
	return true;
}

static void quoted(struct text *t, struct span name, struct span value)
{
	text_put(t, name);
	TEXT_PUTS(t, "=\"");
	text_put(t, value);
	TEXT_PUTS(t, "\"");
}

void digest_answer(struct digest *d, struct text *t, const struct challenge *c,
		   const struct digest_question *q, unsigned user)
{
	char ha2[HEX], response[HEX], bytes[8];
	struct text cnonce = text_in(bytes, sizeof(bytes));
	struct span ha1 = ha1_of(d, c->realm, user), h2 = {ha2, HEX};

	text_hex(&cnonce, q->cnonce, 8);
	hash(d, ha2, (struct span[]){q->method, q->uri}, 2);
	if (c->qop)
		hash(d, response,
		     (struct span[]){ha1, c->nonce, SPAN("00000001"), text_span(&cnonce),
				     SPAN("auth"), h2},
		     6);
	else
		hash(d, response, (struct span[]){ha1, c->nonce, h2}, 3);
	text_put(t, (struct span){q->field, strlen(q->field)});
	TEXT_PUTS(t, ": Digest username=\"");
	phone_put_name(t, user);
	quoted(t, SPAN("\", realm"), c->realm);
	quoted(t, SPAN(", nonce"), c->nonce);
	quoted(t, SPAN(", uri"), q->uri);
	quoted(t, SPAN(", response"), (struct span){response, HEX});
	TEXT_PUTS(t, ", algorithm=MD5");
	if (c->opaque.n)
		quoted(t, SPAN(", opaque"), c->opaque);
	if (c->qop)
		quoted(t, SPAN(", qop=auth, nc=00000001, cnonce"), text_span(&cnonce));
	TEXT_PUTS(t, "\r\n");
}
