#include "base/slice.h"

bool slice_same_letters(const char *a, const char *b, size_t n)
{
	size_t i = 0;
	while (n - i >= 4 && memcmp(a + i, b + i, 4) == 0) /* most often they are written alike */
		i += 4;
	for (; i < n; i++)
		if (a[i] != b[i] && slice_lower(a[i]) != slice_lower(b[i]))
			return false;
	return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && slice_eq(slice_of(s.p, prefix.n), prefix);
}

bool slice_istarts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && slice_ieq(slice_of(s.p, prefix.n), prefix);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim_blanks(struct slice s)
{
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	while (s.n && is_blank(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

int slice_u64(struct slice s, uint64_t *value)
{
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
		if (d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
			return -1;
	}
	if (s.n == 0)
		return -1;
	*value = v;
	return 0;
}

int slice_u32(struct slice s, uint32_t *value)
{
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
		v = v * 10 + d;
		if (d > 9 || v > UINT32_MAX)
			return -1;
	}
	if (s.n == 0)
		return -1;
	*value = (uint32_t)v;
	return 0;
}
