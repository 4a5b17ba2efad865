/*
 * mysql_url: mysql://USER:PASSWORD@HOST:PORT/DATABASE?socket=PATH, taken apart.
 *
 * Each part may hold %XX; all but DATABASE may be missing.  HOST may be an IPv6
 * address in brackets.  Behind the ?, joined by &:
 *   socket=PATH        a Unix socket, instead of HOST
 *   connect_timeout=S  seconds that connecting may take, 3
 *   timeout=S          seconds that an answer may take, 5
 *   tls=1              encrypted, with a server whose certificate holds for HOST
 *   tls=unverified     encrypted, with whomever
 *   ssl-ca=PATH        who signs certificates, instead of the system's list; means tls=1
 *   ssl-cert=PATH, ssl-key=PATH   our own certificate
 */
#ifndef DB_MYSQL_URL_H
#define DB_MYSQL_URL_H

#include "base/arena.h"
#include "base/buf.h"

enum mysql_tls { MYSQL_TLS_OFF, MYSQL_TLS_VERIFIED, MYSQL_TLS_UNVERIFIED };

struct mysql_url {
	const char *user; /* NULL: left to the client library */
	const char *password;
	const char *host;
	const char *database;
	const char *socket;
	unsigned port; /* 0: none given */
	unsigned connect_timeout_s;
	unsigned timeout_s;
	enum mysql_tls tls;
	const char *ssl_ca; /* NULL: none given */
	const char *ssl_cert;
	const char *ssl_key;
};

/* rest: what follows "mysql:".  Texts go into a.  0, or -1 with a reason that
 * repeats nothing of the URL, which holds a password. */
int mysql_url_parse(struct mysql_url *u, struct arena *a, struct slice rest, struct buf *why);

#endif
