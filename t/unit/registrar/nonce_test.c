#include "registrar/nonce.h"

#include "rig.h"

static const struct nonce_scope home = {
    .realm = {"example.org", 11}, .call_id = {"a@b", 3}, .algorithm = DIGEST_MD5};

struct table {
	struct rig rig;
	struct nonces nonces;
};

static void setup(struct table *t, size_t max)
{
	rig_init(&t->rig);
	nonces_init(&t->nonces, &t->rig.sim.env, 300, max);
	nonces_set_secret(&t->nonces, SLICE("0123456789abcdef"));
}

static void teardown(struct table *t)
{
	nonces_free(&t->nonces);
	rig_free(&t->rig);
}

static struct nonce made(struct table *t)
{
	char text[NONCE_DIGITS];
	struct nonce n;
	nonce_make(&t->nonces, &home, text);
	nonce_read(&t->nonces, &home, slice_of(text, sizeof(text)), &n);
	return n;
}

static enum nonce_origin origin(struct table *t, const struct nonce_scope *scope, struct slice text)
{
	struct nonce n;
	nonce_read(&t->nonces, scope, text, &n);
	return n.origin;
}

static void knows_its_own(void)
{
	struct table t;
	setup(&t, 100);
	struct nonce n = made(&t);
	CHECK_INT(n.origin, NONCE_OURS);
	CHECK_INT(n.made_s, SIM_WALL_START_S);
	teardown(&t);
}

static void begins_with_the_time(void)
{
	struct table t;
	char text[NONCE_DIGITS], time[9];
	setup(&t, 100);
	nonce_make(&t.nonces, &home, text);
	snprintf(time, sizeof(time), "%08x", (unsigned)SIM_WALL_START_S);
	CHECK_SLICE(slice_of(text, 8), time);
	for (unsigned i = 0; i < NONCE_DIGITS; i++)
		CHECK(strchr("0123456789abcdef", text[i]));
	teardown(&t);
}

static void differ_within_a_second(void)
{
	struct table t;
	char a[NONCE_DIGITS], b[NONCE_DIGITS];
	setup(&t, 100);
	nonce_make(&t.nonces, &home, a);
	nonce_make(&t.nonces, &home, b);
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	teardown(&t);
}

static void are_bound_to_their_scope(void)
{
	struct table t;
	char text[NONCE_DIGITS];
	struct slice s = slice_of(text, sizeof(text));
	struct nonce_scope other = home;
	setup(&t, 100);
	nonce_make(&t.nonces, &home, text);
	other.realm = SLICE("EXAMPLE.org");
	CHECK_INT(origin(&t, &other, s), NONCE_OURS);
	other.realm = SLICE("example.net");
	CHECK_INT(origin(&t, &other, s), NONCE_FOREIGN);
	other = home;
	other.call_id = SLICE("A@b");
	CHECK_INT(origin(&t, &other, s), NONCE_ELSEWHERE);
	other = home;
	other.algorithm = DIGEST_SHA256;
	CHECK_INT(origin(&t, &other, s), NONCE_FOREIGN);
	teardown(&t);
}

static void no_digit_may_change(void)
{
	struct table t;
	char text[NONCE_DIGITS];
	setup(&t, 100);
	nonce_make(&t.nonces, &home, text);
	for (unsigned i = 0; i < NONCE_DIGITS; i++) {
		char was = text[i];
		text[i] = was == '0' ? '1' : '0';
		CHECK(origin(&t, &home, slice_of(text, sizeof(text))) != NONCE_OURS);
		text[i] = was;
	}
	CHECK_INT(origin(&t, &home, slice_of(text, sizeof(text) - 1)), NONCE_FOREIGN);
	CHECK_INT(origin(&t, &home, SLICE("")), NONCE_FOREIGN);
	CHECK_INT(origin(&t, &home, SLICE("462791f06aa9b37a34fd11b1adc58c5a9df7c95b")),
		  NONCE_FOREIGN);
	CHECK_INT(origin(&t, &home, SLICE("zz2791f06aa9b37a34fd11b1adc58c5a9df7c95b")),
		  NONCE_FOREIGN);
	teardown(&t);
}

static void a_restart_keeps_them(void)
{
	struct table t, u;
	char text[NONCE_DIGITS];
	setup(&t, 100);
	nonce_make(&t.nonces, &home, text);
	setup(&u, 100);
	CHECK_INT(origin(&u, &home, slice_of(text, sizeof(text))), NONCE_OURS);
	nonces_set_secret(&u.nonces, SLICE("another secret !"));
	CHECK_INT(origin(&u, &home, slice_of(text, sizeof(text))), NONCE_FOREIGN);
	teardown(&u);
	teardown(&t);
}

static void grow_stale(void)
{
	struct table t;
	setup(&t, 100);
	struct nonce early = made(&t), late = made(&t);
	rig_seconds(&t.rig, 300);
	CHECK_INT(nonce_use(&t.nonces, &early, 1), NONCE_FRESH);
	rig_seconds(&t.rig, 1);
	CHECK_INT(nonce_use(&t.nonces, &early, 2), NONCE_STALE);
	CHECK_INT(nonce_use(&t.nonces, &late, 1), NONCE_STALE);
	teardown(&t);
}

static void the_future_is_stale(void)
{
	struct table t;
	setup(&t, 100);
	rig_seconds(&t.rig, 10);
	struct nonce n = made(&t);
	t.rig.sim.env.wall_offset_ms -= 2000;
	CHECK_INT(nonce_use(&t.nonces, &n, 1), NONCE_STALE);
	teardown(&t);
}

