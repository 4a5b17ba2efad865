/*
 * luafacts: what a Lua source says that can be told without running it: its
 * variables and what they are given, its functions, tables, calls and member
 * accesses, each with its line.
 *
 * Expressions are kept as far as names can be followed through them; all else
 * is FACT_OTHER, of which nothing is known.  All facts live in one arena.
 */
#ifndef SCRIPT_LUAFACTS_H
#define SCRIPT_LUAFACTS_H

#include "base/arena.h"

enum fact_kind {
	FACT_OTHER,
	FACT_NIL,
	FACT_STRING,   /* text */
	FACT_VAR,      /* var */
	FACT_INDEX,    /* base.text, base["text"]; text is null: base[any] */
	FACT_FUNCTION, /* function */
	FACT_TABLE,    /* table */
	FACT_REQUIRE,  /* require "text" */
};

/* What something may hold, as luaflow finds out. */
struct fact_holds {
	unsigned types;              /* enum luaflow_type */
	struct fact_object *objects; /* the functions and tables of the sources among it */
	unsigned n_objects;
};

struct fact_object {
	struct fact_object *next;
	struct fact_function *function;
	struct fact_table *table;
};

struct fact_expr {
	enum fact_kind kind;
	struct slice text;
	struct fact_expr *base;
	struct fact_var *var;
	struct fact_function *function;
	struct fact_table *table;
	unsigned line;
	struct fact_holds holds;
};

/* A list of expressions; of a table's fields, with names, null: any. */
struct fact_value {
	struct fact_value *next;
	struct slice name;
	struct fact_expr *expr;
};

/* Where in the program. */
struct fact_use {
	struct fact_use *next;
	const struct fact_source *source;
	struct fact_function *function; /* innermost, NULL: the source itself */
	unsigned line;
};

struct fact_var {
	struct fact_var *next, *next_global;
	struct slice name;
	bool global, param;
	const struct fact_source *source; /* where it begins; globals: where it is named first */
	unsigned line;
	struct fact_value *values; /* what it is ever given, arguments not counted */
	struct fact_use *needs;    /* globals: uses that raise when it is nil */
	unsigned reads;            /* other uses */
	struct fact_holds holds;
};

struct fact_function {
	struct fact_function *outer;
	struct fact_var **params; /* self included */
	unsigned n_params;
	bool escaped; /* anybody may call it, pcall too */
	bool reached; /* it is called by what we know */
};

struct fact_table {
	struct fact_table *next; /* of all in the program */
	struct fact_value *fields;
	bool escaped; /* anybody may write to it */
};

enum fact_access_kind { FACT_READ, FACT_SET, FACT_CALL };

/* base.name, base.name = value, base.name(…), base:name(…) */
struct fact_access {
	struct fact_access *next;
	enum fact_access_kind kind;
	struct fact_expr *base;
	struct slice name;
	struct fact_expr *value; /* FACT_SET */
	struct fact_table *into; /* FACT_SET: the last table that got it */
	struct fact_use use;
};

struct fact_call {
	struct fact_call *next;
	struct fact_expr *callee;
	bool method;             /* callee is an index, and its base the first argument */
	bool open;               /* the last argument may be any number of values */
	struct fact_value *args; /* without that base */
	struct fact_use use;
};

struct fact_source {
	struct fact_source *next;
	const char *path;
	unsigned number;     /* in order of reading, from 0 */
	struct slice module; /* as required; of the script itself null */
	struct fact_value *returned;
	bool broken; /* no valid Lua: its facts are only some */
};

/* All sources together: they share their globals. */
struct facts {
	struct arena *arena;
	struct fact_source *sources;
	struct fact_var *vars, *globals;
	struct fact_table *tables;
	struct fact_access *accesses, **last_access;
	struct fact_call *calls, **last_call;
	struct fact_value *loose; /* values given away: nobody knows to whom */
	bool tainted;             /* globals may be set out of sight: _G, _ENV, load */
};

void luafacts_init(struct facts *f, struct arena *arena);
/* Adds the facts of one source; text and path stay valid as long as the facts. */
struct fact_source *luafacts_read(struct facts *f, const char *path, struct slice module,
				  struct slice text);

#endif
