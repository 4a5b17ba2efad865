/*
 * state: the Lua state of a generation: what it may use of memory and time,
 * and protected ways into it.
 *
 * Every entry from C is protected.  A handler that uses up its instructions
 * ends with an error and cannot catch it; one that wants more memory than the
 * state may have gets "not enough memory".
 */
#ifndef SCRIPT_STATE_H
#define SCRIPT_STATE_H

#include "base/buf.h"

#include <lauxlib.h>
#include <lua.h>

struct coverage;
struct script;

enum { STATE_HOOK_STEP = 1000 }; /* instructions between two looks at the budget */

struct state {
	lua_State *L;
	size_t memory;     /* bytes in use */
	size_t memory_max; /* 0: no limit */
	uint64_t *budget;  /* instructions left of what runs now, NULL: no limit */
	bool exhausted;    /* the budget is gone: every instruction raises */
	struct coverage
	    *coverage; /* of lines, NULL: not measured; before the first state_limit() */
};

/* A new state with the standard libraries.  owner: what state_owner() gives back. */
void state_open(struct state *s, struct script *owner, size_t memory_max);
void state_close(struct state *s);

struct script *state_owner(lua_State *L);

/* Gives what runs on L (and coroutines it makes) a budget of instructions. */
void state_limit(struct state *s, lua_State *L);
/* L may run freely again, with a new budget. */
void state_refresh(struct state *s, lua_State *L);

/*
 * Calls f with data as its light userdata argument.  0, or -1 and the error's
 * text in why (which may be NULL).
 */
int state_call(struct state *s, lua_CFunction f, void *data, struct buf *why);
/* text, or when it is NULL the error value on top of L, with L's traceback.  Pops nothing. */
void state_traceback(struct state *s, lua_State *L, const char *text, struct buf *out);

static inline struct slice state_slice(lua_State *L, int index)
{
	size_t n = 0;
	const char *p = lua_tolstring(L, index, &n);
	return slice_of(p, n);
}

static inline void state_push(lua_State *L, struct slice s)
{
	lua_pushlstring(L, s.p ? s.p : "", s.n);
}

#endif
