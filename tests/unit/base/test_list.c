/* test_list.c: the ring in its states: empty, one, many; removal while walking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    int number;
    struct list node;
};

static int numbers_of(const struct list *head)
{
    int digits = 0;
    LIST_EACH(node, head)
    digits = digits * 10 + LIST_ENTRY(node, struct item, node)->number;
    return digits;
}

static void test_order(void **state)
{
    struct list head;
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    (void)state;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_int_equal(numbers_of(&head), 0);
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        list_append(&head, &items[i].node);
    assert_false(list_empty(&head));
    assert_int_equal(numbers_of(&head), 123);
    list_remove(&items[1].node);
    assert_int_equal(numbers_of(&head), 13);
    assert_true(list_empty(&items[1].node)); /* in no list: points at itself */
    list_remove(&items[1].node);             /* and may be removed again */
    list_append(&head, &items[1].node);
    assert_int_equal(numbers_of(&head), 132);
}

static void test_remove_while_walking(void **state)
{
    struct list head;
    struct item items[6];
    (void)state;
    list_init(&head);
    for (int i = 0; i < 6; i++) {
        items[i].number = i + 1;
        list_append(&head, &items[i].node);
    }
    LIST_EACH(node, &head)
    {
        if (LIST_ENTRY(node, struct item, node)->number % 2)
            list_remove(node);
    }
    assert_int_equal(numbers_of(&head), 246);
    LIST_EACH(node, &head)
    list_remove(node);
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_remove_while_walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
