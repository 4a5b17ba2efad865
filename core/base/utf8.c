#include "base/utf8.h"

#include <string.h>

/* RFC 3629 4: nothing longer than need be, no surrogates, nothing above U+10FFFF. */
size_t utf8_char(struct slice s)
{
	unsigned char c = s.n > 0 ? (unsigned char)s.p[0] : 0xff;
	unsigned char d = s.n > 1 ? (unsigned char)s.p[1] : 0;
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	bool too_low = (c == 0xe0 && d < 0xa0) || (c == 0xf0 && d < 0x90);
	bool too_high = (c == 0xed && d > 0x9f) || (c == 0xf4 && d > 0x8f);
	if (n > s.n || too_low || too_high)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Most texts are ASCII: how many bytes of it come first, in eights. */
static size_t ascii_run(struct slice s)
{
	size_t i = 0;
	for (uint64_t eight; s.n - i >= sizeof(eight); i += sizeof(eight)) {
		memcpy(&eight, s.p + i, sizeof(eight));
		if (eight & 0x8080808080808080)
			break;
	}
	return i;
}

bool utf8_is(struct slice s)
{
	for (size_t i = ascii_run(s), n; i < s.n; i += n) {
		n = utf8_char(slice_of(s.p + i, s.n - i));
		if (n == 0)
			return false;
	}
	return true;
}
