/*
 * module: what require "lunasip" gives: inside a routing script (preloaded) to
 * talk about the message at hand; in plain Lua to test scripts and to look
 * after databases.
 */
#ifndef SCRIPT_MODULE_H
#define SCRIPT_MODULE_H

#include <lauxlib.h>

/* What require "lunasip" gives a routing script; {NULL, NULL} at the end. */
extern const luaL_Reg module_functions[];
/* For package.preload of a routing script's state. */
int module_open_script(lua_State *L);
/* Clock and chance of the script come from its host: os.time, os.date. */
void module_set_clock(lua_State *L);

/* lunasip.so */
__attribute__((visibility("default"))) int luaopen_lunasip(lua_State *L);

#endif
