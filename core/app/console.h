/*
 * console: the daemon's log, lines on stderr.
 *
 *     2007-04-24 18:05:01.042 notice: listening on udp:127.0.0.1:5060
 *
 * A line leaves in one write(2), so that lines of several threads stay whole.
 */
#ifndef APP_CONSOLE_H
#define APP_CONSOLE_H

#include "base/log.h"
#include "script/settings.h"

/* Fills log; level LOG_NOTICE until told otherwise. */
void console_init(struct log *log);
/* verbose: how many steps more than level. */
void console_configure(struct log *log, enum log_level level, unsigned verbose,
		       enum settings_colour colour);

#endif
