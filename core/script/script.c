#include "script/check.h"
#include "script/guard.h"
#include "script/message.h"
#include "script/module.h"
#include "script/nearest.h"
#include "script/object.h"
#include "script/repeatable.h"
#include "script/require.h"
#include "script/settings_read.h"
#include "sip/lex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_WHY_BYTES = 4096,
	LOAD_INSTRUCTIONS = 10000000, /* at top level: well below a second */
};

/* A load under way: what the protected part needs and finds. */
struct load {
	struct script *script;
	struct slice text;
	struct buf path; /* of the entry to blame: "settings.usrloc.db_mode" */
	struct buf why;
};

/* Where an entry stands: the first "WORD =" of each part of its path, one
 * behind the other; comments do not count.  0: not found. */

static bool in_comment(struct slice text, const char *at)
{
	while (at > text.p && at[-1] != '\n')
		if (*--at == '-' && at > text.p && at[-1] == '-')
			return true;
	return false;
}

static bool is_word(char c)
{
	return c == '_' || (lex_is_token(c) && !strchr("-.!%*+`'~", c));
}

/* Something is assigned to what ends at p. */
static bool is_assigned(struct slice text, const char *p)
{
	const char *end = slice_end(text);

	if (p < end && (*p == '"' || *p == '\''))
		p++;
	if (p < end && *p == ']')
		p++;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p < end && *p == '=' && (p + 1 == end || p[1] != '=');
}

static const char *find_word(struct slice text, const char *from, struct slice word)
{
	for (const char *p = from; word.n && p + word.n <= slice_end(text); p++) {
		const char *after = p + word.n;
		if (memcmp(p, word.p, word.n) != 0 || (p > text.p && is_word(p[-1])))
			continue;
		if (is_assigned(text, after) && !in_comment(text, p))
			return p;
	}
	return NULL;
}

static unsigned line_of(struct slice text, struct slice path)
{
	const char *at = text.p;
	unsigned line = 1;
	bool found = false;

	while (path.n) {
		const char *dot = slice_chr(path, '.');
		struct slice part = dot ? slice_range(path.p, dot) : path;
		const char *p = find_word(text, at, part);
		if (p) {
			at = p;
			found = true;
		}
		path = dot ? slice_range(dot + 1, slice_end(path)) : SLICE("");
	}
	for (const char *p = text.p; p < at; p++)
		line += *p == '\n';
	return found ? line : 0;
}

/* The table that the script returned. */

static void unknown_entry(struct load *l, struct slice key)
{
	struct nearest near;

	nearest_init(&near, key);
	for (int i = 0; i < HANDLER_COUNT; i++)
		nearest_try(&near, slice_str(handler_names[i]));
	nearest_try(&near, SLICE("settings"));
	buf_printf(&l->why, "unknown handler '%.*s'", SLICE_ARG(key));
	nearest_say(&near, &l->why);
}

static int handler_of(struct slice key)
{
	for (int i = 0; i < HANDLER_COUNT; i++)
		if (slice_eq(key, slice_str(handler_names[i])))
			return i;
	return -1;
}

