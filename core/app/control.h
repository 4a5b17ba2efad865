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
struct question; /* a line that waits for its answer */

struct control_user {
	void *data;
	/* A line came, without its end: question_answer() must follow, now or later. */
	void (*command)(void *data, struct slice line, struct question *q);
};

/* 0, or -1 with a sentence in why. */
int control_open(struct control **out, uv_loop_t *loop, struct slice path,
		 const struct control_user *user, struct buf *why);
/* Once for each question, with whole lines; maybe nobody is there any more to read them. */
void question_answer(struct question *q, struct slice lines);
/* Removes the socket; ct is freed by the loop. */
void control_close(struct control *ct);

#endif
