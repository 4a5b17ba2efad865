#include "sip/digest.h"

#include "base/arena.h"
#include "sip/lex.h"
#include "tap.h"

/* ---- credentials ---- */

static struct arena arena;
static struct digester digester;

static int parse(struct digest_credentials *c, const char *value)
{
	return digest_parse(c, &arena, slice_str(value));
}

#define NEEDED "username=\"bob\", realm=\"r\", nonce=\"n\", uri=\"sip:r\", response=\"abc\""

static void reads_credentials(void)
{
	struct digest_credentials c;
	CHECK_INT(
	    parse(&c, "digest username=\"b\\\"ob\",realm = \"ex\\\\ample\" ,\r\n nonce=\"n\\\"1\","
		      "uri=\"sip:r\", response=\"abc\", opaque=\"x,y\", qop=auth, nc=0000000a,"
		      "cnonce=\"c1\", algorithm=SHA-256-sess, auth-param=z"),
	    0);
	CHECK_SLICE(c.username, "b\"ob");
	CHECK_SLICE(c.realm, "ex\\ample");
	CHECK_SLICE(c.nonce, "n\\\"1");
	CHECK_SLICE(c.uri, "sip:r");
	CHECK_SLICE(c.response, "abc");
	CHECK_SLICE(c.cnonce, "c1");
	CHECK_SLICE(c.nc, "0000000a");
	CHECK_INT(c.nc_value, 10);
	CHECK_INT(c.qop, DIGEST_QOP_AUTH);
	CHECK_INT(c.algorithm, DIGEST_SHA256);
	CHECK(c.sess);
}

static void reads_the_least(void)
{
	struct digest_credentials c;
	CHECK_INT(parse(&c, "Digest " NEEDED), 0);
	CHECK(!c.cnonce.p && !c.nc.p && !c.sess);
	CHECK_INT(c.qop, DIGEST_QOP_NONE);
	CHECK_INT(c.algorithm, DIGEST_MD5);
}

static void knows_algorithms(void)
{
	struct digest_credentials c;
	CHECK_INT(parse(&c, "Digest " NEEDED ", algorithm=\"md5\""), 0);
	CHECK_INT(c.algorithm, DIGEST_MD5);
	CHECK_INT(parse(&c, "Digest " NEEDED ", algorithm=SHA-512-256"), 0);
	CHECK_INT(c.algorithm, DIGEST_SHA512_256);
	CHECK_INT(parse(&c, "Digest " NEEDED ", algorithm=AKAv1-MD5"), 0);
	CHECK_INT(c.algorithm, DIGEST_UNKNOWN);
	CHECK_INT(parse(&c, "Digest " NEEDED ", qop=x, nc=00000001, cnonce=\"c\""), 0);
	CHECK_INT(c.qop, DIGEST_QOP_UNKNOWN);
}

static void other_schemes(void)
{
	struct digest_credentials c;
	CHECK_INT(parse(&c, "Basic bWFsbG9yeTpwdw=="), 1);
	CHECK_INT(parse(&c, "NoOneKnowsThisScheme opaque-data=here"), 1);
}

