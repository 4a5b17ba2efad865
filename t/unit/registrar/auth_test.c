#include "auth_rig.h"

/* ---- what passes ---- */

static void the_documents_phone_passes(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_STR(w.user, "10");
	CHECK(slice_starts(w.line, SLICE("Authorization:")));
	p.method = "INVITE";
	p.ruri = "sip:11@192.168.1.15";
	p.header = "Proxy-Authorization";
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK(slice_starts(w.line, SLICE("Proxy-Authorization:")));
	teardown(&w);
}

static void ack_and_cancel_always_pass(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	p.method = "ACK";
	CHECK_RESULT(check_headers(&w, &p, ""), "");
	CHECK(w.line.p == NULL);
	CHECK_STR(w.user, "");
	p.method = "CANCEL";
	CHECK_RESULT(check_headers(&w, &p, ""), "");
	CHECK_INT(w.rig.asked, 0);
	teardown(&w);
}

static void qop_passes_while_nc_grows(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	p.qop = "auth";
	p.nc = 1;
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_RESULT(check(&w, &p), "replay");
	CHECK(w.stale);
	CHECK(w.line.p == NULL);
	p.nc = 2;
	CHECK_RESULT(check(&w, &p), "");
	teardown(&w);
}

static void sha256_passes(void)
{
	struct world w;
	struct phone p = phone();
	const struct auth_challenge_options both = {.qop = true, .md5 = true, .sha256 = true};
	setup(&w);
	p.algorithm = "SHA-256";
	p.qop = "auth";
	p.nc = 1;
	challenge(&w, &p, &both, 0);
	CHECK_RESULT(check(&w, &p), "");
	p.algorithm = "MD5";
	challenge(&w, &p, &both, 1);
	CHECK_RESULT(check(&w, &p), "");
	teardown(&w);
}

static void stored_hashes_pass(void)
{
	struct world w;
	struct phone p = phone();
	char md5[DIGEST_HEX], sha[DIGEST_HEX];
	struct digester digester = {0};
	setup(&w);
	w.options.plain = false;
	auth_set_options(w.auth, &w.options);
	digest_ha1(&digester, DIGEST_MD5, SLICE("11"), SLICE(REALM), SLICE("abc11"), md5);
	digest_ha1(&digester, DIGEST_SHA256, SLICE("11"), SLICE(REALM), SLICE("abc11"), sha);
	md5[0] = md5[0] >= 'a' ? (char)(md5[0] & ~0x20) : md5[0]; /* upper case is fine there */
	struct store_subscriber s = {
	    .username = SLICE("11"), .ha1 = slice_str(md5), .ha1_sha256 = slice_str(sha)};
	add_row(&w, &s);
	s = (struct store_subscriber){.username = SLICE("12"), .ha1 = slice_str(sha)};
	digest_ha1(&digester, DIGEST_SHA256, SLICE("12"), SLICE(REALM), SLICE("abc11"), sha);
	digester_free(&digester);
	add_row(&w, &s);
	p.username = "11";
	p.password = "abc11";
	CHECK_RESULT(check_fresh(&w, &p), "");
	p.algorithm = "SHA-256";
	challenge(&w, &p, &(struct auth_challenge_options){.sha256 = true}, 0);
	CHECK_RESULT(check(&w, &p), "");
	p.username = "12";
	challenge(&w, &p, &(struct auth_challenge_options){.sha256 = true}, 0);
	CHECK_RESULT(check(&w, &p), "");
	teardown(&w);
}

static void the_uri_may_be_equivalent(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	p.ruri = "sip:11@Example.ORG;lr";
	p.uri = "sip:11@example.org;lr";
	CHECK_RESULT(check_fresh(&w, &p), "");
	teardown(&w);
}

static void user_at_realm_is_the_user(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	p.username = "10@" REALM;
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_STR(w.user, "10");
	p.username = "10@elsewhere.example";
	CHECK_RESULT(check_fresh(&w, &p), "user");
	teardown(&w);
}

