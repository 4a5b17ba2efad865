#include "app/worker.h"

#include <inttypes.h>
#include <string.h>

enum {
	SECRET_BYTES = 32,
	SECRET_MIN = 16,
	PATIENCE_MS = 100, /* between two looks at what is still pending */
	PATIENCE_LOOKS = 50,
};

/* Start: what is asked of the store, one answer after the other. */

static void await(struct worker *w)
{
	while (w->waiting > 0)
		uv_run(w->loop, UV_RUN_ONCE);
}

static void answered(struct worker *w, const char *what, enum store_error e, struct slice message)
{
	w->waiting--;
	if (e == STORE_OK)
		return;
	if (!w->failed)
		buf_printf(w->why, "%s: %.*s", what, SLICE_ARG(message));
	w->failed = true;
}

static void on_secret(struct store_op *op)
{
	struct worker *w = op->data;
	answered(w, "store: cannot keep the secret of nonces (auth.secret sets one)", op->error,
		 op->message);
	if (op->error == STORE_OK)
		auth_set_secret(w->auth, op->secret);
	store_op_free(op);
}

/* The secret in the store survives restarts and is one for all proxies there. */
static int ask_secret(struct worker *w)
{
	uint8_t random[SECRET_BYTES];
	struct buf hex;
	struct store_op *op = store_op_new(STORE_SECRET, SLICE_NULL, on_secret, w);
	rand_bytes(w->env.rand, random, sizeof random);
	buf_init(&hex, 2 * SECRET_BYTES);
	buf_hex(&hex, random, sizeof random);
	op->username = SLICE("auth");
	op->proposal = arena_dup(&op->arena, buf_slice(&hex));
	buf_free(&hex);
	w->waiting++;
	store_submit(w->database.store, op);
	await(w);
	return w->failed ? -1 : 0;
}

static int set_secret(struct worker *w)
{
	struct slice secret = w->settings->auth_secret;
	if (secret.n == 0)
		return ask_secret(w);
	if (secret.n < SECRET_MIN) {
		buf_printf(w->why, "auth.secret is shorter than %d bytes", SECRET_MIN);
		return -1;
	}
	auth_set_secret(w->auth, secret);
	return 0;
}

static struct location *open_location(struct worker *w, struct slice table)
{
	const struct settings *s = w->settings;
	struct location_options o = {
	    .table = table,
	    .mode = s->db_mode,
	    .flush_ms = s->timer_interval_s * 1000,
	    .use_domain = s->location_use_domain,
	};
	return location_new(&w->env, w->database.store, &o);
}

int worker_open(struct worker *w, uv_loop_t *loop, struct log *log, const struct settings *s,
		struct script *script, struct buf *why)
{
	memset(w, 0, sizeof *w);
	w->loop = loop;
	w->log = w->env.log = log;
	w->settings = s;
	w->script = script;
	w->why = why;
	w->registrar = s->registrar;
	rand_kernel_init(&w->rand);
	w->env.rand = &w->rand.rand;
	clock_open(&w->clock, loop, &w->env);
	uv_timer_init(loop, &w->patience);
	w->patience.data = w;
	if (database_open(&w->database, loop, log, s->store, why) < 0)
		return -1;
	w->auth = auth_new(&w->env, w->database.store, &s->auth);
	w->location = open_location(w, SLICE("location"));
	w->aliases = open_location(w, SLICE("aliases"));
	return set_secret(w);
}

static void on_loaded(void *data, enum store_error e, struct slice message, size_t rows)
{
	struct worker *w = data;
	answered(w, "store: cannot load the locations", e, message);
	if (rows > 0)
		log_notice(w->log, "%zu bindings loaded", rows);
}

int worker_load(struct worker *w, struct buf *why)
{
	w->why = why;
	if (w->settings->db_mode != LOCATION_WRITE_THROUGH &&
	    w->settings->db_mode != LOCATION_WRITE_BACK)
		return 0;
	w->waiting = 2;
	location_load(w->location, on_loaded, w);
	location_load(w->aliases, on_loaded, w);
	await(w);
	return w->failed ? -1 : 0;
}

/* Way in: the clock is set before the core sees what came while the loop slept. */

static void on_datagram(void *data, unsigned socket, const struct addr *from, struct slice bytes)
{
	struct worker *w = data;
	if (w->stopping)
		return;
	clock_tick(&w->clock);
	w->upward.datagram(w->upward.data, socket, from, bytes);
}

