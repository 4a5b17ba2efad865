/*
 * mysql_stmt: one execution of a prepared statement: values to the library and
 * values from it.
 */
#ifndef DB_MYSQL_STMT_H
#define DB_MYSQL_STMT_H

#include "sql.h"

#include <mysql.h>

/* 0, or -1: mysql_stmt_errno() tells why.  What q refuses is in q->refuse.  The
 * result is not freed. */
int mysql_stmt_run(MYSQL_STMT *stmt, struct sql_query *q);
/* Whether the server runs a statement many times in one round trip (MariaDB does). */
bool mysql_runs_many(MYSQL *h);

#endif
