#include "registrar/listing.h"

#include <stdio.h>
#include <string.h>
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

static char *put_2(char *p, int n)
{
	*p++ = (char)('0' + n / 10 % 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

static char *put_3(char *p, const char *name)
{
	memcpy(p, name, 3);
	return p + 3;
}

/* By hand, since strftime asks the locale. */
void listing_date(struct buf *out, int64_t now_s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char line[] = "Date: Sun, 00 Jan 0000 00:00:00 GMT\r\n";
	time_t t = (time_t)now_s;
	struct tm tm;
	if (!gmtime_r(&t, &tm))
		return;
	put_3(line + 6, days + 3 * tm.tm_wday);
	put_2(line + 11, tm.tm_mday);
	put_3(line + 14, months + 3 * tm.tm_mon);
	put_2(put_2(line + 18, tm.tm_year / 100 + 19), tm.tm_year);
	put_2(line + 23, tm.tm_hour);
	put_2(line + 26, tm.tm_min);
	put_2(line + 29, tm.tm_sec);
	buf_put(out, slice_of(line, sizeof(line) - 1));
}
