#include "txn/upstream.h"

struct upstream upstream_of(const struct received *request)
{
	return (struct upstream){transport_response_target(request), request->socket};
}

bool upstream_follows(const struct msg *m)
{
	struct hdr_walk w = {0};
	struct slice via;
	bool first = msg_walk(m, HDR_VIA, &w, &via);

	return first && msg_walk(m, HDR_VIA, &w, &via);
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
