#include "script/rows.h"

#include "script/state.h"

enum { PAGE_ROWS = 500 };

static void set_text(lua_State *L, const char *name, struct slice text)
{
	if (!text.n)
		return;
	state_push(L, text);
	lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, int64_t n)
{
	lua_pushinteger(L, n);
	lua_setfield(L, -2, name);
}

void rows_push_subscriber(lua_State *L, const struct store_subscriber *s)
{
	lua_newtable(L);
	set_text(L, "username", s->username);
	set_text(L, "domain", s->domain);
	set_text(L, "password", s->password);
	set_text(L, "ha1", s->ha1);
	set_text(L, "ha1b", s->ha1b);
	set_text(L, "ha1_sha256", s->ha1_sha256);
}

void rows_push_binding(lua_State *L, const struct store_binding *b)
{
	lua_newtable(L);
	set_text(L, "ruid", b->ruid);
	set_text(L, "username", b->username);
	set_text(L, "domain", b->domain);
	set_text(L, "contact", b->contact);
	set_text(L, "received", b->received);
	set_text(L, "path", b->path);
	set_number(L, "expires", b->expires);
	if (b->q >= 0) {
		lua_pushnumber(L, b->q / 1000.0);
		lua_setfield(L, -2, "q");
	}
	set_text(L, "callid", b->callid);
	set_number(L, "cseq", b->cseq);
	set_number(L, "last_modified", b->last_modified);
	set_text(L, "user_agent", b->user_agent);
	set_text(L, "socket", b->socket);
	set_text(L, "instance", b->instance);
	set_number(L, "reg_id", b->reg_id);
}

static struct slice get_text(lua_State *L, int index, struct arena *a, const char *name,
			     struct slice absent)
{
	if (lua_getfield(L, index, name) == LUA_TNIL) {
		lua_pop(L, 1);
		return absent;
	}
	luaL_tolstring(L, -1, NULL);
	struct slice text = arena_dup(a, state_slice(L, -1));
	lua_pop(L, 2);
	return text;
}

static int64_t get_number(lua_State *L, int index, const char *name, int64_t absent)
{
	int64_t n = lua_getfield(L, index, name) == LUA_TNIL ? absent : lua_tointeger(L, -1);
	lua_pop(L, 1);
	return n;
}

int rows_read_subscriber(lua_State *L, int index, struct arena *a, struct store_subscriber *s)
{
	*s = (struct store_subscriber){
	    .username = get_text(L, index, a, "username", SLICE_NULL),
	    .domain = get_text(L, index, a, "domain", SLICE("")),
	    .password = get_text(L, index, a, "password", SLICE("")),
	    .ha1 = get_text(L, index, a, "ha1", SLICE("")),
	    .ha1b = get_text(L, index, a, "ha1b", SLICE("")),
	    .ha1_sha256 = get_text(L, index, a, "ha1_sha256", SLICE("")),
	};
	return s->username.n ? 0 : -1;
}

int rows_read_binding(lua_State *L, int index, struct arena *a, struct store_binding *b)
{
	char ruid[40];

	*b = (struct store_binding){
	    .ruid = get_text(L, index, a, "ruid", SLICE_NULL),
	    .username = get_text(L, index, a, "username", SLICE_NULL),
	    .domain = get_text(L, index, a, "domain", SLICE("")),
	    .contact = get_text(L, index, a, "contact", SLICE_NULL),
	    .received = get_text(L, index, a, "received", SLICE_NULL),
	    .path = get_text(L, index, a, "path", SLICE_NULL),
	    .expires = get_number(L, index, "expires", 0),
	    .q = -1,
	    .callid = get_text(L, index, a, "callid", SLICE("by hand")),
	    .cseq = (uint32_t)get_number(L, index, "cseq", 1),
	    .last_modified = get_number(L, index, "last_modified", 0),
	    .user_agent = get_text(L, index, a, "user_agent", SLICE("")),
	    .socket = get_text(L, index, a, "socket", SLICE_NULL),
	    .methods = -1,
	};
	if (lua_getfield(L, index, "q") != LUA_TNIL)
		b->q = (int)(lua_tonumber(L, -1) * 1000 + 0.5);
	lua_pop(L, 1);
	if (!b->username.n || !b->contact.n)
		return -1;
	if (!b->ruid.n) {
		store_ruid(b->username, b->domain, b->contact, ruid);
		b->ruid = arena_dup(a, slice_str(ruid));
	}
	return 0;
}

static void push_reason(lua_State *L, struct slice message)
{
	lua_pushnil(L);
	state_push(L, message.n ? message : SLICE("the store gives no reason"));
}

int rows_push_result(lua_State *L, enum store_error e, struct buf *why)
{
	static const char *const names[] = {
	    [-STORE_UNAVAILABLE] = "unavailable",
	    [-STORE_FAILED] = "failed",
	    [-STORE_EXISTS] = "exists",
	    [-STORE_MISSING] = "missing",
	};

	if (e == STORE_OK) {
		buf_free(why);
		lua_pushboolean(L, 1);
		return 1;
	}
	push_reason(L, buf_slice(why));
	buf_free(why);
	lua_pushstring(L, names[-e]);
	return 3;
}

int rows_push_all_bindings(lua_State *L, struct store_connection *c, const char *table)
{
	uint64_t after = 0;
	lua_Integer n = 0;
	unsigned got;

	if (!store_table_name_ok(slice_str(table)))
		return luaL_error(L, "not the name of a table: '%s'", table);
	lua_newtable(L);
	do {
		struct store_op *op =
		    store_op_new(STORE_LOCATION_SCAN, slice_str(table), store_op_free, NULL);
		op->after_id = after;
		op->limit = PAGE_ROWS;
		store_run(c, op);
		got = op->n_bindings;
		if (op->error) {
			push_reason(L, op->message);
			store_op_free(op);
			return 2;
		}
		for (unsigned i = 0; i < got; i++) {
			rows_push_binding(L, &op->bindings[i]);
			lua_rawseti(L, -2, ++n);
			after = op->bindings[i].id;
		}
		store_op_free(op);
	} while (got == PAGE_ROWS);
	return 1;
}