static void refuses(void)
{
	static const char *const bad[] = {
	    "",
	    "Digest",
	    "Digest ",
	    "\"Digest\" " NEEDED,
	    "Digest username=\"mallory, realm=\"example.test\"",
	    "Digest realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\"",
	    "Digest username=\"u\", nonce=\"n\", uri=\"u\", response=\"x\"",
	    "Digest username=\"u\", realm=\"r\", uri=\"u\", response=\"x\"",
	    "Digest username=\"u\", realm=\"r\", nonce=\"n\", response=\"x\"",
	    "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"u\"",
	    "Digest " NEEDED ", username=\"eve\"",
	    "Digest " NEEDED ", Response=\"abd\"",
	    "Digest " NEEDED ", qop=auth, qop=auth-int, nc=00000001, cnonce=\"c\"",
	    "Digest " NEEDED ", qop=auth, nc=00000001",
	    "Digest " NEEDED ", qop=auth, cnonce=\"c\"",
	    "Digest " NEEDED ", qop=auth, cnonce=\"c\", nc=1",
	    "Digest " NEEDED ", qop=auth, cnonce=\"c\", nc=0000000g",
	    "Digest " NEEDED ", qop=auth, cnonce=\"c\", nc=000000001",
	    "Digest " NEEDED ", algorithm=MD5-sess",
	    "Digest " NEEDED " opaque=\"x\"", /* RFC 3665 2.1 F3 lacks a comma like this */
	    "Digest " NEEDED ", opaque",
	    "Digest " NEEDED ", opaque=",
	};
	struct digest_credentials c;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int got = parse(&c, bad[i]);
		CHECK_INT(got, -1);
		if (got != -1)
			printf("# accepts: %s\n", bad[i]);
	}
}

/* ---- recorded and published responses ---- */

enum { MAX_FIELDS = 20 };

/* Splits a line of tab separated fields in place. */
static int split(char *line, struct slice fields[MAX_FIELDS])
{
	int n = 0;
	line[strcspn(line, "\n")] = '\0';
	for (char *p = line; n < MAX_FIELDS; n++) {
		size_t length = strcspn(p, "\t");
		fields[n] = slice_of(p, length);
		p += length;
		if (!*p++)
			return n + 1;
	}
	return n;
}

static FILE *open_table(const char *path)
{
	FILE *f = fopen(path, "r");
	if (!f) {
		printf("# cannot open %s (tests run in the root of the tree)\n", path);
		tap_test_failed++;
	}
	return f;
}

static void check_hex(const char *name, struct slice expected, const char *got)
{
	if (slice_eq(expected, slice_str(got)))
		return;
	printf("# %s: %s, expected %.*s\n", name, got, SLICE_ARG(expected));
	tap_test_failed++;
}

static void phone_responses(void)
{
	char line[1000], ha1[DIGEST_HEX], response[DIGEST_HEX];
	struct slice f[MAX_FIELDS];
	FILE *file = open_table("t/unit/sip/digest-phone.tsv");
	int rows = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (line[0] == '#' || split(line, f) < 7)
			continue;
		struct digest_credentials c = {.uri = f[4], .nonce = f[5]};
		digest_ha1(&digester, DIGEST_MD5, f[0], f[1], f[2], ha1);
		digest_response(&digester, &c, slice_str(ha1), f[3], SLICE_NULL, response);
		check_hex("phone", f[6], response);
		rows++;
	}
	CHECK_INT(rows, 3);
	if (file)
		fclose(file);
}

static struct slice unhex(struct slice hex)
{
	char *out = arena_alloc(&arena, hex.n / 2 + 1);
	for (size_t i = 0; i < hex.n / 2; i++)
		out[i] = (char)(lex_hex(hex.p[2 * i]) << 4 | lex_hex(hex.p[2 * i + 1]));
	return slice_of(out, hex.n / 2);
}

/* The row as a client would send it, so that the parser takes part in the test. */
static int parse_row(struct digest_credentials *c, const struct slice *f)
{
	bool qop = f[11].n > 0;
	struct slice tail = SLICE("");
	if (f[10].n)
		tail = arena_printf(&arena, ", cnonce=\"%.*s\"", SLICE_ARG(f[10]));
	if (qop)
		tail = arena_printf(&arena, "%.*s, nc=%.*s, qop=%.*s", SLICE_ARG(tail),
				    SLICE_ARG(f[9]), SLICE_ARG(f[11]));
	struct slice value =
	    arena_printf(&arena,
			 "Digest username=\"%.*s\", realm=\"%.*s\", nonce=\"%.*s\", uri=\"%.*s\", "
			 "response=\"%.*s\", algorithm=%.*s%.*s",
			 SLICE_ARG(f[3]), SLICE_ARG(f[4]), SLICE_ARG(f[8]), SLICE_ARG(f[7]),
			 SLICE_ARG(f[15]), SLICE_ARG(f[2]), SLICE_ARG(tail));
	return digest_parse(c, &arena, value);
}

