#include "script/regex.h"
#include "script/scope.h"
#include "script/xlog.h"

/*
 * The branch object: one copy of a request about to leave, while its handler
 * runs.  What it edits is seen by this copy only.
 */

static int get_ruri(lua_State *L)
{
	scope_push(L, object_branch(L)->job.branch->target.uri);
	return 1;
}

/* A SIP URI at index 3, copied into the request's arena. */
static struct slice uri_at(lua_State *L, const struct branch *b)
{
	struct slice text = object_text(L, 3);
	struct uri uri;

	if (uri_parse(&uri, text) || !uri_is_sip(&uri))
		luaL_error(L, "not a SIP URI: '%s'", lua_tostring(L, 3));
	return arena_dup(&b->context->request->arena, text);
}

static int set_ruri(lua_State *L)
{
	struct branch *b = object_branch(L)->job.branch;

	b->target.uri = uri_at(L, b);
	return 0;
}

static int get_next_hop(lua_State *L)
{
	scope_push(L, object_branch(L)->job.branch->target.next_hop);
	return 1;
}

static int set_next_hop(lua_State *L)
{
	struct branch *b = object_branch(L)->job.branch;

	b->target.next_hop = lua_isnil(L, 3) ? SLICE_NULL : uri_at(L, b);
	return 0;
}

static const luaL_Reg branch_methods[] = {
    {"append_hf", scope_append_hf}, {"remove_hf", scope_remove_hf},
    {"header", scope_header},       {"headers", scope_headers},
    {"search", regex_search},       {"setflag", scope_setflag},
    {"resetflag", scope_resetflag}, {"isflagset", scope_isflagset},
    {"xlog", xlog_method},          {NULL, NULL},
};

static const struct field branch_fields[] = {
    {"ruri", get_ruri, set_ruri},
    {"next_hop", get_next_hop, set_next_hop},
    {"method", scope_get_method, NULL},
    {"from", scope_get_from, NULL},
    {"to", scope_get_to, NULL},
    {"call_id", scope_get_call_id, NULL},
    {"request", scope_get_request, NULL},
    {"vars", scope_get_vars, NULL},
    {NULL, NULL, NULL},
};

const struct object_type branch_type = {"lunasip.branch", branch_methods, branch_fields};
