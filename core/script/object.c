#include "script/object.h"

#include "script/message.h"
#include "script/nearest.h"

struct handle {
	void *target;
	uint64_t serial;
};

int object_refuse(lua_State *L, const char *reason)
{
	lua_pushboolean(L, 0);
	lua_pushstring(L, reason);
	return 2;
}

struct slice object_text(lua_State *L, int index)
{
	size_t n;
	const char *p = luaL_checklstring(L, index, &n);
	return slice_of(p, n);
}

static const struct object_type *const types[OBJECT_KINDS] = {
    [OBJECT_REQUEST] = &request_type,
    [OBJECT_REPLY] = &reply_type,
    [OBJECT_BRANCH] = &branch_type,
};

static enum object_kind kind_of(const struct run *r)
{
	if (r->job.kind == HANDLER_REPLY)
		return OBJECT_REPLY;
	return r->job.kind == HANDLER_BRANCH ? OBJECT_BRANCH : OBJECT_REQUEST;
}

/*
 * The handle at index 1, or NULL: none of ours.  Most often it is what the
 * handler was called with; else its metatable tells: nothing else has that.
 */
static struct handle *find_handle(lua_State *L, enum object_kind *kind)
{
	const struct script *s = state_owner(L);
	const void *const *ours = s->objects;
	struct handle *h = lua_touserdata(L, 1);

	if (h && s->current && h == s->current->object) {
		*kind = kind_of(s->current);
		return h;
	}
	if (!h || !lua_getmetatable(L, 1))
		return NULL;
	const void *metatable = lua_topointer(L, -1);
	lua_pop(L, 1);
	for (*kind = OBJECT_REQUEST; *kind < OBJECT_KINDS; ++*kind)
		if (metatable == ours[*kind])
			return h;
	*kind = OBJECT_REQUEST;
	return NULL;
}

static void *check_message(lua_State *L, const struct handle *h)
{
	const struct message *m = h->target;

	if (m->serial != h->serial)
		luaL_error(L, "this message has ended");
	return h->target;
}

static void *check_run(lua_State *L, const struct handle *h, const char *what)
{
	const struct run *r = h->target;

	if (r->serial != h->serial)
		luaL_error(L, "this %s has ended: it lives as long as its handler runs", what);
	return h->target;
}

static const struct handle *handle_of(lua_State *L, enum object_kind wanted)
{
	enum object_kind kind = OBJECT_KINDS;
	const struct handle *h = find_handle(L, &kind);

	return h && kind == wanted ? h : luaL_checkudata(L, 1, types[wanted]->name);
}

struct message *object_request(lua_State *L)
{
	return check_message(L, handle_of(L, OBJECT_REQUEST));
}

struct run *object_reply(lua_State *L)
{
	return check_run(L, handle_of(L, OBJECT_REPLY), "reply");
}

struct run *object_branch(lua_State *L)
{
	return check_run(L, handle_of(L, OBJECT_BRANCH), "branch");
}

struct message *object_any(lua_State *L, struct run **run)
{
	enum object_kind kind = OBJECT_REQUEST;
	const struct handle *h = find_handle(L, &kind);

	*run = NULL;
	if (!h)
		h = luaL_checkudata(L, 1, request_type.name);
	if (kind == OBJECT_REQUEST)
		return check_message(L, h);
	*run = check_run(L, h, kind == OBJECT_REPLY ? "reply" : "branch");
	return (*run)->job.message;
}

static void push(lua_State *L, enum object_kind kind, void *target, uint64_t serial)
{
	struct handle *h = lua_newuserdatauv(L, sizeof(*h), 0);

	*h = (struct handle){target, serial};
	lua_rawgetp(L, LUA_REGISTRYINDEX, types[kind]);
	lua_setmetatable(L, -2);
}

void object_push_request(lua_State *L, struct message *m)
{
	push(L, OBJECT_REQUEST, m, m->serial);
}

