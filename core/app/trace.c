#include "app/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RECORD_MAX_BYTES = 70000, PATH_BYTES = 1100 };

int trace_open(struct trace *t, struct log *log, struct slice path, size_t max_bytes,
	       struct buf *why)
{
	char name[PATH_BYTES];

	*t = (struct trace){.log = log, .fd = -1, .max_bytes = max_bytes};
	buf_init(&t->record, RECORD_MAX_BYTES);
	uv_mutex_init(&t->mutex);
	if (path.n == 0)
		return 0;
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(path));
	/* O_NONBLOCK: a FIFO nobody reads is an error, not a proxy that stands still. */
	t->fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (t->fd < 0) {
		buf_printf(why, "log.trace %s: %s", name, strerror(errno));
		return -1;
	}
	log_notice(log, "every message is recorded in %s, credentials too", name);
	return 0;
}

static void close_file(struct trace *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static void end(struct trace *t, const char *reason)
{
	log_warn(t->log, "log.trace: nothing more is recorded: %s", reason);
	close_file(t);
}

static void put_record(struct trace *t, const struct addr *from, const struct addr *to,
		       struct slice bytes)
{
	char source[ADDR_TEXT], target[ADDR_TEXT], date[32];
	struct timespec now;
	struct tm tm;

	addr_text(from, source);
	addr_text(to, target);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	buf_reset(&t->record);
	buf_printf(&t->record, "#%llu %s -> %s %s.%06ld %zu bytes\n", (unsigned long long)++t->n,
		   source, target, date, now.tv_nsec / 1000, bytes.n);
	buf_put(&t->record, bytes);
	buf_putc(&t->record, '\n');
}

/* One write a record, at the end as it is now: the file may be cut while we run. */
static void write_record(struct trace *t)
{
	struct stat file;

	if (fstat(t->fd, &file) == 0 && (uint64_t)file.st_size + t->record.n > t->max_bytes) {
		end(t, "the file is full (log.trace_max)");
		return;
	}
	ssize_t n = write(t->fd, t->record.p, t->record.n);
	if (n < 0 || (size_t)n != t->record.n)
		end(t, n < 0 ? strerror(errno) : "the disk is full");
}

static void on_datagram(void *data, const struct addr *from, const struct addr *to,
			struct slice bytes)
{
	struct trace *t = data;

	uv_mutex_lock(&t->mutex);
	if (t->fd >= 0) {
		put_record(t, from, to, bytes);
		write_record(t);
	}
	uv_mutex_unlock(&t->mutex);
}

void trace_ours(struct trace *t, const struct addr *a)
{
	char text[ADDR_TEXT];

	if (t->fd < 0)
		return;
	addr_text(a, text);
	buf_reset(&t->record);
	buf_printf(&t->record, "=== proxy %s\n", text);
	write_record(t);
}

struct transport_trace trace_user(struct trace *t)
{
	return (struct transport_trace){.data = t, .datagram = t->fd < 0 ? NULL : on_datagram};
}

void trace_close(struct trace *t)
{
	close_file(t);
	buf_free(&t->record);
	uv_mutex_destroy(&t->mutex);
}
