/* test_map.c: the map against a plain array that does the same slowly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/map.h"

static void test_small(void **state)
{
    struct map m;
    int a, b;
    (void)state;
    map_init(&m);
    assert_null(map_get(&m, "a"));
    assert_null(map_remove(&m, "a"));
    map_put(&m, "a", &a);
    map_put(&m, "", &b); /* an empty key is a key */
    assert_ptr_equal(map_get(&m, "a"), &a);
    assert_ptr_equal(map_get(&m, ""), &b);
    assert_null(map_get(&m, "A"));
    map_put(&m, "a", &b);
    assert_int_equal(m.count, 2); /* replaced */
    assert_ptr_equal(map_remove(&m, "a"), &b);
    assert_null(map_get(&m, "a"));
    assert_null(map_remove(&m, "a"));
    assert_int_equal(m.count, 1);
    map_fini(&m);
}

/* The key is the map's own: the caller's text may change. */
static void test_owns_keys(void **state)
{
    struct map m;
    char key[] = "key";
    (void)state;
    map_init(&m);
    map_put(&m, key, key);
    key[0] = 'x';
    assert_ptr_equal(map_get(&m, "key"), key);
    map_fini(&m);
}

static void test_two_maps_hash_differently(void **state)
{
    struct map a, b;
    size_t differ = 0;
    (void)state;
    map_init(&a);
    map_init(&b);
    for (int i = 0; i < 12; i++) {
        char key[16];
        snprintf(key, sizeof(key), "eth%d", i);
        map_put(&a, key, &a);
        map_put(&b, key, &b);
    }
    assert_int_equal(a.capacity, b.capacity);
    for (size_t i = 0; i < a.capacity; i++)
        differ += a.slots[i].hash != b.slots[i].hash;
    assert_true(differ > 0); /* who chooses names cannot know where they go */
    map_fini(&a);
    map_fini(&b);
}

#define KEYS 500

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* 200,000 puts, gets and removals; the seed of the hash differs in each run, the steps do not. */
static void test_against_array(void **state)
{
    static int values[KEYS];
    void *model[KEYS] = {0};
    struct map m;
    uint32_t seed = 1;
    size_t count = 0;
    (void)state;
    map_init(&m);
    for (int step = 0; step < 200000; step++) {
        char key[16];
        size_t i = next_random(&seed) % KEYS;
        snprintf(key, sizeof(key), "k%zu", i);
        switch (next_random(&seed) % 3) {
        case 0:
            count += model[i] == NULL;
            model[i] = &values[next_random(&seed) % KEYS];
            map_put(&m, key, model[i]);
            break;
        case 1:
            assert_ptr_equal(map_remove(&m, key), model[i]);
            count -= model[i] != NULL;
            model[i] = NULL;
            break;
        default:
            assert_ptr_equal(map_get(&m, key), model[i]);
        }
        assert_int_equal(m.count, count);
        assert_true(m.count * 4 <= m.capacity * 3);
    }
    size_t seen = 0, at = 0;
    const char *key;
    void *value;
    while (map_next(&m, &at, &key, &value)) {
        assert_ptr_equal(value, model[atoi(key + 1)]);
        seen++;
    }
    assert_int_equal(seen, count);
    map_fini(&m);
    at = 0;
    assert_false(map_next(&m, &at, &key, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_owns_keys),
        cmocka_unit_test(test_two_maps_hash_differently),
        cmocka_unit_test(test_against_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
