#include "script/state.h"

#include "script/coverage.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What fills memory takes its time too: so much of it counts as an instruction. */
enum { BYTES_AN_INSTRUCTION = 256 };

static void charge(struct state *s, uint64_t instructions)
{
	if (s->budget)
		*s->budget -= *s->budget < instructions ? *s->budget : instructions;
}

static void *state_alloc(void *data, void *p, size_t old, size_t n)
{
	struct state *s = data;

	if (!p)
		old = 0;
	if (n == 0) {
		s->memory -= old;
		free(p);
		return NULL;
	}
	if (n > old && s->memory_max && s->memory - old + n > s->memory_max)
		return NULL;
	void *fresh = realloc(p, n);
	if (fresh)
		s->memory += n - old;
	if (n > old)
		charge(s, (n - old) / BYTES_AN_INSTRUCTION);
	return fresh;
}

/* Nothing that may fail is called outside a protected call. */
static int state_panic(lua_State *L)
{
	fprintf(stderr, "lunasip: Lua error outside a protected call: %s\n", lua_tostring(L, -1));
	abort();
}

static struct state *state_of(lua_State *L)
{
	void *data = NULL;
	lua_getallocf(L, &data);
	return data;
}

struct script *state_owner(lua_State *L)
{
	return *(struct script **)lua_getextraspace(L);
}

void state_open(struct state *s, struct script *owner, size_t memory_max)
{
	memset(s, 0, sizeof(*s));
	s->L = lua_newstate(state_alloc, s);
	if (!s->L) {
		fputs("lunasip: no memory for a Lua state\n", stderr);
		abort();
	}
	lua_atpanic(s->L, state_panic);
	*(struct script **)lua_getextraspace(s->L) = owner;
	luaL_openlibs(s->L);
	state_limit(s, s->L);
	s->memory_max = memory_max;
}

void state_close(struct state *s)
{
	if (!s->L)
		return;
	s->memory_max = 0;
	lua_close(s->L);
	s->L = NULL;
}

static void walk_line(struct state *s, lua_State *L, lua_Debug *ar)
{
	if (lua_getinfo(L, "S", ar))
		coverage_add(s->coverage, slice_of(ar->source, ar->srclen), ar->currentline);
}

static void hook(lua_State *L, lua_Debug *ar);

/* In a hook, level 0 is the script's own function. */
static void note_place(struct state *s, lua_State *L)
{
	luaL_where(L, 0);
	snprintf(s->place, sizeof(s->place), "%s", lua_tostring(L, -1));
	lua_pop(L, 1);
}

/* From here on each instruction gets here, so that no pcall outlives it. */
static void stop(struct state *s, lua_State *L, bool late)
{
	if (!s->exhausted)
		note_place(s, L);
	s->exhausted = true;
	*s->budget = 0;
	lua_sethook(L, hook, LUA_MASKCOUNT, 1);
	if (s->running)
		lua_sethook(s->running, hook, LUA_MASKCOUNT, 1);
	if (L == s->running && lua_isyieldable(L)) {
		lua_yield(L, 0);
		return;
	}
	s->raised = s->raised || L == s->running;
	lua_pushfstring(L, "%s%s: an endless loop?", s->place,
			late ? "it takes too long" : "too many instructions");
	lua_error(L);
}

/* A thread has one hook: it counts instructions, and lines when they are measured. */
static void hook(lua_State *L, lua_Debug *ar)
{
	struct state *s = state_of(L);

	if (ar->event == LUA_HOOKLINE) {
		walk_line(s, L, ar);
		return;
	}
	if (!s->budget)
		return;
	bool stopped = s->stop && atomic_load_explicit(s->stop, memory_order_relaxed);
	if (s->exhausted || stopped || *s->budget <= STATE_HOOK_STEP)
		stop(s, L, stopped);
	else
		*s->budget -= STATE_HOOK_STEP;
}

void state_limit(struct state *s, lua_State *L)
{
	lua_sethook(L, hook, LUA_MASKCOUNT | (s->coverage ? LUA_MASKLINE : 0), STATE_HOOK_STEP);
}

void state_refresh(struct state *s, lua_State *L)
{
	s->exhausted = false;
	state_limit(s, L);
}

void state_charge(lua_State *L)
{
	charge(state_of(L), STATE_HOOK_STEP);
}

int state_call(struct state *s, lua_CFunction f, void *data, struct buf *why)
{
	lua_State *L = s->L;

	lua_pushcfunction(L, f);
	lua_pushlightuserdata(L, data);
	int status = lua_pcall(L, 1, 0, 0);
	if (status == LUA_OK)
		return 0;
	if (why)
		buf_puts(why, lua_isstring(L, -1) ? lua_tostring(L, -1) : "error without a text");
	lua_pop(L, 1);
	return -1;
}

struct trace {
	lua_State *of;
	const char *text;
	struct buf *out;
};

static int trace(lua_State *L)
{
	struct trace *t = lua_touserdata(L, 1);

	if (t->text) {
		lua_pushstring(L, t->text);
	} else if (lua_checkstack(t->of, 1)) {
		lua_pushvalue(t->of, -1);
		lua_xmove(t->of, L, 1);
	} else {
		lua_pushliteral(L, "error");
	}
	luaL_traceback(L, t->of, luaL_tolstring(L, -1, NULL), 0);
	buf_put(t->out, state_slice(L, -1));
	return 0;
}

void state_traceback(struct state *s, lua_State *L, const char *text, struct buf *out)
{
	struct trace t = {L, text, out};

	if (state_call(s, trace, &t, NULL))
		buf_puts(out, text ? text : "an error whose text cannot be made");
}
