/*
 * mailbox: how threads give things to one another.  Many write to a mailbox,
 * one reads it.  What one writer posts is read in its order, and before
 * anything that was caused by it.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdatomic.h>

/* Embedded in what is sent. */
struct letter {
	struct letter *next;
	void (*open)(struct letter *l); /* on the reader's thread; takes l */
};

struct mailbox {
	_Atomic(struct letter *) newest;
	/* On a writer's thread, when there was no letter before: mailbox_read() shall be called. */
	void (*wake)(void *data);
	void *data;
};

void mailbox_init(struct mailbox *b, void (*wake)(void *data), void *data);
/* From any thread.  Takes l, whose open is set. */
void mailbox_post(struct mailbox *b, struct letter *l);
/* On the reader's thread: opens what was posted until now. */
void mailbox_read(struct mailbox *b);

#endif
