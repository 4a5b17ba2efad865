/*
 * Any text as a Lua source: its facts are read and followed to an end, and
 * what the compiler takes is not called broken.
 */
#include "fuzz.h"
#include "script/luaflow.h"

#include <lauxlib.h>

static bool compiles(struct slice text)
{
	lua_State *L = luaL_newstate();
	bool ok = L && luaL_loadbufferx(L, text.p ? text.p : "", text.n, "x", "t") == LUA_OK;

	if (L)
		lua_close(L);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena a;
	struct facts f;
	struct slice text = fuzz_slice(bytes, n);

	arena_init(&a, 4096);
	luafacts_init(&f, &a);
	const struct fact_source *s = luafacts_read(&f, "x", SLICE_NULL, text);
	luaflow_solve(&f);
	if (compiles(text))
		MUST(!s->broken);
	arena_free(&a);
	return 0;
}
