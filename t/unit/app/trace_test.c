#include "tap.h"

#include "app/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
	struct log log;
	char dir[64], path[96], text[4096];
	struct trace trace;
	struct buf why;
	struct addr phone, proxy;
};

static char last_line[200];

static void on_line(struct log *l, enum log_level level, struct slice line)
{
	(void)l;
	(void)level;
	snprintf(last_line, sizeof(last_line), "%.*s", SLICE_ARG(line));
}

static int rig_open_with(struct rig *r, const char *path, size_t max_bytes)
{
	return trace_open(&r->trace, &r->log, slice_str(path), max_bytes, &r->why);
}

static void rig_open(struct rig *r, size_t max_bytes)
{
	memset(r, 0, sizeof(*r));
	r->log = (struct log){.level = LOG_DEBUG, .write = on_line};
	last_line[0] = '\0';
	buf_init(&r->why, 1000);
	snprintf(r->dir, sizeof(r->dir), "/tmp/trace-test-XXXXXX");
	CHECK(mkdtemp(r->dir) != NULL);
	snprintf(r->path, sizeof(r->path), "%s/trace", r->dir);
	CHECK_INT(addr_parse_port(&r->phone, SLICE("192.0.2.10:5060")), 0);
	CHECK_INT(addr_parse_port(&r->proxy, SLICE("[2001:db8::1]:5060")), 0);
	CHECK_INT(rig_open_with(r, r->path, max_bytes), 0);
}

static void rig_close(struct rig *r)
{
	trace_close(&r->trace);
	buf_free(&r->why);
	unlink(r->path);
	rmdir(r->dir);
}

static void tell(struct rig *r, const char *bytes)
{
	struct transport_trace user = trace_user(&r->trace);

	if (user.datagram)
		user.datagram(user.data, &r->phone, &r->proxy, slice_str(bytes));
}

static const char *content(struct rig *r)
{
	FILE *f = fopen(r->path, "rb");
	size_t n = fread(r->text, 1, sizeof(r->text) - 1, f);

	r->text[n] = '\0';
	fclose(f);
	return r->text;
}

static void a_datagram_is_a_record(void)
{
	struct rig r;
	unsigned year, n = 0;
	int end = 0;

	rig_open(&r, 10000);
	tell(&r, "OPTIONS sip:a SIP/2.0\r\n\r\n");
	CHECK_INT(sscanf(content(&r),
			 "#1 192.0.2.10:5060 -> [2001:db8::1]:5060 %u-%*2u-%*2u "
			 "%*2u:%*2u:%*2u.%*6u %u bytes%n",
			 &year, &n, &end),
		  2);
	CHECK(year > 2000);
	CHECK_INT(n, 25);
	CHECK_STR(r.text + end, "\nOPTIONS sip:a SIP/2.0\r\n\r\n\n");
	tell(&r, "x");
	CHECK(strstr(content(&r), "\n#2 192.0.2.10:5060") != NULL);
	rig_close(&r);
}

static void only_the_owner_may_read(void)
{
	struct rig r;
	struct stat s;

	rig_open(&r, 10000);
	CHECK_INT(stat(r.path, &s), 0);
	CHECK_INT(s.st_mode & 0777, 0600);
	CHECK(strstr(last_line, "credentials") != NULL);
	rig_close(&r);
}

static void it_is_appended_to(void)
{
	struct rig r;

	rig_open(&r, 10000);
	tell(&r, "first");
	trace_close(&r.trace);
	CHECK_INT(rig_open_with(&r, r.path, 10000), 0);
	tell(&r, "second");
	CHECK(strstr(content(&r), "first\n#1 ") != NULL);
	CHECK(strstr(r.text, "second\n") != NULL);
	rig_close(&r);
}

static void it_tells_which_addresses_are_the_proxys(void)
{
	struct rig r;

	rig_open(&r, 10000);
	trace_ours(&r.trace, &r.proxy);
	tell(&r, "first");
	CHECK(strstr(content(&r), "=== proxy [2001:db8::1]:5060\n#1 ") == r.text);
	rig_close(&r);
}

static void it_ends_when_the_file_is_full(void)
{
	struct rig r;
	char before[sizeof(r.text)];

	rig_open(&r, 150);
	tell(&r, "first");
	snprintf(before, sizeof(before), "%s", content(&r));
	tell(&r, "second");
	CHECK(strstr(last_line, "the file is full") != NULL);
	CHECK_STR(content(&r), before);
	last_line[0] = '\0';
	tell(&r, "third"); /* said once */
	CHECK_STR(last_line, "");
	rig_close(&r);
}

static void without_a_path_it_is_off(void)
{
	struct trace t;
	struct log log = {.level = LOG_DEBUG, .write = on_line};

	CHECK_INT(trace_open(&t, &log, SLICE(""), 1000, NULL), 0);
	CHECK(trace_user(&t).datagram == NULL);
	trace_close(&t);
}

static void a_path_that_cannot_be_is_refused(void)
{
	struct rig r;

	rig_open(&r, 1000);
	trace_close(&r.trace);
	CHECK_INT(rig_open_with(&r, "/nowhere/trace", 1000), -1);
	buf_putc(&r.why, '\0');
	CHECK_STR(r.why.p, "log.trace /nowhere/trace: No such file or directory");
	rig_close(&r);
}

int main(void)
{
	TEST(a_datagram_is_a_record);
	TEST(only_the_owner_may_read);
	TEST(it_is_appended_to);
	TEST(it_tells_which_addresses_are_the_proxys);
	TEST(it_ends_when_the_file_is_full);
	TEST(without_a_path_it_is_off);
	TEST(a_path_that_cannot_be_is_refused);
	return tap_done();
}
