#include "script/message.h"
#include "script/peers.h"
#include "script/request.h"

#include "sip/reply.h"

/* Registrar */

static struct location *table_at(lua_State *L, struct message *m)
{
	size_t n;
	const char *name = luaL_optlstring(L, 2, "location", &n);
	const struct script_host *host = m->script->host;
	struct location *l = host->location(host->data, slice_of(name, n));

	if (!l)
		luaL_error(L, "there is no location table '%s'", name);
	return l;
}

static int save_k(lua_State *L, int status, lua_KContext context)
{
	struct run *r = (struct run *)context;
	struct message *m = r->job.message;
	const struct registrar_answer *a = &r->answer;
	struct slice reason = a->reason.n ? a->reason : slice_str(reply_phrase(a->status));

	(void)status;
	m->context->remember = true;
	context_reply_stateful(m->context, a->status, a->reason, a->headers);
	if (a->status < 300) {
		lua_pushboolean(L, 1);
		return 1;
	}
	message_refuse(m, a->status, reply_phrase(a->status));
	if (a->status == 503 && !a->reason.n) /* the registrar's answer when the store gave none */
		lua_pushnil(L);
	else
		lua_pushboolean(L, 0);
	state_push(L, reason);
	return 2;
}

static void save_done(void *data, const struct registrar_answer *answer)
{
	struct run *r = data;

	r->answer = *answer;
	run_wake(r);
}

int request_save(lua_State *L)
{
	struct message *m = object_request(L);
	struct context *c = m->context;
	struct location *l = table_at(L, m);

	if (context_msg(c)->method != METHOD_REGISTER)
		return luaL_error(L, "save is for REGISTER");
	struct run *r = run_begin_store_wait(L, m, "save");
	struct registrar_request request = {
	    .arena = &c->request->arena,
	    .msg = context_msg(c),
	    .source = c->request->source,
	    .socket = buf_slice(&c->proxy->transport->points[c->request->socket].name),
	};
	registrar_save(m->script->host->env, l, m->script->host->registrar, &request, r, save_done);
	return run_wait(L, r, save_k);
}

static int socket_of(const struct transport *t, struct slice text)
{
	for (unsigned i = 0; text.p && i < t->net->n_sockets; i++)
		if (slice_ieq(text, buf_slice(&t->points[i].name)))
			return (int)i;
	return -1;
}

static struct target target_of(const struct context *c, const struct store_binding *b)
{
	return (struct target){
	    .uri = b->contact,
	    .next_hop = b->path.n ? SLICE_NULL : b->received,
	    .path = b->path,
	    .q = b->q,
	    .socket = socket_of(c->proxy->transport, b->socket),
	};
}

static bool has_hop(const struct target *v, unsigned n, struct slice next_hop)
{
	for (unsigned i = 0; i < n; i++)
		if (slice_eq(v[i].next_hop, next_hop))
			return true;
	return false;
}

static unsigned targets_of(const struct message *m, const struct location_view *view,
			   struct target *out)
{
	struct context *c = m->context;
	bool from_peer = peers_have(m, &c->request->source);
	struct addr peer;
	unsigned n = 0;

	for (unsigned i = 0; i < view->n && n < PROXY_MAX_BRANCHES; i++) {
		if (!peers_own(m, view->v[i], &peer)) {
			out[n++] = target_of(c, view->v[i]);
			continue;
		}
		/* One request is for all its phones. */
		struct target t = peers_target(c, &peer, view->v[i]->q);
		if (!from_peer && !has_hop(out, n, t.next_hop))
			out[n++] = t;
	}
	return n;
}

static void lookup_found(void *data, enum store_error e, const struct location_view *view)
{
	struct run *r = data;
	struct target targets[PROXY_MAX_BRANCHES];

	r->error = e;
	if (!e && run_message_alive(r)) {
		struct message *m = r->job.message;
		unsigned n = targets_of(m, view, targets);
		r->found = context_set_targets(m->context, targets, n);
	}
	run_wake(r);
}

static int refuse(lua_State *L, struct message *m, unsigned status, const char *reason)
{
	message_refuse(m, status, reply_phrase(status));
	return object_refuse(L, reason);
}

static int lookup_k(lua_State *L, int status, lua_KContext context)
{
	struct run *r = (struct run *)context;
	struct message *m = r->job.message;

	(void)status;
	if (r->error) {
		message_refuse_busy(m);
		lua_pushnil(L);
		lua_pushliteral(L, "db");
		return 2;
	}
	if (r->found == 0)
		return refuse(L, m, 404, "none");
	lua_pushboolean(L, 1);
	return 1;
}

int request_lookup(lua_State *L)
{
	struct message *m = object_request(L);
	struct context *c = m->context;
	struct location *l = table_at(L, m);
	const struct uri *uri = context_uri(c);
	struct slice user, host;

	if (!uri_is_sip(uri) || !uri->user.p)
		return refuse(L, m, 404, "user");
	registrar_aor(&c->request->arena, uri, &user, &host);
	struct run *r = run_begin_store_wait(L, m, "lookup");
	location_lookup(l, user, host, r, lookup_found);
	return run_wait(L, r, lookup_k);
}

