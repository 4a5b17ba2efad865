#include "script/guard.h"

#include <lauxlib.h>

static int no_exit(lua_State *L)
{
	return luaL_error(L, "os.exit would end the proxy: it ends by SIGTERM");
}

static int no_hook(lua_State *L)
{
	return luaL_error(L, "debug.sethook: the hook is the proxy's own, it counts instructions");
}

/* Lua runs finalizers without hooks: nothing could stop one.  Upvalue: the library's function. */
static int set_metatable(lua_State *L)
{
	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "__gc: a route has no finalizers (__close it may)");
		lua_pop(L, 1);
	}
	int n = lua_gettop(L);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, LUA_MULTRET);
	return lua_gettop(L);
}

static void wrap_metatables(lua_State *L)
{
	lua_getfield(L, -1, "setmetatable");
	lua_pushcclosure(L, set_metatable, 1);
	lua_setfield(L, -2, "setmetatable");
}

static void replace(lua_State *L, const char *library, const char *name, lua_CFunction f)
{
	lua_getglobal(L, library);
	lua_pushcfunction(L, f);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

void guard_open(lua_State *L)
{
	replace(L, "os", "exit", no_exit);
	replace(L, "debug", "sethook", no_hook);
	lua_getglobal(L, "_G");
	wrap_metatables(L);
	lua_getglobal(L, "debug");
	wrap_metatables(L);
	lua_pop(L, 2);
}
