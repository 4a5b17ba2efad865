#include "base/mailbox.h"

#include <stddef.h>

void mailbox_init(struct mailbox *b, void (*wake)(void *data), void *data)
{
	atomic_init(&b->newest, NULL);
	atomic_init(&b->asleep, true);
	b->wake = wake;
	b->data = data;
}

/* Once, however many letters came. */
void mailbox_ring(struct mailbox *b)
{
	if (atomic_load(&b->asleep) && atomic_exchange(&b->asleep, false))
		b->wake(b->data);
}

void mailbox_put(struct mailbox *b, struct letter *l)
{
	struct letter *newest = atomic_load_explicit(&b->newest, memory_order_relaxed);
	do {
		l->next = newest;
	} while (!atomic_compare_exchange_weak(&b->newest, &newest, l));
}

void mailbox_post(struct mailbox *b, struct letter *l)
{
	mailbox_put(b, l);
	mailbox_ring(b);
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

/* The flag is up before the last look: a letter is seen here, or its writer sees the flag. */
void mailbox_rest(struct mailbox *b)
{
	mailbox_read(b);
	atomic_store(&b->asleep, true);
	if (atomic_load(&b->newest))
		mailbox_ring(b);
}

void mailbox_rise(struct mailbox *b)
{
	atomic_store_explicit(&b->asleep, false, memory_order_relaxed);
}
