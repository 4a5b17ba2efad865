#include "net/lookup.h"

#include "base/arena.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MAX_NAME = 255 };

struct lookup {
	struct list node;
	uv_getaddrinfo_t request;
	struct lookups *owner; /* NULL: answered, nobody waits */
	void *data;
	void (*done)(void *data, const struct addr *addrs, unsigned n);
};

void lookups_init(struct lookups *ls, uv_loop_t *loop, struct log *log)
{
	*ls = (struct lookups){.loop = loop, .log = log};
	list_init(&ls->running);
}

static bool has_addr(const struct addr *addrs, unsigned n, const struct addr *a)
{
	for (unsigned i = 0; i < n; i++)
		if (addr_equal(&addrs[i], a))
			return true;
	return false;
}

static unsigned collect(struct addr addrs[LOOKUP_MAX_ADDRS], const struct addrinfo *found)
{
	unsigned n = 0;

	for (; found && n < LOOKUP_MAX_ADDRS; found = found->ai_next) {
		addr_from_sockaddr(&addrs[n], found->ai_addr);
		addrs[n].port = 0;
		if (addrs[n].family && !has_addr(addrs, n, &addrs[n]))
			n++;
	}
	return n;
}

/* Tells the caller, once. */
static void answer(struct lookup *l, const struct addr *addrs, unsigned n)
{
	l->owner->n_running--;
	l->owner = NULL;
	list_remove(&l->node);
	l->done(l->data, addrs, n);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct lookup *l = request->data;
	struct addr addrs[LOOKUP_MAX_ADDRS];
	unsigned n = status == 0 ? collect(addrs, found) : 0;

	uv_freeaddrinfo(found);
	if (l->owner && l->owner->begin)
		l->owner->begin(l->owner->begin_data);
	if (l->owner)
		answer(l, addrs, n);
	free(l);
}

static int start(struct lookups *ls, struct lookup *l, struct slice host)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	char name[MAX_NAME + 1];

	if (ls->closed || host.n == 0 || host.n > MAX_NAME || memchr(host.p, '\0', host.n))
		return -1;
	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	return uv_getaddrinfo(ls->loop, &l->request, on_found, name, NULL, &hints);
}

void lookup_start(struct lookups *ls, struct slice host, void *data,
		  void (*done)(void *data, const struct addr *addrs, unsigned n))
{
	struct lookup *l;

	if (ls->n_running >= LOOKUP_MAX_RUNNING) {
		log_warn(ls->log, "a host name was not resolved: %u others are waited for",
			 ls->n_running);
		done(data, NULL, 0);
		return;
	}
	l = mem_alloc(sizeof(*l));
	*l = (struct lookup){.owner = ls, .data = data, .done = done};
	l->request.data = l;
	if (start(ls, l, host) < 0) {
		free(l);
		done(data, NULL, 0);
		return;
	}
	list_push(&ls->running, &l->node);
	ls->n_running++;
}

void lookups_close(struct lookups *ls)
{
	ls->closed = true;
	while (!list_empty(&ls->running)) {
		struct lookup *l = CONTAINER(ls->running.next, struct lookup, node);

		uv_cancel((uv_req_t *)&l->request);
		answer(l, NULL, 0);
	}
}
