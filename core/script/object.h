/*
 * object: the Lua types request, reply and branch: handles with methods and
 * fields, each type one table of both, so that a tool can compare them with
 * the documentation.
 */
#ifndef SCRIPT_OBJECT_H
#define SCRIPT_OBJECT_H

#include "script/nearest.h"
#include "script/run.h"

/* A field: get pushes one value; set finds its value at index 3, NULL: read only.
 * The object is at index 1. */
struct field {
	const char *name;
	lua_CFunction get;
	lua_CFunction set;
};

enum object_kind { OBJECT_REQUEST, OBJECT_REPLY, OBJECT_BRANCH, OBJECT_KINDS };

struct object_type {
	const char *name;           /* "lunasip.request" */
	const luaL_Reg *methods;    /* with {NULL, NULL} at the end */
	const struct field *fields; /* with {NULL, …} at the end */
};

extern const struct object_type request_type;
extern const struct object_type reply_type;
extern const struct object_type branch_type;

/* Makes the types known to a state. */
void object_open(lua_State *L);
/* Pushes the argument of r's handler. */
void object_push(lua_State *L, struct run *r);
/* Pushes a request object for m. */
void object_push_request(lua_State *L, struct message *m);

/* The object at index 1; raises when it is another type, or has ended. */
struct message *object_request(lua_State *L);
struct run *object_reply(lua_State *L);
struct run *object_branch(lua_State *L);
/* Any of them: the message, and the run of a reply or branch (else NULL). */
struct message *object_any(lua_State *L, struct run **run);

/* Pushes `false, reason`; the number of results. */
int object_refuse(lua_State *L, const char *reason);
/* A string argument as a slice; raises when it is none. */
struct slice object_text(lua_State *L, int index);
/* Tries all methods and fields of a type. */
void object_nearest(struct nearest *near, const struct object_type *type);
/* Raises "…, did you mean …?": key is none of the type's. */
int object_unknown(lua_State *L, const struct object_type *type, struct slice key);

#endif
