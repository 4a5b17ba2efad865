#include "script/admin.h"

#include "script/rows.h"
#include "script/state.h"
#include "sip/digest.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TYPE "lunasip.store"

enum { MAX_ANSWER_BYTES = 16 << 20, MAX_WHY_BYTES = 1024, ANSWER_PATIENCE_S = 10 };

struct admin {
	struct store_connection *c; /* NULL: closed */
};

static struct store_connection *connection_at(lua_State *L)
{
	struct admin *a = luaL_checkudata(L, 1, TYPE);

	if (!a->c)
		luaL_error(L, "the store is closed");
	return a->c;
}

static int store_close(lua_State *L)
{
	struct admin *a = luaL_checkudata(L, 1, TYPE);

	if (a->c)
		a->c->driver->close(a->c);
	a->c = NULL;
	return 0;
}

static int store_create(lua_State *L)
{
	struct store_connection *c = connection_at(L);
	struct buf why;

	buf_init(&why, MAX_WHY_BYTES);
	return rows_push_result(L, c->driver->create(c, &why), &why);
}

static int store_check(lua_State *L)
{
	struct store_connection *c = connection_at(L);
	struct buf why;

	buf_init(&why, MAX_WHY_BYTES);
	return rows_push_result(L, c->driver->check(c, &why), &why);
}

typedef enum store_error change_subscriber(struct store_connection *c,
					   const struct store_subscriber *s, struct buf *why);

static int store_change(lua_State *L, struct store_connection *c, change_subscriber *change)
{
	struct store_subscriber s;
	struct arena arena;
	struct buf why;

	luaL_checktype(L, 2, LUA_TTABLE);
	arena_init(&arena, 512);
	buf_init(&why, MAX_WHY_BYTES);
	enum store_error e = STORE_FAILED;
	if (rows_read_subscriber(L, 2, &arena, &s))
		buf_puts(&why, "a subscriber needs a username");
	else
		e = change(c, &s, &why);
	arena_free(&arena);
	return rows_push_result(L, e, &why);
}

static int store_subscriber_add(lua_State *L)
{
	struct store_connection *c = connection_at(L);
	return store_change(L, c, c->driver->subscriber_add);
}

static int store_subscriber_set(lua_State *L)
{
	struct store_connection *c = connection_at(L);
	return store_change(L, c, c->driver->subscriber_set);
}

static int store_subscriber_remove(lua_State *L)
{
	struct store_connection *c = connection_at(L);
	size_t n, m;
	const char *user = luaL_checklstring(L, 2, &n);
	const char *domain = luaL_optlstring(L, 3, "", &m);
	struct buf why;

	buf_init(&why, MAX_WHY_BYTES);
	return rows_push_result(
	    L, c->driver->subscriber_remove(c, slice_of(user, n), slice_of(domain, m), &why), &why);
}

static int store_subscriber_list(lua_State *L)
{
	struct store_connection *c = connection_at(L);
	struct store_subscriber *rows = NULL;
	unsigned n = 0;
	struct arena arena;
	struct buf why;

	arena_init(&arena, 4096);
	buf_init(&why, MAX_WHY_BYTES);
	enum store_error e = c->driver->subscriber_list(c, &arena, &rows, &n, &why);
	lua_newtable(L);
	for (unsigned i = 0; i < n && e == STORE_OK; i++) {
		rows_push_subscriber(L, &rows[i]);
		lua_rawseti(L, -2, i + 1);
	}
	arena_free(&arena);
	if (e)
		return rows_push_result(L, e, &why);
	buf_free(&why);
	return 1;
}

/* bindings([table]) */
static int store_bindings(lua_State *L)
{
	return rows_push_all_bindings(L, connection_at(L), luaL_optstring(L, 2, "location"));
}

static int write_result(lua_State *L, struct store_connection *c, struct store_op *op)
{
	struct buf why;

	buf_init(&why, MAX_WHY_BYTES);
	store_run(c, op);
	enum store_error e = op->error;
	buf_put(&why, op->message);
	store_op_free(op);
	return rows_push_result(L, e, &why);
}

static const char *table_at(lua_State *L, int index)
{
	const char *table = luaL_checkstring(L, index);

	if (!store_table_name_ok(slice_str(table)))
		luaL_error(L, "not the name of a table: '%s'", table);
	return table;
}

/* binding_remove(table, ruid) */
static int store_binding_remove(lua_State *L)
{
	struct store_connection *c = connection_at(L);
	const char *table = table_at(L, 2), *ruid = luaL_checkstring(L, 3);
	struct store_op *op =
	    store_op_new(STORE_LOCATION_WRITE, slice_str(table), store_op_free, NULL);

	op->removes = arena_alloc(&op->arena, sizeof(*op->removes));
	op->removes[0] = arena_dup(&op->arena, slice_str(ruid));
	op->n_removes = 1;
	return write_result(L, c, op);
}

/* binding_add(table, binding) */
static int store_binding_add(lua_State *L)
{
	struct store_connection *c = connection_at(L);
	const char *table = table_at(L, 2);
	luaL_checktype(L, 3, LUA_TTABLE);
	struct store_op *op =
	    store_op_new(STORE_LOCATION_WRITE, slice_str(table), store_op_free, NULL);

	op->puts = arena_alloc(&op->arena, sizeof(*op->puts));
	op->n_puts = 1;
	if (rows_read_binding(L, 3, &op->arena, op->puts)) {
		store_op_free(op);
		return luaL_error(L, "a binding needs a username and a contact");
	}
	return write_result(L, c, op);
}

