#include "script/regex.h"
#include "script/scope.h"
#include "script/xlog.h"

/* The reply object: a response that arrived from the network, while its handler runs. */

static int get_status(lua_State *L)
{
	lua_pushinteger(L, object_reply(L)->job.reply->msg->status);
	return 1;
}

static int get_reason(lua_State *L)
{
	scope_push(L, object_reply(L)->job.reply->msg->reason);
	return 1;
}

static int get_branch_ruri(lua_State *L)
{
	scope_push(L, object_reply(L)->job.branch->target.uri);
	return 1;
}

static const luaL_Reg reply_methods[] = {
    {"append_hf", scope_append_hf}, {"remove_hf", scope_remove_hf},
    {"header", scope_header},       {"headers", scope_headers},
    {"search", regex_search},       {"setflag", scope_setflag},
    {"resetflag", scope_resetflag}, {"isflagset", scope_isflagset},
    {"xlog", xlog_method},          {NULL, NULL},
};

static const struct field reply_fields[] = {
    {"status", get_status, NULL},
    {"reason", get_reason, NULL},
    {"method", scope_get_method, NULL},
    {"from", scope_get_from, NULL},
    {"to", scope_get_to, NULL},
    {"from_tag", scope_get_from_tag, NULL},
    {"to_tag", scope_get_to_tag, NULL},
    {"call_id", scope_get_call_id, NULL},
    {"cseq", scope_get_cseq, NULL},
    {"body", scope_get_body, NULL},
    {"source", scope_get_source, NULL},
    {"socket", scope_get_socket, NULL},
    {"branch_ruri", get_branch_ruri, NULL},
    {"request", scope_get_request, NULL},
    {"vars", scope_get_vars, NULL},
    {NULL, NULL, NULL},
};

const struct object_type reply_type = {"lunasip.reply", reply_methods, reply_fields};
