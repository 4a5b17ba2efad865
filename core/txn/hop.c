#include "txn/hop.h"

static void put_lines(struct buf *out, const struct msg *m, enum hdr_id id)
{
	for (const struct hdr *h = msg_hdr(m, id); h; h = msg_hdr_next(m, h))
		buf_put(out, hdr_line(h));
}

static void put_header(struct buf *out, const char *name, struct slice value)
{
	buf_puts(out, name);
	buf_puts(out, ": ");
	buf_put(out, value);
	buf_puts(out, "\r\n");
}

void hop_write(struct buf *out, const struct msg *request, struct slice method, struct slice to)
{
	buf_put(out, method);
	buf_putc(out, ' ');
	buf_put(out, request->uri_text);
	buf_puts(out, " SIP/2.0\r\n");
	put_header(out, "Via", request->via.text);
	put_lines(out, request, HDR_ROUTE);
	put_header(out, "Max-Forwards", SLICE("70"));
	put_lines(out, request, HDR_FROM);
	put_header(out, "To", to);
	put_lines(out, request, HDR_CALL_ID);
	buf_puts(out, "CSeq: ");
	buf_u64(out, request->cseq);
	buf_putc(out, ' ');
	buf_put(out, method);
	buf_puts(out, "\r\nContent-Length: 0\r\n\r\n");
}
