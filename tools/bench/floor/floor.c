/*
 * floor: what a packet costs before anybody looks into it.
 *
 *   floor [--seconds S] [--bytes N] [--window N] [--cpu N] [--client-cpu N]
 *
 * A server that sends every datagram back, in batches (recvmmsg, sendmmsg), and a client that
 * keeps a window of them under way, as the load generator does.  The result is the server's
 * CPU time for a packet that is received and one that is sent: no proxy that does both once
 * for each message can be below it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, BYTES_MAX = 4096, NAP_NS = 50000, RECEIVE_BUFFER = 8 << 20 };

struct settings {
	double seconds;
	unsigned bytes, window;
	int cpu, client_cpu; /* -1: any */
};

struct batch {
	struct mmsghdr msgs[BATCH];
	struct iovec iovs[BATCH];
	struct sockaddr_in names[BATCH];
	char bytes[BATCH][BYTES_MAX];
};

static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void batch_init(struct batch *b, bool names)
{
	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < BATCH; i++) {
		b->iovs[i].iov_base = b->bytes[i];
		b->msgs[i].msg_hdr.msg_iov = &b->iovs[i];
		b->msgs[i].msg_hdr.msg_iovlen = 1;
		b->msgs[i].msg_hdr.msg_name = names ? &b->names[i] : NULL;
	}
}

static int batch_receive(struct batch *b, int fd, int flags)
{
	for (unsigned i = 0; i < BATCH; i++) {
		b->iovs[i].iov_len = BYTES_MAX;
		b->msgs[i].msg_hdr.msg_namelen =
		    b->msgs[i].msg_hdr.msg_name ? sizeof(b->names[i]) : 0;
	}
	return recvmmsg(fd, b->msgs, BATCH, flags, NULL);
}

/* Sends the first n, each as long as `bytes` says or, with 0, as it came. */
static int batch_send(struct batch *b, int fd, int n, unsigned bytes)
{
	int sent = 0, done;

	for (int i = 0; i < n; i++)
		b->iovs[i].iov_len = bytes ? bytes : b->msgs[i].msg_len;
	for (; sent < n; sent += done) {
		done = sendmmsg(fd, b->msgs + sent, (unsigned)(n - sent), 0);
		if (done <= 0)
			break;
	}
	return sent;
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fail("cannot run on that core");
}

static int open_socket(struct sockaddr_in *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = RECEIVE_BUFFER;
	socklen_t n = sizeof(*name);

	*name =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)name, sizeof(*name)) < 0 ||
	    getsockname(fd, (struct sockaddr *)name, &n) < 0)
		fail("no socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Runs until it is killed, or nobody is left to do that. */
static void serve(struct batch *b, int fd)
{
	batch_init(b, true);
	for (;;) {
		int n = batch_receive(b, fd, MSG_WAITFORONE);
		if (n > 0)
			batch_send(b, fd, n, 0);
	}
}

/* Returns how many came back. */
static uint64_t ask(struct batch *b, int fd, const struct settings *s)
{
	const struct timespec nap = {0, NAP_NS};
	double end = now() + s->seconds, last = now();
	uint64_t done = 0;
	unsigned out = 0;

	batch_init(b, false);
	while (now() < end) {
		unsigned room = s->window - out < BATCH ? s->window - out : BATCH;
		int n;

		out += (unsigned)batch_send(b, fd, (int)room, s->bytes);
		n = batch_receive(b, fd, MSG_DONTWAIT);
		if (n > 0) {
			out -= (unsigned)n < out ? (unsigned)n : out;
			done += (unsigned)n;
			last = now();
			continue;
		}
		if (now() - last > 0.2) { /* lost: anew */
			out = 0;
			last = now();
		}
		nanosleep(&nap, NULL);
	}
	return done;
}

static double seconds_of(const struct rusage *r)
{
	return (double)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) +
	       (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec) / 1e6;
}

static pid_t start_server(struct batch *b, int fd, int cpu)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		fail("no process");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		exit(1);
	pin(cpu);
	serve(b, fd);
	exit(0);
}

static int measure(const struct settings *s)
{
	struct batch *b = malloc(sizeof(*b));
	struct sockaddr_in server, client;
	int server_fd = open_socket(&server), fd = open_socket(&client);
	struct rusage used;
	uint64_t done;
	pid_t pid;

	if (!b)
		fail("no memory");
	if (connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0)
		fail("no connection");
	pid = start_server(b, server_fd, s->cpu);
	prctl(PR_SET_TIMERSLACK, 1000UL);
	pin(s->client_cpu);
	done = ask(b, fd, s);
	kill(pid, SIGKILL);
	if (wait4(pid, NULL, 0, &used) < 0)
		fail("the server is gone");
	printf("packets=%llu floor_us=%.3f\n", (unsigned long long)done,
	       done ? seconds_of(&used) * 1e6 / (double)done : 0);
	free(b);
	return done ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"seconds", 1, NULL, 's'}, {"bytes", 1, NULL, 'b'},      {"window", 1, NULL, 'w'},
	    {"cpu", 1, NULL, 'c'},     {"client-cpu", 1, NULL, 'C'}, {NULL, 0, NULL, 0},
	};
	struct settings s = {.seconds = 1, .bytes = 600, .window = 64, .cpu = -1, .client_cpu = -1};
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		double value = optarg ? strtod(optarg, NULL) : 0;

		if (key == 's')
			s.seconds = value;
		else if (key == 'b')
			s.bytes = value >= 1 && value <= BYTES_MAX ? (unsigned)value : s.bytes;
		else if (key == 'w')
			s.window = value >= 1 && value <= 65536 ? (unsigned)value : s.window;
		else if (key == 'c')
			s.cpu = (int)value;
		else if (key == 'C')
			s.client_cpu = (int)value;
		else
			return 2;
	}
	return measure(&s);
}
