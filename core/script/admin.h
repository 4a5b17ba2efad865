/*
 * admin: what tools/lunactl and the test kit need: databases, digests, the
 * control socket of a running proxy.  For plain Lua; calls block.
 */
#ifndef SCRIPT_ADMIN_H
#define SCRIPT_ADMIN_H

#include <lua.h>

/* store(url): a connection object, or nil and the reason. */
int admin_store(lua_State *L);
/* ha1(algorithm, user, realm, password): hex digits; "MD5" or "SHA-256". */
int admin_ha1(lua_State *L);
/*
 * digest{method=, uri=, username=, realm=, nonce=, password=[, qop=, nc=, cnonce=, algorithm=]}:
 * the response of a client.
 */
int admin_digest(lua_State *L);
/* control(path, command): the answer, or nil and the reason. */
int admin_control(lua_State *L);

#endif
