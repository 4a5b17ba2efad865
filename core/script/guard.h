/*
 * guard: what of Lua's standard library a route does not get, because it would
 * end the proxy or slip its budget: os.exit, debug.sethook, finalizers.  A new
 * coroutine is charged for.
 */
#ifndef SCRIPT_GUARD_H
#define SCRIPT_GUARD_H

#include <lua.h>

void guard_open(lua_State *L);

#endif
