/*
 * control: a running proxy answers questions on a unix stream socket.
 *
 * A client sends one line, gets the answer and the end of the stream.  The
 * socket has mode 0600; a stale one is replaced, one that answers is not.
 */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H

#include "base/buf.h"

#include <uv.h>

struct control;

struct control_user {
	void *data;
	/* Answers line (without its end) into out: whole lines. */
	void (*command)(void *data, struct slice line, struct buf *out);
};

/* 0, or -1 with a sentence in why. */
int control_open(struct control **out, uv_loop_t *loop, struct slice path,
		 const struct control_user *user, struct buf *why);
/* Removes the socket; ct is freed by the loop. */
void control_close(struct control *ct);

#endif
