#include "script/message.h"
#include "script/request.h"

#include "sip/lex.h"

/* The host, which names this proxy, as we write it: stored hashes know one realm only. */
static struct slice our_spelling(const struct context *c, struct slice host)
{
	const struct proxy *p = c->proxy;
	char text[ADDR_TEXT];
	struct addr ip;

	for (unsigned i = 0; i < p->options.n_aliases; i++)
		if (uri_host_equal(p->options.aliases[i].host, host))
			return p->options.aliases[i].host;
	for (unsigned i = 0; i < p->transport->net->n_sockets; i++)
		if (uri_host_equal(slice_str(p->transport->points[i].host), host))
			return slice_str(p->transport->points[i].host);
	if (addr_parse(&ip, host, 0) < 0)
		return host;
	addr_host(&ip, true, text);
	return arena_dup(&c->request->arena, slice_str(text));
}

static struct slice first_domain(const struct proxy *p)
{
	if (p->options.n_aliases)
		return p->options.aliases[0].host;
	return slice_str(p->transport->points[0].host);
}

/*
 * The realm meant by "": the host of To for www, of From for proxy, when that
 * is one of our domains, else our first: nobody else may name a realm.
 */
static struct slice realm_of(lua_State *L, struct message *m, enum auth_kind kind)
{
	struct slice given = SLICE_NULL;

	if (!lua_isnoneornil(L, 2))
		given = object_text(L, 2);
	if (given.n)
		return given;
	const struct context *c = m->context;
	const struct msg *msg = context_msg(c);
	struct slice host = kind == AUTH_WWW ? msg->to_uri.host : msg->from_uri.host;
	if (host.p && proxy_is_domain(c->proxy, host))
		return our_spelling(c, host);
	return first_domain(c->proxy);
}

static int refuse_auth(lua_State *L, struct message *m, enum auth_result why)
{
	m->auth = why;
	if (why == AUTH_DB)
		message_refuse_busy(m);
	else
		message_refuse(m, 403, "Forbidden");
	return object_refuse(L, auth_result_name(why));
}

/* It stays when the request rests. */
static void keep_identity(struct message *m, const struct auth_identity *id)
{
	struct arena *a = &m->context->request->arena;

	m->identity = *id;
	m->identity.username = arena_dup(a, id->username);
	m->identity.realm = arena_dup(a, id->realm);
}

static int authorize_k(lua_State *L, int status, lua_KContext context)
{
	struct run *r = (struct run *)context;
	struct message *m = r->job.message;

	(void)status;
	keep_identity(m, &r->identity);
	if (r->auth != AUTH_OK)
		return refuse_auth(L, m, r->auth);
	m->auth = AUTH_OK;
	m->authorized = true;
	m->context->remember = true;
	lua_pushboolean(L, 1);
	return 1;
}

static void authorize_done(void *data, enum auth_result result, const struct auth_identity *id)
{
	struct run *r = data;

	r->auth = result;
	r->identity = id ? *id : (struct auth_identity){0};
	run_wake(r);
}

static int authorize(lua_State *L, enum auth_kind kind, const char *name)
{
	struct message *m = object_request(L);
	struct context *c = m->context;
	size_t n;
	const char *table = luaL_optlstring(L, 3, "subscriber", &n);
	struct slice realm = realm_of(L, m, kind);

	m->authorized = false;
	m->identity = (struct auth_identity){0};
	if (context_msg(c)->method == METHOD_ACK || context_msg(c)->method == METHOD_CANCEL) {
		/* They cannot be challenged: there is no answer to either. */
		lua_pushboolean(L, 1);
		return 1;
	}
	struct run *r = run_begin_store_wait(L, m, name);
	auth_check(m->script->host->auth, &c->request->work, context_msg(c), kind, realm,
		   slice_of(table, n), r, authorize_done);
	return run_wait(L, r, authorize_k);
}

int request_www_authorize(lua_State *L)
{
	return authorize(L, AUTH_WWW, "www_authorize");
}

int request_proxy_authorize(lua_State *L)
{
	return authorize(L, AUTH_PROXY, "proxy_authorize");
}

