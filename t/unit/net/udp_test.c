/* Real sockets on the loopback; the loop's own events say when to go on, nothing sleeps. */
#include "tap.h"

#include "base/arena.h"
#include "base/list.h"
#include "net/sendq.h"
#include "net/udp.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WATCHDOG_MS = 20000, ECHOES = 1000, WINDOW = 50 };

/* --- a kernel that can be told to refuse ------------------------------------------------------ */

static int refuse_errno, refuse_times;

/* Stands before libc's: what the loopback would never do on its own. */
int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	if (refuse_times > 0) {
		refuse_times--;
		errno = refuse_errno;
		return -1;
	}
	return (int)syscall(SYS_sendmmsg, fd, msgs, n, flags);
}

static void refuse(int code, int times)
{
	refuse_errno = code;
	refuse_times = times;
}

/* --- one loop and what happened on it ----------------------------------------------------------
 */

struct peer {
	struct rig *rig;
	struct udp *udp;
	bool echo, close_at_first, closing, sending;
	unsigned begins, ends, datagrams, unreachables, unreachable_in_send;
	unsigned wanted; /* datagrams or errors after which the loop stops */
	unsigned to_send;
	enum udp_sharing sharing;
	struct addr from, to;
	char bytes[2048]; /* the beginning of the last datagram or quote */
	size_t n;
};

struct rig {
	uv_loop_t loop;
	uv_timer_t watchdog;
	struct log log;
	struct buf log_text, error;
	struct peer a, b;
};

static void write_log(struct log *l, enum log_level level, struct slice line)
{
	struct rig *rig = CONTAINER(l, struct rig, log);

	(void)level;
	buf_put(&rig->log_text, line);
}

static void on_watchdog(uv_timer_t *t)
{
	CHECK(!"the loop waited for something that did not come");
	uv_stop(t->loop);
}

static void rig_open(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	uv_loop_init(&rig->loop);
	uv_timer_init(&rig->loop, &rig->watchdog);
	uv_timer_start(&rig->watchdog, on_watchdog, WATCHDOG_MS, 0);
	uv_unref((uv_handle_t *)&rig->watchdog);
	rig->log = (struct log){.level = LOG_DEBUG, .write = write_log};
	buf_init(&rig->log_text, 1 << 20);
	buf_init(&rig->error, 1000);
	rig->a.rig = rig->b.rig = rig;
}

static void on_closed(void *data)
{
	struct udp **u = data;

	*u = NULL;
}

static void peer_close(struct peer *p)
{
	if (p->udp && !p->closing)
		udp_close(p->udp, on_closed, &p->udp);
	p->closing = true;
}

static void rig_close(struct rig *rig)
{
	peer_close(&rig->a);
	peer_close(&rig->b);
	uv_close((uv_handle_t *)&rig->watchdog, NULL);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	CHECK(!rig->a.udp && !rig->b.udp);
	CHECK_INT(uv_loop_close(&rig->loop), 0);
	buf_free(&rig->log_text);
	buf_free(&rig->error);
}

static void keep(struct peer *p, struct slice bytes)
{
	p->n = bytes.n;
	snprintf(p->bytes, sizeof(p->bytes), "%.*s", SLICE_ARG(bytes));
}

static void stop_when_done(struct peer *p)
{
	if (p->datagrams + p->unreachables >= p->wanted)
		uv_stop(&p->rig->loop);
}

static void send_to(struct peer *p, const struct addr *to, struct slice bytes)
{
	struct net *n = udp_net(p->udp);

	p->sending = true;
	n->send(n, 0, to, bytes);
	p->sending = false;
}

static void send_next(struct peer *p)
{
	char text[20];
	int n = snprintf(text, sizeof(text), "%u", p->to_send--);

	send_to(p, &p->to, slice_of(text, (size_t)n));
}

static void on_datagram(void *data, unsigned socket, const struct addr *from, struct slice bytes)
{
	struct peer *p = data;

	CHECK_INT(socket, 0);
	p->datagrams++;
	p->from = *from;
	keep(p, bytes);
	if (p->echo)
		send_to(p, from, bytes);
	else if (p->to_send)
		send_next(p);
	if (p->close_at_first)
		peer_close(p);
	if (p->wanted)
		stop_when_done(p);
}

static void on_unreachable(void *data, unsigned socket, const struct addr *to, struct slice quoted)
{
	struct peer *p = data;

	CHECK_INT(socket, 0);
	p->unreachables++;
	p->unreachable_in_send += p->sending;
	p->from = *to;
	keep(p, quoted);
	if (p->wanted)
		stop_when_done(p);
}

