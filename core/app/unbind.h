/*
 * unbind: the control command "unbind TABLE USER[@DOMAIN] [CONTACT]": a running
 * proxy takes bindings away as if the phone had, so that memory and store agree.
 *
 * The answer is "ok N", how many there were, or "error REASON".
 */
#ifndef APP_UNBIND_H
#define APP_UNBIND_H

#include "app/control.h"
#include "script/node.h"

/* False: line is another command. */
bool unbind_request(struct node *n, struct slice line, struct question *q);

#endif
