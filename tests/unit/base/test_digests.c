/* test_digests.c: an index of digests against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/digests.h"

#define MANY 200

/* Where a digest goes depends on the seed alone; equal first bytes must not matter. */
static void make(uint8_t digest[VAULT_DIGEST_LEN], unsigned number)
{
    memset(digest, 0, VAULT_DIGEST_LEN);
    memcpy(digest + VAULT_DIGEST_LEN - sizeof(number), &number, sizeof(number));
}

static void test_against_list(void **state)
{
    static uint8_t items[MANY][VAULT_DIGEST_LEN];
    bool inside[MANY] = {false};
    size_t count = 0;
    struct digests d;
    (void)state;
    srandom(7);
    digests_init(&d, MANY);
    for (unsigned i = 0; i < MANY; i++)
        make(items[i], i);
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)random() % MANY;
        if (inside[i])
            digests_remove(&d, items[i]);
        else
            digests_add(&d, items[i]);
        inside[i] = !inside[i];
        count += inside[i] ? 1 : (size_t)-1;
        assert_int_equal(d.count, count);
        if (step % 20)
            continue;
        for (unsigned k = 0; k < MANY; k++) {
            uint8_t asked[VAULT_DIGEST_LEN];
            make(asked, k);
            assert_ptr_equal(digests_find(&d, asked), inside[k] ? items[k] : NULL);
        }
    }
    digests_fini(&d);
}

/* As many as were announced, in a table of the smallest size, too. */
static void test_full(void **state)
{
    uint8_t items[5][VAULT_DIGEST_LEN], other[VAULT_DIGEST_LEN];
    (void)state;
    make(other, 99);
    for (size_t capacity = 0; capacity <= ARRAY_LEN(items); capacity++) {
        struct digests d;
        digests_init(&d, capacity);
        for (unsigned i = 0; i < capacity; i++) {
            make(items[i], i);
            digests_add(&d, items[i]);
        }
        for (size_t i = 0; i < capacity; i++)
            assert_ptr_equal(digests_find(&d, items[i]), items[i]);
        assert_null(digests_find(&d, other));
        digests_fini(&d);
    }
}

static void test_twins(void **state)
{
    uint8_t first[VAULT_DIGEST_LEN], second[VAULT_DIGEST_LEN];
    struct digests d;
    (void)state;
    make(first, 1);
    make(second, 1);
    digests_init(&d, 2);
    digests_add(&d, first);
    digests_add(&d, second);
    assert_ptr_equal(digests_find(&d, second), first);
    digests_remove(&d, first); /* itself, not the other */
    assert_ptr_equal(digests_find(&d, first), second);
    digests_remove(&d, second);
    assert_null(digests_find(&d, first));
    digests_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_list),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
