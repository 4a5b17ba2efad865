#include "txn/upstream.h"

struct upstream upstream_of(const struct received *request)
{
	return (struct upstream){transport_response_target(request), request->socket};
}

bool upstream_follows(const struct msg *m)
{
	struct hdr_walk w = {.hdr = msg_hdr(m, HDR_VIA)};
	struct slice via;

	if (!w.hdr || !m->via.text.p)
		return false;
	w.rest = slice_range(slice_end(m->via.text), slice_end(w.hdr->value));
	return msg_walk(m, HDR_VIA, &w, &via);
}

struct slice upstream_write(struct buf *out, const struct msg *m, const struct edits *changes,
			    struct arena *a)
{
	struct edits e;

	if (changes)
		edits_copy(&e, changes, a);
	else
		edits_init(&e, a);
	edit_drop_member(&e, m, msg_hdr(m, HDR_VIA), m->via.text);
	buf_reset(out);
	edits_write(&e, m, out);
	return out->failed ? SLICE_NULL : buf_slice(out);
}
