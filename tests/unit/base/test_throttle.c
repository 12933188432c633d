/* test_throttle.c: delays that grow, memory that does not, on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/throttle.h"

static const struct throttle_settings settings = {
    .free_failures = 3,
    .first_delay_ms = 1000,
    .longest_delay_ms = 5000,
    .forget_ms = 60000,
    .keys = 4,
    .burst = 1000,
    .refill_ms = 100,
};

static int64_t take(struct throttle *t, uint8_t who, int64_t now_ms)
{
    uint8_t key[THROTTLE_KEY_LEN] = {who};
    return throttle_take(t, key, now_ms);
}

static void test_growing_delay(void **state)
{
    (void)state;
    struct throttle *t = throttle_new(&settings);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(t, 1, 0), 0);
    assert_int_equal(take(t, 1, 0), 1000);
    assert_int_equal(take(t, 1, 400), 600); /* asking too early does not make longer */
    assert_int_equal(take(t, 2, 400), 0);   /* nor does it concern others */
    assert_int_equal(take(t, 1, 1000), 0);
    assert_int_equal(take(t, 1, 1000), 2000);
    assert_int_equal(take(t, 1, 3000), 0);
    assert_int_equal(take(t, 1, 3000), 4000);
    assert_int_equal(take(t, 1, 7000), 0);
    assert_int_equal(take(t, 1, 7000), 5000); /* the longest */
    int64_t now_ms = 7000;
    for (int i = 0; i < 100; i++) { /* no shift runs out of bits */
        now_ms += 5000;
        assert_int_equal(take(t, 1, now_ms), 0);
        assert_int_equal(take(t, 1, now_ms), 5000);
    }
    now_ms += 60000;
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(t, 1, now_ms), 0); /* forgotten */
    assert_int_equal(take(t, 1, now_ms), 1000);
    throttle_free(t);
}

static void test_success_forgives(void **state)
{
    (void)state;
    uint8_t key[THROTTLE_KEY_LEN] = {1};
    struct throttle *t = throttle_new(&settings);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(take(t, 1, 0), 0);
        throttle_forgive(t, key);
    }
    assert_int_equal(throttle_keys(t), 0);
    throttle_free(t);
}

static void test_bounded(void **state)
{
    (void)state;
    struct throttle *t = throttle_new(&settings);
    for (uint8_t i = 1; i <= 200; i++) {
        assert_int_equal(take(t, i, i), 0);
        assert_true(throttle_keys(t) <= settings.keys);
    }
    throttle_free(t);
}

static void test_all_together(void **state)
{
    (void)state;
    struct throttle_settings few = settings;
    few.burst = 10;
    few.keys = 1000;
    struct throttle *t = throttle_new(&few);
    for (uint8_t i = 0; i < 10; i++)
        assert_int_equal(take(t, i, 0), 0);
    assert_int_equal(take(t, 99, 0), 100);
    assert_int_equal(throttle_take(t, NULL, 40), 60); /* without a key just so */
    assert_int_equal(throttle_take(t, NULL, 100), 0);
    assert_int_equal(take(t, 100, 100), 100);
    assert_int_equal(take(t, 100, 100000), 0);
    for (int i = 0; i < 9; i++)
        assert_int_equal(throttle_take(t, NULL, 100000), 0); /* never more than the burst */
    assert_int_equal(throttle_take(t, NULL, 100000), 100);
    throttle_forgive(t, NULL);
    assert_int_equal(throttle_take(t, NULL, 100000), 0);
    throttle_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing_delay),
        cmocka_unit_test(test_success_forgives),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_all_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
