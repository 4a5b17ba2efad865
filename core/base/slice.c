#include "base/slice.h"

bool slice_ieq(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i] && slice_lower(a.p[i]) != slice_lower(b.p[i]))
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

struct slice slice_trim(struct slice s)
{
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	while (s.n && is_blank(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

static int digits(struct slice s, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
		if (d > 9 || v > (max - d) / 10)
			return -1;
		v = v * 10 + d;
	}
	*value = v;
	return s.n ? 0 : -1;
}

int slice_u64(struct slice s, uint64_t *value)
{
	uint64_t v;
	if (digits(s, UINT64_MAX, &v) < 0)
		return -1;
	*value = v;
	return 0;
}

int slice_u32(struct slice s, uint32_t *value)
{
	uint64_t v;
	if (digits(s, UINT32_MAX, &v) < 0)
		return -1;
	*value = (uint32_t)v;
	return 0;
}