/* The key at -2, the value at -1. */
static int read_entry(lua_State *L, struct load *l)
{
	struct slice key =
	    lua_type(L, -2) == LUA_TSTRING ? state_slice(L, -2) : SLICE("(not a name)");
	int handler = handler_of(key);

	buf_reset(&l->path);
	buf_put(&l->path, key);
	if (slice_eq(key, SLICE("settings")))
		return 0;
	if (handler < 0) {
		unknown_entry(l, key);
		return -1;
	}
	if (!lua_isfunction(L, -1)) {
		buf_printf(&l->why, "handler '%.*s' must be a function, not a %s", SLICE_ARG(key),
			   luaL_typename(L, -1));
		return -1;
	}
	lua_pushvalue(L, -1);
	l->script->handlers[handler] = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

static int read_settings(lua_State *L, struct load *l)
{
	struct buf path;

	buf_reset(&l->path);
	buf_puts(&l->path, "settings");
	if (lua_getfield(L, -1, "settings") == LUA_TNIL)
		return 0;
	if (!lua_istable(L, -1)) {
		buf_puts(&l->why, "'settings' must be a table");
		return -1;
	}
	buf_init(&path, MAX_WHY_BYTES);
	struct buf why;
	buf_init(&why, MAX_WHY_BYTES);
	int status = settings_read(&l->script->settings, L, lua_gettop(L), &path, &why);
	if (status) {
		buf_printf(&l->path, ".%.*s", SLICE_ARG(buf_slice(&path)));
		buf_printf(&l->why, "%.*s: %.*s", SLICE_ARG(buf_slice(&l->path)),
			   SLICE_ARG(buf_slice(&why)));
	}
	buf_free(&path);
	buf_free(&why);
	return status;
}

static int read_result(lua_State *L, struct load *l)
{
	if (!lua_istable(L, -1)) {
		buf_printf(&l->why, "the script must return a table { request = … }, not %s",
			   lua_isnil(L, -1) ? "nothing" : luaL_typename(L, -1));
		return -1;
	}
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		if (read_entry(L, l))
			return -1;
		lua_pop(L, 1);
	}
	buf_reset(&l->path);
	if (l->script->handlers[HANDLER_REQUEST] == LUA_NOREF) {
		buf_puts(&l->why, "no 'request' handler in the table it returns");
		return -1;
	}
	return read_settings(L, l);
}

static void preload(lua_State *L)
{
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	lua_pushcfunction(L, module_open_script);
	lua_setfield(L, -2, "lunasip");
	lua_pop(L, 1);
}

/* Errors have a text already, "FILE:LINE: what"; other values get a place. */
static int error_text(lua_State *L)
{
	if (lua_type(L, 1) == LUA_TSTRING)
		return 1;
	lua_pushliteral(L, "");
	for (int level = 1; level < 4 && lua_rawlen(L, -1) == 0; level++) {
		lua_pop(L, 1);
		luaL_where(L, level); /* empty for C functions, as error() is */
	}
	luaL_tolstring(L, 1, NULL);
	lua_concat(L, 2);
	return 1;
}

/* A reason may be as long as a script likes; its beginning says enough. */
static void tell(struct load *l, lua_State *L)
{
	size_t n;
	const char *text = luaL_tolstring(L, -1, &n);
	size_t room = l->why.max - l->why.n;

	buf_put(&l->why, slice_of(text, n < room ? n : room));
}

/* Protected: compiles and runs the text, reads what it returns. */
static int load(lua_State *L)
{
	struct load *l = lua_touserdata(L, 1);
	const char *name = l->script->name;

	require_open(L, name);
	guard_open(L);
	preload(L);
	module_set_clock(L);
	if (l->script->env)
		repeatable_open(L, l->script->env);
	object_open(L);
	lua_pushcfunction(L, error_text);
	int status = require_compile(L, name, l->text);
	if (status == LUA_OK)
		status = lua_pcall(L, 0, 1, -2);
	if (status != LUA_OK) {
		if (status == LUA_ERRMEM)
			buf_printf(&l->why, "%s: ", name);
		tell(l, L);
		return 0;
	}
	size_t before = l->why.n;
	if (read_result(L, l) == 0)
		return 0;
	/* Put the place in front. */
	unsigned line = line_of(l->text, buf_slice(&l->path));
	lua_pushlstring(L, l->why.p + before, l->why.n - before);
	l->why.n = before;
	if (line)
		buf_printf(&l->why, "%s:%u: %s", name, line, lua_tostring(L, -1));
	else
		buf_printf(&l->why, "%s: %s", name, lua_tostring(L, -1));
	return 0;
}

static struct script *script_new(const char *name, const struct script_loading *how)
{
	struct script *s = mem_zalloc(sizeof(*s));

	s->name = mem_alloc(strlen(name) + 1);
	memcpy(s->name, name, strlen(name) + 1);
	s->log = how->log;
	s->env = how->virtual ? how->virtual->env : NULL;
	s->source = how->source;
	settings_init(&s->settings);
	list_init(&s->runs);
	list_init(&s->idle_runs);
	list_init(&s->idle_messages);
	for (int i = 0; i < HANDLER_COUNT; i++)
		s->handlers[i] = LUA_NOREF;
	list_init(&s->generation);
	state_open(&s->state, s, s->settings.script_memory_bytes);
	s->state.coverage = how->virtual ? how->virtual->coverage : NULL;
	s->state.stop = how->stop;
	return s;
}