static void on_begin(void *data)
{
	struct peer *p = data;

	p->begins++;
}

static void on_end(void *data)
{
	struct peer *p = data;

	p->ends++;
}

static int try_open(struct peer *p, const char *const *texts, unsigned n)
{
	const struct udp_options options = {
	    .receive_buffer_bytes = 1 << 20,
	    .sharing = p->sharing,
	};
	struct addr addrs[4];

	for (unsigned i = 0; i < n; i++)
		CHECK_INT(addr_parse_port(&addrs[i], slice_str(texts[i])), 0);
	if (udp_open(&p->udp, &p->rig->loop, &p->rig->log, addrs, n, &options, &p->rig->error) < 0)
		return -1;
	udp_net(p->udp)->user = (struct net_user){p, on_datagram, on_unreachable};
	udp_on_batch(p->udp, on_begin, on_end, p);
	return 0;
}

static int peer_open(struct peer *p, const char *text)
{
	int result = try_open(p, &text, 1);

	if (result < 0)
		printf("# %.*s\n", SLICE_ARG(buf_slice(&p->rig->error)));
	return result;
}

static struct addr local(const struct peer *p)
{
	return udp_net(p->udp)->local[0];
}

/* Both ends on one address. False where this machine has no such family. */
static bool rig_open_two(struct rig *rig, const char *text)
{
	rig_open(rig);
	if (peer_open(&rig->a, text) < 0 || peer_open(&rig->b, text) < 0) {
		CHECK(strchr(text, '[')); /* no IPv6 in this container; IPv4 has to work */
		rig_close(rig);
		return false;
	}
	rig->a.to = local(&rig->b);
	return true;
}

static struct rig *run(struct rig *rig)
{
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	return rig;
}

/* An address at which nobody listens, a moment ago somebody did. */
static struct addr closed_port(const char *text)
{
	struct addr a;
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	int fd;

	addr_parse_port(&a, slice_str(text));
	fd = socket(a.family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&name, addr_to_sockaddr(&a, (void *)&name)), 0);
	getsockname(fd, (struct sockaddr *)&name, &size);
	addr_from_sockaddr(&a, (struct sockaddr *)&name);
	close(fd);
	return a;
}

/* --- datagrams ---------------------------------------------------------------------------------
 */

static void echo(const char *text)
{
	struct rig rig;

	if (!rig_open_two(&rig, text))
		return;
	rig.a.to_send = rig.a.wanted = ECHOES;
	rig.b.echo = true;
	for (unsigned i = 0; i < WINDOW; i++)
		send_next(&rig.a);
	run(&rig);
	CHECK_INT(rig.a.datagrams, ECHOES);
	CHECK_INT(rig.b.datagrams, ECHOES);
	CHECK_STR(rig.a.bytes, "1");
	CHECK(addr_equal(&rig.a.from, &rig.a.to));
	CHECK_INT(udp_counters(rig.a.udp)->received, ECHOES);
	CHECK_INT(udp_counters(rig.a.udp)->sent, ECHOES);
	CHECK(rig.b.begins > 0 && rig.b.begins < ECHOES);
	CHECK_INT(rig.b.ends, rig.b.begins);
	rig_close(&rig);
}

static void a_thousand_datagrams_come_back_on_ipv4(void)
{
	echo("127.0.0.1:0");
}

static void a_thousand_datagrams_come_back_on_ipv6(void)
{
	echo("[::1]:0");
}

static void the_largest_datagram_arrives_whole(void)
{
	enum { LARGEST = 65507 };
	struct rig rig;
	char *bytes = mem_alloc(LARGEST);

	rig_open_two(&rig, "127.0.0.1:0");
	memset(bytes, 'x', LARGEST);
	rig.b.wanted = 1;
	send_to(&rig.a, &rig.a.to, slice_of(bytes, LARGEST));
	run(&rig);
	CHECK_INT(rig.b.n, LARGEST);
	rig_close(&rig);
	free(bytes);
}

static void what_is_queued_leaves_before_closing(void)
{
	struct rig rig;

	rig_open_two(&rig, "127.0.0.1:0");
	rig.b.wanted = 1;
	send_to(&rig.a, &rig.a.to, SLICE("last words"));
	peer_close(&rig.a);
	run(&rig);
	CHECK_STR(rig.b.bytes, "last words");
	rig_close(&rig);
}

