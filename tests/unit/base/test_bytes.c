/* test_bytes.c: shared bytes live as long as somebody holds them; sanitizers see if not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "base/bytes.h"
#include "base/defs.h"
#include "refusal.h"

static void test_life(void **state)
{
    (void)state;
    struct bytes *b = bytes_copy("hello", 5);
    assert_int_equal(b->len, 5);
    assert_memory_equal(b->data, "hello", 5);
    assert_ptr_equal(bytes_ref(b), b);
    assert_null(bytes_unref(b));
    assert_memory_equal(b->data, "hello", 5); /* one holder is left */
    bytes_unref(b);
    assert_null(bytes_unref(NULL));
}

static void test_sizes(void **state)
{
    (void)state;
    struct bytes *b = bytes_copy(NULL, 0);
    assert_int_equal(b->len, 0);
    bytes_unref(b);
    b = bytes_new(100000);
    memset(b->data, 1, 100000);
    bytes_unref(b);
    assert_null(bytes_new(SIZE_MAX)); /* no overflow into a small one */
    assert_null(bytes_new(SIZE_MAX / 4));
}

static void *hold_and_drop(void *user)
{
    struct bytes *b = user;
    for (int i = 0; i < 10000; i++)
        bytes_unref(bytes_ref(b));
    bytes_unref(b);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    (void)state;
    struct bytes *b = bytes_copy("x", 1);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_drop, bytes_ref(b)), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&b->refs), 1);
    bytes_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
