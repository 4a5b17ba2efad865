#include "script/guard.h"

#include "script/state.h"

static int no_exit(lua_State *L)
{
	return luaL_error(L, "os.exit would end the proxy: it ends by SIGTERM");
}

static int no_hook(lua_State *L)
{
	return luaL_error(L, "debug.sethook: the hook is the proxy's own, it counts instructions");
}

/* Calls the library's function, the upvalue, with the arguments that are there. */
static int call_original(lua_State *L)
{
	int n = lua_gettop(L);

	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, LUA_MULTRET);
	return lua_gettop(L);
}

/* Many short ones would cost nothing. */
static int make_coroutine(lua_State *L)
{
	state_charge(L);
	return call_original(L);
}

/* Lua runs finalizers without hooks: nothing could stop one. */
static int set_metatable(lua_State *L)
{
	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "__gc: a route has no finalizers (__close it may)");
		lua_pop(L, 1);
	}
	return call_original(L);
}

static void wrap(lua_State *L, const char *library, const char *name, lua_CFunction f)
{
	lua_getglobal(L, library);
	lua_getfield(L, -1, name);
	lua_pushcclosure(L, f, 1);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
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
	wrap(L, "_G", "setmetatable", set_metatable);
	wrap(L, "debug", "setmetatable", set_metatable);
	wrap(L, "coroutine", "create", make_coroutine);
	wrap(L, "coroutine", "wrap", make_coroutine);
}
