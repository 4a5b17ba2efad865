#include "script/world.h"

#include "script/coverage.h"
#include "script/message.h"
#include "script/node.h"
#include "script/object.h"
#include "script/rows.h"
#include "script/settings_change.h"
#include "script/settings_read.h"
#include "sim/sim.h"
#include "sim/simstore.h"

#include <string.h>

#define TYPE "lunasip.sim"

enum { MAX_WHY_BYTES = 4096 };

struct world {
	struct sim sim;
	struct store_connection *connection;
	struct simstore store;
	struct script *script; /* until the node takes it */
	struct node node;
	struct buf why;
	bool has_sim, has_store, has_node;
};

static struct world *world_at(lua_State *L)
{
	struct world *w = luaL_checkudata(L, 1, TYPE);

	if (!w->has_node)
		luaL_error(L, "this world is closed");
	return w;
}

static void on_stopped(void *data, struct node *n)
{
	(void)data;
	(void)n;
}

/* In reverse order of the making; what waits for the store is answered first. */
static void world_clear(struct world *w)
{
	if (w->has_node)
		node_stop(&w->node, w, on_stopped);
	if (w->has_store)
		simstore_free(&w->store);
	if (w->has_node)
		node_free(&w->node);
	script_free(w->script);
	if (w->connection)
		w->connection->driver->close(w->connection);
	if (w->has_sim)
		sim_free(&w->sim);
	buf_free(&w->why);
	memset(w, 0, sizeof(*w));
}

static int world_close(lua_State *L)
{
	world_clear(luaL_checkudata(L, 1, TYPE));
	return 0;
}

/* Making: each step leaves its reason in w->why. */

static int open_sim(lua_State *L, struct world *w, uint64_t seed)
{
	const char *listen[SIM_MAX_SOCKETS] = {"127.0.0.1:5060"};
	unsigned n = 0;

	lua_getfield(L, 1, "listen");
	int list = lua_gettop(L);
	while (lua_istable(L, list) && n < SIM_MAX_SOCKETS &&
	       lua_rawgeti(L, list, n + 1) == LUA_TSTRING)
		listen[n++] = lua_tostring(L, -1); /* stays on the stack */
	w->has_sim = sim_init(&w->sim, seed, listen, n ? n : 1) == 0;
	if (!w->has_sim)
		buf_puts(&w->why, "listen is a list of \"ADDR:PORT\"");
	return w->has_sim ? 0 : -1;
}

/* The table at index says which. */
static int open_script(lua_State *L, int index, struct world *w)
{
	lua_getfield(L, index, "script");
	lua_getfield(L, index, "source");
	lua_getfield(L, index, "name");
	const char *path = lua_tostring(L, -3);
	const struct script_virtual virtual = {&w->sim.env, coverage_of(L)};
	const struct script_loading how = {.log = &w->sim.log, .virtual = &virtual};

	if (path)
		return script_load(&w->script, path, &how, &w->why);
	if (!lua_isstring(L, -2)) {
		buf_puts(&w->why, "a world needs script=PATH or source=TEXT");
		return -1;
	}
	return script_load_text(&w->script, luaL_optstring(L, -1, "script.lua"), state_slice(L, -2),
				&how, &w->why);
}

/* settings={…} wins over the script's own, as flags do; index: of the world's options. */
static int override_settings(lua_State *L, int index, struct world *w)
{
	struct buf path;

	if (lua_getfield(L, index, "settings") != LUA_TTABLE)
		return 0;
	buf_init(&path, MAX_WHY_BYTES);
	int status = settings_read(&w->script->settings, L, lua_gettop(L), &path, &w->why);
	buf_free(&path);
	w->script->state.memory_max = w->script->settings.script_memory_bytes;
	return status;
}

