/*
 * coverage: which lines of their files scripts walked, in virtual worlds.
 *
 * It is switched on for a Lua state of lunasip.so, and collects from all worlds
 * made in it from then on.  lua/lunasip/coverage.lua makes a report of it.
 */
#ifndef SCRIPT_COVERAGE_H
#define SCRIPT_COVERAGE_H

#include "base/slice.h"

#include <lua.h>

struct coverage;

/* What L collects, or NULL: nothing.  It lives as long as L. */
struct coverage *coverage_of(lua_State *L);
/* One line of a source ("@path") was walked. */
void coverage_add(struct coverage *c, struct slice source, int line);

/* lunasip.coverage([true]): true begins; gives { [path] = { [line] = times } }. */
int coverage_function(lua_State *L);

#endif
