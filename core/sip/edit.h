/*
 * edit: changes to a message that leave every other byte alone.
 *
 * A list of "at this place drop so many bytes and put this text", applied when
 * the message is written out; the received bytes themselves are never touched.
 * A request forwarded to several targets has one list for all and a copy with
 * its own changes for each branch.
 */
#ifndef SIP_EDIT_H
#define SIP_EDIT_H

#include "base/buf.h"
#include "sip/msg.h"

struct edit {
	uint32_t at;   /* offset in msg->raw */
	uint32_t drop; /* bytes */
	struct slice text;
};

struct edits {
	struct arena *arena; /* borrowed; holds the list and no texts */
	struct edit *v;
	unsigned n;
	unsigned cap;
};

void edits_init(struct edits *e, struct arena *a);
/* dst gets what src has; later changes to either do not show in the other. */
void edits_copy(struct edits *dst, const struct edits *src, struct arena *a);

/* Texts are borrowed until the message is written. */
void edit_insert(struct edits *e, const struct msg *m, const char *at, struct slice text);
/* Dropping what is dropped already is harmless. */
void edit_drop(struct edits *e, const struct msg *m, struct slice what);
void edit_replace(struct edits *e, const struct msg *m, struct slice what, struct slice text);

/* Whole header lines: text must end with CRLF. */
void edit_prepend_header(struct edits *e, const struct msg *m,
			 struct slice line);                                      /* first of all */
void edit_append_header(struct edits *e, const struct msg *m, struct slice line); /* last of all */
void edit_drop_header(struct edits *e, const struct msg *m, const struct hdr *h);
/* Takes one member out of a comma list; the line too when it was the only one
 * left.  What else stands in the line keeps its bytes. */
void edit_drop_member(struct edits *e, const struct msg *m, const struct hdr *h,
		      struct slice member);

/*
 * Writes the message with its edits to out.  Same place: drops first, then
 * texts in the order they were made.  Content-Length is not recomputed: no
 * edit here touches a body.
 */
void edits_write(const struct edits *e, const struct msg *m, struct buf *out);

#endif