static void may_be_closed_while_a_batch_is_told(void)
{
	struct rig rig;

	rig_open_two(&rig, "127.0.0.1:0");
	rig.b.close_at_first = true;
	rig.b.wanted = 1;
	for (unsigned i = 0; i < 10; i++)
		send_to(&rig.a, &rig.a.to, SLICE("hello"));
	run(&rig);
	CHECK_INT(rig.b.datagrams, 1);
	rig_close(&rig);
}

/* --- errors of the network ---------------------------------------------------------------------
 */

static void closed_port_is_told(const char *text)
{
	struct rig rig;
	struct addr nobody;

	if (!rig_open_two(&rig, text))
		return;
	nobody = closed_port(text);
	rig.a.wanted = 1;
	send_to(&rig.a, &nobody, SLICE("INVITE sip:nobody@example.org SIP/2.0\r\n"));
	run(&rig);
	CHECK_INT(rig.a.unreachables, 1);
	CHECK_INT(rig.a.unreachable_in_send, 0);
	CHECK(addr_equal(&rig.a.from, &nobody));
	CHECK_STR(rig.a.bytes, "INVITE sip:nobody@example.org SIP/2.0\r\n");
	CHECK_INT(udp_counters(rig.a.udp)->unreachable, 1);
	rig_close(&rig);
}

static void closed_port_is_told_with_the_quote_on_ipv4(void)
{
	closed_port_is_told("127.0.0.1:0");
}

static void closed_port_is_told_with_the_quote_on_ipv6(void)
{
	closed_port_is_told("[::1]:0");
}

static void a_long_datagram_is_quoted_in_part(void)
{
	struct rig rig;
	struct addr nobody = closed_port("127.0.0.1:0");
	char bytes[1400];

	rig_open_two(&rig, "127.0.0.1:0");
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "BYE", 3);
	rig.a.wanted = 1;
	send_to(&rig.a, &nobody, slice_of(bytes, sizeof(bytes)));
	run(&rig);
	CHECK(rig.a.n >= 8 && rig.a.n <= sizeof(bytes));
	CHECK(memcmp(rig.a.bytes, bytes, rig.a.n) == 0);
	rig_close(&rig);
}

/* The error of one datagram stands in the socket when the next is sent. */
static void errors_do_not_eat_the_next_datagram(void)
{
	struct rig rig;
	struct addr nobody = closed_port("127.0.0.1:0");

	rig_open_two(&rig, "127.0.0.1:0");
	rig.a.wanted = 20;
	rig.b.echo = true;
	for (unsigned i = 0; i < 10; i++) {
		send_to(&rig.a, &nobody, SLICE("to nobody"));
		send_to(&rig.a, &rig.a.to, SLICE("to b"));
	}
	run(&rig);
	CHECK_INT(rig.a.unreachables, 10);
	CHECK_INT(rig.a.datagrams, 10);
	CHECK_INT(rig.b.datagrams, 10);
	rig_close(&rig);
}

static void what_the_kernel_refuses_is_told_from_the_loop(void)
{
	enum { TOO_LARGE = 65508 };
	struct rig rig;
	char *bytes = mem_zalloc(TOO_LARGE);

	rig_open_two(&rig, "127.0.0.1:0");
	memcpy(bytes, "INVITE", 6);
	rig.a.wanted = 1;
	send_to(&rig.a, &rig.a.to, slice_of(bytes, TOO_LARGE));
	/* A full batch, so that it is flushed from inside send. */
	for (unsigned i = 1; i < SENDQ_BATCH; i++)
		send_to(&rig.a, &rig.a.to, SLICE("fine"));
	CHECK_INT(rig.a.unreachables, 0);
	run(&rig);
	CHECK_INT(rig.a.unreachables, 1);
	CHECK_INT(rig.a.n, TOO_LARGE);
	CHECK_STR(rig.a.bytes, "INVITE");
	CHECK(addr_equal(&rig.a.from, &rig.a.to));
	CHECK_INT(udp_counters(rig.a.udp)->sent, SENDQ_BATCH - 1);
	rig_close(&rig);
	free(bytes);
}

static void an_address_of_the_other_family_is_refused(void)
{
	struct rig rig;
	struct addr six;

	rig_open_two(&rig, "127.0.0.1:0");
	addr_parse_port(&six, SLICE("[2001:db8::1]:5060"));
	rig.a.wanted = 1;
	send_to(&rig.a, &six, SLICE("INVITE"));
	run(&rig);
	CHECK_INT(rig.a.unreachables, 1);
	CHECK(addr_equal(&rig.a.from, &six));
	rig_close(&rig);
}

