/*
 * daemon: the whole daemon: reads the script, opens what it needs, serves until
 * it is told to stop.
 */
#ifndef APP_DAEMON_H
#define APP_DAEMON_H

#include "app/options.h"

/* The exit status; a failure has been told on stderr. */
int daemon_run(const struct options *o);

#endif
