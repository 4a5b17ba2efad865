/* Any Authorization value: parts are sane, and no response equals what is not computed. */
#include "base/arena.h"
#include "base/buf.h"
#include "fuzz.h"
#include "sip/digest.h"

static void check_response(const struct digest_credentials *c)
{
	struct digester digester = {0};
	char ha1[DIGEST_HEX], response[DIGEST_HEX];
	digest_ha1(&digester, c->algorithm, c->username, c->realm, SLICE("secret"), ha1);
	digest_response(&digester, c, slice_str(ha1), SLICE("INVITE"), SLICE("body"), response);
	digester_free(&digester);
	struct slice expected = slice_str(response);
	bool known = c->algorithm != DIGEST_UNKNOWN && c->qop != DIGEST_QOP_UNKNOWN;
	MUST(expected.n == (known ? digest_hex_digits(c->algorithm) : 0));
	MUST(known || !digest_equal(c->response, expected));
}

/* A challenge with any realm and nonce holds these, quoted, and nothing breaks out. */
static void check_challenge(const struct digest_credentials *c, struct arena *a)
{
	struct digest_challenge challenge = {.realm = c->realm, .nonce = SLICE("n"), .qop = true};
	struct digest_credentials back;
	struct buf out;
	buf_init(&out, 1 << 20);
	digest_challenge_write(&out, &challenge);
	buf_puts(&out, ", username=\"u\", uri=\"x\", response=\"y\", nc=00000001, cnonce=\"z\"");
	MUST(digest_parse(&back, a, buf_slice(&out)) == 0);
	MUST(slice_eq(back.realm, c->realm) && slice_eq(back.nonce, SLICE("n")));
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena a = {0};
	struct digest_credentials c;
	int result = digest_parse(&c, &a, fuzz_slice(bytes, n));
	MUST(result >= -1 && result <= 1);
	if (result == 0) {
		MUST(c.username.p && c.realm.p && c.nonce.p && c.uri.p && c.response.p);
		MUST(c.qop == DIGEST_QOP_NONE || (c.cnonce.p && c.nc.n == 8));
		check_response(&c);
		check_challenge(&c, &a);
	}
	arena_free(&a);
	return 0;
}
