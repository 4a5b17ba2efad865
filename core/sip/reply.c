#include "sip/reply.h"

static void put_line_end(struct buf *out)
{
	buf_put(out, SLICE("\r\n"));
}

/* A header field as it was received, with CRLF at its end. */
static void copy_header(struct buf *out, const struct hdr *h)
{
	buf_put(out, slice_range(h->name.p, slice_end(h->value)));
	put_line_end(out);
}

static void copy_all(struct buf *out, const struct msg *m, enum hdr_id id)
{
	for (struct hdr *h = msg_hdr(m, id); h; h = msg_hdr_next(m, h))
		copy_header(out, h);
}

static void copy_first(struct buf *out, const struct msg *m, enum hdr_id id)
{
	struct hdr *h = msg_hdr(m, id);
	if (h)
		copy_header(out, h);
}

/* All Via rows; the topmost value may be replaced (received and rport, 18.2.1). */
static void copy_vias(struct buf *out, const struct msg *m, struct slice top)
{
	struct hdr *h = msg_hdr(m, HDR_VIA);
	if (!h)
		return;
	if (top.p && m->via.text.p) {
		buf_put(out, slice_range(h->name.p, m->via.text.p));
		buf_put(out, top);
		buf_put(out, slice_range(slice_end(m->via.text), slice_end(h->value)));
		put_line_end(out);
	} else {
		copy_header(out, h);
	}
	while ((h = msg_hdr_next(m, h)))
		copy_header(out, h);
}

/* A From or To that could not be read is left out, not repeated. */
static void copy_from(struct buf *out, const struct msg *m)
{
	if (m->from.text.p)
		copy_first(out, m, HDR_FROM);
}

static void copy_to(struct buf *out, const struct msg *m, const struct reply *r)
{
	struct hdr *h = msg_hdr(m, HDR_TO);
	if (!h || !m->to.text.p)
		return;
	buf_put(out, slice_range(h->name.p, slice_end(h->value)));
	if (!m->to_tag.p && r->to_tag.p && r->status != 100) {
		buf_puts(out, ";tag=");
		buf_put(out, r->to_tag);
	}
	put_line_end(out);
}

/* RFC 3261 12.1.1: responses that may make a dialog carry the route set back. */
static bool wants_record_route(const struct msg *m, unsigned status)
{
	bool dialog = m->method == METHOD_INVITE || m->method == METHOD_OTHER;
	return dialog && status > 100 && status < 300;
}

/* No reason phrase may end the status line early. */
static void put_reason(struct buf *out, const struct reply *r)
{
	struct slice reason = r->reason.n ? r->reason : slice_str(reply_phrase(r->status));
	for (size_t i = 0; i < reason.n; i++)
		buf_putc(out, reason.p[i] == '\r' || reason.p[i] == '\n' ? ' ' : reason.p[i]);
}

void reply_write(struct buf *out, const struct msg *request, const struct reply *r)
{
	buf_puts(out, "SIP/2.0 ");
	buf_u64(out, r->status);
	buf_putc(out, ' ');
	put_reason(out, r);
	put_line_end(out);
	copy_vias(out, request, r->top_via);
	if (wants_record_route(request, r->status))
		copy_all(out, request, HDR_RECORD_ROUTE);
	copy_from(out, request);
	copy_to(out, request, r);
	copy_first(out, request, HDR_CALL_ID);
	copy_first(out, request, HDR_CSEQ);
	if (r->status == 100)
		copy_first(out, request, HDR_TIMESTAMP);
	buf_put(out, r->headers);
	if (r->server.n) {
		buf_puts(out, "Server: ");
		buf_put(out, r->server);
		put_line_end(out);
	}
	buf_puts(out, "Content-Length: 0\r\n\r\n");
}

/* RFC 3261 21 unless the line says otherwise. */
static const struct {
	unsigned status;
	const char *phrase;
} phrases[] = {
    {100, "Trying"},
    {180, "Ringing"},
    {181, "Call Is Being Forwarded"},
    {182, "Queued"},
    {183, "Session Progress"},
    {199, "Early Dialog Terminated"}, /* RFC 6228 */
    {200, "OK"},
    {202, "Accepted"},        /* RFC 6665 */
    {204, "No Notification"}, /* RFC 5839 */
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Moved Temporarily"},
    {305, "Use Proxy"},
    {380, "Alternative Service"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {412, "Conditional Request Failed"}, /* RFC 3903 */
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Unsupported URI Scheme"},
    {417, "Unknown Resource-Priority"}, /* RFC 4412 */
    {420, "Bad Extension"},
    {421, "Extension Required"},
    {422, "Session Interval Too Small"}, /* RFC 4028 */
    {423, "Interval Too Brief"},
    {424, "Bad Location Information"},         /* RFC 6442 */
    {428, "Use Identity Header"},              /* RFC 8224 */
    {429, "Provide Referrer Identity"},        /* RFC 3892 */
    {430, "Flow Failed"},                      /* RFC 5626 */
    {433, "Anonymity Disallowed"},             /* RFC 5079 */
    {436, "Bad Identity Info"},                /* RFC 8224 */
    {437, "Unsupported Credential"},           /* RFC 8224 */
    {438, "Invalid Identity Header"},          /* RFC 8224 */
    {439, "First Hop Lacks Outbound Support"}, /* RFC 5626 */
    {440, "Max-Breadth Exceeded"},             /* RFC 5393 */
    {469, "Bad Info Package"},                 /* RFC 6086 */
    {470, "Consent Needed"},                   /* RFC 5360 */
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {484, "Address Incomplete"},
    {485, "Ambiguous"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {488, "Not Acceptable Here"},
    {489, "Bad Event"}, /* RFC 6665 */
    {491, "Request Pending"},
    {493, "Undecipherable"},
    {494, "Security Agreement Required"}, /* RFC 3329 */
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {505, "Version Not Supported"},
    {513, "Message Too Large"},
    {580, "Precondition Failure"}, /* RFC 3312 */
    {600, "Busy Everywhere"},
    {603, "Decline"},
    {604, "Does Not Exist Anywhere"},
    {606, "Not Acceptable"},
    {607, "Unwanted"}, /* RFC 8197 */
};

static const char *find_phrase(unsigned status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return NULL;
}

const char *reply_phrase(unsigned status)
{
	const char *phrase = find_phrase(status);
	if (!phrase)
		phrase = find_phrase(status / 100 * 100);
	return phrase ? phrase : "Unknown";
}
