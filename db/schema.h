/*
 * schema: db/schema/NAME.sql as text, put in by the Makefile.
 */
#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H

extern const char schema_sqlite[];
extern const char schema_mysql[];

#endif
