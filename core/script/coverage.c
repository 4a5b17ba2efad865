#include "script/coverage.h"

#include "base/arena.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#define TYPE "lunasip.coverage"

enum { MAX_LINES = 1000000 };

struct file {
	struct file *next;
	char *path;
	uint32_t *times; /* by line */
	size_t n;
};

struct coverage {
	struct file *files; /* the one used last is the first */
};

static struct file *file_new(struct coverage *c, struct slice path)
{
	struct file *f = mem_zalloc(sizeof(*f));

	f->path = mem_alloc(path.n + 1);
	memcpy(f->path, path.p, path.n);
	f->path[path.n] = '\0';
	f->next = c->files;
	c->files = f;
	return f;
}

static struct file *file_of(struct coverage *c, struct slice path)
{
	for (struct file **at = &c->files; *at; at = &(*at)->next) {
		struct file *f = *at;
		if (!slice_eq(slice_str(f->path), path))
			continue;
		*at = f->next;
		f->next = c->files;
		c->files = f;
		return f;
	}
	return file_new(c, path);
}

void coverage_add(struct coverage *c, struct slice source, int line)
{
	if (!slice_starts(source, SLICE("@")) || line < 1 || line > MAX_LINES)
		return;
	struct file *f = file_of(c, slice_range(source.p + 1, slice_end(source)));
	size_t n = (size_t)line + 1;

	if (f->n < n) {
		n += n / 2;
		f->times = mem_realloc(f->times, n * sizeof(*f->times));
		memset(f->times + f->n, 0, (n - f->n) * sizeof(*f->times));
		f->n = n;
	}
	if (f->times[line] < UINT32_MAX)
		f->times[line]++;
}

static int coverage_gc(lua_State *L)
{
	struct coverage *c = luaL_checkudata(L, 1, TYPE);

	while (c->files) {
		struct file *f = c->files;
		c->files = f->next;
		free(f->times);
		free(f->path);
		free(f);
	}
	return 0;
}

struct coverage *coverage_of(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, TYPE " of this state");
	struct coverage *c = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return c;
}

static struct coverage *begin(lua_State *L)
{
	struct coverage *c = lua_newuserdatauv(L, sizeof(*c), 0);

	*c = (struct coverage){NULL};
	if (luaL_newmetatable(L, TYPE)) {
		lua_pushcfunction(L, coverage_gc);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
	lua_setfield(L, LUA_REGISTRYINDEX, TYPE " of this state");
	return c;
}

static void push_lines(lua_State *L, const struct file *f)
{
	lua_newtable(L);
	for (size_t i = 0; i < f->n; i++) {
		if (f->times[i] == 0)
			continue;
		lua_pushinteger(L, f->times[i]);
		lua_rawseti(L, -2, (lua_Integer)i);
	}
}

int coverage_function(lua_State *L)
{
	struct coverage *c = coverage_of(L);

	if (!c && lua_toboolean(L, 1))
		c = begin(L);
	lua_newtable(L);
	for (struct file *f = c ? c->files : NULL; f; f = f->next) {
		push_lines(L, f);
		lua_setfield(L, -2, f->path);
	}
	return 1;
}
