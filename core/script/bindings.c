#include "script/bindings.h"

#include "script/module.h"
#include "script/object.h"
#include "script/query.h"
#include "script/settings.h"
#include "script/xlog.h"

static void set_names(lua_State *L, const char *field, const luaL_Reg *functions)
{
	lua_newtable(L);
	for (; functions->name; functions++) {
		lua_pushboolean(L, 1);
		lua_setfield(L, -2, functions->name);
	}
	lua_setfield(L, -2, field);
}

static void set_type(lua_State *L, const char *name, const struct object_type *type)
{
	lua_newtable(L);
	set_names(L, "methods", type->methods);
	lua_newtable(L);
	for (const struct field *f = type->fields; f->name; f++) {
		lua_pushstring(L, f->set ? "set" : "read");
		lua_setfield(L, -2, f->name);
	}
	lua_setfield(L, -2, "fields");
	lua_setfield(L, -2, name);
}

static void set_types(lua_State *L)
{
	lua_newtable(L);
	set_type(L, "request", &request_type);
	set_type(L, "reply", &reply_type);
	set_type(L, "branch", &branch_type);
	lua_setfield(L, -2, "types");
}

static void set_handlers(lua_State *L)
{
	lua_newtable(L);
	for (int i = 0; i < HANDLER_COUNT; i++) {
		lua_pushstring(L, handler_names[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "handlers");
}

static void set_variables(lua_State *L)
{
	lua_newtable(L);
	for (unsigned i = 0; i < xlog_variable_count; i++) {
		lua_pushstring(L, xlog_variables[i].name);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "variables");
}

/* Settings */

static void set_text(lua_State *L, const char *name, const char *text)
{
	lua_pushstring(L, text);
	lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, uint64_t n)
{
	lua_pushinteger(L, (lua_Integer)n);
	lua_setfield(L, -2, name);
}

static void set_choices(lua_State *L, const char *const *choices)
{
	lua_newtable(L);
	for (int i = 0; choices[i]; i++) {
		lua_pushstring(L, choices[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "choices");
}

/* Type, default and range, in the table on top of the stack. */
static void set_values(lua_State *L, const struct setting *d)
{
	switch (d->type) {
	case SETTING_BOOL:
		set_text(L, "type", "boolean");
		lua_pushboolean(L, d->number != 0);
		lua_setfield(L, -2, "default");
		break;
	case SETTING_NUMBER:
	case SETTING_SIZE:
		set_text(L, "type", "integer");
		set_number(L, "default", d->number);
		set_number(L, "min", d->min);
		set_number(L, "max", d->max);
		break;
	case SETTING_CHOICE:
		set_text(L, "type", "choice");
		set_text(L, "default", d->text);
		set_choices(L, d->choices);
		break;
	case SETTING_TEXT:
		set_text(L, "type", "string");
		set_text(L, "default", d->text);
		break;
	case SETTING_LIST:
		set_text(L, "type", "list");
		break;
	}
}

static void set_settings(lua_State *L)
{
	lua_newtable(L);
	for (unsigned i = 0; i < settings_count; i++) {
		const struct setting *d = &settings_table[i];
		lua_newtable(L);
		set_text(L, "name", d->name);
		set_text(L, "doc", d->doc);
		set_values(L, d);
		if (d->unit)
			set_text(L, "unit", d->unit);
		lua_pushboolean(L, d->restart);
		lua_setfield(L, -2, "restart");
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "settings");
}

int bindings_function(lua_State *L)
{
	lua_newtable(L);
	set_types(L);
	set_names(L, "module", module_functions);
	set_names(L, "db", query_functions);
	set_handlers(L);
	set_settings(L);
	set_variables(L);
	return 1;
}
