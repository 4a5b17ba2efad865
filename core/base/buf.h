/*
 * buf: growing output with a sticky error.
 *
 * Callers put piece after piece and ask once, at the end, whether all of it
 * went in: past `max` bytes the buffer is marked failed and takes no more, so
 * that a size a peer chose fails softly.  buf_reset() keeps the memory.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

struct buf {
	char *p;
	size_t n;
	size_t cap; /* 0, or more than n; at most one more than max */
	size_t max; /* bytes */
	bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
/* Empty again and no longer failed. */
void buf_reset(struct buf *b);

/* What does not fit into what is there. */
void buf_put_more(struct buf *b, struct slice s);
static inline void buf_put(struct buf *b, struct slice s)
{
	if (b->failed || s.n >= b->cap - b->n) { /* with room for a NUL */
		buf_put_more(b, s);
	} else if (s.n) {
		memcpy(b->p + b->n, s.p, s.n);
		b->n += s.n;
	}
}
static inline void buf_putc(struct buf *b, char c)
{
	buf_put(b, slice_of(&c, 1));
}
static inline void buf_puts(struct buf *b, const char *z)
{
	buf_put(b, slice_str(z));
}
void buf_u64(struct buf *b, uint64_t value);
/* Lower-case hex of n bytes. */
void buf_hex(struct buf *b, const uint8_t *bytes, size_t n);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* In decimal; the slice lies in digits. */
enum { U64_DIGITS = 20 };
struct slice u64_text(uint64_t value, char digits[U64_DIGITS]);
/* Exactly `digits` lower-case hex digits, the lowest of value; no NUL. */
void hex_u64(uint64_t value, unsigned digits, char *out);

/* What was put so far; valid until the next call that changes b. */
struct slice buf_slice(const struct buf *b);
/* n more bytes to write into directly, or NULL when that exceeds max. */
char *buf_grow(struct buf *b, size_t n);

#endif
