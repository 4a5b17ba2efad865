#include "transport/dispatch.h"

enum { BASE = 32 };

void dispatch_mark(unsigned worker, char out[DISPATCH_MARK])
{
	out[0] = DISPATCH_DIGITS[worker / BASE % BASE];
	out[1] = DISPATCH_DIGITS[worker % BASE];
}

static unsigned digit_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a');
	return c >= '2' && c <= '7' ? (unsigned)(c - '2') + 26 : 0;
}

/* Of a branch that we never made, anybody: it will match nothing. */
static unsigned owner_of_branch(const struct dispatch *d, struct slice branch)
{
	if (branch.n < DISPATCH_MARK)
		return d->own;
	const char *mark = slice_end(branch) - DISPATCH_MARK;
	unsigned worker = digit_value(mark[0]) * BASE + digit_value(mark[1]);
	return worker < d->crew->n ? worker : d->own;
}

/* Messages. */

struct handover {
	struct letter letter;
	struct dispatch *to;
	struct received *received; /* in whose arena this is */
	size_t bytes;
};

/* On the owner's thread; the message is his. */
static struct received *take(const struct handover *h)
{
	atomic_fetch_sub_explicit(&h->to->waiting, h->bytes, memory_order_relaxed);
	return h->received;
}

static void open_request(struct letter *l)
{
	const struct handover *h = CONTAINER(l, struct handover, letter);
	h->to->user.request(h->to->user.data, take(h));
}

static void open_response(struct letter *l)
{
	const struct handover *h = CONTAINER(l, struct handover, letter);
	h->to->user.response(h->to->user.data, take(h));
}

/* Peers choose whose the messages are (all of one call, say), and one worker reads them faster
 * than another serves them: as in the kernel's buffer, what finds no room is lost. */
static bool has_room(struct dispatch *to, size_t bytes)
{
	size_t before = atomic_fetch_add_explicit(&to->waiting, bytes, memory_order_relaxed);
	if (before + bytes <= DISPATCH_MAX_WAITING)
		return true;
	atomic_fetch_sub_explicit(&to->waiting, bytes, memory_order_relaxed);
	return false;
}

static void hand_over(struct dispatch *d, unsigned to, struct received *r,
		      void (*open)(struct letter *l))
{
	struct handover *h = arena_alloc(&r->arena, sizeof(*h));
	*h = (struct handover){{NULL, open}, &d->all[to], r, received_bytes(r)};
	if (!has_room(h->to, h->bytes)) {
		d->lost++;
		received_free(r);
		return;
	}
	d->handed_over++;
	crew_post(d->crew, d->own, to, &h->letter);
}

static void on_request(void *data, struct received *r)
{
	struct dispatch *d = data;
	unsigned owner = crew_owner(d->crew, r->msg->call_id);
	if (owner == d->own)
		d->user.request(d->user.data, r);
	else
		hand_over(d, owner, r, open_request);
}

static void on_response(void *data, struct received *r)
{
	struct dispatch *d = data;
	unsigned owner = owner_of_branch(d, r->msg->via.branch);
	if (owner == d->own)
		d->user.response(d->user.data, r);
	else
		hand_over(d, owner, r, open_response);
}

/* ICMP errors. */

struct bad_news {
	struct letter letter;
	struct dispatch *to;
	struct arena arena; /* holds this */
	struct slice branch;
};

static void open_bad_news(struct letter *l)
{
	const struct bad_news *b = CONTAINER(l, struct bad_news, letter);
	struct arena arena = b->arena;
	b->to->user.unreachable(b->to->user.data, b->branch);
	arena_free(&arena);
}

static void on_unreachable(void *data, struct slice branch)
{
	struct dispatch *d = data;
	unsigned owner = owner_of_branch(d, branch);
	if (owner == d->own) {
		d->user.unreachable(d->user.data, branch);
		return;
	}
	struct arena arena;
	arena_init(&arena, sizeof(struct bad_news) + branch.n);
	struct bad_news *b = arena_alloc(&arena, sizeof(*b));
	*b = (struct bad_news){{NULL, open_bad_news}, &d->all[owner], arena, SLICE_NULL};
	b->branch = arena_dup(&b->arena, branch);
	crew_post(d->crew, d->own, owner, &b->letter);
}

void dispatch_init(struct dispatch *all, unsigned own, const struct crew *crew,
		   const struct transport_user *user)
{
	all[own] = (struct dispatch){.crew = crew, .all = all, .own = own, .user = *user};
}

struct transport_user dispatch_user(struct dispatch *d)
{
	if (d->crew->n == 1)
		return d->user;
	return (struct transport_user){
	    .data = d,
	    .request = on_request,
	    .response = on_response,
	    .unreachable = on_unreachable,
	};
}
