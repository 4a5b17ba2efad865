#include "script/module.h"

#include "script/admin.h"
#include "script/bindings.h"
#include "script/coverage.h"
#include "script/hide.h"
#include "script/message.h"
#include "script/query.h"
#include "script/world.h"
#include "script/xlog.h"
#include "sip/lex.h"
#include "sip/param.h"

#include <time.h>

static void set_text(lua_State *L, const char *name, struct slice text)
{
	if (!text.p)
		return;
	lua_pushlstring(L, text.p, text.n);
	lua_setfield(L, -2, name);
}

/* Parameters by name in lower case; true for those without a value. */
static void set_params(lua_State *L, struct slice params)
{
	struct param p;

	lua_newtable(L);
	while (param_next(&params, &p) == 1) {
		luaL_Buffer name;
		luaL_buffinit(L, &name);
		for (size_t i = 0; i < p.name.n; i++) {
			char c = p.name.p[i];
			luaL_addchar(&name, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
		}
		luaL_pushresult(&name);
		if (p.value.p)
			lua_pushlstring(L, p.value.p, p.value.n);
		else
			lua_pushboolean(L, 1);
		lua_rawset(L, -3);
	}
	lua_setfield(L, -2, "params");
}

/* uri(text): a table of its parts as written, or nil, "malformed". */
static int module_uri(lua_State *L)
{
	struct slice text = object_text(L, 1);
	struct uri u;

	if (uri_parse(&u, text) != URI_OK) {
		lua_pushnil(L);
		lua_pushliteral(L, "malformed");
		return 2;
	}
	lua_newtable(L);
	set_text(L, "scheme", u.scheme_text);
	if (!uri_is_sip(&u)) {
		set_text(L, "opaque", u.opaque);
		return 1;
	}
	set_text(L, "user", u.user);
	set_text(L, "password", u.password);
	set_text(L, "host", u.host);
	if (u.port) {
		lua_pushinteger(L, u.port);
		lua_setfield(L, -2, "port");
	}
	set_params(L, u.params);
	set_text(L, "headers", u.headers);
	return 1;
}

const luaL_Reg module_functions[] = {
    {"xlog", xlog_function},
    {"uri", module_uri},
    {NULL, NULL},
};

int module_open_script(lua_State *L)
{
	lua_createtable(L, 0, 3);
	luaL_setfuncs(L, module_functions, 0);
	lua_createtable(L, 0, 1);
	luaL_setfuncs(L, query_functions, 0);
	lua_setfield(L, -2, "db");
	return 1;
}

static int no_xlog(lua_State *L)
{
	return luaL_error(L, "xlog works inside a routing script only");
}

static const luaL_Reg tool_functions[] = {
    {"xlog", no_xlog},
    {"uri", module_uri},
    {"sim", world_new},
    {"store", admin_store},
    {"ha1", admin_ha1},
    {"digest", admin_digest},
    {"control", admin_control},
    {"hide", hide_function},
    {"bindings", bindings_function},
    {"coverage", coverage_function},
    {NULL, NULL},
};

int luaopen_lunasip(lua_State *L)
{
	luaL_newlib(L, tool_functions);
	return 1;
}

/* The clock */

static lua_Integer now_of(lua_State *L)
{
	struct script *s = state_owner(L);
	return s->env ? (lua_Integer)env_wall_s(s->env) : (lua_Integer)time(NULL);
}

/* os.time() and os.date(format) as ever, but for the time being: that is the host's.
 * Upvalue: the library's own function. */
static int clock_time(lua_State *L)
{
	if (lua_isnoneornil(L, 1)) {
		lua_pushinteger(L, now_of(L));
		return 1;
	}
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

static int clock_date(lua_State *L)
{
	lua_settop(L, 2);
	if (lua_isnil(L, 1)) {
		lua_pushliteral(L, "%c");
		lua_replace(L, 1);
	}
	if (lua_isnil(L, 2)) {
		lua_pushinteger(L, now_of(L));
		lua_replace(L, 2);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 2, 1);
	return 1;
}

static void wrap(lua_State *L, const char *name, lua_CFunction f)
{
	lua_getfield(L, -1, name);
	lua_pushcclosure(L, f, 1);
	lua_setfield(L, -2, name);
}

void module_set_clock(lua_State *L)
{
	lua_getglobal(L, "os");
	wrap(L, "time", clock_time);
	wrap(L, "date", clock_date);
	lua_pop(L, 1);
}
