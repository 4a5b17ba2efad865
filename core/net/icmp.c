#include "net/icmp.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* linux/errqueue.h wants struct timespec first. */
#include <linux/errqueue.h>

int icmp_enable(int fd, uint8_t family)
{
	int on = 1;

	if (family == 6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	return setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
}

static bool is_unreachable(const struct sock_extended_err *e)
{
	if (e->ee_origin == SO_EE_ORIGIN_ICMP6)
		return e->ee_type == ICMP6_DST_UNREACH || e->ee_type == ICMP6_PARAM_PROB;
	if (e->ee_origin != SO_EE_ORIGIN_ICMP)
		return false;
	/* "Fragmentation needed" heals: the kernel now knows, and SIP sends again. */
	if (e->ee_type == ICMP_DEST_UNREACH)
		return e->ee_code != ICMP_FRAG_NEEDED;
	return e->ee_type == ICMP_PARAMETERPROB;
}

static bool is_error(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

static enum icmp_result result_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct sock_extended_err e;

		if (!is_error(c) || c->cmsg_len < CMSG_LEN(sizeof(e)))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		return is_unreachable(&e) ? ICMP_UNREACHABLE : ICMP_IGNORED;
	}
	return ICMP_IGNORED;
}

enum icmp_result icmp_read(int fd, struct addr *to, char *bytes, size_t size, size_t *n)
{
	struct sockaddr_storage name = {0};
	_Alignas(struct cmsghdr) char control[512];
	struct iovec iov = {.iov_base = bytes, .iov_len = size};
	struct msghdr m = {
	    .msg_name = &name,
	    .msg_namelen = sizeof(name),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control),
	};
	ssize_t got;

	do
		got = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return ICMP_NONE;
	*n = (size_t)got;
	addr_from_sockaddr(to, (struct sockaddr *)&name);
	return to->family ? result_of(&m) : ICMP_IGNORED;
}
