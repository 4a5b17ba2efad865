/*
 * list: an intrusive, circular, doubly linked list.  The owner embeds a
 * `struct list` as head (list_init) and as the node of each member.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

/* The struct of type T whose member m is at pointer p. */
#define CONTAINER(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* At the end of the list. */
static inline void list_push(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* A removed node is an empty list of its own: removing it again is harmless. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* The first member, taken out, or NULL. */
static inline struct list *list_shift(struct list *head)
{
	struct list *first = head->next;
	if (first == head)
		return NULL;
	/* Not list_remove(): written to head, static analysis sees that first has left. */
	head->next = first->next;
	head->next->prev = head;
	list_init(first);
	return first;
}

#define LIST_EACH(node, head) \
	for (struct list *node = (head)->next; node != (head); node = node->next)
/* The body may remove `node`. */
#define LIST_EACH_SAFE(node, head)                                                        \
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)

#endif
