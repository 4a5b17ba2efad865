#include "base/buf.h"
#include "tap.h"

static void grows(void)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	CHECK_SLICE(buf_slice(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%03d,", i);
	CHECK_INT(b.n, 4000);
	CHECK_SLICE(slice_of(b.p + 4 * 517, 4), "517,");
	buf_reset(&b);
	CHECK_INT(b.n, 0);
	buf_free(&b);
}

static void writes_all_kinds(void)
{
	struct buf b;
	buf_init(&b, 100);
	buf_put(&b, SLICE("a"));
	buf_put(&b, SLICE_NULL);
	buf_putc(&b, 'b');
	buf_puts(&b, "cd");
	buf_u64(&b, 0);
	buf_u64(&b, UINT64_MAX);
	buf_hex(&b, (const uint8_t[]){0x00, 0xa9, 0xff}, 3);
	char *p = buf_grow(&b, 2);
	p[0] = p[1] = '!';
	CHECK_SLICE(buf_slice(&b), "abcd01844674407370955161500a9ff!!");
	buf_free(&b);
}

static void fails_past_its_limit(void)
{
	struct buf b;
	buf_init(&b, 4);
	buf_puts(&b, "1234");
	CHECK(!b.failed);
	buf_putc(&b, '5');
	CHECK(b.failed);
	CHECK(buf_grow(&b, 0) == NULL);
	CHECK_SLICE(buf_slice(&b), "1234");
	buf_reset(&b);
	buf_printf(&b, "%d", 1234);
	CHECK(!b.failed);
	CHECK_SLICE(buf_slice(&b), "1234");
	buf_reset(&b);
	buf_printf(&b, "%d", 12345);
	CHECK(b.failed && b.n == 0);
	buf_puts(&b, "");
	CHECK(b.failed);
	buf_free(&b);
}

/* Also where the limit lies between two sizes of its memory. */
static void takes_all_up_to_its_limit(void)
{
	for (size_t max = 250; max < 520; max++) {
		struct buf b;
		buf_init(&b, max);
		for (size_t i = 0; i < max; i++)
			buf_putc(&b, 'a');
		CHECK(!b.failed && b.n == max);
		buf_putc(&b, 'a');
		CHECK(b.failed && b.n == max);
		buf_free(&b);
	}
}

static void refuses_huge_sizes(void)
{
	struct buf b;
	buf_init(&b, 16);
	buf_puts(&b, "x");
	CHECK(buf_grow(&b, SIZE_MAX) == NULL && b.failed);
	buf_reset(&b);
	buf_hex(&b, (const uint8_t *)"", SIZE_MAX);
	CHECK(b.failed);
	buf_free(&b);
}

int main(void)
{
	TEST(grows);
	TEST(writes_all_kinds);
	TEST(fails_past_its_limit);
	TEST(takes_all_up_to_its_limit);
	TEST(refuses_huge_sizes);
	return tap_done();
}
