#include "script/scope.h"

#include "sip/lex.h"

#include <string.h>

static struct scope request_scope(struct message *m)
{
	struct context *c = m->context;
	return (struct scope){m, c->request, context_msg(c), &c->edits, NULL};
}

static struct scope run_scope(struct run *r)
{
	const struct run_job *job = &r->job;
	struct received *of =
	    job->kind == HANDLER_REPLY ? job->reply : job->message->context->request;

	return (struct scope){job->message, of, received_msg(of), job->edits, job->branch};
}

struct scope scope_of(lua_State *L)
{
	struct run *r;
	struct message *m = object_any(L, &r);

	return r ? run_scope(r) : request_scope(m);
}

const struct msg *scope_addresses(const struct scope *s)
{
	struct msg *m = received_msg(s->received);

	msg_read_addresses(m);
	return m;
}

bool scope_current(lua_State *L, struct scope *s)
{
	struct script *owner = state_owner(L);
	struct run *r = owner ? owner->current : NULL;

	if (!r || !run_message_alive(r))
		return false;
	*s = run_scope(r);
	return true;
}

void scope_push(lua_State *L, struct slice text)
{
	if (text.p)
		lua_pushlstring(L, text.p, text.n);
	else
		lua_pushnil(L);
}

int scope_get_method(lua_State *L)
{
	scope_push(L, scope_of(L).msg->method_text);
	return 1;
}

int scope_get_from(lua_State *L)
{
	struct scope s = scope_of(L);

	scope_push(L, scope_addresses(&s)->from.uri);
	return 1;
}

int scope_get_to(lua_State *L)
{
	struct scope s = scope_of(L);

	scope_push(L, scope_addresses(&s)->to.uri);
	return 1;
}

int scope_get_from_tag(lua_State *L)
{
	struct scope s = scope_of(L);

	scope_push(L, scope_addresses(&s)->from_tag);
	return 1;
}

int scope_get_to_tag(lua_State *L)
{
	struct scope s = scope_of(L);

	scope_push(L, scope_addresses(&s)->to_tag);
	return 1;
}

int scope_get_call_id(lua_State *L)
{
	scope_push(L, scope_of(L).msg->call_id);
	return 1;
}

int scope_get_cseq(lua_State *L)
{
	lua_pushinteger(L, scope_of(L).msg->cseq);
	return 1;
}

int scope_get_body(lua_State *L)
{
	scope_push(L, scope_of(L).msg->body);
	return 1;
}

static int push_addr(lua_State *L, const struct addr *a)
{
	char host[ADDR_TEXT];

	addr_host(a, false, host);
	lua_createtable(L, 0, 2);
	lua_pushstring(L, host);
	lua_setfield(L, -2, "ip");
	lua_pushinteger(L, a->port);
	lua_setfield(L, -2, "port");
	return 1;
}

int scope_get_source(lua_State *L)
{
	return push_addr(L, &scope_of(L).received->source);
}

int scope_get_socket(lua_State *L)
{
	return push_addr(L, &scope_of(L).received->local);
}

int scope_get_vars(lua_State *L)
{
	struct message *m = scope_of(L).m;

	if (m->vars == LUA_NOREF) {
		lua_newtable(L);
		lua_pushvalue(L, -1);
		m->vars = luaL_ref(L, LUA_REGISTRYINDEX);
	} else {
		lua_rawgeti(L, LUA_REGISTRYINDEX, m->vars);
	}
	return 1;
}

int scope_get_request(lua_State *L)
{
	object_push_request(L, scope_of(L).m);
	return 1;
}

static struct hdr *header_next(const struct msg *msg, const struct hdr *h, struct slice name)
{
	return h ? msg_hdr_next(msg, h) : msg_hdr_named(msg, name);
}

static void push_value(lua_State *L, struct arena *a, const struct hdr *h)
{
	scope_push(L, lex_unfold(a, h->value));
}

/* header(name[, n]): the value of the n-th one, from the end when n is negative; nil without. */
int scope_header(lua_State *L)
{
	struct scope s = scope_of(L);
	struct slice name = object_text(L, 2);
	lua_Integer n = luaL_optinteger(L, 3, 1);
	lua_Integer count = 0;

	luaL_argcheck(L, n != 0, 3, "headers count from 1");
	if (n < 0) {
		for (struct hdr *h = NULL; (h = header_next(s.msg, h, name));)
			count++;
		n += count + 1;
		count = 0;
	}
	for (struct hdr *h = NULL; n > 0 && (h = header_next(s.msg, h, name));) {
		if (++count < n)
			continue;
		push_value(L, &s.received->arena, h);
		return 1;
	}
	lua_pushnil(L);
	return 1;
}