/* --- a kernel that is busy ---------------------------------------------------------------------
 */

static void what_the_kernel_cannot_take_waits(void)
{
	struct rig rig;

	rig_open_two(&rig, "127.0.0.1:0");
	refuse(EAGAIN, 1);
	rig.b.wanted = 3;
	rig.a.to_send = 3;
	for (unsigned i = 0; i < 3; i++)
		send_next(&rig.a);
	run(&rig);
	CHECK_INT(rig.b.datagrams, 3);
	CHECK_STR(rig.b.bytes, "1");
	CHECK_INT(udp_counters(rig.a.udp)->send_lost, 0);
	rig_close(&rig);
}

static void an_error_of_an_earlier_datagram_is_passed_over(void)
{
	struct rig rig;

	rig_open_two(&rig, "127.0.0.1:0");
	refuse(ECONNREFUSED, 2);
	rig.b.wanted = 1;
	send_to(&rig.a, &rig.a.to, SLICE("hello"));
	run(&rig);
	CHECK_INT(rig.b.datagrams, 1);
	CHECK_INT(rig.a.unreachables, 0);
	rig_close(&rig);
}

static void lost_datagrams_are_counted_and_warned_of_once(void)
{
	struct rig rig;

	rig_open_two(&rig, "127.0.0.1:0");
	refuse(ENOBUFS, 2);
	rig.b.wanted = 1;
	for (unsigned i = 0; i < 3; i++)
		send_to(&rig.a, &rig.a.to, SLICE("hello"));
	run(&rig);
	CHECK_INT(rig.b.datagrams, 1);
	CHECK_INT(rig.a.unreachables, 0);
	CHECK_INT(udp_counters(rig.a.udp)->send_lost, 2);
	CHECK_SLICE(buf_slice(&rig.log_text), "1 datagrams were lost: the kernel took no more");
	rig_close(&rig);
}

static void the_queue_has_an_end(void)
{
	struct rig rig;

	rig_open_two(&rig, "127.0.0.1:0");
	refuse(EAGAIN, 1);
	for (unsigned i = 0; i < SENDQ_MAX + 5; i++)
		send_to(&rig.a, &rig.a.to, SLICE("hello"));
	CHECK_INT(udp_counters(rig.a.udp)->send_lost, 5);
	rig.b.wanted = 1;
	run(&rig);
	CHECK_INT(udp_counters(rig.a.udp)->sent, SENDQ_MAX);
	rig_close(&rig);
}

/* --- opening -----------------------------------------------------------------------------------
 */

static unsigned open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void ephemeral_ports_are_resolved(void)
{
	static const char *const texts[] = {"127.0.0.1:0", "127.0.0.1:0"};
	struct rig rig;
	const struct net *n;

	rig_open(&rig);
	CHECK_INT(try_open(&rig.a, texts, 2), 0);
	n = udp_net(rig.a.udp);
	CHECK_INT(n->n_sockets, 2);
	CHECK(n->local[0].port != 0 && n->local[1].port != 0);
	CHECK(n->local[0].port != n->local[1].port);
	rig_close(&rig);
}

/* On all of IPv4, and on all of IPv6 at the same port. */
static int open_both_families(void)
{
	struct rig rig;
	char text[ADDR_TEXT];
	int result;

	rig_open(&rig);
	CHECK_INT(peer_open(&rig.a, "0.0.0.0:0"), 0);
	snprintf(text, sizeof(text), "[::]:%u", local(&rig.a).port);
	result = peer_open(&rig.b, text);
	rig_close(&rig);
	return result;
}

/* Else "[::]" would take the IPv4 port as well.  Somebody else may have the port: other ones. */
static void the_families_have_ports_of_their_own(void)
{
	struct rig rig;
	int result = -1;

	if (!rig_open_two(&rig, "[::1]:0"))
		return;
	rig_close(&rig);
	for (unsigned i = 0; result < 0 && i < 5; i++)
		result = open_both_families();
	CHECK_INT(result, 0);
}

