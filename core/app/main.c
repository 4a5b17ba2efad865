/*
 * lunasip: the daemon.  Flags are in options.c, all else begins in daemon.c.
 */
#include "app/daemon.h"
#include "app/options.h"

#include <stdlib.h>

/* Host names are asked for on libuv's threads, half of which it gives to them. */
#define RESOLVER_THREADS "32"

/*
 * jemalloc reads this: what is free goes back to the machine some seconds later although
 * nothing more is allocated.  Of itself it looks for that only now and then while it is used, and
 * what a rush of registrations took would stay with a proxy at rest.
 */
extern const char *const malloc_conf __attribute__((visibility("default")));
const char *const malloc_conf = "background_thread:true,max_background_threads:1";

int main(int argc, char **argv)
{
	struct options o;
	setenv("UV_THREADPOOL_SIZE", RESOLVER_THREADS, 0);
	int rc = options_parse(&o, argc, argv);
	int status = rc < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	if (rc == 0)
		status = daemon_run(&o);
	options_free(&o);
	return status;
}
