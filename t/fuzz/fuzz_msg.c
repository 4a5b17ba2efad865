/* Any datagram: the parser stays inside it and a reply to it can be read again. */
#include "base/buf.h"
#include "fuzz.h"
#include "sip/edit.h"
#include "sip/lex.h"
#include "sip/msg.h"
#include "sip/param.h"
#include "sip/reply.h"

static void check_slices(const struct msg *m, struct slice in)
{
	MUST(fuzz_inside(m->raw, in) && fuzz_inside(m->head, m->raw) &&
	     fuzz_inside(m->body, m->raw));
	MUST(fuzz_inside(m->via.text, m->head) && fuzz_inside(m->call_id, m->head));
	MUST(fuzz_inside(m->from.text, m->head) && fuzz_inside(m->to.text, m->head));
	MUST(fuzz_inside(m->from_tag, m->from.text) && fuzz_inside(m->to_tag, m->to.text));
	MUST(fuzz_inside(m->via.branch, m->via.text) && fuzz_inside(m->uri.host, m->uri_text));
	for (unsigned i = 0; i < m->n_hdrs; i++) {
		const struct hdr *h = &m->hdrs[i];
		MUST(fuzz_inside(hdr_line(h), m->head) && h->line_bytes > 0);
		MUST(h->name.n > 0 && fuzz_inside(h->name, hdr_line(h)));
		MUST(h->value.p && fuzz_inside(h->value, hdr_line(h)));
	}
}

/* Every list member of every kind can be asked for and is inside its row. */
static void check_walks(const struct msg *m, struct arena *a)
{
	for (enum hdr_id id = HDR_OTHER + 1; id < HDR_COUNT; id++) {
		struct hdr_walk w = {0};
		struct slice member;
		struct nameaddr n;
		struct uri u;
		while (msg_walk(m, id, &w, &member)) {
			MUST(member.n > 0 && fuzz_inside(member, w.hdr->value));
			if (nameaddr_parse(&n, member) < 0)
				continue;
			MUST(fuzz_inside(n.uri, member) && fuzz_inside(n.params, member));
			uri_parse(&u, n.uri);
			lex_unfold(a, member);
		}
	}
}

/* What is well formed stays so when it is answered. */
static void check_reply(const struct msg *m, struct arena *a)
{
	struct reply r = {.status = 400, .to_tag = SLICE("t1")};
	struct msg back;
	struct buf out;
	buf_init(&out, 4 * MSG_MAX_BYTES);
	reply_write(&out, m, &r);
	MUST(!out.failed);
	if (m->fault.status == 0 && out.n <= MSG_MAX_BYTES) {
		MUST(msg_parse(&back, a, buf_slice(&out)) == (int)out.n);
		MUST(!back.request && back.status == 400 && back.fault.status == 0);
		MUST(slice_eq(back.via.text, m->via.text) && slice_eq(back.call_id, m->call_id));
		msg_read_addresses(&back);
		MUST(back.fault.status == 0);
		MUST(back.to_tag.n > 0 && slice_eq(back.from_tag, m->from_tag));
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena a = {0};
	struct msg m;
	struct slice in = fuzz_slice(bytes, n);
	int result = msg_parse(&m, &a, in);
	MUST(result <= (int)n);
	if (result >= 0) {
		msg_read_addresses(&m);
		check_slices(&m, in);
		check_walks(&m, &a);
		if (m.request)
			check_reply(&m, &a);
	}
	if (result > 0)
		MUST(slice_end(m.body) - in.p == result);
	arena_free(&a);
	return 0;
}
