#include "sip/edit.h"

#include "sip/lex.h"

#include <string.h>

enum { FIRST_EDITS = 4 };

void edits_init(struct edits *e, struct arena *a)
{
	*e = (struct edits){.arena = a};
}

void edits_copy(struct edits *dst, const struct edits *src, struct arena *a)
{
	*dst = (struct edits){.arena = a, .n = src->n, .cap = src->n + FIRST_EDITS};
	dst->v = arena_alloc(a, dst->cap * sizeof(*src->v));
	if (src->n)
		memcpy(dst->v, src->v, src->n * sizeof(*src->v));
}

static void grow(struct edits *e)
{
	unsigned cap = e->cap ? 2 * e->cap : FIRST_EDITS;
	struct edit *v = arena_alloc(e->arena, cap * sizeof(*v));
	if (e->n)
		memcpy(v, e->v, e->n * sizeof(*v));
	e->v = v;
	e->cap = cap;
}

/* Keeps the list in the order of places, equal ones in the order they were made. */
static void add(struct edits *e, const struct msg *m, const char *at, size_t drop,
		struct slice text)
{
	uint32_t offset = (uint32_t)(at - m->raw.p);
	if (e->n == e->cap)
		grow(e);
	unsigned i = e->n++;
	for (; i > 0 && e->v[i - 1].at > offset; i--)
		e->v[i] = e->v[i - 1];
	e->v[i] = (struct edit){offset, (uint32_t)drop, text};
}

void edit_insert(struct edits *e, const struct msg *m, const char *at, struct slice text)
{
	add(e, m, at, 0, text);
}

void edit_drop(struct edits *e, const struct msg *m, struct slice what)
{
	add(e, m, what.p, what.n, SLICE_NULL);
}

void edit_replace(struct edits *e, const struct msg *m, struct slice what, struct slice text)
{
	add(e, m, what.p, what.n, text);
}

void edit_prepend_header(struct edits *e, const struct msg *m, struct slice line)
{
	const char *start_line_end = slice_chr(m->head, '\n');
	edit_insert(e, m, start_line_end + 1, line);
}

/* Where the empty line begins. */
static const char *head_end(const struct msg *m)
{
	const char *end = slice_end(m->head);
	bool crlf = m->head.n > 1 && end[-2] == '\r';
	return end - (crlf ? 2 : 1);
}

void edit_append_header(struct edits *e, const struct msg *m, struct slice line)
{
	edit_insert(e, m, head_end(m), line);
}

void edit_drop_header(struct edits *e, const struct msg *m, const struct hdr *h)
{
	edit_drop(e, m, hdr_line(h));
}

/* All of it has been dropped. */
static bool is_dropped(const struct edits *e, const struct msg *m, struct slice what)
{
	size_t begin = (size_t)(what.p - m->raw.p), end = begin + what.n;
	for (unsigned i = 0; i < e->n && e->v[i].at <= begin; i++)
		if ((size_t)e->v[i].at + e->v[i].drop >= end)
			return true;
	return false;
}

/*
 * With a member left in front, what goes is from the end of the one before it,
 * so the comma goes along; else it is up to the next member that is left.
 */
void edit_drop_member(struct edits *e, const struct msg *m, const struct hdr *h,
		      struct slice member)
{
	struct slice rest = h->value, one, before = SLICE_NULL, next = SLICE_NULL;
	bool left_before = false;
	while (!next.p && lex_list_next(&rest, &one)) {
		if (one.p < member.p) {
			before = one;
			left_before = left_before || !is_dropped(e, m, one);
		} else if (one.p > member.p && !is_dropped(e, m, one)) {
			next = one;
		}
	}
	if (left_before)
		edit_drop(e, m, slice_range(slice_end(before), slice_end(member)));
	else if (next.p)
		edit_drop(e, m, slice_range(member.p, next.p));
	else
		edit_drop_header(e, m, h);
}

void edits_write(const struct edits *e, const struct msg *m, struct buf *out)
{
	const char *at = m->raw.p, *end = slice_end(m->raw);
	for (unsigned i = 0; i < e->n; i++) {
		const char *place = m->raw.p + e->v[i].at;
		if (place > at) {
			buf_put(out, slice_range(at, place));
			at = place;
		}
		buf_put(out, e->v[i].text);
		if (place + e->v[i].drop > at)
			at = place + e->v[i].drop;
	}
	buf_put(out, slice_range(at, end));
}
