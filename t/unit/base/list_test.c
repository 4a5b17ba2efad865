#include "base/list.h"
#include "tap.h"

struct item {
	int value;
	struct list node;
};

static void keeps_the_order(void)
{
	struct list head;
	struct item items[3];
	list_init(&head);
	CHECK(list_empty(&head) && list_shift(&head) == NULL);
	for (int i = 0; i < 3; i++) {
		items[i].value = i;
		list_push(&head, &items[i].node);
	}
	int expected = 0;
	LIST_EACH (node, &head)
		CHECK_INT(CONTAINER(node, struct item, node)->value, expected++);
	CHECK_INT(expected, 3);
	CHECK(list_shift(&head) == &items[0].node && head.next == &items[1].node);
}

static void removes_while_walking(void)
{
	struct list head;
	struct item items[4];
	list_init(&head);
	for (int i = 0; i < 4; i++) {
		items[i].value = i;
		list_push(&head, &items[i].node);
	}
	LIST_EACH_SAFE (node, &head)
		if (CONTAINER(node, struct item, node)->value % 2 == 0)
			list_remove(node);
	CHECK(head.next == &items[1].node && head.prev == &items[3].node);
	list_remove(&items[0].node); /* again: harmless */
	CHECK(list_empty(&items[0].node) && head.next == &items[1].node);
}

int main(void)
{
	TEST(keeps_the_order);
	TEST(removes_while_walking);
	return tap_done();
}
