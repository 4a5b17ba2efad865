#include "base/buf.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 256 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

static bool make_room(struct buf *b, size_t n)
{
	if (b->failed || n > b->max - b->n) {
		b->failed = true;
		return false;
	}
	size_t need = b->n + n + 1, cap = b->cap ? b->cap : FIRST_BYTES;
	while (cap < need)
		cap *= 2;
	if (cap - 1 > b->max) /* then room alone tells whether it may go in */
		cap = b->max + 1;
	if (cap > b->cap) {
		b->p = mem_realloc(b->p, cap);
		b->cap = cap;
	}
	return true;
}

/* Room for n more bytes behind b->n, and for a NUL behind these: most often it is there. */
static inline bool reserve(struct buf *b, size_t n)
{
	bool there = n < b->cap - b->n && n <= b->max - b->n && !b->failed;

	return there || make_room(b, n);
}

char *buf_grow(struct buf *b, size_t n)
{
	if (!reserve(b, n))
		return NULL;
	b->n += n;
	return b->p + b->n - n;
}

void buf_put_more(struct buf *b, struct slice s)
{
	char *to = buf_grow(b, s.n);
	if (to && s.n)
		memcpy(to, s.p, s.n);
}

struct slice u64_text(uint64_t value, char digits[U64_DIGITS])
{
	char *p = digits + U64_DIGITS;
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	return slice_range(p, digits + U64_DIGITS);
}

void buf_u64(struct buf *b, uint64_t value)
{
	char digits[U64_DIGITS];
	buf_put(b, u64_text(value, digits));
}

void hex_u64(uint64_t value, unsigned digits, char *out)
{
	for (; digits; value >>= 4)
		out[--digits] = "0123456789abcdef"[value & 15];
}

void buf_hex(struct buf *b, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	if (n > SIZE_MAX / 2) {
		b->failed = true;
		return;
	}
	char *to = buf_grow(b, 2 * n);
	for (size_t i = 0; to && i < n; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!reserve(b, (size_t)n))
		return;
	va_start(args, format);
	vsnprintf(b->p + b->n, (size_t)n + 1, format, args);
	va_end(args);
	b->n += (size_t)n;
}

struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->p ? b->p : "", b->n);
}
