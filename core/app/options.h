/*
 * options: the command line.
 */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include "script/settings.h"

#define LUNASIP_VERSION "0.1.0"

enum { EXIT_USAGE = 2 };

struct options {
	const char *script; /* path of the routing script */
	const char *listen[SETTINGS_MAX_LISTEN];
	unsigned n_listen;
	char *store; /* owned, or NULL; argv's copy is overwritten: it may hold a password */
	const char *control;
	unsigned workers; /* 0: as the settings say */
	unsigned verbose;
	bool check;
	bool watch;
};

/*
 * Reads argv.  0: go on; 1: all is said and done (--help, --version);
 * -1: misuse, which has been told on stderr.
 */
int options_parse(struct options *o, int argc, char **argv);
void options_free(struct options *o);

#endif
