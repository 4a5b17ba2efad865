/*
 * text: pieces of bytes that belong to others, and a place of fixed size to write into.
 *
 * A text that is full takes no more and says so in `full`: whoever sends it looks.
 */
#ifndef LOAD_TEXT_H
#define LOAD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

struct text {
	char *p;
	size_t n;
	size_t max;
	bool full;
};

#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})
#define TEXT_PUTS(t, literal) text_put((t), SPAN(literal))

static inline struct text text_in(char *p, size_t max)
{
	return (struct text){p, 0, max, false};
}

static inline struct span text_span(const struct text *t)
{
	return (struct span){t->p, t->n};
}

static inline void text_put(struct text *t, struct span s)
{
	if (s.n > t->max - t->n) {
		t->full = true;
		return;
	}
	if (s.n)
		memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
}

/* At least `width` digits. */
static inline void text_number(struct text *t, uint64_t value, unsigned width)
{
	char digits[24], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (value || digits + sizeof(digits) - p < (ptrdiff_t)width);
	text_put(t, (struct span){p, (size_t)(digits + sizeof(digits) - p)});
}

static inline void text_hex(struct text *t, uint32_t value, unsigned width)
{
	char digits[8];

	for (unsigned i = width; i-- > 0; value >>= 4)
		digits[i] = "0123456789abcdef"[value & 15];
	text_put(t, (struct span){digits, width});
}

static inline bool span_is(struct span a, struct span b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static inline bool span_has(struct span s, struct span part)
{
	return s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL;
}

#endif
