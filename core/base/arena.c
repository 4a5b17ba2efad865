#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ALIGN = alignof(max_align_t),
	CHUNK_MIN = 512,
	CHUNK_MAX = 64 * 1024, /* larger wishes get their own */
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t n;
	alignas(max_align_t) char bytes[];
};

static void out_of_memory(size_t n)
{
	fprintf(stderr, "out of memory: %zu bytes wanted\n", n);
	abort();
}

void *mem_alloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		out_of_memory(n);
	return p;
}

void *mem_zalloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);
	if (!p)
		out_of_memory(n);
	return p;
}

void *mem_realloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);
	if (!q)
		out_of_memory(n);
	return q;
}

static void add_chunk(struct arena *a, size_t n)
{
	struct arena_chunk *c = mem_alloc(sizeof(*c) + n);
	c->next = a->chunks;
	c->n = n;
	a->chunks = c;
	a->next = c->bytes;
	a->end = c->bytes + n;
}

void arena_init(struct arena *a, size_t first_bytes)
{
	*a = (struct arena){0};
	add_chunk(a, first_bytes < CHUNK_MIN ? CHUNK_MIN : first_bytes);
}

void arena_borrow(struct arena *a, void *p, size_t n)
{
	*a = (struct arena){.next = p, .end = (char *)p + n};
}

void arena_free(struct arena *a)
{
	struct arena_chunk *c = a->chunks;
	while (c) {
		struct arena_chunk *next = c->next;
		free(c);
		c = next;
	}
	*a = (struct arena){0};
}

/* A chunk for at least n bytes.  They double, but not from the first one's size: a
 * large message need not want much more. */
static void grow(struct arena *a, size_t n)
{
	size_t want = a->grow_bytes ? a->grow_bytes : CHUNK_MIN;
	a->grow_bytes = want < CHUNK_MAX ? 2 * want : CHUNK_MAX;
	add_chunk(a, n > want ? n : want);
}

size_t arena_bytes(const struct arena *a)
{
	size_t n = 0;
	for (const struct arena_chunk *c = a->chunks; c; c = c->next)
		n += c->n;
	return n;
}

void *arena_alloc(struct arena *a, size_t n)
{
	if (n > PTRDIFF_MAX - ALIGN)
		out_of_memory(n);
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (n > (size_t)(a->end - a->next))
		grow(a, n);
	char *p = a->next;
	a->next += n;
	return p;
}

void arena_trim(struct arena *a, const void *end)
{
	size_t unused = (size_t)(a->next - (const char *)end);
	a->next -= unused & ~(size_t)(ALIGN - 1);
}

void arena_rewind(struct arena *a, const struct arena *mark)
{
	while (a->chunks != mark->chunks) {
		struct arena_chunk *c = a->chunks;
		a->chunks = c->next;
		free(c);
	}
	*a = *mark;
}

void *arena_zalloc(struct arena *a, size_t n)
{
	return memset(arena_alloc(a, n), 0, n);
}

struct slice arena_dup(struct arena *a, struct slice s)
{
	return s.p ? slice_of(arena_strz(a, s), s.n) : s;
}

char *arena_strz(struct arena *a, struct slice s)
{
	char *z = arena_alloc(a, s.n + 1);
	if (s.n)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

struct slice arena_join(struct arena *a, const struct slice *pieces, unsigned n)
{
	size_t bytes = 0;
	for (unsigned i = 0; i < n; i++)
		bytes += pieces[i].n;
	char *all = arena_alloc(a, bytes), *to = all;
	for (unsigned i = 0; i < n; to += pieces[i++].n)
		if (pieces[i].n)
			memcpy(to, pieces[i].p, pieces[i].n);
	return slice_of(all, bytes);
}

struct slice arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return slice_of("", 0);
	char *p = arena_alloc(a, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(p, (size_t)n + 1, format, args);
	va_end(args);
	return slice_of(p, (size_t)n);
}
