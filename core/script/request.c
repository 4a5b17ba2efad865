#include "script/request.h"

#include "script/regex.h"
#include "script/scope.h"
#include "script/xlog.h"
#include "sip/lex.h"
#include "sip/reply.h"

int request_reply(lua_State *L, struct message *m, unsigned status, struct slice reason,
		  struct slice headers)
{
	if (!context_reply(m->context, status, reason, headers))
		return object_refuse(L, "answered");
	lua_pushboolean(L, 1);
	return 1;
}

static struct slice reason_at(lua_State *L, int index)
{
	if (lua_isnoneornil(L, index))
		return SLICE("");
	struct slice reason = object_text(L, index);
	luaL_argcheck(L, reason.n <= 256, index, "a reason phrase of more than 256 bytes");
	for (size_t i = 0; i < reason.n; i++)
		if ((unsigned char)reason.p[i] < ' ' || reason.p[i] == 0x7f)
			luaL_argerror(L, index, "a reason phrase must not hold control characters");
	return reason;
}

/* A header line, or a list of them. */
static struct slice lines_at(lua_State *L, int index, struct arena *a)
{
	struct slice all = SLICE("");

	if (lua_isnoneornil(L, index))
		return all;
	if (!lua_istable(L, index))
		return scope_line(L, a, object_text(L, index));
	for (lua_Integer i = 1; lua_rawgeti(L, index, i) != LUA_TNIL; i++, lua_pop(L, 1)) {
		struct slice line = scope_line(L, a, object_text(L, -1));
		all = arena_printf(a, "%.*s%.*s", SLICE_ARG(all), SLICE_ARG(line));
	}
	return all;
}

/* sl_send_reply(code, reason[, header line or list of them]) */
static int request_sl_send_reply(lua_State *L)
{
	struct message *m = object_request(L);
	lua_Integer status = luaL_checkinteger(L, 2);

	luaL_argcheck(L, status >= 100 && status <= 699, 2, "a status code is 100 to 699");
	return request_reply(L, m, (unsigned)status, reason_at(L, 3),
			     lines_at(L, 4, &m->context->request->arena));
}

int request_reply_refusal(lua_State *L, struct message *m)
{
	struct refusal why = m->refusal;

	if (why.status == 0)
		why = (struct refusal){500, reply_phrase(500)};
	return request_reply(L, m, why.status, slice_str(why.reason), m->refusal_headers);
}

static int request_sl_reply_error(lua_State *L)
{
	return request_reply_refusal(L, object_request(L));
}

/* The proof in our Record-Route: strangers can make up a To tag, but not that. */
static int request_in_dialog(lua_State *L)
{
	lua_pushboolean(L, proxy_in_dialog(object_request(L)->context));
	return 1;
}

static int request_has_totag(lua_State *L)
{
	lua_pushboolean(L, context_msg(object_request(L)->context)->to_tag.p != NULL);
	return 1;
}

/* is_myself([uri]): of the Request-URI when none is given. */
static int request_is_myself(lua_State *L)
{
	struct context *c = object_request(L)->context;
	struct uri uri = *context_uri(c);
	bool ok = lua_isnoneornil(L, 2) || uri_parse(&uri, object_text(L, 2)) == URI_OK;

	lua_pushboolean(L, ok && proxy_uri_is_myself(c->proxy, &uri));
	return 1;
}

/* Fields */

static int get_ruri(lua_State *L)
{
	scope_push(L, object_request(L)->context->uri);
	return 1;
}

static int set_ruri(lua_State *L)
{
	struct context *c = object_request(L)->context;

	if (context_set_uri(c, object_text(L, 3)))
		return luaL_error(L, "not a URI: '%s'", lua_tostring(L, 3));
	return 0;
}

static int get_original_ruri(lua_State *L)
{
	scope_push(L, context_msg(object_request(L)->context)->uri_text);
	return 1;
}

static int get_next_hop(lua_State *L)
{
	scope_push(L, object_request(L)->context->next_hop);
	return 1;
}

static int set_next_hop(lua_State *L)
{
	struct context *c = object_request(L)->context;
	struct slice hop = lua_isnil(L, 3) ? SLICE_NULL : object_text(L, 3);

	if (context_set_next_hop(c, hop))
		return luaL_error(L, "not an address, host or SIP URI: '%s'", lua_tostring(L, 3));
	return 0;
}

