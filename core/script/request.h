/*
 * request: the methods of a request object that are more than fields, by
 * theme: who sent it (request_auth), where it goes (request_route).
 */
#ifndef SCRIPT_REQUEST_H
#define SCRIPT_REQUEST_H

#include "script/object.h"

int request_www_authorize(lua_State *L);
int request_proxy_authorize(lua_State *L);
int request_www_challenge(lua_State *L);
int request_proxy_challenge(lua_State *L);
int request_check_to(lua_State *L);
int request_check_from(lua_State *L);
int request_consume_credentials(lua_State *L);

int request_save(lua_State *L);
int request_lookup(lua_State *L);
int request_t_relay(lua_State *L);
int request_t_on_reply(lua_State *L);
int request_t_on_failure(lua_State *L);
int request_t_on_branch(lua_State *L);
int request_record_route(lua_State *L);
int request_from_peer(lua_State *L);
int request_loose_route(lua_State *L);
int request_append_branch(lua_State *L);
int request_mf_process_maxfwd_header(lua_State *L);

/* Replies to the request of m; pushes true, or `false, "answered"`. */
int request_reply(lua_State *L, struct message *m, unsigned status, struct slice reason,
		  struct slice headers);
/* The same with what the last refusal means. */
int request_reply_refusal(lua_State *L, struct message *m);

#endif