static int add_subscribers(lua_State *L, struct world *w)
{
	const struct store_driver *d = w->connection->driver;
	int status = 0;

	if (lua_getfield(L, 1, "subscribers") != LUA_TTABLE)
		return 0;
	for (lua_Integer i = 1; status == 0 && lua_rawgeti(L, -1, i) == LUA_TTABLE; i++) {
		struct store_subscriber s;
		struct arena a;
		arena_init(&a, 512);
		status = rows_read_subscriber(L, lua_gettop(L), &a, &s) ||
			 d->subscriber_add(w->connection, &s, &w->why);
		arena_free(&a);
		lua_pop(L, 1);
	}
	if (status && !w->why.n)
		buf_puts(&w->why, "a subscriber needs a username");
	return status;
}

/* The list of bindings at the top of the stack. */
static int add_bindings_of(lua_State *L, struct world *w, const char *table)
{
	unsigned n = (unsigned)lua_rawlen(L, -1);
	struct store_op *op =
	    store_op_new(STORE_LOCATION_WRITE, slice_str(table), store_op_free, NULL);
	int status = 0;

	op->puts = arena_zalloc(&op->arena, (n + 1) * sizeof(*op->puts));
	for (; op->n_puts < n && status == 0; op->n_puts++) {
		lua_rawgeti(L, -1, op->n_puts + 1);
		status = !lua_istable(L, -1) ||
			 rows_read_binding(L, lua_gettop(L), &op->arena, &op->puts[op->n_puts]);
		lua_pop(L, 1);
	}
	if (status)
		buf_puts(&w->why, "a binding needs a username and a contact");
	else
		store_run(w->connection, op);
	store_op_free(op);
	return status;
}

static int add_bindings(lua_State *L, struct world *w)
{
	static const char *const tables[] = {"location", "aliases"};

	if (lua_getfield(L, 1, "bindings") != LUA_TTABLE)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		bool there = lua_getfield(L, -1, tables[i]) == LUA_TTABLE;
		if (there && add_bindings_of(L, w, tables[i]))
			return -1;
		lua_pop(L, 1);
	}
	return 0;
}

static int open_store(lua_State *L, struct world *w)
{
	if (store_memory.open(&w->connection, SLICE(""), &w->why)) {
		w->connection = NULL;
		return -1;
	}
	simstore_init(&w->store, &w->sim.env.wheel, w->connection);
	w->has_store = true;
	return add_subscribers(L, w) || add_bindings(L, w) ? -1 : 0;
}

static void on_started(void *data, struct node *n, struct slice error)
{
	struct world *w = data;

	(void)n;
	buf_put(&w->why, error);
}

static int open_world(lua_State *L, struct world *w)
{
	lua_getfield(L, 1, "seed");
	uint64_t seed = (uint64_t)lua_tointeger(L, -1);

	if (open_sim(L, w, seed) || open_script(L, 1, w) || override_settings(L, 1, w) ||
	    open_store(L, w))
		return -1;
	node_init(&w->node, &w->sim.env, &w->sim.net, &w->store.store, script_settings(w->script),
		  w->script, NULL, 0);
	w->has_node = true;
	w->script = NULL;
	node_start(&w->node, w, on_started);
	return w->why.n ? -1 : 0;
}

/* Traffic and time */

static int world_send(lua_State *L)
{
	struct world *w = world_at(L);
	struct slice bytes = object_text(L, 2);
	const char *from = luaL_checkstring(L, 3);
	char first[ADDR_TEXT];

	addr_text(&w->sim.local[0], first);
	const char *to = luaL_optstring(L, 4, first);
	if (!sim_deliver(&w->sim, from, to, bytes))
		return luaL_error(L, "from %s to %s: not an address, or nobody listens there", from,
				  to);
	return 0;
}

static void set_addr(lua_State *L, const char *name, const struct addr *a)
{
	char text[ADDR_TEXT];

	addr_text(a, text);
	lua_pushstring(L, text);
	lua_setfield(L, -2, name);
}

/* take(): {text=, from=, to=, at=ms, socket=}, or nil. */
static int world_take(lua_State *L)
{
	struct world *w = world_at(L);
	struct sim_packet *p = sim_take(&w->sim);

	if (!p) {
		lua_pushnil(L);
		return 1;
	}
	lua_newtable(L);
	state_push(L, p->bytes);
	lua_setfield(L, -2, "text");
	set_addr(L, "from", &p->from);
	set_addr(L, "to", &p->to);
	lua_pushinteger(L, (lua_Integer)p->at_ms);
	lua_setfield(L, -2, "at");
	lua_pushinteger(L, p->socket);
	lua_setfield(L, -2, "socket");
	sim_packet_free(p);
	return 1;
}

