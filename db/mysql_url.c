#include "mysql_url.h"

enum { MAX_TIMEOUT_S = 3600 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The text without its %XX, NUL terminated; NULL for a bad escape or a NUL. */
static const char *unescape(struct arena *a, struct slice s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			if (i + 2 >= s.n || hex_digit(s.p[i + 1]) < 0 || hex_digit(s.p[i + 2]) < 0)
				return NULL;
			c = (char)(hex_digit(s.p[i + 1]) * 16 + hex_digit(s.p[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return NULL;
		out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

static int take(const char **out, struct arena *a, struct slice s, const char *what,
		struct buf *why)
{
	*out = unescape(a, s);
	if (*out)
		return 0;
	buf_printf(why, "a bad %%XX in the %s of the URL", what);
	return -1;
}

/* Splits s at the first c: what is behind it, and shortens s; null without one. */
static struct slice cut(struct slice *s, char c)
{
	const char *p = slice_chr(*s, c);
	if (!p)
		return SLICE_NULL;
	struct slice behind = slice_range(p + 1, slice_end(*s));
	*s = slice_range(s->p, p);
	return behind;
}

static int parse_user(struct mysql_url *u, struct arena *a, struct slice user, struct buf *why)
{
	struct slice password = cut(&user, ':');
	if (user.n > 0 && take(&u->user, a, user, "user", why) < 0)
		return -1;
	if (!password.p)
		return 0;
	return take(&u->password, a, password, "password", why);
}

/* Splits "[address]:port" or "name:port"; port is null where none is. */
static int cut_port(struct slice *host, struct slice *port, struct buf *why)
{
	bool brackets = host->n > 0 && host->p[0] == '[';
	if (!brackets) {
		*port = cut(host, ':');
		return 0;
	}
	*host = slice_of(host->p + 1, host->n - 1);
	*port = cut(host, ']');
	if (!port->p || (port->n > 0 && port->p[0] != ':')) {
		buf_puts(why, "the [address] in the URL lacks its ]");
		return -1;
	}
	*port = port->n > 0 ? slice_of(port->p + 1, port->n - 1) : SLICE_NULL;
	return 0;
}

static int parse_host(struct mysql_host *h, struct arena *a, struct slice host, struct buf *why)
{
	struct slice port;
	uint32_t number = 0;
	if (cut_port(&host, &port, why) < 0)
		return -1;
	if (port.p && (slice_u32(port, &number) < 0 || number == 0 || number > 65535)) {
		buf_puts(why, "the port in the URL is not a number from 1 to 65535 "
			      "(or a : @ or / of the password is not written as %XX)");
		return -1;
	}
	h->port = number;
	return host.n > 0 ? take(&h->name, a, host, "host", why) : 0;
}

static int parse_hosts(struct mysql_url *u, struct arena *a, struct slice hosts, struct buf *why)
{
	bool several = slice_chr(hosts, ',') != NULL;
	do {
		struct slice next = cut(&hosts, ',');
		if (u->n_hosts == MYSQL_MAX_HOSTS) {
			buf_printf(why, "the URL names more than %d hosts", MYSQL_MAX_HOSTS);
			return -1;
		}
		struct mysql_host *h = &u->hosts[u->n_hosts++];
		if (parse_host(h, a, hosts, why) < 0)
			return -1;
		if (several && !h->name) {
			buf_puts(why, "a host in the URL's list has no name");
			return -1;
		}
		hosts = next;
	} while (hosts.p);
	return 0;
}

static int take_seconds(unsigned *out, struct slice s, struct buf *why)
{
	uint32_t seconds;
	if (slice_u32(s, &seconds) < 0 || seconds == 0 || seconds > MAX_TIMEOUT_S) {
		buf_printf(why, "a timeout in the URL is not a number from 1 to %d", MAX_TIMEOUT_S);
		return -1;
	}
	*out = seconds;
	return 0;
}

static int take_sync_wait(unsigned *out, struct slice s, struct buf *why)
{
	uint32_t mask;
	if (slice_u32(s, &mask) < 0 || mask > 15) {
		buf_puts(why, "wsrep_sync_wait in the URL is not a number from 0 to 15");
		return -1;
	}
	*out = mask;
	return 0;
}

static int take_tls(enum mysql_tls *out, struct slice s, struct buf *why)
{
	if (slice_eq(s, SLICE("1"))) {
		*out = MYSQL_TLS_VERIFIED;
	} else if (slice_eq(s, SLICE("unverified"))) {
		*out = MYSQL_TLS_UNVERIFIED;
	} else if (!slice_eq(s, SLICE("0"))) {
		buf_puts(why, "tls in the URL is not 0, 1 or unverified");
		return -1;
	}
	return 0;
}

/* Whoever names a file for TLS means TLS. */
static int take_tls_file(const char **out, struct mysql_url *u, struct arena *a, struct slice s,
			 const char *what, struct buf *why)
{
	if (u->tls == MYSQL_TLS_OFF)
		u->tls = MYSQL_TLS_VERIFIED;
	return take(out, a, s, what, why);
}

static int parse_option(struct mysql_url *u, struct arena *a, struct slice name, struct slice value,
			struct buf *why)
{
	if (slice_eq(name, SLICE("socket")) && value.n > 0)
		return take(&u->socket, a, value, "socket", why);
	if (slice_eq(name, SLICE("connect_timeout")))
		return take_seconds(&u->connect_timeout_s, value, why);
	if (slice_eq(name, SLICE("timeout")))
		return take_seconds(&u->timeout_s, value, why);
	if (slice_eq(name, SLICE("tls")))
		return take_tls(&u->tls, value, why);
	if (slice_eq(name, SLICE("ssl-ca")) && value.n > 0)
		return take_tls_file(&u->ssl_ca, u, a, value, "ssl-ca", why);
	if (slice_eq(name, SLICE("ssl-cert")) && value.n > 0)
		return take_tls_file(&u->ssl_cert, u, a, value, "ssl-cert", why);
	if (slice_eq(name, SLICE("ssl-key")) && value.n > 0)
		return take_tls_file(&u->ssl_key, u, a, value, "ssl-key", why);
	if (slice_eq(name, SLICE("wsrep_sync_wait")))
		return take_sync_wait(&u->wsrep_sync_wait, value, why);
	buf_puts(why, "the URL takes ?socket=PATH, connect_timeout=S, timeout=S, tls=1, "
		      "ssl-ca=PATH, ssl-cert=PATH, ssl-key=PATH and wsrep_sync_wait=N only");
	return -1;
}

static int parse_query(struct mysql_url *u, struct arena *a, struct slice query, struct buf *why)
{
	while (query.n > 0) {
		struct slice next = cut(&query, '&');
		struct slice value = cut(&query, '=');
		if (parse_option(u, a, query, value, why) < 0)
			return -1;
		query = next;
	}
	return 0;
}

int mysql_url_parse(struct mysql_url *u, struct arena *a, struct slice rest, struct buf *why)
{
	*u = (struct mysql_url){.connect_timeout_s = 3, .timeout_s = 5, .wsrep_sync_wait = 1};
	if (!slice_starts(rest, SLICE("//"))) {
		buf_puts(why, "the URL must look like mysql://USER:PASSWORD@HOST:PORT/DATABASE");
		return -1;
	}
	rest = slice_of(rest.p + 2, rest.n - 2);
	struct slice query = cut(&rest, '?');
	struct slice database = cut(&rest, '/');
	if (database.n == 0 || slice_chr(database, '/')) {
		buf_puts(why,
			 "the URL names no database: mysql://USER:PASSWORD@HOST:PORT/DATABASE");
		return -1;
	}
	const char *at = slice_chr(rest, '@');
	if (at && parse_user(u, a, slice_range(rest.p, at), why) < 0)
		return -1;
	struct slice hosts = at ? slice_range(at + 1, slice_end(rest)) : rest;
	if (parse_hosts(u, a, hosts, why) < 0 ||
	    take(&u->database, a, database, "database", why) < 0 ||
	    parse_query(u, a, query, why) < 0)
		return -1;
	if (u->socket && u->n_hosts > 1) {
		buf_puts(why, "the URL names a socket beside several hosts");
		return -1;
	}
	return 0;
}
