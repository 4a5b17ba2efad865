/*
 * mailbox: how threads give things to one another.  Many write to a mailbox,
 * one reads it.  What one writer posts is read in its order, and before
 * anything that was caused by it.
 *
 * The reader looks into it whenever it comes by (mailbox_read), and says so
 * before it sleeps: only then does a letter cost a wake.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

/* Embedded in what is sent. */
struct letter {
	struct letter *next;
	void (*open)(struct letter *l); /* on the reader's thread; takes l */
};

struct mailbox {
	_Atomic(struct letter *) newest;
	atomic_bool asleep; /* the reader is, or is about to be */
	/* On a writer's thread: the reader sleeps, and shall not. */
	void (*wake)(void *data);
	void *data;
};

/* The reader is asleep at first. */
void mailbox_init(struct mailbox *b, void (*wake)(void *data), void *data);
/* From any thread.  Takes l, whose open is set. */
void mailbox_post(struct mailbox *b, struct letter *l);
/* The same by halves, for who has more to post: a reader that sleeps goes on until he is rung. */
void mailbox_put(struct mailbox *b, struct letter *l);
void mailbox_ring(struct mailbox *b);
/* On the reader's thread: opens what was posted until now. */
void mailbox_read(struct mailbox *b);
/* The same, before it sleeps: from here on a letter wakes it, maybe this very call. */
void mailbox_rest(struct mailbox *b);
/* It is up again, whatever woke it. */
void mailbox_rise(struct mailbox *b);

#endif