static void the_second_header_may_be_ours(void)
{
	struct world w;
	struct phone other = phone(), p = phone();
	char headers[2048];
	setup(&w);
	other.realm = "elsewhere.example";
	challenge(&w, &other, &md5_only, 0);
	challenge(&w, &p, &md5_only, 0);
	credentials(&other, headers, sizeof(headers));
	size_t n = strlen(headers);
	n += (size_t)snprintf(headers + n, sizeof(headers) - n,
			      "Authorization: Digest nonsense\nAuthorization: Basic MTA6YWJj\n");
	credentials(&p, headers + n, sizeof(headers) - n);
	CHECK_RESULT(check_headers(&w, &p, headers), "");
	teardown(&w);
}

/* ---- what does not ---- */

static void none_without_credentials_for_the_realm(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	CHECK_RESULT(check_headers(&w, &p, ""), "none");
	CHECK_RESULT(check_headers(&w, &p, "Authorization: Basic MTA6YWJjMTA=\n"), "none");
	p.realm = "elsewhere.example";
	CHECK_RESULT(check_fresh(&w, &p), "none");
	p = phone();
	p.header = "Proxy-Authorization";
	char headers[1024];
	challenge(&w, &p, &md5_only, 0);
	credentials(&p, headers, sizeof(headers));
	p.header = "Authorization";
	CHECK_RESULT(check_headers(&w, &p, headers), "none");
	CHECK_INT(w.rig.asked, 0);
	teardown(&w);
}

static void malformed_is_said(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	CHECK_RESULT(check_headers(&w, &p, "Authorization: Digest username=\"10\"\n"), "malformed");
	CHECK_RESULT(check_headers(&w, &p, "Authorization: Digest realm=\"" REALM "\n"),
		     "malformed");
	CHECK_INT(w.rig.asked, 0);
	teardown(&w);
}

/* It gets a challenge, to choose from. */
static void what_was_not_offered_counts_for_nothing(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	p.qop = "auth-int";
	p.nc = 1;
	CHECK_RESULT(check_fresh(&w, &p), "none");
	p.qop = "auth";
	p.nc = 0;
	CHECK_RESULT(check_fresh(&w, &p), "replay");
	p.nc = 1;
	p.algorithm = "MD5-sess";
	CHECK_RESULT(check_fresh(&w, &p), "none");
	p.algorithm = "AKAv1-MD5";
	CHECK_RESULT(check_fresh(&w, &p), "none");
	CHECK_INT(w.rig.asked, 0);
	teardown(&w);
}

/* The best of several for one realm, in whatever order they come. */
static void ours_count_among_several(void)
{
	static const char *const others[] = {
	    "Authorization: Digest username=\"10\", realm=\"" REALM "\", nonce=\"0\", "
	    "uri=\"sip:192.168.1.15\", response=\"0123456789abcdef0123456789abcdef\"\n",
	    "Authorization: Digest username=\"10\", realm=\"" REALM "\", nonce=\"\", "
	    "uri=\"sip:192.168.1.15\", algorithm=AKAv1-MD5, response=\"\"\n",
	    "Authorization: Digest realm=\"" REALM "\n",
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct world w;
		struct phone p = phone();
		char own[1024], headers[2048];
		setup(&w);
		challenge(&w, &p, &md5_only, 0);
		credentials(&p, own, sizeof(own));
		snprintf(headers, sizeof(headers), "%s%s", others[i], own);
		CHECK_RESULT(check_headers(&w, &p, headers), "");
		challenge(&w, &p, &md5_only, 0);
		credentials(&p, own, sizeof(own));
		snprintf(headers, sizeof(headers), "%s%s", own, others[i]);
		CHECK_RESULT(check_headers(&w, &p, headers), "");
		teardown(&w);
	}
}

