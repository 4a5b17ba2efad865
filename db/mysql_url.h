/*
 * mysql_url: mysql://USER:PASSWORD@HOST:PORT/DATABASE?socket=PATH, taken apart.
 *
 * Each part may hold %XX; all but DATABASE may be missing.  HOST may be an IPv6
 * address in brackets.  Behind the ?, joined by &:
 *   socket=PATH        a Unix socket, instead of HOST
 *   connect_timeout=S  seconds that connecting may take, 5
 *   timeout=S          seconds that an answer may take, 10
 */
#ifndef DB_MYSQL_URL_H
#define DB_MYSQL_URL_H

#include "base/arena.h"
#include "base/buf.h"

struct mysql_url {
	const char *user; /* NULL: left to the client library */
	const char *password;
	const char *host;
	const char *database;
	const char *socket;
	unsigned port; /* 0: none given */
	unsigned connect_timeout_s;
	unsigned timeout_s;
};

/* rest: what follows "mysql:".  Texts go into a.  0, or -1 with a reason that
 * repeats nothing of the URL, which holds a password. */
int mysql_url_parse(struct mysql_url *u, struct arena *a, struct slice rest, struct buf *why);

#endif
