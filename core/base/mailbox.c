#include "base/mailbox.h"

#include <stddef.h>

void mailbox_init(struct mailbox *b, void (*wake)(void *data), void *data)
{
	atomic_init(&b->newest, NULL);
	b->wake = wake;
	b->data = data;
}

void mailbox_post(struct mailbox *b, struct letter *l)
{
	struct letter *newest = atomic_load_explicit(&b->newest, memory_order_relaxed);
	do {
		l->next = newest;
	} while (!atomic_compare_exchange_weak_explicit(
	    &b->newest, &newest, l, memory_order_acq_rel, memory_order_relaxed));
	if (!newest)
		b->wake(b->data);
}

/* They hang together newest first. */
static struct letter *oldest_first(struct letter *newest)
{
	struct letter *oldest = NULL;
	while (newest) {
		struct letter *next = newest->next;
		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

void mailbox_read(struct mailbox *b)
{
	struct letter *all = atomic_exchange_explicit(&b->newest, NULL, memory_order_acquire);
	struct letter *l = oldest_first(all);
	while (l) {
		struct letter *next = l->next; /* l may be gone when it has been opened */
		l->open(l);
		l = next;
	}
}
