#include "script/cache.h"

#include <lauxlib.h>

bool cache_find(lua_State *L, const char *name, int key)
{
	key = lua_absindex(L, key);
	int top = lua_gettop(L);

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, name) == LUA_TTABLE) {
		lua_pushvalue(L, key);
		if (lua_rawget(L, -2) != LUA_TNIL) {
			lua_replace(L, top + 1);
			return true;
		}
	}
	lua_settop(L, top);
	return false;
}

/* Pushes the cache; [1] of it is how many it holds, for its keys are strings. */
static lua_Integer push_cache(lua_State *L, const char *name)
{
	lua_Integer n = 0;

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, name) == LUA_TTABLE) {
		lua_rawgeti(L, -1, 1);
		n = lua_tointeger(L, -1);
		lua_pop(L, 1);
		if (n < CACHE_MAX)
			return n;
	}
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, name);
	return 0;
}

void cache_keep(lua_State *L, const char *name, int key)
{
	key = lua_absindex(L, key);
	lua_Integer n = push_cache(L, name);

	lua_pushvalue(L, key);
	lua_pushvalue(L, -3);
	lua_rawset(L, -3);
	lua_pushinteger(L, n + 1);
	lua_rawseti(L, -2, 1);
	lua_pop(L, 1);
}
