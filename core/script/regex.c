#define PCRE2_CODE_UNIT_WIDTH 8

#include "script/regex.h"

#include "script/cache.h"
#include "script/scope.h"

#include <pcre2.h>

enum {
	MAX_PATTERN_BYTES = 4096,
	DEPTH_LIMIT = 2000,
	HEAP_LIMIT_KIB = 4096,
	MAX_STEPS = 1000000,  /* of one search: some 10 ms */
	SCANNED_PER_STEP = 4, /* characters that one item of a pattern runs over */
};

#define TYPE "lunasip.regex"
static const char cache_name[] = "lunasip.regexes";

struct regex {
	pcre2_code *code;
};

static int regex_gc(lua_State *L)
{
	struct regex *r = luaL_checkudata(L, 1, TYPE);

	pcre2_code_free(r->code);
	r->code = NULL;
	return 0;
}

static pcre2_code *compile(struct slice pattern, int *error, size_t *at)
{
	pcre2_compile_context *c = pcre2_compile_context_create(NULL);
	pcre2_code *code;

	pcre2_set_newline(c, PCRE2_NEWLINE_ANYCRLF);
	pcre2_set_parens_nest_limit(c, 50);
	code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
			     PCRE2_MULTILINE | PCRE2_CASELESS | PCRE2_AUTO_CALLOUT, error, at, c);
	pcre2_compile_context_free(c);
	return code;
}

static struct regex *regex_new(lua_State *L, struct slice pattern)
{
	int error = 0;
	size_t at = 0;
	struct regex *r = lua_newuserdatauv(L, sizeof(*r), 0);

	r->code = NULL;
	if (luaL_newmetatable(L, TYPE)) {
		lua_pushcfunction(L, regex_gc);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
	r->code = compile(pattern, &error, &at);
	if (!r->code) {
		char text[128] = "";
		pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof(text));
		luaL_error(L, "malformed pattern at character %d: %s", (int)at + 1, text);
	}
	return r;
}

/* The compiled pattern at index 2; it stays on the stack. */
static struct regex *regex_at(lua_State *L, struct slice pattern)
{
	if (cache_find(L, cache_name, 2))
		return lua_touserdata(L, -1);
	struct regex *r = regex_new(L, pattern);
	cache_keep(L, cache_name, 2);
	return r;
}

/*
 * PCRE2's own limit begins anew at each place a match may start, and does not
 * see how far one item runs ("x.*" on a long line of x): together that is the
 * square of the message.  Its callouts stand before each item, so here both are
 * counted, over the whole search.
 */
struct work {
	size_t at;
	size_t steps;
};

static int count_step(pcre2_callout_block *b, void *data)
{
	struct work *w = data;

	if (b->current_position > w->at)
		w->steps += (b->current_position - w->at) / SCANNED_PER_STEP;
	w->at = b->current_position;
	return ++w->steps > MAX_STEPS ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static int match(const struct regex *r, struct slice text)
{
	struct work work = {0};
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);

	pcre2_set_callout(limits, count_step, &work);
	pcre2_set_depth_limit(limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
	int rc = pcre2_match(r->code, (PCRE2_SPTR)text.p, text.n, 0, 0, data, limits);
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	return rc;
}

int regex_search(lua_State *L)
{
	struct scope s = scope_of(L);
	struct slice pattern = object_text(L, 2);

	luaL_argcheck(L, pattern.n <= MAX_PATTERN_BYTES, 2, "a pattern of more than 4096 bytes");
	int rc = match(regex_at(L, pattern), s.msg->raw);
	if (rc >= 0) {
		lua_pushboolean(L, 1);
		return 1;
	}
	if (rc == PCRE2_ERROR_NOMATCH)
		return object_refuse(L, "no match");
	lua_pushnil(L);
	lua_pushliteral(L, "too complex");
	return 2;
}
