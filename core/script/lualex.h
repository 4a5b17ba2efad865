/*
 * lualex: the words of a Lua 5.4 source, for the checks a script gets when it
 * is loaded.  The compiler has the last word on what is valid; here nothing is
 * refused that it accepts, and nothing is read past the end of any text.
 */
#ifndef SCRIPT_LUALEX_H
#define SCRIPT_LUALEX_H

#include "base/arena.h"

enum lualex_kind {
	LUALEX_END,
	LUALEX_NAME,
	LUALEX_STRING, /* text: what it stands for, escapes done */
	LUALEX_NUMBER,
	LUALEX_SYMBOL, /* keywords and operators */
	LUALEX_BAD,
};

struct lualex_token {
	enum lualex_kind kind;
	struct slice text; /* in the source; of strings in the arena */
	unsigned line;
};

struct lualex {
	struct arena *arena; /* borrowed */
	const char *p, *end;
	unsigned line; /* of p, from 1 */
};

/* text stays valid while tokens are used; a first line that begins with # is none of it. */
void lualex_init(struct lualex *l, struct arena *arena, struct slice text);
struct lualex_token lualex_next(struct lualex *l);

static inline bool lualex_is(const struct lualex_token *t, const char *symbol)
{
	return t->kind == LUALEX_SYMBOL && slice_eq(t->text, slice_str(symbol));
}

#endif
