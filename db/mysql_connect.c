#include "mysql_connect.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
	REASON_BYTES = 160, /* of a host's, where there are several */
	SYNC_WAIT_READ = 1,
};

/*
 * Strict, so that what does not fit is refused; nobody waits for a lock, nor
 * for a statement, longer than somebody waits for us (the second one in
 * MariaDB only, which reads that comment).
 */
static void set_session(MYSQL *h, const struct mysql_url *u)
{
	char session[256];
	snprintf(session, sizeof(session),
		 "SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION innodb_lock_wait_timeout = 1"
		 " /*M!100100 , SESSION max_statement_time = %u */",
		 u->timeout_s);
	mysql_options(h, MYSQL_INIT_COMMAND, session);
}

static void set_tls(MYSQL *h, const struct mysql_url *u)
{
	my_bool on = 1, verify = u->tls != MYSQL_TLS_UNVERIFIED;
	if (u->tls == MYSQL_TLS_OFF)
		return;
	mysql_ssl_set(h, u->ssl_key, u->ssl_cert, u->ssl_ca, NULL, NULL);
	mysql_options(h, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_options(h, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

static void set_options(MYSQL *h, const struct mysql_url *u, const struct mysql_host *host)
{
	const unsigned off = 0;
	const unsigned protocol = u->socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
	set_session(h, u);
	set_tls(h, u);
	mysql_options(h, MYSQL_OPT_CONNECT_TIMEOUT, &u->connect_timeout_s);
	mysql_options(h, MYSQL_OPT_READ_TIMEOUT, &u->timeout_s);
	mysql_options(h, MYSQL_OPT_WRITE_TIMEOUT, &u->timeout_s);
	mysql_options(h, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(h, MYSQL_SET_CHARSET_NAME, "binary");
	/* Else "localhost" with a port would mean the default socket. */
	if (u->socket || host->port)
		mysql_options(h, MYSQL_OPT_PROTOCOL, &protocol);
}

/* NULL, or why there is no connection. */
static const char *reach(MYSQL *h, const struct mysql_url *u, const struct mysql_host *host)
{
	if (!mysql_real_connect(h, u->socket ? "localhost" : host->name, u->user, u->password,
				u->database, host->port, u->socket, CLIENT_FOUND_ROWS))
		return mysql_error(h);
	if (u->tls != MYSQL_TLS_OFF && !mysql_get_ssl_cipher(h))
		return "the server does not encrypt";
	return NULL;
}

/* Whether the only row of a SHOW says ON; a server that knows no such thing has no row. */
static bool is_on(MYSQL *h, const char *show)
{
	MYSQL_RES *rows = mysql_query(h, show) == 0 ? mysql_store_result(h) : NULL;
	MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
	bool on = row && row[1] && strcasecmp(row[1], "ON") == 0;
	mysql_free_result(rows);
	return on;
}

/* NULL, or why the server that was reached cannot be used. */
static const char *prepare_session(MYSQL *h, const struct mysql_url *u, bool *waits)
{
	char wait[64];
	if (u->n_hosts > 1 && is_on(h, "SHOW GLOBAL VARIABLES LIKE 'read_only'"))
		return "the server is read-only";
	if (!is_on(h, "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'"))
		return NULL;
	if (!is_on(h, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'"))
		return "the node is not ready (wsrep_ready is OFF)";
	*waits = u->wsrep_sync_wait & SYNC_WAIT_READ;
	snprintf(wait, sizeof(wait), "SET SESSION wsrep_sync_wait = %u", u->wsrep_sync_wait);
	return mysql_query(h, wait) ? mysql_error(h) : NULL;
}

static void put_reason(struct buf *why, const struct mysql_url *u, const struct mysql_host *host,
		       const char *reason)
{
	struct slice text = slice_str(reason);
	if (u->n_hosts > 1) {
		if (why->n > 0)
			buf_puts(why, "; ");
		log_clean(why, slice_str(host->name), false);
		if (host->port)
			buf_printf(why, " port %u", host->port);
		buf_puts(why, ": ");
		text.n = text.n < REASON_BYTES ? text.n : REASON_BYTES;
	}
	log_clean(why, text, false);
}

static int connect_to(struct mysql_found *out, const struct mysql_url *u, unsigned host,
		      struct buf *why)
{
	MYSQL *h = mysql_init(NULL);
	if (!h)
		abort();
	*out = (struct mysql_found){.handle = h, .host = host};
	set_options(h, u, &u->hosts[host]);
	const char *reason = reach(h, u, &u->hosts[host]);
	if (!reason)
		reason = prepare_session(h, u, &out->waits);
	if (!reason)
		return 0;
	put_reason(why, u, &u->hosts[host], reason);
	mysql_close(h);
	out->handle = NULL;
	return -1;
}

int mysql_connect_any(struct mysql_found *out, const struct mysql_url *u, unsigned first,
		      struct buf *why)
{
	for (unsigned i = 0; i < u->n_hosts; i++)
		if (connect_to(out, u, (first + i) % u->n_hosts, why) == 0)
			return 0;
	return -1;
}