/* headers(name): a list of all its values; headers(): a list of {name, value}. */
int scope_headers(lua_State *L)
{
	struct scope s = scope_of(L);
	struct slice name = lua_isnoneornil(L, 2) ? SLICE_NULL : object_text(L, 2);
	struct arena *a = &s.received->arena;
	lua_Integer n = 0;

	lua_newtable(L);
	for (struct hdr *h = NULL; name.p && (h = header_next(s.msg, h, name));) {
		push_value(L, a, h);
		lua_rawseti(L, -2, ++n);
	}
	for (unsigned i = 0; !name.p && i < s.msg->n_hdrs; i++) {
		lua_createtable(L, 0, 2);
		scope_push(L, s.msg->hdrs[i].name);
		lua_setfield(L, -2, "name");
		push_value(L, a, &s.msg->hdrs[i]);
		lua_setfield(L, -2, "value");
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

/* What routing and transactions stand on is not a script's to edit. */
static void check_name(lua_State *L, struct slice name)
{
	static const enum hdr_id own[] = {
	    HDR_VIA,  HDR_FROM,           HDR_TO,           HDR_CALL_ID,
	    HDR_CSEQ, HDR_CONTENT_LENGTH, HDR_MAX_FORWARDS, HDR_ROUTE,
	};
	enum hdr_id id = hdr_id_of(name);

	if (id == HDR_OTHER) {
		if (name.n == 0 || lex_token(name) != name.n)
			luaL_error(L, "not the name of a header field");
		return;
	}
	for (unsigned i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (id != own[i])
			continue;
		state_push(L, name);
		luaL_error(L, "%s is the proxy's own: it cannot be edited", lua_tostring(L, -1));
	}
}

struct slice scope_line(lua_State *L, struct arena *a, struct slice text)
{
	if (text.n >= 2 && memcmp(slice_end(text) - 2, "\r\n", 2) == 0)
		text.n -= 2;
	const char *colon = slice_chr(text, ':');

	if (!colon || text.n > MSG_MAX_HEADER_BYTES)
		luaL_error(L, "not a header line: \"Name: value\"");
	check_name(L, slice_trim(slice_range(text.p, colon)));
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\r' || text.p[i] == '\n' || text.p[i] == '\0')
			luaL_error(L, "a header line must not hold CR, LF or NUL: one line a call");

	return arena_printf(a, "%.*s\r\n", SLICE_ARG(text));
}

int scope_append_hf(lua_State *L)
{
	struct scope s = scope_of(L);

	edit_append_header(s.edits, s.msg, scope_line(L, &s.received->arena, object_text(L, 2)));
	lua_pushboolean(L, 1);
	return 1;
}

/* remove_hf(name): true and how many went; false, "none". */
int scope_remove_hf(lua_State *L)
{
	struct scope s = scope_of(L);
	struct slice name = object_text(L, 2);
	lua_Integer n = 0;

	check_name(L, name);
	for (struct hdr *h = NULL; (h = header_next(s.msg, h, name)); n++)
		edit_drop_header(s.edits, s.msg, h);
	if (n == 0)
		return object_refuse(L, "none");
	lua_pushboolean(L, 1);
	lua_pushinteger(L, n);
	return 2;
}

static uint32_t flag_at(lua_State *L)
{
	lua_Integer n = luaL_checkinteger(L, 2);

	luaL_argcheck(L, n >= 0 && n <= 31, 2, "flags are 0 to 31");
	return (uint32_t)1 << n;
}

int scope_setflag(lua_State *L)
{
	scope_of(L).m->flags |= flag_at(L);
	lua_pushboolean(L, 1);
	return 1;
}

int scope_resetflag(lua_State *L)
{
	scope_of(L).m->flags &= ~flag_at(L);
	lua_pushboolean(L, 1);
	return 1;
}

int scope_isflagset(lua_State *L)
{
	lua_pushboolean(L, (scope_of(L).m->flags & flag_at(L)) != 0);
	return 1;
}