void object_push(lua_State *L, struct run *r)
{
	enum object_kind kind = kind_of(r);

	if (kind == OBJECT_REQUEST)
		object_push_request(L, r->job.message);
	else
		push(L, kind, r, r->serial);
}

void object_nearest(struct nearest *near, const struct object_type *type)
{
	for (const luaL_Reg *m = type->methods; m->name; m++)
		nearest_try(near, slice_str(m->name));
	for (const struct field *f = type->fields; f->name; f++)
		nearest_try(near, slice_str(f->name));
}

int object_unknown(lua_State *L, const struct object_type *type, struct slice key)
{
	struct nearest near;
	char text[200];
	struct buf hint;

	nearest_init(&near, key);
	object_nearest(&near, type);
	buf_init(&hint, sizeof(text));
	nearest_say(&near, &hint);
	/* Copied, for luaL_error does not come back to free it. */
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(buf_slice(&hint)));
	buf_free(&hint);
	return luaL_error(L, "a %s has no method or field '%s'%s", type->name + sizeof("lunasip"),
			  key.p, text);
}

static const struct object_type *type_upvalue(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(2));
}

/* Upvalues: the table of methods and fields, the type. */
static int object_index(lua_State *L)
{
	lua_pushvalue(L, 2);
	switch (lua_rawget(L, lua_upvalueindex(1))) {
	case LUA_TFUNCTION:
		return 1;
	case LUA_TLIGHTUSERDATA: {
		const struct field *f = lua_touserdata(L, -1);
		return f->get(L);
	}
	default:
		return object_unknown(L, type_upvalue(L), object_text(L, 2));
	}
}

static int object_newindex(lua_State *L)
{
	const struct object_type *type = type_upvalue(L);

	lua_pushvalue(L, 2);
	int found = lua_rawget(L, lua_upvalueindex(1));
	if (found == LUA_TNIL)
		return object_unknown(L, type, object_text(L, 2));
	const struct field *f = found == LUA_TLIGHTUSERDATA ? lua_touserdata(L, 4) : NULL;
	if (!f || !f->set)
		return luaL_error(L, "'%s' of a %s cannot be set", lua_tostring(L, 2),
				  type->name + sizeof("lunasip"));
	return f->set(L);
}

static int object_eq(lua_State *L)
{
	const struct handle *a = lua_touserdata(L, 1), *b = lua_touserdata(L, 2);

	lua_pushboolean(L, a && b && a->target == b->target && a->serial == b->serial);
	return 1;
}

static void push_members(lua_State *L, const struct object_type *type)
{
	lua_newtable(L);
	luaL_setfuncs(L, type->methods, 0);
	for (const struct field *f = type->fields; f->name; f++) {
		/* Lua hands the pointer back as it is; nothing writes through it. */
		union {
			const struct field *in;
			void *out;
		} pointer = {.in = f};
		lua_pushlightuserdata(L, pointer.out);
		lua_setfield(L, -2, f->name);
	}
}

static void open_type(lua_State *L, enum object_kind kind)
{
	const struct object_type *type = types[kind];
	union {
		const struct object_type *in;
		void *out;
	} pointer = {.in = type};

	luaL_newmetatable(L, type->name);
	state_owner(L)->objects[kind] = lua_topointer(L, -1);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, type);
	push_members(L, type);
	lua_pushvalue(L, -1);
	lua_pushlightuserdata(L, pointer.out);
	lua_pushcclosure(L, object_index, 2);
	lua_setfield(L, -3, "__index");
	lua_pushlightuserdata(L, pointer.out);
	lua_pushcclosure(L, object_newindex, 2);
	lua_setfield(L, -2, "__newindex");
	lua_pushcfunction(L, object_eq);
	lua_setfield(L, -2, "__eq");
	lua_pushliteral(L, "protected");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

void object_open(lua_State *L)
{
	for (enum object_kind kind = OBJECT_REQUEST; kind < OBJECT_KINDS; kind++)
		open_type(L, kind);
}
