#include "proxy/proxy.h"

#include "proxy/branch.h"
#include "proxy/response.h"
#include "proxy/validate.h"

enum { SCRATCH_MAX_BYTES = MSG_MAX_BYTES };

/* --- from the transaction layer --------------------------------------------------------------- */

static void hand_over(struct proxy *p, struct context *c)
{
	c->handed = true;
	p->user.request(p->user.data, c);
}

static void on_request(void *data, struct server *st)
{
	struct proxy *p = data;
	struct context *c = context_new(p, st, st->request);

	st->user = c;
	p->counters.requests++;
	if (validate(c))
		hand_over(p, c);
	else
		context_script_done(c);
}

static void on_ack(void *data, struct received *r)
{
	struct proxy *p = data;

	p->counters.requests++;
	hand_over(p, context_new(p, NULL, r));
}

/* 16.10.  The layer below has answered the CANCEL itself. */
static void on_cancel(void *data, struct server *invite, struct received *cancel)
{
	struct context *c = invite->user;

	(void)data;
	(void)cancel;
	c->cancelled = true;
	branch_cancel_all(c);
	response_settle(c);
}

/* The request is needed as long as the context: late 2xx go where it came from. */
static void on_server_gone(void *data, struct server *st)
{
	struct context *c = st->user;

	(void)data;
	st->request = NULL;
	c->server = NULL;
	context_release(c);
}

/* --- life ------------------------------------------------------------------------------------- */

void proxy_init(struct proxy *p, struct env *env, const struct proxy_options *o,
		const struct proxy_user *user)
{
	const struct txn_user upcalls = {p, on_request, on_ack, on_cancel, on_server_gone};

	*p = (struct proxy){.env = env, .options = *o, .user = *user};
	if (!p->options.timer_c_ms)
		p->options.timer_c_ms = PROXY_TIMER_C_MS;
	if (!p->options.ring_max_ms)
		p->options.ring_max_ms = PROXY_RING_MAX_MS;
	list_init(&p->contexts);
	buf_init(&p->scratch, SCRATCH_MAX_BYTES);
	txn_init(&p->txn, env, &upcalls);
}

void proxy_attach(struct proxy *p, struct transport *t)
{
	p->transport = t;
	p->txn.transport = t;
}

void proxy_free(struct proxy *p)
{
	txn_free(&p->txn);
	while (!list_empty(&p->contexts))
		context_free(CONTAINER(p->contexts.next, struct context, node));
	buf_free(&p->scratch);
}

/* --- myself ----------------------------------------------------------------------------------- */

static bool is_our_port(const struct proxy *p, uint16_t port)
{
	const struct transport *t = p->transport;

	for (unsigned i = 0; i < t->net->n_sockets; i++)
		if (port == t->points[i].port || port == t->points[i].addr.port)
			return true;
	return false;
}

static bool is_alias(const struct proxy *p, const struct proxy_alias *a, struct slice host,
		     uint16_t port)
{
	if (!uri_host_equal(a->host, host))
		return false;
	return port == 0 || (a->port ? port == a->port : is_our_port(p, port));
}

bool proxy_is_alias(const struct proxy *p, struct slice host, uint16_t port)
{
	for (unsigned i = 0; i < p->options.n_aliases; i++)
		if (is_alias(p, &p->options.aliases[i], host, port))
			return true;
	return false;
}

bool proxy_is_myself(const struct proxy *p, struct slice host, uint16_t port)
{
	/* Any of our names goes with any of our ports. */
	if (transport_is_ours(p->transport, host, 0) && (port == 0 || is_our_port(p, port)))
		return true;
	return proxy_is_alias(p, host, port);
}

bool proxy_uri_is_myself(const struct proxy *p, const struct uri *u)
{
	struct slice maddr;

	if (!uri_is_sip(u) || !proxy_is_myself(p, u->host, u->port))
		return false;
	return !uri_param(u, SLICE("maddr"), &maddr) || !maddr.n ||
	       proxy_is_myself(p, maddr, u->port);
}

bool proxy_is_domain(const struct proxy *p, struct slice host)
{
	return proxy_is_myself(p, host, 0);
}
