/*
 * require: how a script finds other files: require looks in the script's own
 * folder first; require, dofile and loadfile read through the source that the
 * script is loaded from, later from the disk.
 */
#ifndef SCRIPT_REQUIRE_H
#define SCRIPT_REQUIRE_H

#include "base/slice.h"

#include <lua.h>

/* name: the script's path, whose folder comes before all others. */
void require_open(lua_State *L, const char *name);
/* Compiles text that came from path: a status of Lua, and the function or the error on the stack.
 * A first line that begins with '#' is none of Lua's. */
int require_compile(lua_State *L, const char *path, struct slice text);

#endif
