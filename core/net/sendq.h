/*
 * sendq: datagrams of one socket that wait for sendmmsg(2).
 */
#ifndef NET_SENDQ_H
#define NET_SENDQ_H

#include "base/buf.h"
#include "net/addr.h"

enum {
	SENDQ_BATCH = 64,          /* datagrams one system call takes */
	SENDQ_MAX = 1024,          /* datagrams that wait */
	SENDQ_MAX_BYTES = 4 << 20, /* likewise */
};

struct sendq_entry {
	struct addr to;
	size_t at; /* in bytes */
	size_t n;
};

struct sendq {
	int fd;                /* borrowed */
	unsigned first, count; /* entries first … count - 1 wait */
	struct sendq_entry entries[SENDQ_MAX];
	struct buf bytes;
};

/* What the system call is given; one serves many queues. */
struct sendq_batch;
struct sendq_batch *sendq_batch_new(void); /* free() ends it */

void sendq_init(struct sendq *q, int fd);
void sendq_free(struct sendq *q);

/* Copies bytes; false when the queue is full. */
bool sendq_put(struct sendq *q, const struct addr *to, struct slice bytes);

enum sendq_result {
	SENDQ_EMPTY,   /* all have left */
	SENDQ_BLOCKED, /* the kernel takes no more until the socket is writable */
	SENDQ_LOST,    /* one was taken out: the kernel had no buffer for it */
	SENDQ_REFUSED, /* one was taken out: the kernel will not send it */
};

/*
 * Sends until something other than success happens; *sent counts those that
 * left.  LOST and REFUSED: *out is what was taken out, valid until the next
 * call on q, and more may wait.
 */
struct sendq_refused {
	struct addr to;
	struct slice bytes;
};
enum sendq_result sendq_flush(struct sendq *q, struct sendq_batch *batch, struct sendq_refused *out,
			      uint64_t *sent);

#endif