static void on_unreachable(void *data, unsigned socket, const struct addr *to, struct slice quoted)
{
	struct worker *w = data;
	clock_tick(&w->clock);
	w->upward.unreachable(w->upward.data, socket, to, quoted);
}

static struct location *location_named(void *data, struct slice table)
{
	struct worker *w = data;
	if (slice_eq(table, SLICE("location")))
		return w->location;
	return slice_eq(table, SLICE("aliases")) ? w->aliases : NULL;
}

static void open_proxy(struct worker *w)
{
	const struct settings *s = w->settings;
	struct proxy_options o = {
	    .aliases = s->aliases,
	    .n_aliases = s->n_aliases,
	    .timer_c_ms = s->timer_c_ms,
	    .ring_max_ms = s->ring_max_ms,
	    .full_lr = s->full_lr,
	    .loop_key = rand_u64(w->env.rand),
	};
	struct proxy_user user = script_proxy_user(w->script);
	proxy_init(&w->proxy, &w->env, &o, &user);
	w->proxy.transport = w->proxy.txn.transport = &w->transport;
	w->proxy.txn.timers = s->timers;
	w->proxy.txn.max_servers = s->max_transactions;
	w->proxy.txn.server_name = s->server;
}

static void wire(struct worker *w)
{
	struct net *net = udp_net(w->udp);
	struct transport_user user = txn_transport_user(&w->proxy.txn);
	transport_init(&w->transport, &w->env, net, &user, w->settings->advertise);
	w->upward = net->user;
	net->user = (struct net_user){w, on_datagram, on_unreachable};
	struct script_host host = {
	    .env = &w->env,
	    .proxy = &w->proxy,
	    .auth = w->auth,
	    .registrar = &w->registrar,
	    .location = location_named,
	    .data = w,
	};
	script_attach(w->script, &host);
}

static void tell_sockets(struct worker *w)
{
	struct net *net = udp_net(w->udp);
	for (unsigned i = 0; i < net->n_sockets; i++) {
		char text[ADDR_TEXT];
		addr_text(&net->local[i], text);
		log_notice(w->log, "listening on udp:%s", text);
	}
}

int worker_listen(struct worker *w, struct buf *why)
{
	const struct settings *s = w->settings;
	const struct udp_options o = {0};
	if (udp_open(&w->udp, w->loop, w->log, s->listen, s->n_listen, &o, why) < 0)
		return -1;
	open_proxy(w);
	wire(w);
	tell_sockets(w);
	w->listening = true;
	return 0;
}

/* Stop: routes that wait get their answers, then write-back writes, then the sockets go. */

static void on_udp_closed(void *data)
{
	struct worker *w = data;
	w->udp = NULL;
	w->stopped(w->stopped_data);
}

/* The store delivers its last answers while those who wait for them still live. */
static void take_apart(struct worker *w)
{
	database_close(&w->database);
	if (w->listening) {
		proxy_free(&w->proxy);
		transport_free(&w->transport);
	}
	if (w->auth)
		auth_free(w->auth);
	w->auth = NULL;
	if (w->udp)
		udp_close(w->udp, on_udp_closed, w);
	else
		w->stopped(w->stopped_data);
}

static void on_location_closed(void *data, enum store_error e)
{
	struct worker *w = data;
	if (e != STORE_OK)
		log_error(w->log, "locations that changed since the last flush were not written");
	if (--w->waiting == 0)
		take_apart(w);
}

static void close_locations(struct worker *w)
{
	w->waiting = 1;
	struct location *tables[] = {w->location, w->aliases};
	w->location = w->aliases = NULL;
	for (unsigned i = 0; i < 2; i++) {
		if (!tables[i])
			continue;
		w->waiting++;
		location_close(tables[i], on_location_closed, w);
	}
	if (--w->waiting == 0)
		take_apart(w);
}

static bool is_busy(const struct worker *w)
{
	struct script_counters c = {0};
	if (w->listening)
		script_count(w->script, &c);
	return c.coroutines > 0 || database_pending(&w->database) > 0;
}

static void look_again(uv_timer_t *t)
{
	struct worker *w = t->data;
	if (is_busy(w) && ++w->looks < PATIENCE_LOOKS)
		return;
	uv_timer_stop(t);
	close_locations(w);
}

void worker_stop(struct worker *w, void (*stopped)(void *data), void *data)
{
	w->stopping = true;
	w->stopped = stopped;
	w->stopped_data = data;
	uv_timer_start(&w->patience, look_again, 0, PATIENCE_MS);
}

void worker_close(struct worker *w)
{
	uv_close((uv_handle_t *)&w->patience, NULL);
	clock_close(&w->clock);
}
