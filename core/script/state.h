/*
 * state: the Lua state of a generation: what it may use of memory and time,
 * and protected ways into it.
 *
 * Every entry from C is protected.  A coroutine that uses up its instructions
 * is stopped where it is, by a yield that nothing resumes; so nothing in it can
 * catch that.  Where Lua cannot yield (in a sort, in another coroutine, at top
 * level) each further instruction raises an error until it has been left.  One
 * that wants more memory than the state may have gets "not enough memory".
 */
#ifndef SCRIPT_STATE_H
#define SCRIPT_STATE_H

#include "base/buf.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdatomic.h>

struct coverage;
struct script;

enum { STATE_HOOK_STEP = 1000 }; /* instructions between two looks at the budget */

struct state {
	lua_State *L;
	size_t memory;           /* bytes in use */
	size_t memory_max;       /* 0: no limit */
	uint64_t *budget;        /* instructions left of what runs now, NULL: no limit */
	const atomic_bool *stop; /* while loading: true, and it ends; or NULL */
	bool exhausted;          /* the budget is gone: no further instruction is run */
	lua_State *running;      /* the coroutine that may be stopped by a yield, or NULL */
	bool raised;             /* an error was raised in it for want of budget: Lua runs no
				    hooks in it any more */
	char place[100];         /* where the budget was used up: "FILE:LINE: " */
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

/* What runs on L makes a coroutine: the first step of one is never counted. */
void state_charge(lua_State *L);

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
