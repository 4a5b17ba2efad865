/*
 * listen: the addresses that settings and flags ask for, as sockets can have them.
 */
#ifndef APP_LISTEN_H
#define APP_LISTEN_H

#include "script/settings.h"

/*
 * Replaces 0.0.0.0 and [::] by the addresses of this machine's interfaces,
 * loopback last: a Via or Record-Route must name one address.  0, or -1 with
 * a sentence in why.
 */
int listen_expand(struct settings *s, struct buf *why);

#endif
