/*
 * lunasip: the daemon.  Flags are in options.c, all else begins in daemon.c.
 */
#include "app/daemon.h"
#include "app/options.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	struct options o;
	int rc = options_parse(&o, argc, argv);
	int status = rc < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	if (rc == 0)
		status = daemon_run(&o);
	options_free(&o);
	return status;
}
