#include "script/node.h"

#include "script/settings_change.h"
#include "sip/digest.h"
#include "sip/lex.h"

#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES = 32 };

void node_crew_init(struct node_crew *c, unsigned n, struct mate *mates, struct rand *rand)
{
	memset(c, 0, sizeof(*c));
	c->crew.n = n;
	c->crew.mates = mates;
	rand_bytes(rand, c->crew.key, sizeof(c->crew.key));
	c->dispatches = mem_zalloc(n * sizeof(*c->dispatches));
	c->location = (struct shards){&c->crew, mem_zalloc(n * sizeof(struct shard))};
	c->aliases = (struct shards){&c->crew, mem_zalloc(n * sizeof(struct shard))};
	c->credentials = (struct credentials_crew){&c->crew, mem_zalloc(n * sizeof(void *))};
}

void node_crew_free(struct node_crew *c)
{
	free(c->dispatches);
	free(c->location.v);
	free(c->aliases.v);
	free(c->credentials.v);
}

/* This node's part of a limit for all. */
static size_t share(const struct node *n, size_t whole)
{
	size_t workers = n->crew ? n->crew->crew.n : 1;

	return (whole + workers - 1) / workers;
}

static struct location *location_of(void *data, struct slice table)
{
	struct node *n = data;

	if (slice_eq(table, SLICE("location")))
		return n->location;
	return slice_eq(table, SLICE("aliases")) ? n->aliases : NULL;
}

bool node_has_table(struct slice table)
{
	return slice_eq(table, SLICE("location")) || slice_eq(table, SLICE("aliases"));
}

static struct location *open_location(struct node *n, struct slice table,
				      const struct shards *shards)
{
	const struct settings *s = &n->settings;
	struct location_options o = {
	    .table = table,
	    .mode = s->db_mode,
	    .flush_ms = s->timer_interval_s * 1000,
	    .use_domain = s->location_use_domain,
	    .wait_ms = s->db_timeout_ms,
	    .cache_ttl_ms = s->cache_ttl_s * 1000,
	    .cache_size = s->cache_size,
	    .shards = shards,
	    .own = n->number,
	};

	return location_new(n->env, n->store, &o);
}

static void on_idle(void *data)
{
	struct node *n = data;

	generations_idle(&n->scripts);
}

/* What is in force from now on; timers that run keep their times. */
static void apply_to_proxy(struct node *n)
{
	const struct settings *s = &n->settings;
	struct proxy_options *o = &n->proxy.options;
	struct txn *x = &n->proxy.txn;

	o->aliases = s->aliases;
	o->n_aliases = s->n_aliases;
	o->timer_c_ms = s->timer_c_ms;
	o->ring_max_ms = s->ring_max_ms;
	o->full_lr = s->full_lr;
	o->dialog_max_age_s = s->dialog_max_age_s;
	x->timers = s->timers;
	x->max_servers = share(n, s->max_transactions);
	x->max_bytes = share(n, s->max_memory_bytes);
	x->server_name = s->server;
}

static struct auth_options auth_options(const struct node *n)
{
	struct auth_options o = n->settings.auth;

	o.max_nonces = share(n, o.max_nonces);
	return o;
}

static unsigned max_parked(const struct node *n)
{
	return (unsigned)share(n, n->settings.db_max_parked);
}

/* The longest that a request of an old script may take by rights, and a minute. */
static void apply_to_scripts(struct node *n)
{
	const struct settings *s = &n->settings;

	n->scripts.max = s->script_generations;
	n->scripts.patience_ms = s->ring_max_ms + 64 * (uint64_t)s->timers.t1_ms + 60000;
}

static void wire_proxy(struct node *n, struct net *net, struct script *script)
{
	const struct proxy_options o = {.loop_key = rand_u64(n->env->rand)};
	struct proxy_user user = script_proxy_user(script);

	proxy_init(&n->proxy, n->env, &o, &user);
	struct transport_user up = txn_transport_user(&n->proxy.txn);
	if (n->crew) {
		dispatch_init(n->crew->dispatches, n->number, &n->crew->crew, &up);
		up = dispatch_user(&n->crew->dispatches[n->number]);
		n->proxy.txn.worker = n->number;
	}
	transport_init(&n->transport, n->env, net, &up, n->settings.advertise);
	proxy_attach(&n->proxy, &n->transport);
	apply_to_proxy(n);
}

void node_init(struct node *n, struct env *env, struct net *net, struct store *store,
	       const struct settings *settings, struct script *script, const struct node_crew *crew,
	       unsigned number)
{
	memset(n, 0, sizeof(*n));
	n->env = env;
	n->crew = crew;
	n->number = number;
	settings_copy(&n->settings, settings);
	patience_init(&n->patience, env, store, settings->db_timeout_ms, max_parked(n));
	n->store = &n->patience.store;
	n->registrar = settings->registrar;
	buf_init(&n->why, 1024);
	wire_proxy(n, net, script);
	struct auth_options auth = auth_options(n);
	n->auth = auth_new(env, n->store, &auth);
	if (crew)
		auth_join(n->auth, &crew->credentials, number);
	n->location = open_location(n, SLICE("location"), crew ? &crew->location : NULL);
	n->aliases = open_location(n, SLICE("aliases"), crew ? &crew->aliases : NULL);
	n->host = (struct script_host){
	    .env = env,
	    .proxy = &n->proxy,
	    .auth = n->auth,
	    .registrar = &n->registrar,
	    .peers = &n->settings.peers,
	    .patience = &n->patience,
	    .location = location_of,
	    .idle = on_idle,
	    .data = n,
	    .worker = number,
	    .workers = crew ? crew->crew.n : 1,
	};
	generations_init(&n->scripts, env, script, &n->host);
	apply_to_scripts(n);
}