static void a_port_in_use_is_named_and_nothing_stays_open(void)
{
	struct rig rig;
	struct addr used;
	char text[ADDR_TEXT], expected[200];
	const char *texts[] = {"127.0.0.1:0", text};
	unsigned before;

	rig_open(&rig);
	peer_open(&rig.a, "127.0.0.1:0");
	used = local(&rig.a);
	addr_text(&used, text);
	snprintf(expected, sizeof(expected), "udp:%s: address already in use", text);
	before = open_files();
	CHECK_INT(try_open(&rig.b, texts, 2), -1);
	CHECK_SLICE(buf_slice(&rig.error), expected);
	CHECK_INT(open_files(), before);
	rig_close(&rig);
}

static void an_address_that_is_not_ours_is_named(void)
{
	static const char *const text = "192.0.2.1:5060";
	struct rig rig;

	rig_open(&rig);
	CHECK_INT(try_open(&rig.a, &text, 1), -1);
	CHECK_SLICE(buf_slice(&rig.error), "udp:192.0.2.1:5060: address not available");
	rig_close(&rig);
}

/* --- several workers ---------------------------------------------------------------------------
 */

enum { CLIENTS = 64 };

/* a opens an address of this kind, b joins it. */
static bool open_group(struct rig *rig, const char *text)
{
	struct addr first;
	char joined[ADDR_TEXT];

	rig_open(rig);
	rig->a.sharing = UDP_FIRST;
	rig->b.sharing = UDP_JOIN;
	if (peer_open(&rig->a, text) < 0) {
		CHECK(strchr(text, '['));
		rig_close(rig);
		return false;
	}
	first = local(&rig->a);
	addr_text(&first, joined);
	CHECK_INT(peer_open(&rig->b, joined), 0);
	return true;
}

/* How an opener of this kind gets on with the address of one of that kind. */
static void second_is(enum udp_sharing there, enum udp_sharing comes, int expected)
{
	struct rig rig;
	struct addr used;
	char text[ADDR_TEXT];
	const char *const texts[] = {text};

	rig_open(&rig);
	rig.a.sharing = there;
	rig.b.sharing = comes;
	peer_open(&rig.a, "127.0.0.1:0");
	used = local(&rig.a);
	addr_text(&used, text);
	CHECK_INT(try_open(&rig.b, texts, 1), expected);
	CHECK(expected == 0 || memmem(rig.error.p, rig.error.n, "already in use", 14));
	rig_close(&rig);
}

static void nobody_takes_an_address_that_is_taken(void)
{
	second_is(UDP_ALONE, UDP_FIRST, -1);
	second_is(UDP_FIRST, UDP_FIRST, -1);
	second_is(UDP_FIRST, UDP_ALONE, -1);
	second_is(UDP_ALONE, UDP_JOIN, -1);
	second_is(UDP_FIRST, UDP_JOIN, 0);
	/* Of a whole group, and of a stranger that would share it. */
	second_is(UDP_JOIN, UDP_FIRST, -1);
}

static void send_from_many_places(const struct addr *to)
{
	struct sockaddr_storage name;
	socklen_t size = addr_to_sockaddr(to, (void *)&name);

	for (unsigned i = 0; i < CLIENTS; i++) {
		int fd = socket(name.ss_family, SOCK_DGRAM, 0);

		CHECK_INT(sendto(fd, "hello", 5, 0, (struct sockaddr *)&name, size), 5);
		close(fd);
	}
}

static void all_of_a_group_receive(const char *text)
{
	struct rig rig;
	struct addr to;

	if (!open_group(&rig, text))
		return;
	to = local(&rig.a);
	CHECK(addr_equal(&to, &udp_net(rig.b.udp)->local[0]));
	rig.a.wanted = rig.b.wanted = 1;
	send_from_many_places(&to);
	while (rig.a.datagrams + rig.b.datagrams < CLIENTS && tap_test_failed == 0)
		run(&rig);
	CHECK(rig.a.datagrams > 0);
	CHECK(rig.b.datagrams > 0);
	rig_close(&rig);
}

static void all_of_a_group_receive_on_ipv4(void)
{
	all_of_a_group_receive("127.0.0.1:0");
}

static void all_of_a_group_receive_on_ipv6(void)
{
	all_of_a_group_receive("[::1]:0");
}

/* Where they arrive is the kernel's choice; none is lost. */
static void errors_reach_the_group(void)
{
	struct rig rig;

	open_group(&rig, "127.0.0.1:0");
	rig.a.wanted = rig.b.wanted = 1;
	for (unsigned i = 0; i < 8; i++) {
		struct addr nobody = closed_port("127.0.0.1:0");

		send_to(i % 2 ? &rig.a : &rig.b, &nobody, SLICE("INVITE"));
		while (rig.a.unreachables + rig.b.unreachables <= i && tap_test_failed == 0)
			run(&rig);
	}
	CHECK_INT(rig.a.unreachables + rig.b.unreachables, 8);
	CHECK_STR(rig.a.unreachables ? rig.a.bytes : rig.b.bytes, "INVITE");
	rig_close(&rig);
}

