/*
 * test_allowance.c: so much at once, so much a second, on a clock that the test moves.
 */
#include "maker.h"

#include "hub/allowance.h"

static unsigned take_all(struct allowance *a, int64_t now_ms)
{
    unsigned count = 0;
    while (count < 10000 && allowance_take(a, 1, now_ms))
        count++;
    return count;
}

static void test_burst_and_rate(void **state)
{
    static const struct {
        int64_t after_ms;
        unsigned granted;
    } steps[] = {{0, 0},     {49, 0},  {1, 1},     {50, 1}, {500, 10},
                 {1500, 30}, {33, 0},  {33, 1},    {34, 1}, {3600 * 1000, 50},
                 {0, 0},     {100, 2}, {-5000, 0}, {50, 1}};
    struct allowance a;
    int64_t now_ms = 123456789;
    (void)state;
    allowance_init(&a, 50, 20, now_ms);
    assert_int_equal(take_all(&a, now_ms), 50);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        now_ms += steps[i].after_ms;
        assert_int_equal(take_all(&a, now_ms), steps[i].granted);
    }
}

/* In a long time not one more is granted than burst and rate allow, however the asking is spread.
 */
static void test_never_more(void **state)
{
    struct allowance a;
    uint32_t seed = 99;
    int64_t now_ms = 0, granted = 0;
    (void)state;
    allowance_init(&a, 50, 20, now_ms);
    for (int i = 0; i < 100000; i++) {
        seed = seed * 1664525 + 1013904223;
        now_ms += (seed >> 20) % 40;
        granted += allowance_take(&a, 1, now_ms);
        assert_true(granted * 1000 <= 50 * 1000 + now_ms * 20);
    }
    assert_true(granted * 1000 > now_ms * 20 * 9 / 10);
}

static void test_large_amounts(void **state)
{
    struct allowance a;
    (void)state;
    allowance_init(&a, 100, 10, 0);
    assert_true(
        allowance_take(&a, 300, 0)); /* more than there ever is: granted when all is there */
    assert_false(allowance_take(&a, 1, 20000));
    assert_true(allowance_take(&a, 1, 20100));
    assert_false(allowance_take(&a, 300, 30000));
    assert_true(allowance_take(&a, 300, 31000));

    allowance_init(&a, 100, 10, 0);
    allowance_charge(&a, 1000000, 0); /* a debt is not larger than the burst */
    assert_false(allowance_take(&a, 1, 10000));
    assert_true(allowance_take(&a, 1, 10100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_and_rate),
        cmocka_unit_test(test_never_more),
        cmocka_unit_test(test_large_amounts),
    };
    return cmocka_run_group_tests_name("hub/allowance", tests, NULL, NULL);
}