static void a_foreign_nonce_costs_no_query(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	snprintf(p.nonce, sizeof(p.nonce), "462791f06aa9b37a34fd11b1adc58c5a9df7c95b");
	CHECK_RESULT(check(&w, &p), "nonce");
	challenge(&w, &p, &md5_only, 0);
	p.nonce[39] = p.nonce[39] == '0' ? '1' : '0';
	p.nonce[20] = p.nonce[20] == '0' ? '1' : '0';
	CHECK_RESULT(check(&w, &p), "nonce");
	p.nonce[0] = '\0';
	CHECK_RESULT(check(&w, &p), "nonce");
	CHECK(!w.stale);
	CHECK_INT(w.rig.asked, 0);
	teardown(&w);
}

/* A SHA-256 challenge cannot be answered with the weaker hash. */
static void no_downgrade(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	challenge(&w, &p, &(struct auth_challenge_options){.sha256 = true}, 0);
	CHECK_RESULT(check(&w, &p), "nonce");
	teardown(&w);
}

static void another_uri_is_a_replay(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	p.method = "INVITE";
	p.ruri = "sip:00123@192.168.1.15";
	p.uri = "sip:11@192.168.1.15";
	CHECK_RESULT(check_fresh(&w, &p), "replay");
	CHECK(!w.stale);
	CHECK_INT(w.rig.asked, 0);
	teardown(&w);
}

static void wrong_password_and_user(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	p.password = "abc11";
	CHECK_RESULT(check_fresh(&w, &p), "password");
	CHECK(!w.stale);
	CHECK_STR(w.user, "");
	CHECK(w.line.p == NULL);
	p = phone();
	p.username = "99";
	CHECK_RESULT(check_fresh(&w, &p), "user");
	p.password = "nobody has it";
	CHECK_RESULT(check_fresh(&w, &p), "user");
	teardown(&w);
}

static void users_differ_by_case_and_blank(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	add(&w, "bob", "secret");
	p.password = "secret";
	p.username = "bob";
	CHECK_RESULT(check_fresh(&w, &p), "");
	p.username = "BOB";
	CHECK_RESULT(check_fresh(&w, &p), "user");
	p.username = "bob ";
	CHECK_RESULT(check_fresh(&w, &p), "user");
	teardown(&w);
}

static void an_empty_password_lets_nobody_in(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	add(&w, "empty", "");
	p.username = "empty";
	p.password = "";
	CHECK_RESULT(check_fresh(&w, &p), "user");
	teardown(&w);
}

static void plain_only_when_allowed(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	w.options.plain = false;
	auth_set_options(w.auth, &w.options);
	CHECK_RESULT(check_fresh(&w, &p), "user");
	teardown(&w);
}

static void responses_are_lower_case_and_whole(void)
{
	struct world w;
	struct phone p = phone();
	char response[DIGEST_HEX];
	setup(&w);
	challenge(&w, &p, &md5_only, 0);
	respond(&p, p.ruri, response);
	for (char *c = response; *c; c++)
		*c = (char)(*c >= 'a' ? *c & ~0x20 : *c);
	p.response = response;
	CHECK_RESULT(check(&w, &p), "password");
	respond(&p, p.ruri, response);
	response[31] = '\0';
	CHECK_RESULT(check(&w, &p), "password");
	respond(&p, p.ruri, response);
	CHECK_RESULT(check(&w, &p), "");
	teardown(&w);
}

static void stale_only_after_a_right_response(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	challenge(&w, &p, &md5_only, 0);
	rig_seconds(&w.rig, 301);
	CHECK_RESULT(check(&w, &p), "stale");
	CHECK(w.stale);
	p.password = "wrong";
	CHECK_RESULT(check(&w, &p), "password");
	CHECK(!w.stale);
	teardown(&w);
}

/* The nonce of one Call-ID serves no other; the phone is told to ask again. */
static void another_call_is_stale(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	challenge(&w, &p, &md5_only, 0);
	p.call_id = "two@192.168.1.10";
	CHECK_RESULT(check(&w, &p), "stale");
	CHECK(w.stale);
	p.password = "wrong";
	CHECK_RESULT(check(&w, &p), "password");
	teardown(&w);
}

static void without_qop_once(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_RESULT(check(&w, &p), "replay");
	CHECK(w.stale);
	CHECK_RESULT(check_fresh(&w, &p), "");
	teardown(&w);
}

