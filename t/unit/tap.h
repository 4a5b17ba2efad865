/*
 * tap: just enough to write unit tests that `prove` reads.
 *
 *     static void adds(void) { CHECK(1 + 1 == 2); CHECK_STR(text, "two"); }
 *     int main(void) { TEST(adds); return tap_done(); }
 */
#ifndef TAP_H
#define TAP_H

#include "base/slice.h"

#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed, tap_test_failed;

#define CHECK(cond)                         \
	((cond) ? (void)0                   \
		: (void)(tap_test_failed++, \
			 printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #cond)))

/* Compares a slice with a C string. */
#define CHECK_SLICE(slice, text) tap_text(__FILE__, __LINE__, #slice, (slice), (text))
#define CHECK_STR(z, text) tap_text(__FILE__, __LINE__, #z, slice_str(z), (text))
#define CHECK_INT(value, expected) \
	tap_int(__FILE__, __LINE__, #value, (long long)(value), (long long)(expected))

static inline void tap_text(const char *file, int line, const char *what, struct slice got,
			    const char *expected)
{
	if (got.p && got.n == strlen(expected) && memcmp(got.p, expected, got.n) == 0)
		return;
	tap_test_failed++;
	printf("# %s:%d: %s is\n#   '%.*s', expected\n#   '%s'\n", file, line, what, (int)got.n,
	       got.p ? got.p : "", expected);
}

static inline void tap_int(const char *file, int line, const char *what, long long got,
			   long long expected)
{
	if (got == expected)
		return;
	tap_test_failed++;
	printf("# %s:%d: %s is %lld, expected %lld\n", file, line, what, got, expected);
}

#define TEST(function) tap_run(#function, function)

static inline void tap_run(const char *name, void (*function)(void))
{
	tap_test_failed = 0;
	function();
	tap_count++;
	if (tap_test_failed)
		tap_failed++;
	printf("%sok %d - %s\n", tap_test_failed ? "not " : "", tap_count, name);
	fflush(stdout);
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