/* unreachable(packet): an ICMP error comes back for it. */
static int world_unreachable(lua_State *L)
{
	struct world *w = world_at(L);
	struct sim_packet p = {0};

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_getfield(L, 2, "text");
	lua_getfield(L, 2, "to");
	lua_getfield(L, 2, "socket");
	p.bytes = object_text(L, -3);
	p.socket = (unsigned)lua_tointeger(L, -1);
	if (p.socket >= w->sim.net.n_sockets || addr_parse_port(&p.to, object_text(L, -2)))
		return luaL_error(L, "not a packet that take() gave");
	sim_unreachable(&w->sim, &p);
	return 0;
}

static int world_advance(lua_State *L)
{
	struct world *w = world_at(L);
	lua_Integer ms = luaL_checkinteger(L, 2);

	luaL_argcheck(L, ms >= 0, 2, "time does not go back");
	sim_advance(&w->sim, (uint64_t)ms);
	return 0;
}

/* next(): milliseconds until something may happen by itself (never too many), or nil. */
static int world_next(lua_State *L)
{
	int64_t ms = wheel_next_ms(&world_at(L)->sim.env.wheel);

	if (ms < 0)
		lua_pushnil(L);
	else
		lua_pushinteger(L, ms);
	return 1;
}

/* now(): milliseconds since the world began, Unix time in seconds. */
static int world_now(lua_State *L)
{
	struct world *w = world_at(L);

	lua_pushinteger(L, (lua_Integer)env_now_ms(&w->sim.env));
	lua_pushinteger(L, (lua_Integer)env_wall_s(&w->sim.env));
	return 2;
}

static int world_host(lua_State *L)
{
	struct world *w = world_at(L);

	if (sim_host(&w->sim, luaL_checkstring(L, 2), luaL_checkstring(L, 3)))
		return luaL_argerror(L, 3, "not an IP address");
	return 0;
}

/* log(): what was logged since the last call. */
static int world_log(lua_State *L)
{
	struct world *w = world_at(L);

	state_push(L, buf_slice(&w->sim.log_text));
	buf_reset(&w->sim.log_text);
	return 1;
}

/* colour(on): xlog colours. */
static int world_colour(lua_State *L)
{
	world_at(L)->sim.log.colour = lua_toboolean(L, 2);
	return 0;
}

/* store{delay=ms, gone=bool, fail=n, begun=bool}: how the store behaves from now on. */
static int world_store(lua_State *L)
{
	struct simstore *s = &world_at(L)->store;

	luaL_checktype(L, 2, LUA_TTABLE);
	if (lua_getfield(L, 2, "delay") != LUA_TNIL)
		s->delay_ms = (uint64_t)luaL_checkinteger(L, -1);
	if (lua_getfield(L, 2, "gone") != LUA_TNIL)
		s->gone = lua_toboolean(L, -1);
	if (lua_getfield(L, 2, "begun") != LUA_TNIL)
		s->begun = lua_toboolean(L, -1);
	if (lua_getfield(L, 2, "fail") != LUA_TNIL)
		s->fail_next = (unsigned)luaL_checkinteger(L, -1);
	return 0;
}

/* resolver{delay=ms} */
static int world_resolver(lua_State *L)
{
	struct world *w = world_at(L);

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_getfield(L, 2, "delay");
	w->sim.resolve_delay_ms = (uint64_t)luaL_checkinteger(L, -1);
	return 0;
}

/* bindings([table]): what stands in the store. */
static int world_bindings(lua_State *L)
{
	return rows_push_all_bindings(L, world_at(L)->connection, luaL_optstring(L, 2, "location"));
}

static void set_count(lua_State *L, const char *name, uint64_t n)
{
	lua_pushinteger(L, (lua_Integer)n);
	lua_setfield(L, -2, name);
}

