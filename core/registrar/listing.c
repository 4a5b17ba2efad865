#include "registrar/listing.h"

#include <stdio.h>
#include <time.h>

static void put_q(struct buf *out, int q)
{
	char digits[8];
	if (q < 0)
		return;
	buf_puts(out, ";q=");
	if (q == 0 || q >= 1000) {
		buf_putc(out, q ? '1' : '0');
		return;
	}
	int n = snprintf(digits, sizeof(digits), "0.%03d", q % 1000);
	while (digits[n - 1] == '0')
		n--;
	buf_put(out, slice_of(digits, (size_t)n));
}

static void put_quoted(struct buf *out, struct slice s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		if ((unsigned char)s.p[i] >= ' ')
			buf_putc(out, s.p[i]);
	}
	buf_putc(out, '"');
}

void listing_contact(struct buf *out, const struct store_binding *b, int64_t now_s)
{
	buf_puts(out, "Contact: <");
	buf_put(out, b->contact);
	buf_putc(out, '>');
	put_q(out, b->q);
	buf_puts(out, ";expires=");
	buf_u64(out, b->expires == 0 ? UINT32_MAX : (uint64_t)(b->expires - now_s));
	if (b->instance.n > 0) {
		buf_puts(out, ";+sip.instance=");
		put_quoted(out, b->instance);
	}
	if (b->reg_id != 0)
		buf_printf(out, ";reg-id=%u", (unsigned)b->reg_id);
	buf_puts(out, "\r\n");
}

static void put_2(struct buf *out, int n, char behind)
{
	const char text[] = {(char)('0' + n / 10), (char)('0' + n % 10), behind};
	buf_put(out, slice_of(text, sizeof(text)));
}

/* By hand, since strftime asks the locale. */
void listing_date(struct buf *out, int64_t now_s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)now_s;
	struct tm tm;
	if (!gmtime_r(&t, &tm))
		return;
	buf_puts(out, "Date: ");
	buf_put(out, slice_of(days + 3 * tm.tm_wday, 3));
	buf_puts(out, ", ");
	put_2(out, tm.tm_mday, ' ');
	buf_put(out, slice_of(months + 3 * tm.tm_mon, 3));
	buf_putc(out, ' ');
	buf_u64(out, (uint64_t)tm.tm_year + 1900);
	buf_putc(out, ' ');
	put_2(out, tm.tm_hour, ':');
	put_2(out, tm.tm_min, ':');
	put_2(out, tm.tm_sec, ' ');
	buf_puts(out, "GMT\r\n");
}
