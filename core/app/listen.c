#include "app/listen.h"

#include <uv.h>

struct points {
	struct addr listen[SETTINGS_MAX_LISTEN];
	const char *advertise[SETTINGS_MAX_LISTEN];
	unsigned n;
	bool full;
};

static bool is_wildcard(const struct addr *a)
{
	for (unsigned i = 0; i < (a->family == 4 ? 4 : 16); i++)
		if (a->ip[i])
			return false;
	return true;
}

static void add(struct points *p, const struct addr *a, const char *advertise)
{
	if (p->n == SETTINGS_MAX_LISTEN) {
		p->full = true;
		return;
	}
	p->listen[p->n] = *a;
	p->advertise[p->n++] = advertise;
}

/* fe80::/10 means something on its own link only. */
static bool is_link_local(const struct addr *a)
{
	return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static void add_interfaces(struct points *p, const uv_interface_address_t *all, int n,
			   const struct addr *wildcard, const char *advertise, bool loopback)
{
	for (int i = 0; i < n; i++) {
		struct addr a;
		addr_from_sockaddr(&a, (const struct sockaddr *)&all[i].address);
		if (a.family != wildcard->family || is_link_local(&a) ||
		    (bool)all[i].is_internal != loopback)
			continue;
		a.port = wildcard->port;
		add(p, &a, advertise);
	}
}

int listen_expand(struct settings *s, struct buf *why)
{
	struct points p = {0};
	uv_interface_address_t *all = NULL;
	int n = 0;
	uv_interface_addresses(&all, &n);
	for (unsigned i = 0; i < s->n_listen; i++) {
		if (!is_wildcard(&s->listen[i])) {
			add(&p, &s->listen[i], s->advertise[i]);
			continue;
		}
		add_interfaces(&p, all, n, &s->listen[i], s->advertise[i], false);
		add_interfaces(&p, all, n, &s->listen[i], s->advertise[i], true);
	}
	uv_free_interface_addresses(all, n);
	if (p.full || p.n == 0) {
		buf_printf(why,
			   p.full ? "more than %d addresses to listen on"
				  : "no address to listen on (-l udp:ADDR:PORT, up to %d)",
			   SETTINGS_MAX_LISTEN);
		return -1;
	}
	for (unsigned i = 0; i < p.n; i++) {
		s->listen[i] = p.listen[i];
		s->advertise[i] = p.advertise[i];
	}
	s->n_listen = p.n;
	return 0;
}
