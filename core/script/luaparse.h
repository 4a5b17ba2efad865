/*
 * luaparse: reading a Lua source into facts; what luafacts.c (statements) and
 * luaparse.c (all below them) have in common.  A source that is no valid Lua is
 * marked broken, and ends there.
 */
#ifndef SCRIPT_LUAPARSE_H
#define SCRIPT_LUAPARSE_H

#include "script/luafacts.h"
#include "script/lualex.h"

enum { LUAPARSE_MAX_NAMES = 250 }; /* in one list; the compiler has less */

struct luaparse_scope {
	struct luaparse_scope *outer;
	struct fact_var *var;
};

struct luaparse {
	struct facts *facts;
	struct arena *arena;
	struct fact_source *source;
	struct fact_function *function; /* innermost, NULL: the source itself */
	struct luaparse_scope *scope;   /* innermost first */
	struct lualex lex;
	struct lualex_token t; /* the next one */
	unsigned line;         /* of the one before it */
	unsigned depth;
};

/* Tokens: on to the next; is it the next; take it if it is; take it, it must be. */
void luaparse_advance(struct luaparse *p);
bool luaparse_is(const struct luaparse *p, const char *symbol);
bool luaparse_accept(struct luaparse *p, const char *symbol);
void luaparse_expect(struct luaparse *p, const char *symbol);
struct slice luaparse_name(struct luaparse *p);
/* Around what may nest; the caller counts p->depth down.  False: broken, or too deep. */
bool luaparse_enter(struct luaparse *p);

struct fact_expr *luaparse_expr_new(const struct luaparse *p, enum fact_kind kind);
/* A local variable from here on. */
struct fact_var *luaparse_declare(struct luaparse *p, struct slice name);
/* The variable that a name means here, a global one if nothing else. */
struct fact_var *luaparse_find(struct luaparse *p, struct slice name);
void luaparse_add(const struct luaparse *p, struct fact_value **list, struct slice name,
		  struct fact_expr *e);
struct fact_access *luaparse_access(struct luaparse *p, const struct fact_expr *index,
				    enum fact_access_kind kind);
/* The value goes where nobody sees what becomes of it. */
void luaparse_give_away(struct luaparse *p, struct fact_expr *e);

struct fact_expr *luaparse_expr(struct luaparse *p);
/* a.b["c"]:d(…) …; an index at its end is not read yet.  called: it ends in a call. */
struct fact_expr *luaparse_suffixed(struct luaparse *p, bool *called);
/* base.name, which is not read yet; line: where the name stands. */
struct fact_expr *luaparse_index(struct luaparse *p, struct fact_expr *base, struct slice name,
				 unsigned line);
/* Expressions, in order; true: the last one may be any number of values. */
bool luaparse_list(struct luaparse *p, struct fact_value **list);
/* Behind the word "function" and a name: parameters and body. */
struct fact_expr *luaparse_function(struct luaparse *p, bool method);
/* Statements up to the word that ends them (luafacts.c). */
void luaparse_block(struct luaparse *p);

#endif
