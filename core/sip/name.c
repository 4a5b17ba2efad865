/*
 * Names of header fields and methods (declared in msg.h).
 */
#include "sip/msg.h"

#define NAME(literal)                        \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct slice names[HDR_COUNT] = {
    [HDR_ALLOW] = NAME("Allow"),
    [HDR_AUTHORIZATION] = NAME("Authorization"),
    [HDR_CALL_ID] = NAME("Call-ID"),
    [HDR_CONTACT] = NAME("Contact"),
    [HDR_CONTENT_LENGTH] = NAME("Content-Length"),
    [HDR_CONTENT_TYPE] = NAME("Content-Type"),
    [HDR_CSEQ] = NAME("CSeq"),
    [HDR_DATE] = NAME("Date"),
    [HDR_EXPIRES] = NAME("Expires"),
    [HDR_FROM] = NAME("From"),
    [HDR_MAX_BREADTH] = NAME("Max-Breadth"),
    [HDR_MAX_FORWARDS] = NAME("Max-Forwards"),
    [HDR_MIN_EXPIRES] = NAME("Min-Expires"),
    [HDR_PATH] = NAME("Path"),
    [HDR_PROXY_AUTHENTICATE] = NAME("Proxy-Authenticate"),
    [HDR_PROXY_AUTHORIZATION] = NAME("Proxy-Authorization"),
    [HDR_PROXY_REQUIRE] = NAME("Proxy-Require"),
    [HDR_RECORD_ROUTE] = NAME("Record-Route"),
    [HDR_REQUIRE] = NAME("Require"),
    [HDR_RETRY_AFTER] = NAME("Retry-After"),
    [HDR_ROUTE] = NAME("Route"),
    [HDR_SUPPORTED] = NAME("Supported"),
    [HDR_TIMESTAMP] = NAME("Timestamp"),
    [HDR_TO] = NAME("To"),
    [HDR_UNSUPPORTED] = NAME("Unsupported"),
    [HDR_USER_AGENT] = NAME("User-Agent"),
    [HDR_VIA] = NAME("Via"),
    [HDR_WWW_AUTHENTICATE] = NAME("WWW-Authenticate"),
};

/* The names of each length (RFC 3261 7.3.3 for the compact forms, of length 1). */
enum { LONGEST = 19, MOST = 4 };
static const uint8_t by_length[LONGEST + 1][MOST] = {
    [2] = {HDR_TO},
    [3] = {HDR_VIA},
    [4] = {HDR_CSEQ, HDR_FROM, HDR_DATE, HDR_PATH},
    [5] = {HDR_ROUTE, HDR_ALLOW},
    [7] = {HDR_CALL_ID, HDR_CONTACT, HDR_EXPIRES, HDR_REQUIRE},
    [9] = {HDR_SUPPORTED, HDR_TIMESTAMP},
    [10] = {HDR_USER_AGENT},
    [11] = {HDR_UNSUPPORTED, HDR_MIN_EXPIRES, HDR_RETRY_AFTER, HDR_MAX_BREADTH},
    [12] = {HDR_MAX_FORWARDS, HDR_CONTENT_TYPE, HDR_RECORD_ROUTE},
    [13] = {HDR_AUTHORIZATION, HDR_PROXY_REQUIRE},
    [14] = {HDR_CONTENT_LENGTH},
    [16] = {HDR_WWW_AUTHENTICATE},
    [18] = {HDR_PROXY_AUTHENTICATE},
    [19] = {HDR_PROXY_AUTHORIZATION},
};

static enum hdr_id compact_id(char c)
{
	switch (c | 0x20) {
	case 'c':
		return HDR_CONTENT_TYPE;
	case 'f':
		return HDR_FROM;
	case 'i':
		return HDR_CALL_ID;
	case 'k':
		return HDR_SUPPORTED;
	case 'l':
		return HDR_CONTENT_LENGTH;
	case 'm':
		return HDR_CONTACT;
	case 't':
		return HDR_TO;
	case 'v':
		return HDR_VIA;
	default:
		return HDR_OTHER;
	}
}

enum hdr_id hdr_id_of(struct slice name)
{
	if (name.n == 1)
		return compact_id(name.p[0]);
	if (name.n > LONGEST)
		return HDR_OTHER;
	const uint8_t *ids = by_length[name.n];
	for (int i = 0; i < MOST && ids[i]; i++)
		if (!((name.p[0] ^ names[ids[i]].p[0]) & ~0x20) && /* that is seen at once */
		    slice_ieq(name, names[ids[i]]))
			return (enum hdr_id)ids[i];
	return HDR_OTHER;
}

struct slice hdr_name(enum hdr_id id)
{
	return names[id];
}

/* Compact forms of header fields that have no id of their own. */
static const struct {
	char compact;
	struct slice name;
} others[] = {
    {'a', NAME("Accept-Contact")},      /* RFC 3841 */
    {'b', NAME("Referred-By")},         /* RFC 3892 */
    {'d', NAME("Request-Disposition")}, /* RFC 3841 */
    {'e', NAME("Content-Encoding")},    /* RFC 3261 */
    {'j', NAME("Reject-Contact")},      /* RFC 3841 */
    {'n', NAME("Identity-Info")},       /* RFC 4474 */
    {'o', NAME("Event")},               /* RFC 6665 */
    {'r', NAME("Refer-To")},            /* RFC 3515 */
    {'s', NAME("Subject")},             /* RFC 3261 */
    {'u', NAME("Allow-Events")},        /* RFC 6665 */
    {'x', NAME("Session-Expires")},     /* RFC 4028 */
    {'y', NAME("Identity")},            /* RFC 8224 */
};

struct slice hdr_long_name(struct slice name)
{
	if (name.n != 1)
		return name;
	enum hdr_id id = compact_id(name.p[0]);
	if (id != HDR_OTHER)
		return names[id];
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if ((name.p[0] | 0x20) == others[i].compact)
			return others[i].name;
	return name;
}

enum method method_of(struct slice name)
{
	static const struct {
		enum method method;
		struct slice name;
	} methods[] = {
	    {METHOD_INVITE, NAME("INVITE")},     {METHOD_ACK, NAME("ACK")},
	    {METHOD_CANCEL, NAME("CANCEL")},     {METHOD_BYE, NAME("BYE")},
	    {METHOD_REGISTER, NAME("REGISTER")}, {METHOD_OPTIONS, NAME("OPTIONS")},
	};
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (slice_eq(name, methods[i].name))
			return methods[i].method;
	return METHOD_OTHER;
}
