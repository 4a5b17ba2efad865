#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 8 << 20, SEND_BUFFER = 4 << 20 };

/* Room for the source address of a datagram; a multiple of a control header's alignment. */
enum { CONTROL_BYTES = CMSG_SPACE(sizeof(struct in_pktinfo)) };

struct wire {
	int fd;
	uint16_t port;
	struct sockaddr_in proxy;
	struct wire_counters counters;
	unsigned waiting;
	struct mmsghdr out[WIRE_BATCH], in[WIRE_BATCH];
	struct iovec out_iovs[WIRE_BATCH], in_iovs[WIRE_BATCH];
	_Alignas(struct cmsghdr) char controls[WIRE_BATCH][CONTROL_BYTES];
	char out_bytes[WIRE_BATCH][WIRE_BYTES], in_bytes[WIRE_BATCH][WIRE_BYTES];
};

static int open_socket(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int receive = RECEIVE_BUFFER, send = SEND_BUFFER;
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (fd < 0)
		return -1;
	/* More than others may have, where we may: what the generator loses it must send again. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof(receive)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send));
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0 &&
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void prepare(struct wire *w, unsigned i)
{
	struct cmsghdr *control;

	w->out_iovs[i] = (struct iovec){.iov_base = w->out_bytes[i]};
	w->in_iovs[i] = (struct iovec){.iov_base = w->in_bytes[i], .iov_len = WIRE_BYTES};
	w->in[i].msg_hdr = (struct msghdr){.msg_iov = &w->in_iovs[i], .msg_iovlen = 1};
	w->out[i].msg_hdr = (struct msghdr){
	    .msg_name = &w->proxy,
	    .msg_namelen = sizeof(w->proxy),
	    .msg_iov = &w->out_iovs[i],
	    .msg_iovlen = 1,
	    .msg_control = w->controls[i],
	    .msg_controllen = CONTROL_BYTES,
	};
	control = CMSG_FIRSTHDR(&w->out[i].msg_hdr);
	control->cmsg_level = IPPROTO_IP;
	control->cmsg_type = IP_PKTINFO;
	control->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
}

struct wire *wire_open(struct in_addr proxy, uint16_t proxy_port, uint16_t port)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct sockaddr_in name = {0};
	socklen_t n = sizeof(name);

	if (!w)
		return NULL;
	w->fd = open_socket(port);
	if (w->fd < 0 || getsockname(w->fd, (struct sockaddr *)&name, &n) < 0) {
		wire_close(w);
		return NULL;
	}
	w->port = ntohs(name.sin_port);
	w->proxy = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons(proxy_port), .sin_addr = proxy};
	for (unsigned i = 0; i < WIRE_BATCH; i++)
		prepare(w, i);
	return w;
}

void wire_close(struct wire *w)
{
	int saved = errno;

	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	errno = saved;
}

uint16_t wire_port(const struct wire *w)
{
	return w->port;
}

const struct wire_counters *wire_counters(const struct wire *w)
{
	return &w->counters;
}

struct text wire_next(struct wire *w)
{
	if (w->waiting == WIRE_BATCH)
		wire_flush(w);
	return text_in(w->out_bytes[w->waiting], WIRE_BYTES);
}

void wire_send(struct wire *w, const struct text *t, struct in_addr from)
{
	struct in_pktinfo info = {.ipi_spec_dst = from};

	if (t->full)
		return;
	w->out_iovs[w->waiting].iov_len = t->n;
	memcpy(w->controls[w->waiting] + CMSG_LEN(0), &info, sizeof(info));
	w->waiting++;
}

void wire_copy(struct wire *w, struct span datagram, struct in_addr from)
{
	struct text t = wire_next(w);

	text_put(&t, datagram);
	wire_send(w, &t, from);
}

void wire_flush(struct wire *w)
{
	for (unsigned i = 0; i < w->waiting;) {
		int n = sendmmsg(w->fd, w->out + i, w->waiting - i, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			w->counters.refused++;
			n = 1;
		}
		w->counters.sent += (unsigned)n;
		i += (unsigned)n;
	}
	w->waiting = 0;
}

unsigned wire_receive(struct wire *w)
{
	int n = recvmmsg(w->fd, w->in, WIRE_BATCH, MSG_DONTWAIT, NULL);

	if (n <= 0)
		return 0;
	w->counters.received += (unsigned)n;
	return (unsigned)n;
}

struct span wire_received(const struct wire *w, unsigned i)
{
	return (struct span){w->in_bytes[i], w->in[i].msg_len};
}
