/*
 * auth_rig: phones that answer challenges, and what auth says of them.
 */
#ifndef REGISTRAR_AUTH_RIG_H
#define REGISTRAR_AUTH_RIG_H

#include "registrar/auth.h"

#include "rig.h"
#include "sip/param.h"

/* The documents' phone and proxy (golden vectors), 10/abc10 at 192.168.1.15. */
#define REALM "192.168.1.15"

struct world {
	struct rig rig;
	struct auth *auth;
	struct auth_options options;
	/* Of the last check. */
	unsigned answers;
	enum auth_result result;
	bool stale;
	struct slice line;
	char user[64];
};

static inline void add_row(struct world *w, const struct store_subscriber *s)
{
	struct buf why;
	buf_init(&why, 256);
	struct store_subscriber row = *s;
	if (!row.domain.p)
		row.domain = SLICE("");
	CHECK_INT(store_memory.subscriber_add(w->rig.db, &row, &why), STORE_OK);
	buf_free(&why);
}

static inline void add(struct world *w, const char *user, const char *password)
{
	struct store_subscriber s = {.username = slice_str(user), .password = slice_str(password)};
	add_row(w, &s);
}

static inline void setup(struct world *w)
{
	*w = (struct world){.options = {.nonce_expire_s = 300, .plain = true, .max_nonces = 1000}};
	rig_init(&w->rig);
	w->auth = auth_new(&w->rig.sim.env, &w->rig.store, &w->options);
	auth_set_secret(w->auth, SLICE("0123456789abcdef"));
	add(w, "10", "abc10");
}

static inline void teardown(struct world *w)
{
	auth_free(w->auth);
	rig_free(&w->rig);
}

/* A phone's answer to a challenge; fields may be set to what no phone would send. */
struct phone {
	const char *method, *ruri, *call_id;
	const char *username, *password, *realm;
	const char *uri;
	const char *algorithm; /* "MD5", "SHA-256", … */
	const char *qop;
	const char *response; /* instead of the right one */
	const char *header;
	unsigned nc;
	char nonce[64];
};

static inline struct phone phone(void)
{
	return (struct phone){
	    .method = "REGISTER",
	    .ruri = "sip:192.168.1.15",
	    .call_id = "one@192.168.1.10",
	    .username = "10",
	    .password = "abc10",
	    .realm = REALM,
	    .header = "Authorization",
	};
}

static inline struct msg *request(struct world *w, const struct phone *p, const char *headers)
{
	return rig_msg(&w->rig,
		       "%s %s SIP/2.0\n"
		       "Via: SIP/2.0/UDP 192.168.1.10;branch=z9hG4bK1\n"
		       "From: <sip:10@192.168.1.15>;tag=1\n"
		       "To: <sip:10@192.168.1.15>\n"
		       "Call-ID: %s\n"
		       "CSeq: 1 %s\n"
		       "%s"
		       "Content-Length: 0\n\n",
		       p->method, p->ruri, p->call_id, p->method, headers);
}

static const struct auth_challenge_options md5_only = {.md5 = true};

/* Gives p the nonce of the n-th challenge line. */
static inline void challenge(struct world *w, struct phone *p,
			     const struct auth_challenge_options *o, unsigned line)
{
	struct buf out;
	buf_init(&out, 4096);
	auth_challenge(w->auth, request(w, p, ""), AUTH_WWW, SLICE(REALM), o, &out);
	struct slice s = buf_slice(&out);
	const char *at = s.p;
	for (unsigned i = 0; i <= line && at; i++) {
		at = memmem(at, (size_t)(slice_end(s) - at), "nonce=\"", 7);
		at = at ? at + 7 : NULL;
	}
	CHECK(at != NULL);
	snprintf(p->nonce, sizeof(p->nonce), "%.40s", at ? at : "");
	buf_free(&out);
}

static inline enum digest_algorithm algorithm_of(const struct phone *p)
{
	return p->algorithm && strcmp(p->algorithm, "SHA-256") == 0 ? DIGEST_SHA256 : DIGEST_MD5;
}

static inline void respond(const struct phone *p, const char *uri, char out[DIGEST_HEX])
{
	struct digester digester = {0};
	char ha1[DIGEST_HEX], nc[9];
	snprintf(nc, sizeof(nc), "%08x", p->nc);
	struct digest_credentials c = {
	    .nonce = slice_str(p->nonce),
	    .uri = slice_str(uri),
	    .cnonce = SLICE("c0ffee"),
	    .nc = slice_str(nc),
	    .algorithm = algorithm_of(p),
	    .qop = p->qop ? DIGEST_QOP_AUTH : DIGEST_QOP_NONE,
	};
	digest_ha1(&digester, c.algorithm, slice_str(p->username), slice_str(p->realm),
		   slice_str(p->password), ha1);
	digest_response(&digester, &c, slice_str(ha1), slice_str(p->method), SLICE(""), out);
	digester_free(&digester);
}

static inline void credentials(const struct phone *p, char *out, size_t size)
{
	char response[DIGEST_HEX];
	const char *uri = p->uri ? p->uri : p->ruri;
	respond(p, uri, response);
	int n = snprintf(out, size,
			 "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
			 "response=\"%s\"",
			 p->header, p->username, p->realm, p->nonce, uri,
			 p->response ? p->response : response);
	if (p->algorithm)
		n += snprintf(out + n, size - (size_t)n, ", algorithm=%s", p->algorithm);
	if (p->qop)
		n += snprintf(out + n, size - (size_t)n, ", qop=%s, nc=%08x, cnonce=\"c0ffee\"",
			      p->qop, p->nc);
	snprintf(out + n, size - (size_t)n, "\n");
}

static inline void checked(void *data, enum auth_result r, const struct auth_identity *id)
{
	struct world *w = data;
	w->answers++;
	w->result = r;
	w->stale = id->stale;
	w->line = id->line;
	snprintf(w->user, sizeof(w->user), "%.*s", SLICE_ARG(id->username));
}

static inline enum auth_result check_headers(struct world *w, const struct phone *p,
					     const char *headers)
{
	enum auth_kind kind = strcmp(p->header, "Authorization") == 0 ? AUTH_WWW : AUTH_PROXY;
	w->answers = 0;
	auth_check(w->auth, &w->rig.arena, request(w, p, headers), kind, SLICE(REALM),
		   SLICE("subscriber"), w, checked);
	if (!w->rig.slow)
		CHECK_INT(w->answers, 1);
	return w->result;
}

static inline enum auth_result check(struct world *w, const struct phone *p)
{
	char headers[1024];
	credentials(p, headers, sizeof(headers));
	return check_headers(w, p, headers);
}

static inline enum auth_result check_fresh(struct world *w, struct phone *p)
{
	challenge(w, p, &md5_only, 0);
	return check(w, p);
}

#define CHECK_RESULT(expression, reason) CHECK_STR(auth_result_name(expression), reason)

#endif
