#include "script/require.h"

#include "script/message.h"

#include <string.h>

enum { MAX_WHY_BYTES = 4096 };

int require_compile(lua_State *L, const char *path, struct slice text)
{
	const char *lf = slice_starts(text, SLICE("#")) ? slice_chr(text, '\n') : NULL;

	if (lf) /* the line still counts */
		text = slice_range(lf, slice_end(text));
	lua_pushfstring(L, "@%s", path);
	int status = luaL_loadbufferx(L, text.p, text.n, lua_tostring(L, -1), "t");
	lua_remove(L, -2);
	return status;
}

/* The same for a file; its reason is text on the stack too. */
static int compile_file(lua_State *L, const char *path)
{
	struct source *loading = state_owner(L)->source;
	struct source own;
	struct slice text;
	struct buf why;

	source_init(&own);
	buf_init(&why, MAX_WHY_BYTES);
	int status = LUA_ERRFILE;
	if (source_read(loading ? loading : &own, path, &text, &why) == 0)
		status = require_compile(L, path, text);
	else
		state_push(L, buf_slice(&why));
	buf_free(&why);
	source_free(&own);
	return status;
}

/* For package.searchers; upvalue: package. */
static int searcher(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	lua_getfield(L, lua_upvalueindex(1), "searchpath");
	lua_pushvalue(L, 1);
	lua_getfield(L, lua_upvalueindex(1), "path");
	lua_call(L, 2, 2);
	if (lua_isnil(L, -2))
		return 1; /* where it was looked for */
	lua_pop(L, 1);
	const char *path = lua_tostring(L, -1);
	if (compile_file(L, path) != LUA_OK)
		return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, path,
				  lua_tostring(L, -1));
	lua_insert(L, -2);
	return 2;
}

static int load_file(lua_State *L)
{
	if (compile_file(L, luaL_checkstring(L, 1)) != LUA_OK) {
		lua_pushnil(L);
		lua_insert(L, -2);
		return 2;
	}
	if (!lua_isnone(L, 3)) {
		lua_pushvalue(L, 3);
		lua_setupvalue(L, -2, 1);
	}
	return 1;
}

static int returned(lua_State *L, int status, lua_KContext context)
{
	(void)status;
	(void)context;
	return lua_gettop(L) - 1;
}

static int do_file(lua_State *L)
{
	lua_settop(L, 1);
	if (compile_file(L, luaL_checkstring(L, 1)) != LUA_OK)
		return lua_error(L);
	lua_callk(L, 0, LUA_MULTRET, 0, returned);
	return returned(L, LUA_OK, 0);
}

/* The package table is on top. */
static void set_path(lua_State *L, const char *name)
{
	const char *slash = strrchr(name, '/');

	if (slash)
		lua_pushlstring(L, name, (size_t)(slash - name));
	else
		lua_pushliteral(L, ".");
	const char *dir = lua_tostring(L, -1);
	lua_getfield(L, -2, "path");
	lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", dir, dir, lua_tostring(L, -1));
	lua_setfield(L, -4, "path");
	lua_pop(L, 2);
}

static void set_searcher(lua_State *L)
{
	enum { OF_LUA_FILES = 2 };

	lua_getfield(L, -1, "searchers");
	lua_pushvalue(L, -2);
	lua_pushcclosure(L, searcher, 1);
	lua_rawseti(L, -2, OF_LUA_FILES);
	lua_pop(L, 1);
}

void require_open(lua_State *L, const char *name)
{
	lua_getglobal(L, "package");
	set_path(L, name);
	set_searcher(L);
	lua_pop(L, 1);
	lua_register(L, "loadfile", load_file);
	lua_register(L, "dofile", do_file);
}
