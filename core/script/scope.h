/*
 * scope: the SIP message that a Lua object, or a running handler, stands for,
 * and what requests, replies and branches have in common in Lua: reading
 * fields and header fields as they were received, editing what will be sent.
 */
#ifndef SCRIPT_SCOPE_H
#define SCRIPT_SCOPE_H

#include "script/message.h"
#include "script/object.h"

struct scope {
	struct message *m;
	struct received *received; /* the request's, or the reply's */
	const struct msg *msg;     /* scope_addresses() for From and To */
	struct edits *edits;
	struct branch *branch; /* reply and branch handlers, else NULL */
};

/* Of the object at index 1; raises when it has ended. */
struct scope scope_of(lua_State *L);
/* Of the handler that runs now.  False: none does. */
bool scope_current(lua_State *L, struct scope *s);

/* Its message with From and To read: those of a reply are not before somebody asks. */
const struct msg *scope_addresses(const struct scope *s);

/* Pushes text, or nil for a null slice. */
void scope_push(lua_State *L, struct slice text);
/* One whole header line, CRLF added when missing, copied into a.  Raises when
 * text is none or names a header field that is the proxy's own. */
struct slice scope_line(lua_State *L, struct arena *a, struct slice text);

/* Fields. */
int scope_get_method(lua_State *L);
int scope_get_from(lua_State *L);
int scope_get_to(lua_State *L);
int scope_get_from_tag(lua_State *L);
int scope_get_to_tag(lua_State *L);
int scope_get_call_id(lua_State *L);
int scope_get_cseq(lua_State *L);
int scope_get_body(lua_State *L);
int scope_get_source(lua_State *L);
int scope_get_socket(lua_State *L);
int scope_get_vars(lua_State *L);
int scope_get_request(lua_State *L);

/* Methods. */
int scope_header(lua_State *L);
int scope_headers(lua_State *L);
int scope_append_hf(lua_State *L);
int scope_remove_hf(lua_State *L);
int scope_setflag(lua_State *L);
int scope_resetflag(lua_State *L);
int scope_isflagset(lua_State *L);

#endif
