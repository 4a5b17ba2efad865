/*
 * hide: what must not be seen in the list of processes.
 */
#ifndef SCRIPT_HIDE_H
#define SCRIPT_HIDE_H

#include <lua.h>

/* hide(text): where it stands in this process's arguments, they show * instead. */
int hide_function(lua_State *L);

#endif
