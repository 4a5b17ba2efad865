#include "net/lookup.h"

#include "base/arena.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	MAX_NAME = 255,
	TICK_MS = 1000,
	PATIENCE_TICKS = 4, /* ticks, not time: when we were stopped ourselves, that is one */
	KEEP_MS = 30000,
	WARN_EVERY = 1000, /* lost names */
};

/* Who waits for a name. */
struct waiter {
	struct list node;
	void *data;
	void (*done)(void *data, const struct addr *addrs, unsigned n);
};

/* A name: running, late or known. */
struct lookup {
	struct list node;
	uv_getaddrinfo_t request;
	struct lookups *owner; /* NULL: closed */
	struct list waiters;
	unsigned ticks;
	uint64_t known_ms;
	unsigned n;
	struct addr addrs[LOOKUP_MAX_ADDRS];
	char name[MAX_NAME + 1];
};

void lookups_init(struct lookups *ls, uv_loop_t *loop, struct log *log)
{
	*ls = (struct lookups){.loop = loop, .log = log};
	list_init(&ls->running);
	list_init(&ls->late);
	list_init(&ls->known);
	uv_timer_init(loop, &ls->timer);
}

static struct lookup *first(const struct list *l)
{
	return list_empty(l) ? NULL : CONTAINER(l->next, struct lookup, node);
}

static struct lookup *find(const struct list *l, struct slice host)
{
	LIST_EACH (node, l) {
		struct lookup *x = CONTAINER(node, struct lookup, node);
		if (slice_ieq(slice_str(x->name), host))
			return x;
	}
	return NULL;
}

static void count_lost(struct lookups *ls)
{
	if (ls->lost++ % WARN_EVERY == 0)
		log_warn(ls->log, "%llu host names were not resolved: it took too long",
			 (unsigned long long)ls->lost);
}

/* --- answers ---------------------------------------------------------------------------------- */

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

static void take_waiters(struct lookup *l, struct list *waiters)
{
	struct list *node;

	list_init(waiters);
	while ((node = list_shift(&l->waiters)))
		list_push(waiters, node);
}

/* They may ask again from inside. */
static void tell(struct list *waiters, const struct addr *addrs, unsigned n)
{
	struct list *node;

	while ((node = list_shift(waiters))) {
		struct waiter *w = CONTAINER(node, struct waiter, node);
		w->done(w->data, addrs, n);
		free(w);
	}
}

static void forget_first(struct lookups *ls)
{
	struct list *node = list_shift(&ls->known);

	ls->n_known--;
	free(CONTAINER(node, struct lookup, node));
}

static void forget_old(struct lookups *ls)
{
	while (ls->n_known && uv_now(ls->loop) - first(&ls->known)->known_ms >= KEEP_MS)
		forget_first(ls);
}

static void keep(struct lookups *ls, struct lookup *l, const struct addr *addrs, unsigned n)
{
	if (ls->n_known == LOOKUP_MAX_KNOWN)
		forget_first(ls);
	memcpy(l->addrs, addrs, n * sizeof(*addrs));
	l->n = n;
	l->known_ms = uv_now(ls->loop);
	list_push(&ls->known, &l->node);
	ls->n_known++;
}

/* What the resolver itself could not find out is asked again next time. */
static bool is_certain(int status)
{
	return status == 0 || status == UV_EAI_NONAME || status == UV_EAI_NODATA;
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct lookup *l = request->data;
	struct lookups *ls = l->owner;
	struct addr addrs[LOOKUP_MAX_ADDRS];
	unsigned n = status == 0 ? collect(addrs, found) : 0;
	struct list waiters;

	uv_freeaddrinfo(found);
	take_waiters(l, &waiters);
	list_remove(&l->node);
	if (ls)
		ls->n_running--;
	if (ls && is_certain(status))
		keep(ls, l, addrs, n);
	else
		free(l);
	if (ls && ls->begin)
		ls->begin(ls->begin_data);
	tell(&waiters, addrs, n);
}

/* --- patience --------------------------------------------------------------------------------- */

static void give_up(struct lookups *ls, struct lookup *l)
{
	struct list waiters;

	take_waiters(l, &waiters);
	list_remove(&l->node);
	list_push(&ls->late, &l->node);
	uv_cancel((uv_req_t *)&l->request); /* unless a thread has begun */
	count_lost(ls);
	tell(&waiters, NULL, 0);
}

static void on_tick(uv_timer_t *timer)
{
	struct lookups *ls = CONTAINER(timer, struct lookups, timer);

	LIST_EACH (node, &ls->running)
		CONTAINER(node, struct lookup, node)->ticks++;
	if (ls->begin)
		ls->begin(ls->begin_data);
	while (first(&ls->running) && first(&ls->running)->ticks >= PATIENCE_TICKS)
		give_up(ls, first(&ls->running));
	if (list_empty(&ls->running))
		uv_timer_stop(&ls->timer);
}

/* --- start and end ---------------------------------------------------------------------------- */

static struct lookup *lookup_new(struct lookups *ls, struct slice host)
{
	struct lookup *l = mem_zalloc(sizeof(*l));

	l->request.data = l;
	l->owner = ls;
	list_init(&l->node);
	list_init(&l->waiters);
	memcpy(l->name, host.p, host.n);
	return l;
}

/* NULL: no name, or too many run. */
static struct lookup *start(struct lookups *ls, struct slice host)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	struct lookup *l;

	if (ls->closed || host.n == 0 || host.n > MAX_NAME || memchr(host.p, '\0', host.n))
		return NULL;
	if (ls->n_running >= LOOKUP_MAX_RUNNING) {
		count_lost(ls);
		return NULL;
	}
	l = lookup_new(ls, host);
	if (uv_getaddrinfo(ls->loop, &l->request, on_found, l->name, NULL, &hints) < 0) {
		free(l);
		return NULL;
	}
	list_push(&ls->running, &l->node);
	ls->n_running++;
	if (!uv_is_active((uv_handle_t *)&ls->timer))
		uv_timer_start(&ls->timer, on_tick, TICK_MS, TICK_MS);
	return l;
}

static void wait_for(struct lookup *l, void *data,
		     void (*done)(void *data, const struct addr *addrs, unsigned n))
{
	struct waiter *w = mem_alloc(sizeof(*w));

	*w = (struct waiter){.data = data, .done = done};
	list_push(&l->waiters, &w->node);
}

void lookup_start(struct lookups *ls, struct slice host, void *data,
		  void (*done)(void *data, const struct addr *addrs, unsigned n))
{
	struct addr addrs[LOOKUP_MAX_ADDRS];
	struct lookup *l;

	forget_old(ls);
	l = find(&ls->known, host);
	if (l) {
		memcpy(addrs, l->addrs, sizeof(addrs)); /* it may be forgotten meanwhile */
		done(data, addrs, l->n);
		return;
	}
	l = find(&ls->running, host);
	if (!l && !find(&ls->late, host))
		l = start(ls, host);
	if (l)
		wait_for(l, data, done);
	else
		done(data, NULL, 0);
}

void lookups_close(struct lookups *ls)
{
	struct list waiters;
	struct lookup *l;

	ls->closed = true;
	while (ls->n_known)
		forget_first(ls);
	while ((l = first(&ls->late))) {
		l->owner = NULL;
		list_remove(&l->node);
	}
	while ((l = first(&ls->running))) {
		l->owner = NULL;
		list_remove(&l->node);
		uv_cancel((uv_req_t *)&l->request);
		take_waiters(l, &waiters);
		tell(&waiters, NULL, 0);
	}
}
