#include "app/options.h"
#include "base/crew.h"
#include "store/driver.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "Usage: lunasip [-l udp:ADDR:PORT]... [-d STORE] [-c] [-v]... [-s "
			    "PATH] [-w N] [--watch] SCRIPT.lua\n";

static const char help[] =
    "\n"
    "A SIP proxy and registrar that does what SCRIPT.lua says.\n"
    "\n"
    "  -l, --listen udp:ADDR:PORT  listen there; may be given 16 times; an IPv6 address\n"
    "                              stands in brackets, port 0 is any free port, and 0.0.0.0\n"
    "                              or [::] stands for every address of this machine\n"
    "  -d, --store STORE           where subscribers and locations are kept:\n"
    "                                memory:\n"
    "                                sqlite:PATH\n"
    "                                mysql://USER:PASSWORD@HOST:PORT/DATABASE[?socket=PATH]\n"
    "                                mysql://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE\n"
    "                              where @ : / % in a password are written %40 %3a %2f %25\n"
    "                              (`lunactl -d STORE db init` creates the tables)\n"
    "  -s, --control PATH          the socket that `lunactl stats` and `reload` ask\n"
    "  -w, --workers N             threads that serve, 1 to 64; else one for each processor\n"
    "      --watch                 reload when the script, or a module beside it, is saved\n"
    "  -c, --check                 check the script and the settings, then exit: 0, or 1 with\n"
    "                              file, line and reason\n"
    "  -v, --verbose               log more; twice: much more\n"
    "  -h, --help                  this text\n"
    "  -V, --version               the version\n"
    "\n"
    "SCRIPT.lua returns a table: request(req), and if wanted reply(rpl), failure, branch\n"
    "and settings.  Flags win over settings.\n"
    "\n"
    "SIGHUP reloads the script, wholly or not at all (doc/reload.md).\n"
    "SIGTERM and SIGINT stop it cleanly: what is still to be written is written first.\n"
    "Exit status: 0 stopped or checked, 1 something failed (one line says what), 2 misuse.\n"
    "\n"
    "Settings, their defaults and what they mean (doc/settings.md):\n\n";

enum { FLAG_WATCH = 256 }; /* it has no letter */

static const struct option flags[] = {
    {"listen", required_argument, NULL, 'l'},  {"store", required_argument, NULL, 'd'},
    {"control", required_argument, NULL, 's'}, {"workers", required_argument, NULL, 'w'},
    {"check", no_argument, NULL, 'c'},         {"watch", no_argument, NULL, FLAG_WATCH},
    {"verbose", no_argument, NULL, 'v'},       {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},       {NULL, 0, NULL, 0},
};

static int misuse(const char *why)
{
	fprintf(stderr, "lunasip: %s\n%s", why, usage);
	return -1;
}

static int add_listen(struct options *o, const char *text)
{
	if (o->n_listen == SETTINGS_MAX_LISTEN)
		return misuse("too many -l");
	o->listen[o->n_listen++] = text;
	return 0;
}

static int take_workers(struct options *o, const char *text)
{
	uint32_t n;
	if (slice_u32(slice_str(text), &n) < 0 || n < 1 || n > CREW_MAX)
		return misuse("-w needs a number from 1 to 64");
	o->workers = n;
	return 0;
}

/* Everybody on the machine can read argv through ps. */
static void take_store(struct options *o, char *text)
{
	free(o->store);
	o->store = strdup(text);
	struct slice secret = store_url_secret(slice_str(text));
	if (secret.n)
		memset(text + (secret.p - text), '*', secret.n);
}

static void tell_help(void)
{
	struct buf settings;
	buf_init(&settings, 64 * 1024);
	settings_help(&settings);
	printf("%s%s%.*s\nRoutes: doc/routes.md\n", usage, help, SLICE_ARG(buf_slice(&settings)));
	buf_free(&settings);
}

static int take_flag(struct options *o, int flag, char *value)
{
	switch (flag) {
	case 'l':
		return add_listen(o, value);
	case 'd':
		take_store(o, value);
		return 0;
	case 's':
		o->control = value;
		return 0;
	case 'w':
		return take_workers(o, value);
	case 'c':
		o->check = true;
		return 0;
	case FLAG_WATCH:
		o->watch = true;
		return 0;
	case 'v':
		o->verbose++;
		return 0;
	case 'h':
		tell_help();
		return 1;
	case 'V':
		printf("lunasip %s\n", LUNASIP_VERSION);
		return 1;
	default:
		return 0;
	}
}

static int bad_flag(int flag, char **argv)
{
	char text[256];
	const char *what = flag == ':' ? "needs a value" : "is no flag of mine";
	if (optopt > 0 && strncmp(argv[optind - 1], "--", 2) != 0)
		snprintf(text, sizeof text, "-%c %s", optopt, what);
	else
		snprintf(text, sizeof text, "%s %s", argv[optind - 1], what);
	return misuse(text);
}

int options_parse(struct options *o, int argc, char **argv)
{
	*o = (struct options){0};
	opterr = 0;
	int flag, rc = 0;
	while (rc == 0 && (flag = getopt_long(argc, argv, ":l:d:s:w:cvhV", flags, NULL)) != -1)
		rc = flag == '?' || flag == ':' ? bad_flag(flag, argv) : take_flag(o, flag, optarg);
	if (rc != 0)
		return rc;
	if (optind == argc)
		return misuse("no script given");
	if (optind + 1 < argc)
		return misuse("more than one script given");
	o->script = argv[optind];
	return *o->script ? 0 : misuse("the script's name is empty");
}

void options_free(struct options *o)
{
	free(o->store);
}
