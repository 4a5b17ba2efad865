/*
 * slice: a borrowed run of bytes, the common coin of the code base.
 *
 * A slice never owns and is never NUL terminated; it lives as long as the
 * bytes it points at (a datagram's arena, a literal).  An absent value is the
 * null slice (p == NULL), an empty one has p != NULL and n == 0.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE_NULL ((struct slice){NULL, 0})
/* A slice of a string literal. */
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
/* printf arguments for "%.*s". */
#define SLICE_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct slice slice_of(const char *p, size_t n)
{
	return (struct slice){p, n};
}

/* Between two pointers into the same bytes, begin <= end. */
static inline struct slice slice_range(const char *begin, const char *end)
{
	return (struct slice){begin, (size_t)(end - begin)};
}

static inline const char *slice_end(struct slice s)
{
	return s.n ? s.p + s.n : s.p; /* NULL + 0 is undefined in C17 */
}

/* A NUL terminated string; NULL gives the null slice. */
static inline struct slice slice_str(const char *z)
{
	return z ? slice_of(z, strlen(z)) : SLICE_NULL;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII; other bytes as they are. */
static inline char slice_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* n bytes are equal but for the case of ASCII letters. */
bool slice_same_letters(const char *a, const char *b, size_t n);
/* ASCII case is ignored; bytes above 127 compare as they are. */
static inline bool slice_ieq(struct slice a, struct slice b)
{
	return a.n == b.n && slice_same_letters(a.p, b.p, a.n);
}
bool slice_starts(struct slice s, struct slice prefix);
bool slice_istarts(struct slice s, struct slice prefix);
/* Pointer to the first c in s, or NULL. */
static inline const char *slice_chr(struct slice s, char c)
{
	return s.n ? (const char *)memchr(s.p, c, s.n) : NULL;
}
/* Without the SP, HTAB, CR and LF at both ends. */
struct slice slice_trim_blanks(struct slice s);
static inline struct slice slice_trim(struct slice s)
{
	/* Nothing to do, most often. */
	bool tight = s.n && (unsigned char)s.p[0] > ' ' && (unsigned char)s.p[s.n - 1] > ' ';
	return tight ? s : slice_trim_blanks(s);
}

/*
 * Decimal digits only, no sign, no blanks.  Returns 0, or -1 when s is empty,
 * holds anything else, or exceeds the type (the value is then untouched).
 */
int slice_u32(struct slice s, uint32_t *value);
int slice_u64(struct slice s, uint64_t *value);

#endif
