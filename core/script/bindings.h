/*
 * bindings: what Lua can call and set here, from the tables that bind it, for
 * the gate that compares them with the documentation (tools/check-api).
 */
#ifndef SCRIPT_BINDINGS_H
#define SCRIPT_BINDINGS_H

#include <lua.h>

/*
 * lunasip.bindings(): { types = { request = { methods = { NAME = true },
 * fields = { NAME = "read" or "set" } }, reply =, branch = }, module = { NAME = true },
 * db = { NAME = true }, handlers = { list of names }, settings = { list of { name =, type =, … } },
 * variables = { list of names } }
 */
int bindings_function(lua_State *L);

#endif
