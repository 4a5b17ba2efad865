/*
 * arena: memory of one message (or one settings table, one load), freed whole.
 *
 * Allocation moves a pointer; nothing is freed singly.  When the machine has
 * no memory left the process stops here with a clear line: sizes that a peer
 * chooses are capped before they get this far.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	char *next;
	char *end;
	size_t grow_bytes; /* the next chunk's size */
};

/* malloc that never returns NULL: it reports and aborts instead. */
void *mem_alloc(size_t n);
void *mem_zalloc(size_t n);
void *mem_realloc(void *p, size_t n);

/* first_bytes: the size of the first chunk, a hint. */
void arena_init(struct arena *a, size_t first_bytes);
void arena_free(struct arena *a);

/* It begins in n bytes at p, aligned for any type and somebody else's. */
void arena_borrow(struct arena *a, void *p, size_t n);

/* What it holds, used or not; without what it has borrowed. */
size_t arena_bytes(const struct arena *a);

/* Aligned for any type; not zeroed / zeroed. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);
/* Gives back what the last allocation has behind end. */
void arena_trim(struct arena *a, const void *end);
/* Frees all that was allocated since `mark` was copied from *a. */
void arena_rewind(struct arena *a, const struct arena *mark);
/* A copy of s in the arena; a null slice stays null. */
struct slice arena_dup(struct arena *a, struct slice s);
/* A NUL terminated copy of s. */
char *arena_strz(struct arena *a, struct slice s);
/* All pieces, one behind the other. */
struct slice arena_join(struct arena *a, const struct slice *pieces, unsigned n);
struct slice arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
