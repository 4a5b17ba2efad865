#include "base/arena.h"
#include "tap.h"

static void aligns_and_keeps(void)
{
	struct arena a;
	arena_init(&a, 64);
	char *p[200];
	for (int i = 0; i < 200; i++) {
		p[i] = arena_alloc(&a, (size_t)i + 1);
		CHECK((uintptr_t)p[i] % _Alignof(max_align_t) == 0);
		memset(p[i], i, (size_t)i + 1);
	}
	for (int i = 0; i < 200; i++)
		CHECK(p[i][0] == (char)i && p[i][i] == (char)i);
	arena_free(&a);
}

static void holds_large_ones(void)
{
	struct arena a;
	arena_init(&a, 0);
	char *p = arena_zalloc(&a, 1 << 20);
	CHECK(p[0] == 0 && p[(1 << 20) - 1] == 0);
	arena_free(&a);
	CHECK(a.chunks == NULL);
}

static void copies_text(void)
{
	struct arena a;
	arena_init(&a, 64);
	struct slice s = SLICE("with\0nul");
	struct slice copy = arena_dup(&a, s);
	CHECK(copy.p != s.p && slice_eq(copy, s));
	CHECK(arena_dup(&a, SLICE_NULL).p == NULL);
	CHECK(arena_dup(&a, SLICE("")).p != NULL);
	CHECK_STR(arena_strz(&a, slice_of("abcdef", 3)), "abc");
	CHECK_STR(arena_strz(&a, SLICE_NULL), "");
	CHECK_SLICE(arena_printf(&a, "<%s:%d>", "x", 42), "<x:42>");
	arena_free(&a);
}

static void works_zeroed(void)
{
	struct arena a = {0};
	CHECK_SLICE(arena_printf(&a, "%0600d", 1).p ? SLICE("ok") : SLICE(""), "ok");
	arena_free(&a);
}

static void trims(void)
{
	struct arena a;
	arena_init(&a, 1024);
	char *p = arena_alloc(&a, 500);
	arena_trim(&a, p + 100);
	CHECK(arena_alloc(&a, 16) == p + 112);
	char *q = arena_alloc(&a, 16);
	arena_trim(&a, q + 16);
	CHECK(arena_alloc(&a, 1) == q + 16);
	arena_free(&a);
}

static void rewinds(void)
{
	struct arena a, mark;
	arena_init(&a, 600);
	char *p = arena_alloc(&a, 100);
	memset(p, 'x', 100);
	mark = a;
	char *q = arena_alloc(&a, 16);
	for (int i = 0; i < 100; i++)
		arena_alloc(&a, 1000);
	arena_rewind(&a, &mark);
	CHECK_INT(arena_bytes(&a), 600);
	CHECK(p[99] == 'x');
	CHECK(arena_alloc(&a, 16) == q);
	arena_free(&a);
}

static void a_little_more_costs_little(void)
{
	struct arena a;
	arena_init(&a, 60000);
	arena_alloc(&a, 60000);
	arena_alloc(&a, 16);
	CHECK(arena_bytes(&a) < 61000);
	size_t before = arena_bytes(&a);
	for (int i = 0; i < 100; i++)
		arena_alloc(&a, 1000);
	CHECK(arena_bytes(&a) < before + 2 * 100 * 1008);
	arena_free(&a);
}

int main(void)
{
	TEST(aligns_and_keeps);
	TEST(holds_large_ones);
	TEST(copies_text);
	TEST(works_zeroed);
	TEST(trims);
	TEST(rewinds);
	TEST(a_little_more_costs_little);
	return tap_done();
}
