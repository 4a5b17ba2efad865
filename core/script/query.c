#include "script/query.h"

#include "script/message.h"
#include "script/object.h"

static void take_arg(lua_State *L, int index, struct arena *a, struct store_value *v)
{
	switch (lua_type(L, index)) {
	case LUA_TNIL:
		*v = (struct store_value){.type = STORE_NULL};
		break;
	case LUA_TBOOLEAN:
		*v =
		    (struct store_value){.type = STORE_INTEGER, .integer = lua_toboolean(L, index)};
		break;
	case LUA_TNUMBER:
		*v = (struct store_value){.type =
					      lua_isinteger(L, index) ? STORE_INTEGER : STORE_REAL,
					  .integer = lua_tointeger(L, index),
					  .real = lua_tonumber(L, index)};
		break;
	default:
		*v = (struct store_value){.type = STORE_TEXT,
					  .text = arena_dup(a, state_slice(L, index))};
	}
}

/* All that may raise comes before the operation is made. */
static void check_args(lua_State *L, int n)
{
	struct slice sql = object_text(L, 1);

	luaL_argcheck(L, sql.n < STORE_QUERY_SQL, 1, "a statement of more than 64 KiB");
	luaL_argcheck(L, n <= STORE_QUERY_ARGS, n + 1, "more than 64 arguments");
	for (int i = 2; i <= n + 1; i++) {
		int type = lua_type(L, i);
		if (type != LUA_TNIL && type != LUA_TBOOLEAN && type != LUA_TNUMBER)
			luaL_checkstring(L, i);
	}
}

static void query_done(struct store_op *op)
{
	struct run *r = op->data;

	r->query = op;
	run_wake(r);
}

static struct store_op *query_op(lua_State *L, struct run *r, int n)
{
	struct store_op *op = store_op_new(STORE_QUERY, SLICE_NULL, query_done, r);
	struct store_value *args = arena_alloc(&op->arena, STORE_QUERY_ARGS * sizeof(*args));

	op->sql = arena_dup(&op->arena, state_slice(L, 1));
	for (int i = 0; i < n; i++)
		take_arg(L, i + 2, &op->arena, &args[i]);
	op->args = args;
	op->n_args = (unsigned)n;
	return op;
}

static void push_value(lua_State *L, const struct store_value *v)
{
	switch (v->type) {
	case STORE_TEXT:
		state_push(L, v->text);
		break;
	case STORE_INTEGER:
		lua_pushinteger(L, v->integer);
		break;
	case STORE_REAL:
		lua_pushnumber(L, v->real);
		break;
	case STORE_NULL:
		lua_pushnil(L);
		break;
	}
}

static void push_row(lua_State *L, const struct store_op *op, const struct store_value *row)
{
	lua_createtable(L, 0, (int)op->n_columns);
	for (unsigned i = 0; i < op->n_columns; i++) {
		state_push(L, op->columns[i]);
		push_value(L, &row[i]);
		lua_rawset(L, -3);
	}
}

/* The run frees the operation, whatever becomes of us. */
static int query_k(lua_State *L, int status, lua_KContext context)
{
	const struct run *r = (const struct run *)context;
	const struct store_op *op = r->query;

	(void)status;
	if (op->error) {
		lua_pushnil(L);
		state_push(L, op->message);
		return 2;
	}
	lua_createtable(L, (int)op->n_rows, 0);
	for (unsigned i = 0; i < op->n_rows; i++) {
		push_row(L, op, op->values + (size_t)i * op->n_columns);
		lua_rawseti(L, -2, i + 1);
	}
	lua_pushinteger(L, (lua_Integer)op->affected);
	return 2;
}

/* query(sql, args…): rows as tables by column name, and how many a change changed; or nil and
 * the reason. */
static int query(lua_State *L)
{
	static const char name[] = "db.query";
	int n = lua_gettop(L) - 1;
	struct message *m = run_message(L, name);

	check_args(L, n);
	struct run *r = run_begin_store_wait(L, m, name);
	struct store_op *op = query_op(L, r, n);
	store_op_free(r->query);
	r->query = NULL;
	store_submit(&m->script->host->patience->store, op);
	return run_wait(L, r, query_k);
}

const luaL_Reg query_functions[] = {
    {"query", query},
    {NULL, NULL},
};
