#include "options.h"

#include "phone.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char HELP[] =
    "usage: load --proxy 127.0.0.1:PORT [options] WORKLOAD\n"
    "  options register call message info    what phones do all day\n"
    "  ring       INVITEs that ring; prints a line, waits for one, and answers them\n"
    "  probe      OPTIONS until it is answered: then exit 0\n"
    "\n"
    "  --users N --first N   users u<first> …, passwords p<first> … (1000, 0)\n"
    "  --registered          they are registered already\n"
    "  --hosts N             addresses of each side (200)\n"
    "  --callee-port N       users register there (any free port)\n"
    "  --window N            so many sessions at a time (64)\n"
    "  --rate R              or so many that begin in a second\n"
    "  --seconds S           measured time (3)\n"
    "  --count N             or so many sessions\n"
    "  --warmup S            before it (0)\n"
    "  --timeout MS          a transaction without final response fails (10000)\n"
    "  --expires S           of the registrations (3600)\n"
    "  --nap US              pause when there is nothing to do (50)\n"
    "  --watch NAME=PID      tells the CPU time of the process and its children\n"
    "\n"
    "It sends to 127.0.0.0/8 only. One line of KEY=VALUE tells what came of it.\n"
    "exit: 0 all well, 1 failures or violations, 2 misuse, 3 it could not begin\n";

enum key {
	KEY_PROXY = 256,
	KEY_USERS,
	KEY_FIRST,
	KEY_REGISTERED,
	KEY_HOSTS,
	KEY_CALLEE_PORT,
	KEY_WINDOW,
	KEY_RATE,
	KEY_SECONDS,
	KEY_COUNT,
	KEY_WARMUP,
	KEY_TIMEOUT,
	KEY_EXPIRES,
	KEY_NAP,
	KEY_WATCH,
};

static const struct option LONG[] = {
    {"proxy", 1, NULL, KEY_PROXY},
    {"users", 1, NULL, KEY_USERS},
    {"first", 1, NULL, KEY_FIRST},
    {"registered", 0, NULL, KEY_REGISTERED},
    {"hosts", 1, NULL, KEY_HOSTS},
    {"window", 1, NULL, KEY_WINDOW},
    {"rate", 1, NULL, KEY_RATE},
    {"seconds", 1, NULL, KEY_SECONDS},
    {"count", 1, NULL, KEY_COUNT},
    {"warmup", 1, NULL, KEY_WARMUP},
    {"timeout", 1, NULL, KEY_TIMEOUT},
    {"expires", 1, NULL, KEY_EXPIRES},
    {"nap", 1, NULL, KEY_NAP},
    {"watch", 1, NULL, KEY_WATCH},
    {"callee-port", 1, NULL, KEY_CALLEE_PORT},
    {NULL, 0, NULL, 0},
};

static const char *const WORKLOAD_NAMES[WORKLOADS] = {
    [WORKLOAD_PROBE] = "probe", [WORKLOAD_OPTIONS] = "options", [WORKLOAD_REGISTER] = "register",
    [WORKLOAD_CALL] = "call",   [WORKLOAD_MESSAGE] = "message", [WORKLOAD_INFO] = "info",
    [WORKLOAD_RING] = "ring",
};

static int complain(const char *what, const char *value)
{
	fprintf(stderr, "load: %s: %s\n\n%s", what, value, HELP);
	return -1;
}

static int read_number(double *number, const char *text, double max)
{
	char *end;

	*number = strtod(text, &end);
	if (end == text || *end || !(*number >= 0) || *number > max)
		return complain("not such a number", text);
	return 0;
}

static int read_count(unsigned *n, const char *text, unsigned min, unsigned max)
{
	double number;

	if (read_number(&number, text, max) < 0)
		return -1;
	*n = (unsigned)number;
	return *n < min ? complain("too few", text) : 0;
}

static int read_port(uint16_t *port, const char *text)
{
	unsigned number = 0;

	if (read_count(&number, text, 1, 65535) < 0)
		return -1;
	*port = (uint16_t)number;
	return 0;
}

static int read_proxy(struct options *o, char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return complain("no port", text);
	*colon = '\0';
	if (inet_pton(AF_INET, text, &o->proxy) != 1 || ntohl(o->proxy.s_addr) >> 24 != 127)
		return complain("no address of the loopback", text);
	return read_port(&o->port, colon + 1);
}

static int read_watch(struct options *o, char *text)
{
	char *equals = strchr(text, '=');
	unsigned pid;

	if (!equals || o->watched_n == OPTIONS_WATCHED)
		return complain("cannot watch", text);
	*equals = '\0';
	if (read_count(&pid, equals + 1, 1, 1 << 22) < 0)
		return -1;
	o->watched[o->watched_n].name = text;
	o->watched[o->watched_n++].pid = (int)pid;
	return 0;
}

static int read_option(struct options *o, int key, char *text)
{
	double count;

	switch (key) {
	case KEY_PROXY:
		return read_proxy(o, text);
	case KEY_USERS:
		return read_count(&o->users, text, 1, PHONE_USERS_MAX);
	case KEY_FIRST:
		return read_count(&o->first, text, 0, PHONE_USERS_MAX - 1);
	case KEY_REGISTERED:
		o->registered = true;
		return 0;
	case KEY_HOSTS:
		return read_count(&o->hosts, text, 1, PHONE_HOSTS_MAX);
	case KEY_CALLEE_PORT:
		return read_port(&o->callee_port, text);
	case KEY_WINDOW:
		return read_count(&o->window, text, 1, 20000);
	case KEY_RATE:
		return read_number(&o->rate, text, 1e6);
	case KEY_SECONDS:
		return read_number(&o->seconds, text, 1e6);
	case KEY_COUNT:
		if (read_number(&count, text, 1e9) < 0)
			return -1;
		o->count = (uint64_t)count;
		return 0;
	case KEY_WARMUP:
		return read_number(&o->warmup_s, text, 1e6);
	case KEY_TIMEOUT:
		return read_count(&o->timeout_ms, text, 1, 1000000);
	case KEY_EXPIRES:
		return read_count(&o->expires_s, text, 1, 1000000);
	case KEY_NAP:
		return read_count(&o->nap_us, text, 1, 100000);
	case KEY_WATCH:
		return read_watch(o, text);
	default:
		fputs(HELP, stderr);
		return -1;
	}
}

static int read_workload(struct options *o, const char *text)
{
	for (unsigned w = 0; w < WORKLOADS; w++)
		if (strcmp(text, WORKLOAD_NAMES[w]) == 0) {
			o->workload = (enum workload)w;
			return 0;
		}
	return complain("no such workload", text);
}

int options_read(struct options *o, int argc, char **argv)
{
	int key;

	*o = (struct options){
	    .users = 1000,
	    .hosts = 200,
	    .window = 64,
	    .seconds = 3,
	    .timeout_ms = 10000,
	    .expires_s = 3600,
	    .nap_us = 50,
	};
	while ((key = getopt_long(argc, argv, "", LONG, NULL)) != -1)
		if (read_option(o, key, optarg) < 0)
			return -1;
	if (optind != argc - 1)
		return complain("exactly one workload", "options, register, call, …");
	if (!o->port)
		return complain("which proxy", "--proxy");
	if (o->first + o->users > PHONE_USERS_MAX)
		return complain("there are no users beyond", "u99999");
	return read_workload(o, argv[optind]);
}