static void read_algorithms(lua_State *L, struct auth_challenge_options *o)
{
	lua_getfield(L, 3, "algorithms");
	if (lua_isnil(L, -1))
		return;
	luaL_checktype(L, -1, LUA_TTABLE);
	o->md5 = false;
	for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++, lua_pop(L, 1)) {
		struct slice name = object_text(L, -1);
		if (slice_ieq(name, SLICE("MD5")))
			o->md5 = true;
		else if (slice_ieq(name, SLICE("SHA-256")))
			o->sha256 = true;
		else
			luaL_error(L, "unknown algorithm: known are \"SHA-256\" and \"MD5\"");
	}
	if (!o->md5 && !o->sha256)
		luaL_error(L, "no algorithm to offer");
}

/* "0", "1", "auth", or a table {qop=, stale=, algorithms=}. */
static void read_options(lua_State *L, struct auth_challenge_options *o)
{
	if (lua_istable(L, 3)) {
		o->qop = lua_getfield(L, 3, "qop") == LUA_TNIL || lua_toboolean(L, -1);
		if (lua_getfield(L, 3, "stale") != LUA_TNIL)
			o->stale = lua_toboolean(L, -1);
		read_algorithms(L, o);
		return;
	}
	size_t n;
	const char *p = luaL_optlstring(L, 3, "1", &n);
	struct slice qop = slice_of(p, n);
	o->qop = slice_eq(qop, SLICE("1")) || slice_ieq(qop, SLICE("auth"));
	if (!o->qop && !slice_eq(qop, SLICE("0")))
		luaL_argerror(L, 3, "qop is \"0\", \"1\", or a table of options");
}

static int send_challenge(lua_State *L, struct message *m, enum auth_kind kind, struct slice realm,
			  const struct auth_challenge_options *o)
{
	struct context *c = m->context;
	struct buf header;

	buf_init(&header, 4096);
	auth_challenge(m->script->host->auth, context_msg(c), kind, realm, o, &header);
	struct slice lines = arena_dup(&c->request->arena, buf_slice(&header));
	buf_free(&header);
	return request_reply(L, m, kind == AUTH_WWW ? 401 : 407, SLICE(""), lines);
}

/*
 * A challenge, unless asking again would not help: then what was wrong with
 * the last authorize is answered, so that a script that always challenges
 * fails closed.
 */
static int challenge(lua_State *L, enum auth_kind kind)
{
	struct message *m = object_request(L);
	struct auth_challenge_options o = {.md5 = true, .stale = m->identity.stale};
	struct slice realm = realm_of(L, m, kind);

	read_options(L, &o);
	if (m->auth == AUTH_DB)
		return request_reply_refusal(L, m);
	if (m->auth == AUTH_MALFORMED)
		return request_reply(L, m, 400, SLICE("Malformed Credentials"), SLICE(""));
	return send_challenge(L, m, kind, realm, &o);
}

int request_www_challenge(lua_State *L)
{
	return challenge(L, AUTH_WWW);
}

int request_proxy_challenge(lua_State *L)
{
	return challenge(L, AUTH_PROXY);
}

/* The URI names the user who authorized, in a domain of ours. */
static int check_identity(lua_State *L, const struct uri *uri)
{
	struct message *m = object_request(L);
	struct context *c = m->context;

	message_refuse(m, 403, "Forbidden");
	if (!m->authorized)
		return object_refuse(L, "none");
	if (!uri_is_sip(uri) || !uri->user.p)
		return object_refuse(L, "malformed");
	if (!slice_eq(lex_unescape(&c->request->arena, uri->user), m->identity.username))
		return object_refuse(L, "user");
	if (!uri_host_equal(uri->host, m->identity.realm) && !proxy_is_domain(c->proxy, uri->host))
		return object_refuse(L, "domain");
	lua_pushboolean(L, 1);
	return 1;
}

int request_check_to(lua_State *L)
{
	return check_identity(L, &context_msg(object_request(L)->context)->to_uri);
}

int request_check_from(lua_State *L)
{
	return check_identity(L, &context_msg(object_request(L)->context)->from_uri);
}

int request_consume_credentials(lua_State *L)
{
	struct message *m = object_request(L);
	struct context *c = m->context;

	if (!m->authorized || !m->identity.line.p)
		return object_refuse(L, "none");
	edit_drop(&c->edits, context_msg(c), m->identity.line);
	lua_pushboolean(L, 1);
	return 1;
}