/* HA1 as the table has it: of a "-sess" algorithm it is the one of the session. */
static void check_row(const struct slice *f)
{
	char ha1[DIGEST_HEX], response[DIGEST_HEX];
	struct digest_credentials c;
	const char *name = arena_strz(&arena, f[0]);
	CHECK_INT(parse_row(&c, f), 0);
	digest_ha1(&digester, c.algorithm, f[3], f[4], f[5], ha1);
	CHECK_INT(strlen(ha1), digest_hex_digits(c.algorithm));
	if (!c.sess)
		check_hex(name, f[13], ha1);
	digest_response(&digester, &c, slice_str(ha1), f[6], unhex(f[12]), response);
	check_hex(name, f[15], response);
	CHECK(digest_equal(c.response, slice_str(response)));
}

static void published_responses(void)
{
	char line[2000];
	struct slice f[MAX_FIELDS];
	FILE *file = open_table("t/unit/sip/digest-vectors.tsv");
	int rows = 0;
	while (file && fgets(line, sizeof(line), file)) {
		int n = split(line, f);
		if (n < 16 || slice_eq(f[0], SLICE("name")))
			continue;
		check_row(f);
		rows++;
	}
	CHECK_INT(rows, 29);
	if (file)
		fclose(file);
}

static void what_cannot_be_computed_matches_nothing(void)
{
	char ha1[DIGEST_HEX] = "x", response[DIGEST_HEX] = "x";
	struct digest_credentials c = {.algorithm = DIGEST_UNKNOWN};
	digest_ha1(&digester, DIGEST_UNKNOWN, SLICE("u"), SLICE("r"), SLICE("p"), ha1);
	CHECK_STR(ha1, "");
	digest_response(&digester, &c, SLICE("x"), SLICE("INVITE"), SLICE_NULL, response);
	CHECK_STR(response, "");
	c = (struct digest_credentials){.qop = DIGEST_QOP_UNKNOWN};
	digest_response(&digester, &c, SLICE("x"), SLICE("INVITE"), SLICE_NULL, response);
	CHECK_STR(response, "");
	CHECK(!digest_equal(SLICE(""), SLICE("")));
}

/* One digester computes whatever comes, of any length, one after the other. */
static void knows_nothing_of_the_text_before(void)
{
	char text[1000], first[DIGEST_HEX], again[DIGEST_HEX];
	memset(text, 'a', sizeof(text));
	for (size_t n = 0; n <= sizeof(text); n += 50) {
		struct digester fresh = {0};
		struct slice realm = slice_of(text, n);
		for (int a = DIGEST_MD5; a < DIGEST_UNKNOWN; a++) {
			digest_ha1(&fresh, a, SLICE("u"), realm, SLICE("p"), first);
			digest_ha1(&digester, a, SLICE("u"), realm, SLICE("p"), again);
			CHECK_STR(again, first);
		}
		digester_free(&fresh);
	}
	/* md5sum of "u:" and a thousand times "a" and ":p" */
	digest_ha1(&digester, DIGEST_MD5, SLICE("u"), slice_of(text, sizeof(text)), SLICE("p"),
		   again);
	CHECK_STR(again, "9cc4a28f9cac9a1829869a4dd41901f9");
}

static void response_of(struct digester *d, const char *method, struct slice uri,
			enum digest_qop qop, enum digest_algorithm a, char out[DIGEST_HEX])
{
	struct digest_credentials c = {
	    .nonce = SLICE("n"), .uri = uri, .qop = qop, .algorithm = a, .cnonce = SLICE("c")};
	digest_response(d, &c, SLICE("ha1"), slice_str(method), SLICE_NULL, out);
}