static void nc_must_grow(void)
{
	struct table t;
	setup(&t, 100);
	struct nonce n = made(&t);
	CHECK_INT(nonce_use(&t.nonces, &n, 2), NONCE_FRESH);
	CHECK_INT(nonce_use(&t.nonces, &n, 2), NONCE_REPLAY);
	CHECK_INT(nonce_use(&t.nonces, &n, 1), NONCE_REPLAY);
	CHECK_INT(nonce_use(&t.nonces, &n, 5), NONCE_FRESH);
	CHECK_INT(nonce_use(&t.nonces, &n, 0), NONCE_REPLAY);
	teardown(&t);
}

static void without_nc_once(void)
{
	struct table t;
	setup(&t, 100);
	struct nonce n = made(&t);
	CHECK_INT(nonce_use(&t.nonces, &n, 0), NONCE_FRESH);
	CHECK_INT(nonce_use(&t.nonces, &n, 0), NONCE_REPLAY);
	CHECK_INT(nonce_use(&t.nonces, &n, 7), NONCE_REPLAY);
	teardown(&t);
}

static void a_counter_has_an_end(void)
{
	struct table t;
	setup(&t, 100);
	struct nonce n = made(&t), unused = made(&t);
	CHECK_INT(nonce_use(&t.nonces, &n, NONCE_MAX_USES), NONCE_FRESH);
	CHECK_INT(nonce_use(&t.nonces, &n, NONCE_MAX_USES), NONCE_REPLAY);
	CHECK_INT(nonce_use(&t.nonces, &n, NONCE_MAX_USES + 1), NONCE_STALE);
	CHECK_INT(nonce_use(&t.nonces, &n, UINT16_MAX + 2), NONCE_STALE);
	CHECK_INT(nonce_use(&t.nonces, &unused, UINT32_MAX), NONCE_STALE);
	CHECK_INT(nonce_use(&t.nonces, &unused, 1), NONCE_FRESH);
	teardown(&t);
}

static void elsewhere_is_no_use(void)
{
	struct table t;
	setup(&t, 100);
	struct nonce n = made(&t);
	n.origin = NONCE_ELSEWHERE;
	CHECK_INT(nonce_use(&t.nonces, &n, 1), NONCE_STALE);
	teardown(&t);
}

/* What a full table forgets must not become new again. */
static void a_full_table_fails_closed(void)
{
	enum { N = 64 };
	struct table t;
	struct nonce n[N];
	setup(&t, 16);
	for (unsigned i = 0; i < N; i++) {
		n[i] = made(&t);
		CHECK_INT(nonce_use(&t.nonces, &n[i], 1), NONCE_FRESH);
		rig_seconds(&t.rig, 1);
	}
	for (unsigned i = 0; i < N; i++)
		CHECK(nonce_use(&t.nonces, &n[i], 1) != NONCE_FRESH);
	CHECK_INT(nonce_use(&t.nonces, &n[0], 2), NONCE_STALE);
	CHECK_INT(nonce_use(&t.nonces, &n[N - 1], 2), NONCE_FRESH);
	CHECK(t.nonces.now.n + t.nonces.before.n <= 16);
	teardown(&t);
}

/* Time alone makes room, long before the table is full. */
static void old_uses_are_dropped(void)
{
	struct table t;
	setup(&t, 1000000);
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 100; i++) {
			struct nonce n = made(&t);
			CHECK_INT(nonce_use(&t.nonces, &n, 1), NONCE_FRESH);
			CHECK_INT(nonce_use(&t.nonces, &n, 1), NONCE_REPLAY);
		}
		rig_seconds(&t.rig, 301);
	}
	CHECK_INT(t.nonces.now.n + t.nonces.before.n, 200);
	teardown(&t);
}

static void many_are_told_apart(void)
{
	enum { N = 5000 };
	static struct nonce n[N];
	struct table t;
	setup(&t, 2 * N);
	for (unsigned i = 0; i < N; i++) {
		n[i] = made(&t);
		CHECK_INT(nonce_use(&t.nonces, &n[i], i + 1), NONCE_FRESH);
	}
	for (unsigned i = 0; i < N; i++) {
		CHECK_INT(nonce_use(&t.nonces, &n[i], i + 1), NONCE_REPLAY);
		CHECK_INT(nonce_use(&t.nonces, &n[i], i + 2), NONCE_FRESH);
	}
	teardown(&t);
}

/* Those at its end go on at its begin; what is remembered takes little. */
static void a_crowd_is_told_apart_in_little_room(void)
{
	enum { N = 1000 };
	struct table t;
	struct nonce n = {.origin = NONCE_OURS, .made_s = (uint32_t)SIM_WALL_START_S};
	setup(&t, 2 * N);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < N; i++) {
			n.mac = UINT64_MAX - ((uint64_t)i << 16);
			CHECK_INT(nonce_use(&t.nonces, &n, round + 1), NONCE_FRESH);
			CHECK_INT(nonce_use(&t.nonces, &n, round + 1), NONCE_REPLAY);
		}
	CHECK_INT(t.nonces.now.n, N);
	CHECK(t.nonces.now.slots * sizeof(*t.nonces.now.uses) < 16 * N);
	teardown(&t);
}

int main(void)
{
	TEST(knows_its_own);
	TEST(begins_with_the_time);
	TEST(differ_within_a_second);
	TEST(are_bound_to_their_scope);
	TEST(no_digit_may_change);
	TEST(a_restart_keeps_them);
	TEST(grow_stale);
	TEST(the_future_is_stale);
	TEST(nc_must_grow);
	TEST(without_nc_once);
	TEST(a_counter_has_an_end);
	TEST(elsewhere_is_no_use);
	TEST(a_full_table_fails_closed);
	TEST(old_uses_are_dropped);
	TEST(many_are_told_apart);
	TEST(a_crowd_is_told_apart_in_little_room);
	return tap_done();
}
