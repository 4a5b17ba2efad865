/*
 * world: lunasip.sim(): a proxy in a virtual world (core/sim), for specs of
 * scripts.  The same code as in the daemon, from transport to script; nothing
 * is opened, no time passes but by advance().  lunasip.testkit stands on it.
 */
#ifndef SCRIPT_WORLD_H
#define SCRIPT_WORLD_H

#include <lua.h>

/*
 * sim{script=PATH | source=TEXT, name=, listen={"ADDR:PORT"}, seed=,
 *     settings={…}, subscribers={…}, bindings={location={…}, aliases={…}}}:
 * a world, or nil and the reason (what -c would say).
 */
int world_new(lua_State *L);

#endif
