#include "script/repeatable.h"

#include "base/hash.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* Where a key comes in its table: integers as they are, then what has bytes, by
 * a hash; tables, functions and the like last and in Lua's own order. */
struct rank {
	enum { RANK_INTEGER, RANK_HASH, RANK_OTHER } kind;
	uint64_t n;
};

struct place {
	struct rank rank;
	lua_Integer key; /* index in the list of keys */
};

static const uint8_t *order_key(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

/* Of the key at index. */
static struct rank rank_of(lua_State *L, const uint8_t key[16], int index)
{
	size_t n = 0;

	if (lua_isinteger(L, index)) {
		uint64_t i = (uint64_t)lua_tointeger(L, index);
		return (struct rank){RANK_INTEGER, i ^ UINT64_C(1) << 63};
	}
	if (lua_type(L, index) == LUA_TSTRING) {
		const char *p = lua_tolstring(L, index, &n);
		return (struct rank){RANK_HASH, siphash13(key, p, n)};
	}
	if (lua_type(L, index) == LUA_TNUMBER) {
		lua_Number d = lua_tonumber(L, index);
		return (struct rank){RANK_HASH, siphash13(key, &d, sizeof(d))};
	}
	if (lua_isboolean(L, index))
		return (struct rank){RANK_HASH, (uint64_t)lua_toboolean(L, index)};
	return (struct rank){RANK_OTHER, 0};
}

static int rank_compare(struct rank a, struct rank b)
{
	if (a.kind != b.kind)
		return a.kind < b.kind ? -1 : 1;
	return a.n < b.n ? -1 : a.n > b.n;
}

static int place_compare(const void *x, const void *y)
{
	const struct place *a = x, *b = y;
	int c = rank_compare(a->rank, b->rank);

	return c ? c : a->key < b->key ? -1 : 1;
}

/* The iterator of pairs.  Upvalues: the table, its keys, their places, how many were given. */
static int pairs_next(lua_State *L)
{
	const struct place *places = lua_touserdata(L, lua_upvalueindex(3));
	lua_Integer n = lua_tointeger(L, lua_upvalueindex(4));
	lua_Integer all =
	    (lua_Integer)lua_rawlen(L, lua_upvalueindex(3)) / (lua_Integer)sizeof(*places);

	while (n < all) {
		lua_rawgeti(L, lua_upvalueindex(2), places[n++].key);
		lua_pushvalue(L, -1);
		if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
			lua_pushinteger(L, n);
			lua_replace(L, lua_upvalueindex(4));
			return 2;
		}
		lua_pop(L, 2); /* was taken away meanwhile */
	}
	lua_pushnil(L);
	return 1;
}

/* Pushes the places of the keys of the table at 1, whose list is at 2. */
static void push_places(lua_State *L, lua_Integer n)
{
	struct place *places = lua_newuserdatauv(L, (size_t)n * sizeof(*places), 0);

	for (lua_Integer i = 0; i < n; i++) {
		lua_rawgeti(L, 2, i + 1);
		places[i] = (struct place){rank_of(L, order_key(L), -1), i + 1};
		lua_pop(L, 1);
	}
	if (n)
		qsort(places, (size_t)n, sizeof(*places), place_compare);
}

/* pairs(t); __pairs as ever. */
static int ordered_pairs(lua_State *L)
{
	lua_Integer n = 0;

	luaL_checkany(L, 1);
	if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
		lua_pushvalue(L, 1);
		lua_call(L, 1, 3);
		return 3;
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		lua_pop(L, 1);
		lua_pushvalue(L, -1);
		lua_rawseti(L, 2, ++n);
	}
	lua_pushvalue(L, 1);
	lua_pushvalue(L, 2);
	push_places(L, n);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, pairs_next, 4);
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

/* Lua's own order, for keys that have no other: from the key at 2 on, or from the begin (nil). */
static int next_other(lua_State *L)
{
	if (rank_of(L, order_key(L), 2).kind != RANK_OTHER || lua_isnil(L, 2)) {
		lua_pushnil(L);
		lua_replace(L, 2);
	}
	while (lua_next(L, 1)) {
		if (rank_of(L, order_key(L), 2).kind == RANK_OTHER)
			return 2;
		lua_pop(L, 1);
	}
	lua_pushnil(L);
	return 1;
}

/* next(t[, key]): looks through all of t each time, and keeps nothing. */
static int ordered_next(lua_State *L)
{
	struct rank from = {RANK_INTEGER, 0}, best = {RANK_OTHER, 0};

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	bool first = lua_isnil(L, 2);
	if (!first)
		from = rank_of(L, order_key(L), 2);
	if (from.kind == RANK_OTHER)
		return next_other(L);
	lua_pushnil(L); /* 3: the best so far */
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		struct rank r = rank_of(L, order_key(L), 4);
		lua_pop(L, 1);
		if ((first || rank_compare(r, from) > 0) && rank_compare(r, best) < 0) {
			best = r;
			lua_copy(L, 4, 3);
		}
	}
	if (best.kind == RANK_OTHER) {
		lua_settop(L, 2);
		return next_other(L);
	}
	lua_pushvalue(L, 3);
	lua_rawget(L, 1);
	return 2;
}

/* math.randomseed() without a seed: one of the world's.  Upvalues: the rand, Lua's own. */
static int repeatable_seed(lua_State *L)
{
	if (lua_gettop(L) == 0)
		lua_pushinteger(L, (lua_Integer)rand_u64(lua_touserdata(L, lua_upvalueindex(1))));
	lua_pushvalue(L, lua_upvalueindex(2));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

static int repeatable_clock(lua_State *L)
{
	const struct env *env = lua_touserdata(L, lua_upvalueindex(1));

	lua_pushnumber(L, (lua_Number)env_now_ms(env) / 1000);
	return 1;
}

static void set_order(lua_State *L, struct rand *r)
{
	rand_bytes(r, lua_newuserdatauv(L, 16, 0), 16);
	lua_pushvalue(L, -1);
	lua_pushcclosure(L, ordered_pairs, 1);
	lua_setglobal(L, "pairs");
	lua_pushcclosure(L, ordered_next, 1);
	lua_setglobal(L, "next");
}

static void set_random(lua_State *L, struct rand *r)
{
	lua_getglobal(L, "math");
	lua_pushlightuserdata(L, r);
	lua_getfield(L, -2, "randomseed");
	lua_pushcclosure(L, repeatable_seed, 2);
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "randomseed");
	lua_call(L, 0, 0);
	lua_pop(L, 1);
}

void repeatable_open(lua_State *L, struct env *env)
{
	set_order(L, env->rand);
	set_random(L, env->rand);
	lua_getglobal(L, "os");
	lua_pushlightuserdata(L, env);
	lua_pushcclosure(L, repeatable_clock, 1);
	lua_setfield(L, -2, "clock");
	lua_pop(L, 1);
}