/* Relaying */

static int relay_k(lua_State *L, int status, lua_KContext context)
{
	struct run *r = (struct run *)context;
	struct message *m = r->job.message;

	(void)status;
	if (r->refusal.status == 0) {
		lua_pushboolean(L, 1);
		return 1;
	}
	m->refusal = r->refusal;
	m->refusal_headers = SLICE("");
	return object_refuse(L, r->refusal.reason ? r->refusal.reason
						  : reply_phrase(r->refusal.status));
}

static void relay_done(void *data, struct context *c, struct refusal why)
{
	struct run *r = data;

	(void)c;
	r->refusal = why;
	run_wake(r);
}

int request_t_relay(lua_State *L)
{
	struct message *m = object_request(L);

	if (!lua_isnoneornil(L, 2) && context_set_next_hop(m->context, object_text(L, 2)))
		return luaL_argerror(L, 2, "not an address, host or SIP URI to send to");
	struct run *r = run_begin_wait(L, m, "t_relay");
	message_arm(m);
	proxy_relay(m->context, r, relay_done);
	return run_wait(L, r, relay_k);
}

/* t_on_…(f): a function, or nil for none at all. */
static int set_handler(lua_State *L, enum handler kind)
{
	struct message *m = object_request(L);

	if (lua_isnone(L, 2) || (!lua_isnil(L, 2) && !lua_isfunction(L, 2)))
		return luaL_error(L,
				  "t_on_%s takes a function, or nil for none; routes have no "
				  "numbers or names here",
				  handler_names[kind]);
	lua_settop(L, 2);
	int fresh = luaL_ref(L, LUA_REGISTRYINDEX); /* of nil: LUA_REFNIL */
	luaL_unref(L, LUA_REGISTRYINDEX, m->handlers[kind]);
	m->handlers[kind] = fresh;
	if (m->context->hooks.data) /* it is relayed already */
		message_arm(m);
	lua_pushboolean(L, 1);
	return 1;
}

int request_t_on_reply(lua_State *L)
{
	return set_handler(L, HANDLER_REPLY);
}

int request_t_on_failure(lua_State *L)
{
	return set_handler(L, HANDLER_FAILURE);
}

int request_t_on_branch(lua_State *L)
{
	return set_handler(L, HANDLER_BRANCH);
}

int request_record_route(lua_State *L)
{
	lua_pushboolean(L, proxy_record_route(object_request(L)->context));
	return 1;
}

/* The peer's Record-Route proves it: an address can be forged. */
int request_from_peer(lua_State *L)
{
	const struct message *m = object_request(L);
	const struct context *c = m->context;

	lua_pushboolean(L, peers_have(m, &c->request->source) && proxy_is_vouched(c));
	return 1;
}

int request_loose_route(lua_State *L)
{
	lua_pushboolean(L, proxy_loose_route(object_request(L)->context));
	return 1;
}

/* A field of the options table at index 3, or a null slice. */
static struct slice option_text(lua_State *L, const char *name)
{
	if (!lua_istable(L, 3) || lua_getfield(L, 3, name) == LUA_TNIL)
		return SLICE_NULL;
	return object_text(L, -1);
}

static int option_q(lua_State *L)
{
	if (!lua_istable(L, 3) || lua_getfield(L, 3, "q") == LUA_TNIL)
		return -1;
	lua_Number q = luaL_checknumber(L, -1);
	luaL_argcheck(L, q >= 0 && q <= 1, 3, "q is between 0 and 1");
	return (int)(q * 1000 + 0.5);
}

/* append_branch(uri[, {q=, next_hop=, path=}]) */
int request_append_branch(lua_State *L)
{
	struct context *c = object_request(L)->context;
	struct target t = {
	    .uri = object_text(L, 2),
	    .next_hop = option_text(L, "next_hop"),
	    .path = option_text(L, "path"),
	    .q = option_q(L),
	    .socket = -1,
	};

	if (context_add_target(c, &t))
		return object_refuse(L, "malformed, or too many branches");
	lua_pushboolean(L, 1);
	return 1;
}

/* The relay itself counts down, or begins at max where the request says nothing; this tells the
 * script before it works for nothing. */
int request_mf_process_maxfwd_header(lua_State *L)
{
	struct message *m = object_request(L);
	lua_Integer max = luaL_optinteger(L, 2, PROXY_DEFAULT_MAX_FORWARDS);

	luaL_argcheck(L, max >= 1 && max <= 255, 2, "between 1 and 255");
	if (context_msg(m->context)->max_forwards == 0)
		return refuse(L, m, 483, "too many hops");
	m->context->max_forwards = (unsigned)max;
	lua_pushboolean(L, 1);
	return 1;
}