/* Runs the load within its limits. */
static void load_limited(struct script *s, struct load *l)
{
	uint64_t budget = LOAD_INSTRUCTIONS;

	s->state.budget = &budget;
	state_limit(&s->state, s->state.L);
	state_call(&s->state, load, l, &l->why);
	s->state.budget = NULL;
	s->state.stop = NULL;
	state_refresh(&s->state, s->state.L);
	s->state.memory_max = s->settings.script_memory_bytes;
	if (!l->why.n && s->state.memory > s->state.memory_max)
		buf_printf(&l->why, "%s: settings.script.memory: the script alone needs more",
			   s->name);
}

int script_load_text(struct script **out, const char *name, struct slice text,
		     const struct script_loading *how, struct buf *why)
{
	struct load l = {.script = script_new(name, how), .text = text};
	struct source own;

	source_init(&own);
	if (!how->source)
		l.script->source = &own;
	buf_init(&l.path, MAX_WHY_BYTES);
	buf_init(&l.why, MAX_WHY_BYTES);
	load_limited(l.script, &l);
	if (!l.why.n)
		check_script(l.script->state.L, name, text, l.script->source, &l.why);
	l.script->source = NULL;
	source_free(&own);
	bool failed = l.why.n > 0 || l.why.failed;
	if (failed && l.why.n == 0)
		buf_printf(why, "%s: it fails for a reason too long to be told", name);
	buf_put(why, buf_slice(&l.why));
	buf_free(&l.path);
	buf_free(&l.why);
	if (failed) {
		script_free(l.script);
		return -1;
	}
	*out = l.script;
	return 0;
}

int script_load(struct script **out, const char *path, const struct script_loading *how,
		struct buf *why)
{
	struct source own;
	struct script_loading with = *how;
	struct slice text;

	source_init(&own);
	if (!with.source)
		with.source = &own;
	int status = source_read(with.source, path, &text, why);
	if (status == 0)
		status = script_load_text(out, path, text, &with, why);
	source_free(&own);
	return status;
}

const struct settings *script_settings(const struct script *s)
{
	return &s->settings;
}

/* Protected: chance comes from the host too, so that a run can be repeated. */
static int seed_random(lua_State *L)
{
	struct script *s = lua_touserdata(L, 1);

	lua_getglobal(L, "math");
	lua_getfield(L, -1, "randomseed");
	lua_pushinteger(L, (lua_Integer)rand_u64(s->host->env->rand));
	lua_call(L, 1, 0);
	return 0;
}

void script_attach(struct script *s, const struct script_host *host)
{
	struct buf why;
	uint64_t budget = LOAD_INSTRUCTIONS;

	s->host = host;
	s->env = host->env;
	s->log = host->env->log; /* the loader's may be of another thread */
	buf_init(&why, MAX_WHY_BYTES);
	s->state.budget = &budget;
	int failed = state_call(&s->state, seed_random, s, &why);
	s->state.budget = NULL;
	state_refresh(&s->state, s->state.L);
	if (failed)
		log_warn(s->log, "script: %.*s", SLICE_ARG(buf_slice(&why)));
	buf_free(&why);
}

void script_count(const struct script *s, struct script_counters *c)
{
	*c = s->counters;
	c->memory_bytes = s->state.memory;
}

bool script_is_idle(const struct script *s)
{
	return s->counters.alive == 0 && s->counters.coroutines == 0;
}

void script_rest(const struct script *s)
{
	if (s->retired && script_is_idle(s))
		s->host->idle(s->host->data);
}

void script_retire(struct script *s)
{
	s->retired = true;
	script_rest(s);
}

void script_detach(struct script *s)
{
	s->host = NULL;
	s->env = NULL;
}

void script_free(struct script *s)
{
	if (!s)
		return;
	state_close(&s->state);
	run_free_all(s);
	message_free_all(s);
	settings_free(&s->settings);
	free(s->name);
	free(s);
}
