#include "net/udp.h"

#include "base/arena.h"
#include "net/icmp.h"
#include "net/lookup.h"
#include "net/sendq.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	RECEIVE_BATCH = 16,           /* datagrams one recvmmsg takes */
	RECEIVE_MAX_BATCHES = 8,      /* of one socket, then the others have their turn */
	RECEIVE_BYTES = 65536,        /* more than any datagram has */
	ERRORS_MAX = 64,              /* ICMP errors of one socket, likewise */
	TRIES = 4,                    /* past ICMP errors that a call tells instead of its own */
	WARN_EVERY = 1000,            /* lost datagrams */
	OWN_HANDLES = 3,              /* beside the polls: prepare, idle, the lookups' timer */
	FAILURES_MAX_BYTES = 4 << 20, /* of datagrams the kernel refused, not yet told */
};

union name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct udp_socket {
	struct udp *udp;
	int fd;
	uv_poll_t poll;
	bool blocked; /* the kernel takes no more until the socket is writable */
	struct sendq queue;
};

/* A datagram the kernel refused, to be told from the loop. */
struct failure {
	struct list node;
	unsigned socket;
	struct addr to;
	struct slice bytes; /* behind the struct */
};

struct receive {
	struct mmsghdr msgs[RECEIVE_BATCH];
	struct iovec iovs[RECEIVE_BATCH];
	union name names[RECEIVE_BATCH];
	char bytes[RECEIVE_BATCH][RECEIVE_BYTES];
};

struct udp {
	struct net net;
	uv_loop_t *loop;
	struct log *log;
	struct udp_socket *sockets;
	struct addr *local;
	struct receive *receive;
	struct sendq_batch *batch;
	struct lookups lookups;
	struct list failures;
	size_t failures_bytes;
	struct udp_counters counters;
	uv_prepare_t prepare; /* flushes before the loop sleeps */
	uv_idle_t idle;       /* keeps it awake while there are failures to tell */
	void (*begin)(void *data);
	void (*end)(void *data);
	void *batch_data;
	bool closing;
	unsigned handles; /* not yet closed */
	void (*closed)(void *data);
	void *closed_data;
};

/* --- sending ---------------------------------------------------------------------------------- */

static void count_lost(struct udp *u)
{
	uint64_t before = u->counters.send_lost;

	u->counters.send_lost++;
	if (before == 0 || before / WARN_EVERY != u->counters.send_lost / WARN_EVERY)
		log_warn(u->log, "%llu datagrams were lost: the kernel took no more",
			 (unsigned long long)u->counters.send_lost);
}

static void tell_failures(uv_idle_t *idle);

static void add_failure(struct udp *u, unsigned socket, const struct addr *to, struct slice bytes)
{
	struct failure *f;

	if (u->closing || u->failures_bytes + bytes.n > FAILURES_MAX_BYTES)
		return;
	f = mem_alloc(sizeof(*f) + bytes.n);
	*f = (struct failure){.socket = socket, .to = *to};
	f->bytes = slice_of(memcpy(f + 1, bytes.p, bytes.n), bytes.n);
	u->failures_bytes += bytes.n;
	list_push(&u->failures, &f->node);
	uv_idle_start(&u->idle, tell_failures);
}

static struct failure *take_failure(struct udp *u)
{
	struct list *node = list_shift(&u->failures);
	struct failure *f = node ? CONTAINER(node, struct failure, node) : NULL;

	if (f)
		u->failures_bytes -= f->bytes.n;
	return f;
}

static void tell_unreachable(struct udp *u, unsigned socket, const struct addr *to,
			     struct slice quoted)
{
	u->counters.unreachable++;
	if (u->begin)
		u->begin(u->batch_data);
	if (u->net.user.unreachable)
		u->net.user.unreachable(u->net.user.data, socket, to, quoted);
}