/* The user part of a SIP URI without its escapes: "%30%30" is "00" to compare with. */
static int push_user(lua_State *L, struct slice text)
{
	struct arena *a = &object_request(L)->context->request->arena;
	struct uri uri;

	if (text.p && uri_parse(&uri, text) == URI_OK && uri_is_sip(&uri) && uri.user.p)
		scope_push(L, lex_unescape(a, uri.user));
	else
		lua_pushnil(L);
	return 1;
}

static int get_ruri_user(lua_State *L)
{
	return push_user(L, object_request(L)->context->uri);
}

static int get_from_user(lua_State *L)
{
	return push_user(L, context_msg(object_request(L)->context)->from.uri);
}

static int get_to_user(lua_State *L)
{
	return push_user(L, context_msg(object_request(L)->context)->to.uri);
}

static int get_max_forwards(lua_State *L)
{
	int n = context_msg(object_request(L)->context)->max_forwards;

	if (n < 0)
		lua_pushnil(L);
	else
		lua_pushinteger(L, n);
	return 1;
}

static int get_auth_user(lua_State *L)
{
	struct message *m = object_request(L);

	scope_push(L, m->authorized ? m->identity.username : SLICE_NULL);
	return 1;
}

/* Of the best failure so far, for failure handlers. */
static struct branch *best_of(lua_State *L)
{
	struct context *c = object_request(L)->context;
	return c->in_failure ? proxy_best(c) : NULL;
}

static int get_status(lua_State *L)
{
	struct branch *b = best_of(L);

	if (b)
		lua_pushinteger(L, b->status);
	else
		lua_pushnil(L);
	return 1;
}

static int get_reason(lua_State *L)
{
	struct branch *b = best_of(L);

	if (!b)
		lua_pushnil(L);
	else if (b->final)
		scope_push(L, b->final->msg->reason);
	else
		lua_pushstring(L, reply_phrase(b->status));
	return 1;
}

static int get_cancelled(lua_State *L)
{
	lua_pushboolean(L, object_request(L)->context->cancelled);
	return 1;
}

static const luaL_Reg request_methods[] = {
    {"www_authorize", request_www_authorize},
    {"www_challenge", request_www_challenge},
    {"proxy_authorize", request_proxy_authorize},
    {"proxy_challenge", request_proxy_challenge},
    {"check_to", request_check_to},
    {"check_from", request_check_from},
    {"consume_credentials", request_consume_credentials},
    {"save", request_save},
    {"lookup", request_lookup},
    {"t_relay", request_t_relay},
    {"t_on_reply", request_t_on_reply},
    {"t_on_failure", request_t_on_failure},
    {"t_on_branch", request_t_on_branch},
    {"record_route", request_record_route},
    {"loose_route", request_loose_route},
    {"append_branch", request_append_branch},
    {"mf_process_maxfwd_header", request_mf_process_maxfwd_header},
    {"sl_send_reply", request_sl_send_reply},
    {"sl_reply_error", request_sl_reply_error},
    {"has_totag", request_has_totag},
    {"in_dialog", request_in_dialog},
    {"from_peer", request_from_peer},
    {"is_myself", request_is_myself},
    {"append_hf", scope_append_hf},
    {"remove_hf", scope_remove_hf},
    {"header", scope_header},
    {"headers", scope_headers},
    {"search", regex_search},
    {"setflag", scope_setflag},
    {"resetflag", scope_resetflag},
    {"isflagset", scope_isflagset},
    {"xlog", xlog_method},
    {NULL, NULL},
};

static const struct field request_fields[] = {
    {"method", scope_get_method, NULL},
    {"ruri", get_ruri, set_ruri},
    {"ruri_user", get_ruri_user, NULL},
    {"from_user", get_from_user, NULL},
    {"to_user", get_to_user, NULL},
    {"original_ruri", get_original_ruri, NULL},
    {"next_hop", get_next_hop, set_next_hop},
    {"from", scope_get_from, NULL},
    {"to", scope_get_to, NULL},
    {"from_tag", scope_get_from_tag, NULL},
    {"to_tag", scope_get_to_tag, NULL},
    {"call_id", scope_get_call_id, NULL},
    {"cseq", scope_get_cseq, NULL},
    {"max_forwards", get_max_forwards, NULL},
    {"body", scope_get_body, NULL},
    {"source", scope_get_source, NULL},
    {"socket", scope_get_socket, NULL},
    {"auth_user", get_auth_user, NULL},
    {"status", get_status, NULL},
    {"reason", get_reason, NULL},
    {"cancelled", get_cancelled, NULL},
    {"vars", scope_get_vars, NULL},
    {NULL, NULL, NULL},
};

const struct object_type request_type = {"lunasip.request", request_methods, request_fields};
