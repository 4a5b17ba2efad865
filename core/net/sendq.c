#include "net/sendq.h"

#include "base/arena.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { TRIES = 4 };

union name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct sendq_batch {
	struct mmsghdr msgs[SENDQ_BATCH];
	struct iovec iovs[SENDQ_BATCH];
	union name names[SENDQ_BATCH];
};

struct sendq_batch *sendq_batch_new(void)
{
	return mem_zalloc(sizeof(struct sendq_batch));
}

void sendq_init(struct sendq *q, int fd)
{
	q->fd = fd;
	q->first = q->count = 0;
	buf_init(&q->bytes, SENDQ_MAX_BYTES);
}

void sendq_free(struct sendq *q)
{
	buf_free(&q->bytes);
}

bool sendq_put(struct sendq *q, const struct addr *to, struct slice bytes)
{
	if (q->count == SENDQ_MAX || bytes.n > q->bytes.max - q->bytes.n)
		return false;
	q->entries[q->count++] = (struct sendq_entry){*to, q->bytes.n, bytes.n};
	buf_put(&q->bytes, bytes);
	return true;
}

static unsigned fill(const struct sendq *q, struct sendq_batch *b)
{
	unsigned n = q->count - q->first;

	if (n > SENDQ_BATCH)
		n = SENDQ_BATCH;
	for (unsigned i = 0; i < n; i++) {
		const struct sendq_entry *e = &q->entries[q->first + i];

		b->iovs[i] = (struct iovec){q->bytes.p + e->at, e->n};
		b->msgs[i].msg_hdr = (struct msghdr){
		    .msg_name = &b->names[i],
		    .msg_namelen = addr_to_sockaddr(&e->to, &b->names[i].sa),
		    .msg_iov = &b->iovs[i],
		    .msg_iovlen = 1,
		};
	}
	return n;
}

/*
 * How many left, or -1 and errno for the first one.  An ICMP error for an
 * earlier datagram makes a call fail once, whatever it was to send: hence the
 * tries.
 */
static int send_batch(const struct sendq *q, struct sendq_batch *b)
{
	unsigned n = fill(q, b);
	int sent = -1;

	for (int i = 0; sent < 0 && i < TRIES; i++) {
		sent = sendmmsg(q->fd, b->msgs, n, MSG_DONTWAIT);
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
			break;
	}
	return sent;
}

static enum sendq_result stopped(struct sendq *q, struct sendq_refused *out)
{
	const struct sendq_entry *e = &q->entries[q->first];

	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return SENDQ_BLOCKED;
	q->first++;
	*out = (struct sendq_refused){e->to, slice_of(q->bytes.p + e->at, e->n)};
	return errno == ENOBUFS ? SENDQ_LOST : SENDQ_REFUSED;
}

enum sendq_result sendq_flush(struct sendq *q, struct sendq_batch *batch, struct sendq_refused *out,
			      uint64_t *sent)
{
	while (q->first < q->count) {
		int n = send_batch(q, batch);

		if (n < 0)
			return stopped(q, out);
		q->first += (unsigned)n;
		*sent += (unsigned)n;
	}
	q->first = q->count = 0;
	buf_reset(&q->bytes);
	return SENDQ_EMPTY;
}
