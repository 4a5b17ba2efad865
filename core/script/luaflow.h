/*
 * luaflow: where requests, replies and branches go in a script's sources: from
 * the handlers through arguments, variables and tables to what is done with
 * them.
 *
 * The answers err on one side: whatever may come from where nobody can see is
 * LUAFLOW_OTHER, and a function that anybody may call is escaped.
 */
#ifndef SCRIPT_LUAFLOW_H
#define SCRIPT_LUAFLOW_H

#include "script/luafacts.h"

enum luaflow_type {
	LUAFLOW_REQUEST = 1,
	LUAFLOW_REPLY = 2,
	LUAFLOW_BRANCH = 4,
	LUAFLOW_MODULE = 8, /* require "lunasip" */
	LUAFLOW_XLOG = 16,  /* its xlog */
	LUAFLOW_DB = 32,    /* its db */
	LUAFLOW_KNOWN = 64, /* a value of the sources' own: a string, a table, a function */
	LUAFLOW_OTHER = 128,
};

/* The script is the source without a module's name.  False: it takes too long, nothing is known. */
bool luaflow_solve(struct facts *f);

/* The source that require "name" loads, or NULL. */
struct fact_source *luaflow_module(const struct facts *f, struct slice name);
/* The code of this use runs, as far as we see, and no caller of ours or others catches its errors.
 */
bool luaflow_runs(const struct fact_use *use);

#endif
