/*
 * mysql_connect: a connection to the first of the URL's hosts that can be used.
 *
 * A host that is a node of a Galera cluster must be ready, that is: in touch
 * with most of the others.  Of several hosts only those which take changes are
 * used.  The session is strict (what does not fit is refused, never cut), its
 * character set binary; at a Galera node its statements wait for what other
 * nodes have committed, as wsrep_sync_wait in the URL says.
 */
#ifndef DB_MYSQL_CONNECT_H
#define DB_MYSQL_CONNECT_H

#include "base/list.h" /* mysql.h has a list_push of its own */
#include "mysql_url.h"

#include <mysql.h>

/* A connection, and what is to be known of it. */
struct mysql_found {
	MYSQL *handle;
	unsigned host;
	bool waits; /* reading, and beginning a transaction, waits for what others committed */
};

/*
 * Tries host `first` first, then those behind it, round to the one before it.  0,
 * or -1: none can be used; why says of each, by its name where there are several,
 * what is wrong with it.  Blocks, for connect_timeout a host at most where a host
 * says nothing.
 */
int mysql_connect_any(struct mysql_found *out, const struct mysql_url *u, unsigned first,
		      struct buf *why);

#endif
