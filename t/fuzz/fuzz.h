/*
 * fuzz: what the targets share.  A target is a function over bytes that must
 * not crash, leak, read too far or break a stated property, whatever they are.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A broken property stops the run, so that the fuzzer keeps the input. */
#define MUST(cond)        \
	((cond) ? (void)0 \
		: (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond), abort()))

static inline struct slice fuzz_slice(const uint8_t *bytes, size_t n)
{
	return slice_of((const char *)bytes, n);
}

/* Null, or within whole. */
static inline bool fuzz_inside(struct slice s, struct slice whole)
{
	return !s.p || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

#endif
