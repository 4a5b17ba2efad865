/*
 * source: the files that a version of the script is made of.
 *
 * Each is read once, so that whoever loads from one source gets the same bytes,
 * and is known again when it changed meanwhile: a file caught half-way through
 * a save must not get into service.
 */
#ifndef SCRIPT_SOURCE_H
#define SCRIPT_SOURCE_H

#include "base/buf.h"
#include "base/list.h"

struct source {
	struct list files; /* in the order they were asked for */
	unsigned n;
};

void source_init(struct source *src);
void source_free(struct source *src);

/* The text of a file, valid until source_free().  0, or -1 with "PATH: reason" in why. */
int source_read(struct source *src, const char *path, struct slice *text, struct buf *why);
/* The path of the i-th file, those that could not be read included; NULL: there are no more. */
const char *source_path(const struct source *src, unsigned i);

/* A file that is not any more what was read, or NULL. */
const char *source_changed(const struct source *src);
/* Unix time in ms of the last change of any of the files; 0: none was read. */
int64_t source_changed_ms(const struct source *src);

#endif
