/*
 * repeatable: what a Lua state must not take from the machine if a run is to be
 * the same twice: the order of pairs() and next(), which in Lua depends on
 * where in memory a state lies, and the seed of math.random().
 *
 * Lua promises no order; here it comes from the world's seed: equal seeds, equal
 * orders; another seed shows a script that relies on one.  Integer keys come
 * first, in order.
 */
#ifndef SCRIPT_REPEATABLE_H
#define SCRIPT_REPEATABLE_H

#include "base/env.h"

#include <lua.h>

/* Replaces pairs, next, math.randomseed and os.clock.  env is borrowed and outlives L. */
void repeatable_open(lua_State *L, struct env *env);

#endif