/* Each tick counts from here anew, so the interval is touched only when it changes. */
static void apply_to_locations(struct node *n, uint32_t before_s)
{
	uint32_t interval_s = n->settings.timer_interval_s;

	location_set_wait(n->location, n->settings.db_timeout_ms);
	location_set_wait(n->aliases, n->settings.db_timeout_ms);
	if (interval_s == before_s)
		return;
	location_set_flush(n->location, interval_s * 1000);
	location_set_flush(n->aliases, interval_s * 1000);
}

void node_take_over(struct node *n, struct script *script, const struct settings *settings)
{
	uint32_t interval_s = n->settings.timer_interval_s;

	settings_take(&n->settings, settings);
	n->registrar = n->settings.registrar;
	struct auth_options auth = auth_options(n);
	auth_set_options(n->auth, &auth);
	n->patience.timeout_ms = n->settings.db_timeout_ms;
	n->patience.max_parked = max_parked(n);
	apply_to_proxy(n);
	apply_to_locations(n, interval_s);
	apply_to_scripts(n);
	n->proxy.user = script_proxy_user(script);
	generations_take_over(&n->scripts, script, &n->host);
}

/* One secret, two uses that must not tell of each other. */
static void use_secret(struct node *n, struct slice secret)
{
	struct digester digester = {0};
	char hex[DIGEST_HEX];
	uint8_t key[16];

	auth_set_secret(n->auth, secret);
	digest_ha1(&digester, DIGEST_SHA256, SLICE("record-route"), SLICE(""), secret, hex);
	digester_free(&digester);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)((unsigned)lex_hex(hex[2 * i]) << 4 |
				   (unsigned)lex_hex(hex[2 * i + 1]));
	proxy_set_route_key(&n->proxy, key);
}

/* Start: the secret and the tables are read side by side. */

static void start_step(struct node *n)
{
	if (--n->pending == 0)
		n->started(n->data, n, buf_slice(&n->why));
}

static void location_loaded(void *data, enum store_error e, struct slice message, size_t rows)
{
	struct node *n = data;

	(void)rows;
	if (e && n->why.n == 0)
		buf_printf(&n->why, "cannot read the bindings: %.*s", SLICE_ARG(message));
	start_step(n);
}

/* A database may have no such table: then nobody has an alias. */
static void aliases_loaded(void *data, enum store_error e, struct slice message, size_t rows)
{
	struct node *n = data;

	if (e == STORE_UNAVAILABLE) {
		location_loaded(n, e, message, rows);
		return;
	}
	if (e)
		log_warn(n->env->log, "no aliases: %.*s", SLICE_ARG(message));
	start_step(n);
}

/* A database that has no place for it still serves: the nonces of before a restart are then stale.
 */
static void secret_loaded(struct store_op *op)
{
	struct node *n = op->data;
	struct slice secret = op->secret;

	if (op->error == STORE_UNAVAILABLE) {
		if (n->why.n == 0)
			buf_printf(&n->why, "cannot read the nonce secret: %.*s",
				   SLICE_ARG(op->message));
	} else {
		if (op->error) {
			secret = op->proposal;
			log_warn(n->env->log,
				 "the nonce secret is not kept in the store (%.*s): "
				 "a restart makes all nonces stale",
				 SLICE_ARG(op->message));
		}
		use_secret(n, secret);
	}
	store_op_free(op);
	start_step(n);
}

static void start_secret(struct node *n)
{
	uint8_t bytes[SECRET_BYTES];
	struct buf hex;

	if (n->settings.auth_secret.n) {
		use_secret(n, n->settings.auth_secret);
		start_step(n);
		return;
	}
	struct store_op *op = store_op_new(STORE_SECRET, SLICE_NULL, secret_loaded, n);
	rand_bytes(n->env->rand, bytes, sizeof(bytes));
	buf_init(&hex, 2 * SECRET_BYTES + 1);
	buf_hex(&hex, bytes, sizeof(bytes));
	op->username = SLICE("nonce");
	op->proposal = arena_dup(&op->arena, buf_slice(&hex));
	buf_free(&hex);
	store_submit(n->store, op);
}

void node_start(struct node *n, void *data,
		void (*started)(void *data, struct node *n, struct slice error))
{
	n->data = data;
	n->started = started;
	n->pending = 4; /* one is ours: nothing ends before all has begun */
	start_secret(n);
	location_load(n->location, location_loaded, n);
	location_load(n->aliases, aliases_loaded, n);
	start_step(n);
}

/* Stop */

static void stop_step(struct node *n)
{
	if (--n->pending == 0)
		n->stopped(n->data, n);
}

static void location_closed(void *data, enum store_error e)
{
	struct node *n = data;

	if (e)
		log_error(n->env->log, "location: some bindings could not be written and are lost");
	stop_step(n);
}

void node_stop(struct node *n, void *data, void (*stopped)(void *data, struct node *n))
{
	struct location *location = n->location, *aliases = n->aliases;

	n->data = data;
	n->stopped = stopped;
	n->pending = 2;
	n->location = NULL;
	n->aliases = NULL;
	location_close(location, location_closed, n);
	location_close(aliases, location_closed, n);
}

static void nothing(void *data, struct node *n)
{
	(void)data;
	(void)n;
}

void node_free(struct node *n)
{
	if (n->location)
		node_stop(n, NULL, nothing);
	transport_free(&n->transport);
	proxy_free(&n->proxy);
	generations_free(&n->scripts);
	auth_free(n->auth);
	settings_free(&n->settings);
	buf_free(&n->why);
}
