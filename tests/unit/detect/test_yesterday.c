/* test_yesterday.c: the same time of day, a day before; across gaps and clocks that step. */
#include "detect/yesterday.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "noise.h"

#define DAY INT64_C(86400000)

static double level(int64_t t_ms)
{
    return 1e9 + 100 * sin(NOISE_TURN * (double)(t_ms % DAY) / (double)DAY);
}

static void test_every_interval(void **state)
{
    (void)state;
    static const int64_t intervals[] = {10000, 60000, 300000, 1800000, 3600000};
    for (size_t k = 0; k < 5; k++) {
        struct yesterday y;
        struct noise n = noise_new(4, k);
        yesterday_begin(&y);
        int64_t step = intervals[k], t = 0;
        int told = 0;
        for (; t < 8 * DAY; t += step) {
            float r = yesterday_add(&y, t, level(t) + noise_gaussian(&n), step, 20, 0.99999f, 0);
            told += t > 4 * DAY && r > 1.5f;
        }
        assert_int_equal(told, 0);
        /* Six hours ahead: values that there are every day, but at another time. */
        float most = 0;
        for (int64_t end = t + DAY / 2; t < end; t += step)
            most = fmaxf(most, yesterday_add(&y, t, level(t + DAY / 4), step, 20, 0.99999f, 0));
        assert_true(most > 3);
    }
}

static void test_gap(void **state)
{
    (void)state;
    struct yesterday y;
    yesterday_begin(&y);
    int64_t t = 0;
    for (; t < 3 * DAY; t += 300000)
        assert_true(yesterday_add(&y, t, 5, 300000, 20, 1, 1) <= 0);
    /* After a week nobody knows what was yesterday. */
    t += 7 * DAY;
    for (int64_t end = t + DAY; t < end; t += 300000)
        assert_true(yesterday_add(&y, t, 9000, 300000, 20, 1, 1) <= 0);
    assert_true(yesterday_add(&y, t, 5, 300000, 20, 1, 1) > 8000);
}

static void test_hostile(void **state)
{
    (void)state;
    struct yesterday y;
    struct noise n = noise_new(9, 9);
    yesterday_begin(&y);
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 1e30, 0, -1};
    static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, -1, 1, DAY, -DAY};
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = noise_bits(&n);
        float r = yesterday_add(&y, times[bits % 7] / (int64_t)(1 + (bits >> 8) % 1000),
                                odd[(bits >> 20) % 8], (int64_t)((bits >> 30) % 3) * 400000, 20, 1,
                                (float)((bits >> 40) % 2));
        assert_true(r >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_interval),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
