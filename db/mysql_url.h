/*
 * mysql_url: mysql://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?socket=PATH, taken apart.
 *
 * Each part may hold %XX; all but DATABASE may be missing.  A HOST may be an IPv6
 * address in brackets; several are tried in their order.  Behind the ?, joined by &:
 *   socket=PATH        a Unix socket, instead of HOST
 *   connect_timeout=S  seconds that connecting may take, 3
 *   timeout=S          seconds that an answer may take, 5
 *   tls=1              encrypted, with a server whose certificate holds for HOST
 *   tls=unverified     encrypted, with whomever
 *   ssl-ca=PATH        who signs certificates, instead of the system's list; means tls=1
 *   ssl-cert=PATH, ssl-key=PATH   our own certificate
 *   wsrep_sync_wait=N  which statements wait, at a node of a Galera cluster, for
 *                      what other nodes have committed: 0 to 15, 1 (those that read)
 */
#ifndef DB_MYSQL_URL_H
#define DB_MYSQL_URL_H

#include "base/arena.h"
#include "base/buf.h"

enum mysql_tls { MYSQL_TLS_OFF, MYSQL_TLS_VERIFIED, MYSQL_TLS_UNVERIFIED };

enum { MYSQL_MAX_HOSTS = 8 };

struct mysql_host {
	const char *name; /* NULL: left to the client library */
	unsigned port;    /* 0: none given */
};

struct mysql_url {
	const char *user; /* NULL: left to the client library */
	const char *password;
	struct mysql_host hosts[MYSQL_MAX_HOSTS];
	unsigned n_hosts; /* at least one */
	const char *database;
	const char *socket;
	unsigned connect_timeout_s;
	unsigned timeout_s;
	enum mysql_tls tls;
	const char *ssl_ca; /* NULL: none given */
	const char *ssl_cert;
	const char *ssl_key;
	unsigned wsrep_sync_wait;
};

/* rest: what follows "mysql:".  Texts go into a.  0, or -1 with a reason that
 * repeats nothing of the URL, which holds a password. */
int mysql_url_parse(struct mysql_url *u, struct arena *a, struct slice rest, struct buf *why);

#endif