/* What is remembered of one serves no other. */
static void responses_do_not_depend_on_those_before(void)
{
	static const char *const methods[] = {"REGISTER", "INVITE", "", "INVITE"};
	static const enum digest_qop qops[] = {DIGEST_QOP_AUTH, DIGEST_QOP_UNKNOWN, DIGEST_QOP_AUTH,
					       DIGEST_QOP_NONE};
	char text[300], first[DIGEST_HEX], again[DIGEST_HEX];
	memset(text, 'a', sizeof(text));
	for (unsigned i = 0; i < 4 * 4 * 100; i++) {
		struct digester fresh = {0};
		struct slice uri = slice_of(text, i % 9 * 30);
		enum digest_algorithm a = i / 7 % DIGEST_UNKNOWN;
		response_of(&fresh, methods[i / 2 % 4], uri, qops[i % 4], a, first);
		response_of(&digester, methods[i / 2 % 4], uri, qops[i % 4], a, again);
		CHECK_STR(again, first);
		response_of(&digester, methods[i / 2 % 4], uri, qops[i % 4], a, again);
		CHECK_STR(again, first);
		digester_free(&fresh);
	}
	/* Nor on one that failed. */
	response_of(&digester, "BYE", SLICE("u"), DIGEST_QOP_AUTH, DIGEST_MD5, first);
	response_of(&digester, "ACK", SLICE("u"), DIGEST_QOP_AUTH, DIGEST_MD5, again);
	response_of(&digester, "BYE", SLICE("u"), DIGEST_QOP_UNKNOWN, DIGEST_MD5, again);
	CHECK_STR(again, "");
	response_of(&digester, "BYE", SLICE("u"), DIGEST_QOP_AUTH, DIGEST_MD5, again);
	CHECK_STR(again, first);
}

static void compares(void)
{
	CHECK(digest_equal(SLICE("0a"), SLICE("0a")));
	CHECK(!digest_equal(SLICE("0a"), SLICE("0A")));
	CHECK(!digest_equal(SLICE("0a"), SLICE("0a0")));
	CHECK(!digest_equal(SLICE_NULL, SLICE("0a")));
}

/* ---- challenges ---- */

static void challenge_is(struct digest_challenge c, const char *expected)
{
	struct buf out;
	buf_init(&out, 1000);
	digest_challenge_write(&out, &c);
	CHECK_SLICE(buf_slice(&out), expected);
	buf_free(&out);
}

static void writes_challenges(void)
{
	struct digest_challenge c = {.realm = SLICE("192.168.1.15"), .nonce = SLICE("4627")};
	challenge_is(c, "Digest realm=\"192.168.1.15\", nonce=\"4627\"");
	c.stale = true;
	challenge_is(c, "Digest realm=\"192.168.1.15\", nonce=\"4627\", stale=true");
	c.stale = false;
	c.qop = true;
	challenge_is(c, "Digest realm=\"192.168.1.15\", nonce=\"4627\", algorithm=MD5, "
			"qop=\"auth\"");
	c.algorithm = DIGEST_SHA256;
	c.qop = false;
	c.realm = SLICE("a\"b\\");
	challenge_is(c, "Digest realm=\"a\\\"b\\\\\", nonce=\"4627\", algorithm=SHA-256");
	c.algorithm = DIGEST_SHA512_256;
	challenge_is(c, "Digest realm=\"a\\\"b\\\\\", nonce=\"4627\", algorithm=SHA-512-256");
}

int main(void)
{
	arena_init(&arena, 4096);
	TEST(reads_credentials);
	TEST(reads_the_least);
	TEST(knows_algorithms);
	TEST(other_schemes);
	TEST(refuses);
	TEST(phone_responses);
	TEST(published_responses);
	TEST(what_cannot_be_computed_matches_nothing);
	TEST(knows_nothing_of_the_text_before);
	TEST(responses_do_not_depend_on_those_before);
	TEST(compares);
	TEST(writes_challenges);
	digester_free(&digester);
	arena_free(&arena);
	return tap_done();
}