static const luaL_Reg store_methods[] = {
    {"create", store_create},
    {"check", store_check},
    {"subscriber_add", store_subscriber_add},
    {"subscriber_set", store_subscriber_set},
    {"subscriber_remove", store_subscriber_remove},
    {"subscriber_list", store_subscriber_list},
    {"bindings", store_bindings},
    {"binding_add", store_binding_add},
    {"binding_remove", store_binding_remove},
    {"close", store_close},
    {NULL, NULL},
};

static void set_type(lua_State *L)
{
	if (luaL_newmetatable(L, TYPE)) {
		luaL_newlib(L, store_methods);
		lua_setfield(L, -2, "__index");
		lua_pushcfunction(L, store_close);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
}

int admin_store(lua_State *L)
{
	size_t n;
	const char *url = luaL_checklstring(L, 1, &n);
	struct slice rest;
	const struct store_driver *driver = store_driver_of(slice_of(url, n), &rest);
	struct buf why;

	if (!driver) {
		lua_pushnil(L);
		lua_pushliteral(L, "a store is memory:, sqlite:PATH or "
				   "mysql://user:password@host:port/database");
		return 2;
	}
	struct admin *a = lua_newuserdatauv(L, sizeof(*a), 0);
	a->c = NULL;
	set_type(L);
	buf_init(&why, MAX_WHY_BYTES);
	enum store_error e = driver->open(&a->c, rest, &why);
	if (e) {
		a->c = NULL;
		return rows_push_result(L, e, &why);
	}
	buf_free(&why);
	return 1;
}

int admin_ha1(lua_State *L)
{
	static const char *const names[] = {"MD5", "SHA-256", NULL};
	static const enum digest_algorithm algorithms[] = {DIGEST_MD5, DIGEST_SHA256};
	int i = luaL_checkoption(L, 1, NULL, names);
	struct slice user = slice_str(luaL_checkstring(L, 2));
	struct slice realm = slice_str(luaL_checkstring(L, 3));
	struct slice password = slice_str(luaL_checkstring(L, 4));
	struct digester digester = {0};
	char out[DIGEST_HEX];

	digest_ha1(&digester, algorithms[i], user, realm, password, out);
	digester_free(&digester);
	lua_pushstring(L, out);
	return 1;
}

static struct slice text_field(lua_State *L, const char *name)
{
	if (lua_getfield(L, 1, name) == LUA_TNIL)
		return SLICE_NULL;
	return state_slice(L, -1);
}

int admin_digest(lua_State *L)
{
	struct digester digester = {0};
	char ha1[DIGEST_HEX], out[DIGEST_HEX];

	luaL_checktype(L, 1, LUA_TTABLE);
	struct slice method = text_field(L, "method");
	struct slice password = text_field(L, "password");
	struct digest_credentials c = {
	    .username = text_field(L, "username"),
	    .realm = text_field(L, "realm"),
	    .nonce = text_field(L, "nonce"),
	    .uri = text_field(L, "uri"),
	    .cnonce = text_field(L, "cnonce"),
	    .nc = text_field(L, "nc"),
	    .qop = text_field(L, "qop").p ? DIGEST_QOP_AUTH : DIGEST_QOP_NONE,
	};
	bool sha256 = slice_ieq(text_field(L, "algorithm"), SLICE("SHA-256"));

	if (!method.p || !password.p || !c.username.p || !c.realm.p || !c.nonce.p || !c.uri.p)
		return luaL_error(L, "method, uri, username, realm, nonce and password it needs");
	c.algorithm = sha256 ? DIGEST_SHA256 : DIGEST_MD5;
	digest_ha1(&digester, c.algorithm, c.username, c.realm, password, ha1);
	digest_response(&digester, &c, slice_str(ha1), method, SLICE(""), out);
	digester_free(&digester);
	lua_pushstring(L, out);
	return 1;
}

/* The control socket */

static int connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_PATIENCE_S};
	union {
		struct sockaddr_un *un;
		struct sockaddr *any;
	} to = {.un = &sun};

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, to.any, sizeof(sun)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int exchange(int fd, struct slice command, struct buf *answer)
{
	char block[4096];
	ssize_t n;

	if (send(fd, command.p, command.n, MSG_NOSIGNAL) != (ssize_t)command.n ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) != 1)
		return -1;
	while ((n = recv(fd, block, sizeof(block), 0)) > 0)
		buf_put(answer, slice_of(block, (size_t)n));
	return n < 0 ? -1 : 0;
}

static int push_errno(lua_State *L, const char *path)
{
	lua_pushnil(L);
	lua_pushfstring(L, "%s: %s", path, strerror(errno));
	return 2;
}

int admin_control(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	size_t n;
	const char *command = luaL_checklstring(L, 2, &n);
	struct buf answer;
	int fd = connect_to(path);

	if (fd < 0)
		return push_errno(L, path);
	buf_init(&answer, MAX_ANSWER_BYTES);
	int status = exchange(fd, slice_of(command, n), &answer);
	int error = errno;
	close(fd);
	if (status == 0)
		state_push(L, buf_slice(&answer));
	buf_free(&answer);
	errno = error;
	return status == 0 ? 1 : push_errno(L, path);
}
