#include "proxy/validate.h"

#include "sip/lex.h"

/* "Unsupported: a, b": the option tags of Proxy-Require, none of which we know.  Empty: no tags. */
static struct slice unsupported(struct context *c)
{
	struct buf *out = &c->proxy->scratch;
	struct hdr_walk w = {0};
	struct slice tag;

	buf_reset(out);
	while (msg_walk(context_msg(c), HDR_PROXY_REQUIRE, &w, &tag)) {
		tag.n = lex_token(tag);
		if (!tag.n)
			continue;
		buf_puts(out, out->n ? ", " : "Unsupported: ");
		buf_put(out, tag);
	}
	if (out->n)
		buf_puts(out, "\r\n");
	return arena_dup(&c->request->arena, buf_slice(out));
}

bool validate(struct context *c)
{
	struct slice header;

	if (context_uri(c)->scheme == URI_OTHER) {
		context_reply(c, 416, SLICE(""), SLICE(""));
		return false;
	}
	header = unsupported(c);
	if (header.n)
		context_reply(c, 420, SLICE(""), header);
	return header.n == 0;
}
