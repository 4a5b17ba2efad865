/*
 * mysql_stmt: one execution of a prepared statement: values to the library and
 * values from it.
 */
#ifndef DB_MYSQL_STMT_H
#define DB_MYSQL_STMT_H

#include "sql.h"

#include <mysql.h>

enum { MYSQL_MINUTES = 256 };

/* When minutes of the local time began: the C library looks at the zone's file each time it is
 * asked.  A connection's; all zero at the beginning. */
struct mysql_clock {
	struct {
		uint64_t local; /* the minute, as one number; 0: none */
		int64_t unix_s;
	} minutes[MYSQL_MINUTES];
};

/* 0, or -1: mysql_stmt_errno() tells why.  What q refuses is in q->refuse.  The
 * result is not freed. */
int mysql_stmt_run(MYSQL_STMT *stmt, struct sql_query *q, struct mysql_clock *clock);
/* Whether the server runs a statement many times in one round trip (MariaDB does). */
bool mysql_runs_many(MYSQL *h);

#endif
