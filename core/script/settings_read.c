#include "script/settings_read.h"

#include "script/nearest.h"
#include "script/state.h"

#include <string.h>

struct reader {
	struct settings *settings;
	lua_State *L;
	struct buf *path;
	struct buf *why;
};

static int fail(struct reader *r, const char *reason)
{
	buf_puts(r->why, reason);
	return -1;
}

/* The value on top of the stack. */
static int read_scalar(struct reader *r, const struct setting *d)
{
	lua_State *L = r->L;

	switch (lua_type(L, -1)) {
	case LUA_TBOOLEAN:
		return settings_set_bool(r->settings, d, lua_toboolean(L, -1), r->why);
	case LUA_TNUMBER:
		if (!lua_isinteger(L, -1))
			return fail(r, "must be a whole number");
		return settings_set_number(r->settings, d, lua_tointeger(L, -1), r->why);
	case LUA_TSTRING:
		return settings_set_text(r->settings, d, state_slice(L, -1), r->why);
	default:
		buf_printf(r->why, "must not be a %s", luaL_typename(L, -1));
		return -1;
	}
}

static int read_list(struct reader *r, const struct setting *d)
{
	lua_State *L = r->L;

	if (lua_type(L, -1) == LUA_TSTRING)
		return d->add(r->settings, state_slice(L, -1), r->why);
	if (!lua_istable(L, -1))
		return fail(r, "must be a list of strings");
	lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
	for (lua_Integer i = 1; i <= n; i++) {
		bool text = lua_rawgeti(L, -1, i) == LUA_TSTRING;
		int status = text ? d->add(r->settings, state_slice(L, -1), r->why)
				  : fail(r, "must be a list of strings");
		lua_pop(L, 1);
		if (status)
			return -1;
	}
	return 0;
}

/* The part of a setting's name between the prefix and the next dot. */
static struct slice part_of(const char *name, struct slice prefix)
{
	struct slice s = slice_str(name);

	if (!slice_starts(s, prefix))
		return SLICE_NULL;
	s = slice_range(s.p + prefix.n, slice_end(s));
	const char *dot = slice_chr(s, '.');
	return dot ? slice_range(s.p, dot) : s;
}

static int unknown(struct reader *r, struct slice prefix, struct slice key)
{
	struct nearest near;

	nearest_init(&near, key);
	for (unsigned i = 0; i < settings_count; i++) {
		struct slice part = part_of(settings_table[i].name, prefix);
		if (part.p)
			nearest_try(&near, part);
	}
	buf_puts(r->why, "unknown setting");
	nearest_say(&near, r->why);
	return -1;
}

static bool is_group(struct slice name)
{
	for (unsigned i = 0; i < settings_count; i++) {
		struct slice s = slice_str(settings_table[i].name);
		if (s.n > name.n && slice_starts(s, name) && s.p[name.n] == '.')
			return true;
	}
	return false;
}

static int read_table(struct reader *r, bool nested);

/* The key at -2 and the value at -1 of a table whose path is in r->path. */
static int read_pair(struct reader *r, bool nested)
{
	size_t prefix_n = r->path->n;
	struct slice key = lua_type(r->L, -2) == LUA_TSTRING ? state_slice(r->L, -2) : SLICE("[n]");

	buf_put(r->path, key);
	struct slice name = buf_slice(r->path);
	const struct setting *d = settings_find(name);
	if (d)
		return d->type == SETTING_LIST ? read_list(r, d) : read_scalar(r, d);
	if (nested || !is_group(name))
		return unknown(r, slice_of(name.p, prefix_n), key);
	if (!lua_istable(r->L, -1))
		return fail(r, "must be a table");
	buf_putc(r->path, '.');
	return read_table(r, true);
}

static int read_table(struct reader *r, bool nested)
{
	size_t n = r->path->n;

	lua_pushnil(r->L);
	while (lua_next(r->L, -2)) {
		r->path->n = n;
		if (read_pair(r, nested)) {
			lua_pop(r->L, 2);
			return -1;
		}
		lua_pop(r->L, 1);
	}
	return 0;
}

int settings_read(struct settings *s, lua_State *L, int index, struct buf *path, struct buf *why)
{
	struct reader r = {s, L, path, why};
	const char *name = NULL;

	luaL_checkstack(L, 20, "settings");
	lua_pushvalue(L, index);
	int status = read_table(&r, false);
	lua_pop(L, 1);
	if (status)
		return -1;
	buf_reset(path);
	if (settings_check(s, &name, why)) {
		buf_puts(path, name);
		return -1;
	}
	return 0;
}
