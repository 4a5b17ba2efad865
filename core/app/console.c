#include "app/console.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 256 * 1024 };

static void put_time(struct buf *out)
{
	struct timespec now;
	struct tm tm;
	char text[32];
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	buf_printf(out, "%s.%03ld", text, now.tv_nsec / 1000000);
}

/* A log that nobody takes must not stop the proxy: what does not leave is lost. */
static void write_all(struct slice text)
{
	while (text.n > 0) {
		ssize_t n = write(STDERR_FILENO, text.p, text.n);
		if (n <= 0)
			return;
		text = slice_of(text.p + n, text.n - (size_t)n);
	}
}

static void console_write(struct log *log, enum log_level level, struct slice line)
{
	(void)log;
	struct buf out;
	buf_init(&out, LINE_MAX_BYTES);
	put_time(&out);
	buf_printf(&out, " %s: ", log_level_name(level));
	buf_put(&out, line);
	buf_putc(&out, '\n');
	write_all(buf_slice(&out));
	buf_free(&out);
}

void console_init(struct log *log)
{
	*log = (struct log){.level = LOG_NOTICE, .write = console_write};
}

void console_configure(struct log *log, enum log_level level, unsigned verbose,
		       enum settings_colour colour)
{
	unsigned steps = (unsigned)level + verbose;
	log->level = steps < LOG_DEBUG ? (enum log_level)steps : LOG_DEBUG;
	log->colour = colour == COLOUR_ALWAYS ||
		      (colour == COLOUR_AUTO && isatty(STDERR_FILENO) && !getenv("NO_COLOR"));
}
