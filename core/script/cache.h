/*
 * cache: things made once from a string (patterns, formats), kept in the Lua
 * registry.  A cache that has grown to its limit is emptied: scripts that make
 * strings on the fly cost time, not memory.
 */
#ifndef SCRIPT_CACHE_H
#define SCRIPT_CACHE_H

#include <stdbool.h>

#include <lua.h>

enum { CACHE_MAX = 512 };

/* name: the cache is told by this pointer, not by its text. */

/* Pushes what is kept under the string at index key; false: nothing, and pushes nothing. */
bool cache_find(lua_State *L, const char *name, int key);
/* Keeps the value on top of the stack, and leaves it there. */
void cache_keep(lua_State *L, const char *name, int key);

#endif