/* Those told here may lead to new ones, which wait for the next turn. */
static void tell_failures(uv_idle_t *idle)
{
	struct udp *u = idle->data;
	struct list *last = u->failures.prev;
	struct failure *f;
	bool more = true;

	while (more && !u->closing && (f = take_failure(u))) {
		more = &f->node != last;
		tell_unreachable(u, f->socket, &f->to, f->bytes);
		free(f);
	}
	if (list_empty(&u->failures))
		uv_idle_stop(&u->idle);
}

static void watch(struct udp_socket *s);

static void flush(struct udp_socket *s)
{
	struct udp *u = s->udp;
	unsigned socket = (unsigned)(s - u->sockets);
	struct sendq_refused refused;
	enum sendq_result result;

	do {
		result = sendq_flush(&s->queue, u->batch, &refused, &u->counters.sent);
		if (result == SENDQ_LOST)
			count_lost(u);
		else if (result == SENDQ_REFUSED)
			add_failure(u, socket, &refused.to, refused.bytes);
	} while (result == SENDQ_LOST || result == SENDQ_REFUSED);
	s->blocked = result == SENDQ_BLOCKED;
	if (s->blocked)
		watch(s);
}

static void flush_all(struct udp *u)
{
	for (unsigned i = 0; i < u->net.n_sockets; i++)
		if (u->sockets[i].queue.count && !u->sockets[i].blocked)
			flush(&u->sockets[i]);
}

static void before_sleep(uv_prepare_t *p)
{
	flush_all(p->data);
}

