/*
 * settings_read: the `settings` table of a script, checked against
 * settings_table.
 */
#ifndef SCRIPT_SETTINGS_READ_H
#define SCRIPT_SETTINGS_READ_H

#include "script/settings.h"

#include <lua.h>

/*
 * Reads the table at index.  0, or -1 with the reason in why and in path the
 * setting to blame ("usrloc.db_mode").
 */
int settings_read(struct settings *s, lua_State *L, int index, struct buf *path, struct buf *why);

#endif
