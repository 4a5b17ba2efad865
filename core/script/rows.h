/*
 * rows: subscribers and bindings as Lua tables, for the tools and the test kit.
 */
#ifndef SCRIPT_ROWS_H
#define SCRIPT_ROWS_H

#include "store/driver.h"

#include <lua.h>

/* Pushes a table. */
void rows_push_subscriber(lua_State *L, const struct store_subscriber *s);
void rows_push_binding(lua_State *L, const struct store_binding *b);
/* The table at index; texts go into a.  -1: no username (no contact). */
int rows_read_subscriber(lua_State *L, int index, struct arena *a, struct store_subscriber *s);
int rows_read_binding(lua_State *L, int index, struct arena *a, struct store_binding *b);

/* All bindings of a table, as a list of tables; or nil and the reason. */
int rows_push_all_bindings(lua_State *L, struct store_connection *c, const char *table);
/* Pushes true, or nil and the reason; why is emptied. */
int rows_push_result(lua_State *L, enum store_error e, struct buf *why);

#endif