static void a_wrong_response_uses_nothing_up(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	p.response = "00000000000000000000000000000000";
	CHECK_RESULT(check_fresh(&w, &p), "password");
	p.response = NULL;
	CHECK_RESULT(check(&w, &p), "");
	teardown(&w);
}

/* ---- rows ---- */

static void domains_choose_the_row(void)
{
	struct world w;
	struct phone p = phone();
	struct store_subscriber s = {.username = SLICE("7"),
				     .password = SLICE("other"),
				     .domain = SLICE("elsewhere.example")};
	setup(&w);
	add_row(&w, &s);
	p.username = "7";
	p.password = "other";
	CHECK_RESULT(check_fresh(&w, &p), ""); /* the only one */
	w.options.use_domain = true;
	auth_set_options(w.auth, &w.options);
	CHECK_RESULT(check_fresh(&w, &p), "user");
	s.domain = SLICE(REALM);
	s.password = SLICE("mine");
	add_row(&w, &s);
	p.password = "mine";
	CHECK_RESULT(check_fresh(&w, &p), "");
	w.options.use_domain = false;
	auth_set_options(w.auth, &w.options);
	CHECK_RESULT(check_fresh(&w, &p), "");
	p.password = "other";
	CHECK_RESULT(check_fresh(&w, &p), "password");
	teardown(&w);
}

/* What a newcomer sees who adds a subscriber for another realm. */
static void a_password_for_another_realm_is_told(void)
{
	static const char told[] = "auth: user 7 has a password for realm \"elsewhere.example\", "
				   "not for \"" REALM "\"";
	struct world w;
	struct phone p = phone();
	struct store_subscriber s = {.username = SLICE("7"),
				     .ha1 = SLICE("00000000000000000000000000000000"),
				     .domain = SLICE("elsewhere.example")};
	setup(&w);
	add_row(&w, &s);
	p.username = "7";
	CHECK_RESULT(check_fresh(&w, &p), "password");
	CHECK_INT(rig_logged(&w.rig, told), 1);
	s.domain = SLICE(REALM);
	add_row(&w, &s);
	auth_forget(w.auth, SLICE("7"));
	CHECK_RESULT(check_fresh(&w, &p), "password");
	CHECK_INT(rig_logged(&w.rig, told), 1);
	teardown(&w);
}

/* ---- the store ---- */

static void a_broken_store_lets_nobody_in(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	w.rig.broken = true;
	CHECK_RESULT(check_fresh(&w, &p), "db");
	CHECK(w.line.p == NULL);
	CHECK_RESULT(check_fresh(&w, &p), "db");
	CHECK_INT(rig_logged(&w.rig, "it is unplugged"), 1);
	w.rig.broken = false;
	CHECK_RESULT(check_fresh(&w, &p), "");
	CHECK_INT(rig_logged(&w.rig, "answers again"), 1);
	teardown(&w);
}

static void an_unknown_table_lets_nobody_in(void)
{
	struct world w;
	struct phone p = phone();
	char headers[1024];
	setup(&w);
	challenge(&w, &p, &md5_only, 0);
	credentials(&p, headers, sizeof(headers));
	auth_check(w.auth, &w.rig.arena, request(&w, &p, headers), AUTH_WWW, SLICE(REALM),
		   SLICE("x; drop table"), &w, checked);
	CHECK_RESULT(w.result, "db");
	teardown(&w);
}

/* Two phones send the same credentials while the store is slow: one passes. */
static void a_slow_store_keeps_the_order(void)
{
	struct world w;
	struct phone p = phone();
	setup(&w);
	challenge(&w, &p, &md5_only, 0);
	w.rig.slow = true;
	check(&w, &p);
	CHECK_INT(w.answers, 0);
	check(&w, &p);
	CHECK_INT(rig_serve(&w.rig), 1); /* both wait for one question */
	CHECK_INT(w.answers, 2);
	CHECK_RESULT(w.result, "replay");
	CHECK_INT(w.rig.asked, 1);
	teardown(&w);
}