static void udp_send(struct net *n, unsigned socket, const struct addr *to, struct slice bytes)
{
	struct udp *u = CONTAINER(n, struct udp, net);
	struct udp_socket *s = &u->sockets[socket];

	if (u->closing)
		return;
	if (!sendq_put(&s->queue, to, bytes))
		count_lost(u);
	else if (s->queue.count >= SENDQ_BATCH && !s->blocked)
		flush(s);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void init_receive(struct receive *r)
{
	for (unsigned i = 0; i < RECEIVE_BATCH; i++) {
		r->iovs[i] = (struct iovec){r->bytes[i], RECEIVE_BYTES};
		r->msgs[i].msg_hdr = (struct msghdr){
		    .msg_name = &r->names[i],
		    .msg_iov = &r->iovs[i],
		    .msg_iovlen = 1,
		};
	}
}

/* How many came, maybe 0.  An ICMP error makes a call fail once, as it does in sendq.c. */
static unsigned receive_batch(struct udp_socket *s)
{
	struct receive *r = s->udp->receive;
	int got = -1;

	for (unsigned i = 0; i < RECEIVE_BATCH; i++)
		r->msgs[i].msg_hdr.msg_namelen = sizeof(r->names[i]);
	for (int try = 0; got < 0 && try < TRIES; try++) {
		got = recvmmsg(s->fd, r->msgs, RECEIVE_BATCH, MSG_DONTWAIT, NULL);
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
	}
	return got < 0 ? 0 : (unsigned)got;
}

static void tell_batch(struct udp_socket *s, unsigned n)
{
	struct udp *u = s->udp;
	struct receive *r = u->receive;
	unsigned socket = (unsigned)(s - u->sockets);

	u->counters.received += n;
	if (u->begin)
		u->begin(u->batch_data);
	for (unsigned i = 0; i < n && !u->closing && u->net.user.datagram; i++) {
		struct addr from;

		addr_from_sockaddr(&from, &r->names[i].sa);
		u->net.user.datagram(u->net.user.data, socket, &from,
				     slice_of(r->bytes[i], r->msgs[i].msg_len));
	}
}

static void receive(struct udp_socket *s)
{
	unsigned n = RECEIVE_BATCH;

	for (unsigned i = 0; n == RECEIVE_BATCH && i < RECEIVE_MAX_BATCHES; i++) {
		n = s->udp->closing ? 0 : receive_batch(s);
		if (n == 0)
			return;
		tell_batch(s, n);
		if (s->udp->end)
			s->udp->end(s->udp->batch_data);
		flush_all(s->udp);
	}
}

static void receive_errors(struct udp_socket *s)
{
	struct udp *u = s->udp;
	char *bytes = u->receive->bytes[0];
	enum icmp_result result = ICMP_IGNORED;
	int error;
	socklen_t size = sizeof(error);

	for (unsigned i = 0; result != ICMP_NONE && i < ERRORS_MAX && !u->closing; i++) {
		struct addr to;
		size_t n;

		result = icmp_read(s->fd, &to, bytes, RECEIVE_BYTES, &n);
		if (result == ICMP_UNREACHABLE)
			tell_unreachable(u, (unsigned)(s - u->sockets), &to, slice_of(bytes, n));
	}
	/* An error can stand in the socket without an entry in its queue: this clears it. */
	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct udp_socket *s = poll->data;

	/* libuv tells POLLERR, which stands for a filled error queue, as a
	 * failure and stops to watch. */
	if (status < 0)
		receive_errors(s);
	if (status == 0 && (events & UV_WRITABLE))
		flush(s);
	if (status < 0 || (events & UV_READABLE))
		receive(s);
	if (status < 0 || (events & UV_WRITABLE))
		watch(s);
}

static void watch(struct udp_socket *s)
{
	if (!s->udp->closing)
		uv_poll_start(&s->poll, UV_READABLE | (s->blocked ? UV_WRITABLE : 0), on_poll);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int set_options(int fd, uint8_t family, const struct udp_options *o)
{
	if (family == 6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0)
		return -1;
	if (icmp_enable(fd, family) < 0)
		return -1;
	if (o->receive_buffer_bytes &&
	    set_int(fd, SOL_SOCKET, SO_RCVBUF, (int)o->receive_buffer_bytes) < 0)
		return -1;
	if (o->send_buffer_bytes &&
	    set_int(fd, SOL_SOCKET, SO_SNDBUF, (int)o->send_buffer_bytes) < 0)
		return -1;
	return 0;
}

/* Whoever binds a socket with SO_REUSEPORT may take the address of one that has it, from
 * another process too (of the same user). */
static int bind_shared(int fd, const struct sockaddr *name, socklen_t size, enum udp_sharing how)
{
	if (how == UDP_JOIN && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
		return -1;
	if (bind(fd, name, size) < 0)
		return -1;
	return how == UDP_FIRST ? set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) : 0;
}

/* The descriptor, and its address in *local; or -1 and errno. */
static int bind_socket(const struct addr *a, const struct udp_options *o, struct addr *local)
{
	int family = a->family == 6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	union name name;
	socklen_t size = addr_to_sockaddr(a, &name.sa);

	if (fd < 0)
		return -1;
	if (set_options(fd, a->family, o) < 0 || bind_shared(fd, &name.sa, size, o->sharing) < 0 ||
	    getsockname(fd, &name.sa, &size) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	addr_from_sockaddr(local, &name.sa);
	return fd;
}

static void say_error(struct buf *error, const struct addr *a, int code)
{
	char text[ADDR_TEXT];

	addr_text(a, text);
	buf_printf(error, "udp:%s: %s", text, uv_strerror(uv_translate_sys_error(code)));
}

static int bind_all(struct udp *u, const struct addr *addrs, unsigned n,
		    const struct udp_options *o, struct buf *error)
{
	for (unsigned i = 0; i < n; i++) {
		struct udp_socket *s = &u->sockets[i];

		s->udp = u;
		s->fd = bind_socket(&addrs[i], o, &u->local[i]);
		if (s->fd < 0) {
			say_error(error, &addrs[i], errno);
			return -1;
		}
		sendq_init(&s->queue, s->fd);
		u->net.n_sockets++;
	}
	return 0;
}

static void udp_resolve(struct net *n, struct slice host, void *data,
			void (*done)(void *data, const struct addr *addrs, unsigned n))
{
	lookup_start(&CONTAINER(n, struct udp, net)->lookups, host, data, done);
}

static struct udp *udp_new(uv_loop_t *loop, struct log *log, unsigned n)
{
	struct udp *u = mem_zalloc(sizeof(*u));

	u->loop = loop;
	u->log = log;
	u->sockets = mem_zalloc(n * sizeof(*u->sockets));
	u->local = mem_zalloc(n * sizeof(*u->local));
	u->receive = mem_alloc(sizeof(*u->receive));
	init_receive(u->receive);
	u->batch = sendq_batch_new();
	u->net = (struct net){.local = u->local, .send = udp_send, .resolve = udp_resolve};
	list_init(&u->failures);
	return u;
}

static void udp_free(struct udp *u)
{
	struct failure *f;

	for (unsigned i = 0; i < u->net.n_sockets; i++) {
		close(u->sockets[i].fd);
		sendq_free(&u->sockets[i].queue);
	}
	while ((f = take_failure(u)))
		free(f);
	free(u->receive);
	free(u->batch);
	free(u->local);
	free(u->sockets);
	free(u);
}

static int start_polls(struct udp *u, struct buf *error)
{
	for (unsigned i = 0; i < u->net.n_sockets; i++) {
		struct udp_socket *s = &u->sockets[i];
		int code = uv_poll_init(u->loop, &s->poll, s->fd);

		if (code < 0) {
			say_error(error, &u->local[i], -code);
			return -1;
		}
		u->handles++;
		s->poll.data = s;
		watch(s);
	}
	return 0;
}

static void start_loop_handles(struct udp *u)
{
	uv_prepare_init(u->loop, &u->prepare);
	uv_idle_init(u->loop, &u->idle);
	lookups_init(&u->lookups, u->loop, u->log);
	u->prepare.data = u->idle.data = u->lookups.timer.data = u;
	uv_prepare_start(&u->prepare, before_sleep);
	u->handles += OWN_HANDLES;
}

int udp_open(struct udp **out, uv_loop_t *loop, struct log *log, const struct addr *addrs,
	     unsigned n, const struct udp_options *o, struct buf *error)
{
	struct udp *u = udp_new(loop, log, n);

	if (bind_all(u, addrs, n, o, error) < 0) {
		udp_free(u);
		return -1;
	}
	start_loop_handles(u);
	if (start_polls(u, error) < 0) {
		udp_close(u, NULL, NULL);
		return -1;
	}
	*out = u;
	return 0;
}

struct net *udp_net(struct udp *u)
{
	return &u->net;
}

const struct udp_counters *udp_counters(const struct udp *u)
{
	return &u->counters;
}

void udp_flush(struct udp *u)
{
	flush_all(u);
}

void udp_on_batch(struct udp *u, void (*begin)(void *data), void (*end)(void *data), void *data)
{
	u->begin = begin;
	u->end = end;
	u->batch_data = data;
	u->lookups.begin = begin;
	u->lookups.begin_data = data;
}

/* --- closing ---------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct udp *u =
	    handle->type == UV_POLL ? ((struct udp_socket *)handle->data)->udp : handle->data;
	void (*closed)(void *data) = u->closed;
	void *data = u->closed_data;

	if (--u->handles > 0)
		return;
	udp_free(u);
	if (closed)
		closed(data);
}

void udp_close(struct udp *u, void (*done)(void *data), void *data)
{
	unsigned n_polls = u->handles - OWN_HANDLES;

	lookups_close(&u->lookups);
	flush_all(u);
	u->closing = true;
	u->closed = done;
	u->closed_data = data;
	for (unsigned i = 0; i < n_polls; i++)
		uv_close((uv_handle_t *)&u->sockets[i].poll, on_handle_closed);
	uv_close((uv_handle_t *)&u->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&u->idle, on_handle_closed);
	uv_close((uv_handle_t *)&u->lookups.timer, on_handle_closed);
}