/* The living ones, the oldest first. */
static void push_generations(lua_State *L, const struct generations *g)
{
	lua_newtable(L);
	for (unsigned i = 0; i < g->n; i++) {
		struct generation one;
		generations_get(g, i, &one);
		lua_newtable(L);
		set_count(L, "number", one.number);
		set_count(L, "age", one.age_ms / 1000);
		set_count(L, "messages", one.counters.messages);
		set_count(L, "transactions", one.counters.alive);
		set_count(L, "parked", one.counters.parked);
		lua_rawseti(L, -2, i + 1);
	}
}

static int world_stats(lua_State *L)
{
	struct world *w = world_at(L);
	struct script_counters c;

	generations_count(&w->node.scripts, &c);
	lua_newtable(L);
	set_count(L, "messages", c.messages);
	set_count(L, "errors", c.errors);
	set_count(L, "coroutines", c.coroutines);
	set_count(L, "parked", c.parked);
	set_count(L, "alive", c.alive);
	set_count(L, "memory_bytes", c.memory_bytes);
	set_count(L, "contexts", w->node.proxy.n_contexts);
	set_count(L, "servers", w->node.proxy.txn.servers.count);
	set_count(L, "clients", w->node.proxy.txn.clients.count);
	set_count(L, "retransmissions_in", w->node.proxy.txn.counters.retransmissions_in);
	set_count(L, "retransmissions_out", w->node.proxy.txn.counters.retransmissions_out);
	set_count(L, "loops", w->node.proxy.counters.loops);
	set_count(L, "timers", w->sim.env.wheel.count);
	push_generations(L, &w->node.scripts);
	lua_setfield(L, -2, "generations");
	return 1;
}

/* What waits for a restart: names with commas. */
static void push_waiting(lua_State *L, struct world *w)
{
	struct buf names;

	buf_init(&names, MAX_WHY_BYTES);
	settings_waiting(&w->node.settings, script_settings(w->script), &names);
	state_push(L, buf_slice(&names));
	buf_free(&names);
}

/*
 * reload([{script=PATH or source=TEXT, name=}]): true and what waits for a restart; or nil
 * and why not, and nothing has changed.  Without a table it is the world's own again.
 */
static int world_reload(lua_State *L)
{
	struct world *w = world_at(L);

	lua_settop(L, 2);
	lua_getiuservalue(L, 1, 1);
	luaL_checkstack(L, 60, "a world");
	buf_reset(&w->why);
	if (generations_have_room(&w->node.scripts, &w->why) &&
	    open_script(L, lua_istable(L, 2) ? 2 : 3, w) == 0 && override_settings(L, 3, w) == 0) {
		lua_pushboolean(L, 1);
		push_waiting(L, w);
		node_take_over(&w->node, w->script, script_settings(w->script));
	} else {
		lua_pushnil(L);
		state_push(L, buf_slice(&w->why));
		script_free(w->script);
	}
	w->script = NULL;
	return 2;
}

static const luaL_Reg world_methods[] = {
    {"send", world_send},
    {"take", world_take},
    {"unreachable", world_unreachable},
    {"advance", world_advance},
    {"next", world_next},
    {"now", world_now},
    {"host", world_host},
    {"log", world_log},
    {"colour", world_colour},
    {"store", world_store},
    {"resolver", world_resolver},
    {"bindings", world_bindings},
    {"stats", world_stats},
    {"reload", world_reload},
    {"close", world_close},
    {NULL, NULL},
};

static void set_type(lua_State *L)
{
	if (luaL_newmetatable(L, TYPE)) {
		luaL_newlib(L, world_methods);
		lua_setfield(L, -2, "__index");
		lua_pushcfunction(L, world_close);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
}

int world_new(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	luaL_checkstack(L, 60, "a world");
	struct world *w = lua_newuserdatauv(L, sizeof(*w), 1);
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, 1);
	memset(w, 0, sizeof(*w));
	set_type(L);
	buf_init(&w->why, MAX_WHY_BYTES);
	int status = open_world(L, w);
	lua_settop(L, 2);
	if (status == 0)
		return 1;
	lua_pushnil(L);
	state_push(L, buf_slice(&w->why));
	world_clear(w);
	return 2;
}
