#include "script/peers.h"

static bool is_own(const struct transport *t, const struct addr *a)
{
	for (unsigned i = 0; i < t->net->n_sockets; i++)
		if (addr_equal(&t->points[i].addr, a))
			return true;
	return false;
}

bool peers_have(const struct message *m, const struct addr *a)
{
	const struct settings_peers *peers = m->script->host->peers;

	for (unsigned i = 0; peers && i < peers->n; i++)
		if (addr_equal(&peers->v[i], a))
			return !is_own(m->context->proxy->transport, a);
	return false;
}

bool peers_own(const struct message *m, const struct store_binding *b, struct addr *peer)
{
	const struct settings_peers *peers = m->script->host->peers;

	if (!peers || peers->n == 0)
		return false;
	if (!slice_istarts(b->socket, SLICE("udp:")) || b->path.n > 0)
		return false;
	struct slice text = slice_range(b->socket.p + 4, slice_end(b->socket));
	return addr_parse_port(peer, text) == 0 && peers_have(m, peer);
}

/* The names of a fleet are all its members', so the Request-URI stays as it is; an
 * address of ours alone is none of the peer's. */
static struct slice uri_for(struct context *c, const char *peer)
{
	const struct uri *u = context_uri(c);

	if (proxy_is_alias(c->proxy, u->host, u->port))
		return c->uri;
	return arena_printf(&c->request->arena, "sip:%.*s@%s", SLICE_ARG(u->user), peer);
}

struct target peers_target(struct context *c, const struct addr *peer, int q)
{
	char text[ADDR_TEXT];

	addr_text(peer, text);
	return (struct target){
	    .uri = uri_for(c, text),
	    .next_hop = arena_printf(&c->request->arena, "sip:%s", text),
	    .q = q,
	    .socket = -1,
	};
}
