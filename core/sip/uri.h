/*
 * uri: SIP and SIPS URIs in place (RFC 3261 19.1), other schemes by name.
 */
#ifndef SIP_URI_H
#define SIP_URI_H

#include "base/arena.h"
#include "base/slice.h"

enum uri_scheme { URI_SIP, URI_SIPS, URI_TEL, URI_OTHER };

struct uri {
	enum uri_scheme scheme;
	struct slice text;        /* all of it */
	struct slice scheme_text; /* without the colon */
	struct slice user;        /* as written, escapes kept; null without '@' */
	struct slice password;    /* null without ':' in the user information */
	struct slice host;        /* IPv6 with its brackets */
	uint16_t port;            /* 0: not written */
	struct slice params;      /* from the first ';', or empty */
	struct slice headers;     /* behind '?', or null */
	struct slice opaque;      /* URI_TEL and URI_OTHER: all behind the colon */
};

enum uri_result {
	URI_OK = 0,
	URI_MALFORMED = -1, /* not a URI, or a SIP URI that breaks the grammar */
};

/*
 * All of text must be one URI.  Of other schemes only the form
 * "scheme:something" is checked.  Port 0 or above 65535 is malformed.
 */
enum uri_result uri_parse(struct uri *u, struct slice text);

bool uri_is_sip(const struct uri *u); /* sip: or sips: */
bool uri_param(const struct uri *u, struct slice name, struct slice *value);
/* The port to use: written, else 5061 for sips, else 5060. */
uint16_t uri_port(const struct uri *u);

/* Equal by RFC 3261 19.1.4 (SIP URIs), else byte for byte but the scheme's case. */
bool uri_equal(const struct uri *a, const struct uri *b);
/* Host names by case-insensitive text, IP literals by value. */
bool uri_host_equal(struct slice a, struct slice b);

/*
 * The URI as a Request-URI (RFC 3261 19.1.5, 16.6 step 1): without headers and
 * without the method parameter.  Returns u->text when there is nothing to drop.
 */
struct slice uri_as_target(struct arena *a, const struct uri *u);

#endif