/* ---- challenges ---- */

static void challenge_is(struct world *w, enum auth_kind kind, struct slice realm,
			 struct auth_challenge_options o, const char *pattern)
{
	struct phone p = phone();
	struct buf out;
	buf_init(&out, 4096);
	auth_challenge(w->auth, request(w, &p, ""), kind, realm, &o, &out);
	char text[1024];
	size_t n = 0;
	struct slice s = buf_slice(&out);
	for (size_t i = 0; i < s.n && n < sizeof(text); i++) {
		text[n++] = s.p[i];
		if (n >= 7 && i >= 6 && memcmp(s.p + i - 6, "nonce=\"", 7) == 0)
			i += 40; /* any nonce */
	}
	CHECK_SLICE(slice_of(text, n), pattern);
	buf_free(&out);
}

static void challenges(void)
{
	struct world w;
	setup(&w);
	challenge_is(&w, AUTH_WWW, SLICE(REALM), md5_only,
		     "WWW-Authenticate: Digest realm=\"192.168.1.15\", nonce=\"\"\r\n");
	challenge_is(&w, AUTH_PROXY, SLICE(REALM), (struct auth_challenge_options){.stale = true},
		     "Proxy-Authenticate: Digest realm=\"192.168.1.15\", nonce=\"\", "
		     "stale=true\r\n");
	challenge_is(&w, AUTH_WWW, SLICE("a\"b\\c\r\nX: y"), md5_only,
		     "WWW-Authenticate: Digest realm=\"a\\\"b\\\\cX: y\", nonce=\"\"\r\n");
	teardown(&w);
}

static void the_strongest_comes_first(void)
{
	struct world w;
	struct phone p = phone();
	struct buf out;
	const struct auth_challenge_options both = {.qop = true, .md5 = true, .sha256 = true};
	setup(&w);
	buf_init(&out, 4096);
	auth_challenge(w.auth, request(&w, &p, ""), AUTH_WWW, SLICE(REALM), &both, &out);
	struct slice s = buf_slice(&out);
	const char *sha = memmem(s.p, s.n, "algorithm=SHA-256", 17);
	const char *md5 = memmem(s.p, s.n, "algorithm=MD5", 13);
	const char *line = memmem(s.p, s.n, "\r\nWWW-Authenticate: ", 20);
	CHECK(sha && md5 && line && sha < line && line < md5);
	CHECK(memmem(s.p, s.n, "qop=\"auth\"", 10) != NULL);
	buf_free(&out);
	teardown(&w);
}

int main(void)
{
	TEST(the_documents_phone_passes);
	TEST(ack_and_cancel_always_pass);
	TEST(qop_passes_while_nc_grows);
	TEST(sha256_passes);
	TEST(stored_hashes_pass);
	TEST(the_uri_may_be_equivalent);
	TEST(user_at_realm_is_the_user);
	TEST(the_second_header_may_be_ours);
	TEST(none_without_credentials_for_the_realm);
	TEST(malformed_is_said);
	TEST(what_was_not_offered_counts_for_nothing);
	TEST(ours_count_among_several);
	TEST(a_foreign_nonce_costs_no_query);
	TEST(no_downgrade);
	TEST(another_uri_is_a_replay);
	TEST(wrong_password_and_user);
	TEST(users_differ_by_case_and_blank);
	TEST(an_empty_password_lets_nobody_in);
	TEST(plain_only_when_allowed);
	TEST(responses_are_lower_case_and_whole);
	TEST(stale_only_after_a_right_response);
	TEST(another_call_is_stale);
	TEST(without_qop_once);
	TEST(a_wrong_response_uses_nothing_up);
	TEST(domains_choose_the_row);
	TEST(a_password_for_another_realm_is_told);
	TEST(a_broken_store_lets_nobody_in);
	TEST(an_unknown_table_lets_nobody_in);
	TEST(a_slow_store_keeps_the_order);
	TEST(challenges);
	TEST(the_strongest_comes_first);
	return tap_done();
}
