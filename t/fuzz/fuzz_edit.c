/*
 * A few bytes of choices, then a message: edits chosen by them are made, and
 * what is written is read again.
 */
#include "base/buf.h"
#include "fuzz.h"
#include "sip/edit.h"

enum { CHOICES = 16 };

/* The member with this number among the Route values, if any. */
static bool nth_member(const struct msg *m, unsigned n, struct hdr_walk *w, struct slice *member)
{
	do
		if (!msg_walk(m, HDR_ROUTE, w, member))
			return false;
	while (n--);
	return true;
}

static void drop_route(struct edits *e, const struct msg *m, unsigned n)
{
	struct hdr_walk w = {0};
	struct slice member;
	if (nth_member(m, n, &w, &member))
		edit_drop_member(e, m, w.hdr, member);
}

static void drop_other_header(struct edits *e, const struct msg *m, unsigned n)
{
	if (m->n_hdrs && m->hdrs[n % m->n_hdrs].id == HDR_OTHER)
		edit_drop_header(e, m, &m->hdrs[n % m->n_hdrs]);
}

static void make(struct edits *e, const struct msg *m, uint8_t choice)
{
	switch (choice % 6) {
	case 0:
		edit_prepend_header(e, m, SLICE("Via: SIP/2.0/UDP p;branch=z9hG4bKp\r\n"));
		break;
	case 1:
		edit_append_header(e, m, SLICE("X-Last: 1\r\n"));
		break;
	case 2:
		drop_route(e, m, choice / 6);
		break;
	case 3:
		drop_other_header(e, m, choice / 6);
		break;
	case 4:
		edit_insert(e, m, slice_end(m->via.text), SLICE(";received=192.0.2.1"));
		break;
	case 5:
		if (m->request)
			edit_replace(e, m, m->uri_text, SLICE("sip:new@192.0.2.2"));
		break;
	}
}

static unsigned count_routes(const struct msg *m)
{
	struct hdr_walk w = {0};
	struct slice member;
	unsigned n = 0;
	while (msg_walk(m, HDR_ROUTE, &w, &member))
		n++;
	return n;
}

/* Each number of a Route value among the choices takes that value out, once. */
static unsigned count_left(const struct msg *m, const uint8_t *choices)
{
	unsigned routes = count_routes(m), left = 0;
	for (unsigned i = 0; i < routes; i++) {
		bool dropped = false;
		for (int k = 0; k < CHOICES; k++)
			dropped |= choices[k] % 6 == 2 && choices[k] / 6 == i;
		left += !dropped;
	}
	return left;
}

static void check(const struct msg *m, const struct edits *e, const uint8_t *choices)
{
	struct arena a = {0};
	struct msg back;
	struct buf out;
	buf_init(&out, 2 * MSG_MAX_BYTES);
	edits_write(e, m, &out);
	MUST(!out.failed);
	if (out.n <= MSG_MAX_BYTES) {
		MUST(msg_parse(&back, &a, buf_slice(&out)) > 0);
		MUST(slice_eq(back.body, m->body) && back.request == m->request);
		MUST(slice_eq(back.call_id, m->call_id) && slice_eq(back.from.text, m->from.text));
		MUST(count_routes(&back) == count_left(m, choices));
	}
	buf_free(&out);
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n < CHOICES)
		return 0;
	struct arena a = {0};
	struct msg m;
	struct edits e;
	edits_init(&e, &a);
	if (msg_parse(&m, &a, fuzz_slice(bytes + CHOICES, n - CHOICES)) > 0 &&
	    m.fault.status == 0) {
		for (int i = 0; i < CHOICES; i++)
			make(&e, &m, bytes[i]);
		check(&m, &e, bytes);
	}
	arena_free(&a);
	return 0;
}