/* --- names -------------------------------------------------------------------------------------
 */

struct found {
	uv_loop_t *loop;
	unsigned calls, n;
	bool loopback;
	uint16_t port;
};

static void on_found(void *data, const struct addr *addrs, unsigned n)
{
	struct found *f = data;

	f->calls++;
	f->n = n;
	f->loopback = n > 0;
	for (unsigned i = 0; i < n; i++) {
		f->loopback = f->loopback && addr_is_loopback(&addrs[i]);
		f->port |= addrs[i].port;
		for (unsigned j = 0; j < i; j++)
			CHECK(!addr_equal(&addrs[i], &addrs[j]));
	}
	if (f->loop)
		uv_stop(f->loop);
}

static void names_are_resolved(void)
{
	struct rig rig;
	struct found f = {.loop = &rig.loop};
	struct net *n;

	rig_open_two(&rig, "127.0.0.1:0");
	n = udp_net(rig.a.udp);
	n->resolve(n, SLICE("localhost"), &f, on_found);
	run(&rig);
	CHECK_INT(f.calls, 1);
	CHECK(f.loopback);
	CHECK_INT(f.port, 0);
	rig_close(&rig);
}

static void what_cannot_be_a_name_has_no_address(void)
{
	struct rig rig;
	struct found f = {0};
	struct net *n;
	char longest[300];

	rig_open_two(&rig, "127.0.0.1:0");
	n = udp_net(rig.a.udp);
	memset(longest, 'a', sizeof(longest));
	n->resolve(n, slice_of(longest, sizeof(longest)), &f, on_found);
	n->resolve(n, SLICE(""), &f, on_found);
	n->resolve(n, SLICE("localhost\0.example.org"), &f, on_found);
	CHECK_INT(f.calls, 3);
	CHECK_INT(f.n, 0);
	rig_close(&rig);
}

/* Each is answered once, and libuv's threads find nothing to write into. */
static void names_under_way_are_answered_when_closing(void)
{
	struct rig rig;
	struct found f = {0};
	struct net *n;

	rig_open_two(&rig, "127.0.0.1:0");
	n = udp_net(rig.a.udp);
	for (unsigned i = 0; i < 10; i++)
		n->resolve(n, SLICE("localhost"), &f, on_found);
	peer_close(&rig.a);
	CHECK_INT(f.calls, 10);
	CHECK_INT(f.n, 0);
	rig_close(&rig);
	CHECK_INT(f.calls, 10);
}

int main(void)
{
	TEST(a_thousand_datagrams_come_back_on_ipv4);
	TEST(a_thousand_datagrams_come_back_on_ipv6);
	TEST(the_largest_datagram_arrives_whole);
	TEST(what_is_queued_leaves_before_closing);
	TEST(may_be_closed_while_a_batch_is_told);
	TEST(closed_port_is_told_with_the_quote_on_ipv4);
	TEST(closed_port_is_told_with_the_quote_on_ipv6);
	TEST(a_long_datagram_is_quoted_in_part);
	TEST(errors_do_not_eat_the_next_datagram);
	TEST(what_the_kernel_refuses_is_told_from_the_loop);
	TEST(an_address_of_the_other_family_is_refused);
	TEST(what_the_kernel_cannot_take_waits);
	TEST(an_error_of_an_earlier_datagram_is_passed_over);
	TEST(lost_datagrams_are_counted_and_warned_of_once);
	TEST(the_queue_has_an_end);
	TEST(ephemeral_ports_are_resolved);
	TEST(the_families_have_ports_of_their_own);
	TEST(a_port_in_use_is_named_and_nothing_stays_open);
	TEST(an_address_that_is_not_ours_is_named);
	TEST(nobody_takes_an_address_that_is_taken);
	TEST(all_of_a_group_receive_on_ipv4);
	TEST(all_of_a_group_receive_on_ipv6);
	TEST(errors_reach_the_group);
	TEST(names_are_resolved);
	TEST(what_cannot_be_a_name_has_no_address);
	TEST(names_under_way_are_answered_when_closing);
	return tap_done();
}
