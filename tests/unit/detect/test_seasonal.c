/* test_seasonal.c: what the hours of the week teach, and a slow shift that only they can see. */
#include "detect/seasonal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "noise.h"

#define HOUR INT64_C(3600000)
#define MONDAY INT64_C(345600000)
#define LIMIT 20.0

static const struct seasonal_tuning tuning = {.delta = 2.5, .limit = LIMIT, .samples_min = 6};

static double level(int64_t hour)
{
    return 100 + 50 * sin(NOISE_TURN * (double)(hour % 24) / 24) + (hour / 24 % 7 >= 5 ? -30 : 0);
}

static struct seasonal taught(struct noise *n, int weeks)
{
    struct seasonal s;
    seasonal_begin(&s);
    for (int64_t h = weeks * 168 - 1; h >= 0; h--) /* backwards: the order must not matter */
        seasonal_learn(&s, MONDAY + h * HOUR, level(h) + 2 * noise_gaussian(n), 4);
    return s;
}

static void test_expects(void **state)
{
    (void)state;
    struct noise n = noise_new(1, 1);
    struct expectation e;
    struct seasonal s = taught(&n, 1);
    assert_false(seasonal_expect(&s, MONDAY + 400 * HOUR, &e));
    s = taught(&n, 4);
    for (int64_t h = 1000; h < 1168; h++) {
        assert_true(seasonal_expect(&s, MONDAY + h * HOUR + 1234567, &e));
        assert_float_equal(e.mean, level(h), 5);
        assert_float_equal(e.sigma, sqrt(4 * 4 + 2 * 2), 2.5);
        assert_true(e.hour_sigma >= 1.5 && e.hour_sigma < 6);
    }
    assert_true(seasonal_expect(&s, MONDAY - 5 * 168 * HOUR, &e)); /* before 1970 as well */
    assert_float_equal(e.mean, level(0), 5);
}

static int live(struct seasonal *s, struct noise *n, int64_t from, int64_t to, double more,
                double drift)
{
    int alarms = 0, before = 0;
    for (int64_t h = from; h < to; h++) {
        double mean = level(h) + more + 2 * noise_gaussian(n) + drift * (double)(h - from);
        for (int m = 0; m < 60; m++)
            seasonal_add(s, MONDAY + h * HOUR + m * 60000, mean + 4 * noise_gaussian(n), &tuning);
        int now = seasonal_alarm(s);
        alarms += now && now != before;
        before = now;
    }
    return alarms;
}

static void test_slow_shift(void **state)
{
    (void)state;
    struct noise n = noise_new(2, 2);
    struct seasonal s = taught(&n, 4);
    assert_int_equal(live(&s, &n, 1008, 1008 + 168 * 4, 0, 0), 0);
    /* A third of the hours' sigma an hour: no window of minutes sees that. */
    assert_int_equal(live(&s, &n, 1680, 1680 + 40, 0, 0.7), 1);
    assert_int_equal(seasonal_alarm(&s), 1);
    /* It ends when the level is as it was. */
    live(&s, &n, 1720, 1740, 0, 0);
    assert_int_equal(seasonal_alarm(&s), 0);
}

/* Weeks are not alike, and a day that is busier than others is not an alarm; nor is a level for
 * ever. */
static void test_weeks_differ(void **state)
{
    (void)state;
    int alarms = 0, late = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct noise n = noise_new(7, i);
        struct seasonal s;
        double day = 0;
        seasonal_begin(&s);
        for (int64_t h = 0; h < 21 * 24; h++) {
            day = h % 24 ? day : 0.6 * day + 3 * noise_gaussian(&n);
            seasonal_learn(&s, MONDAY + h * HOUR, level(h) + day + 2 * noise_gaussian(&n), 4);
        }
        for (int64_t d = 21; d < 21 + 56; d++) { /* days hang together */
            day = 0.6 * day + 3 * noise_gaussian(&n);
            int before = seasonal_alarm(&s);
            live(&s, &n, d * 24, d * 24 + 24, day, 0);
            alarms += seasonal_alarm(&s) && !before;
        }
        live(&s, &n, 77 * 24, 77 * 24 + 24, 60, 0);
        late += seasonal_alarm(&s) == 1;
        live(&s, &n, 77 * 24 + 24, 84 * 24, 60, 0);
        assert_int_equal(seasonal_alarm(&s), 0);
    }
    print_message("%d alarms in 100 x 8 weeks; %d of 100 levels found\n", alarms, late);
    assert_in_range(alarms, 0, 20);
    assert_in_range(late, 95, 100);
}

static void test_hostile(void **state)
{
    (void)state;
    struct noise n = noise_new(3, 3);
    struct seasonal s = taught(&n, 4);
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 1e18, 0, 5};
    static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, -1, 1, MONDAY, MONDAY + 100 * HOUR};
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = noise_bits(&n);
        int64_t t = times[bits % 7] / (int64_t)(1 + (bits >> 8) % 3);
        double x = odd[(bits >> 16) % 8];
        if (bits >> 63)
            seasonal_learn(&s, t, x, odd[(bits >> 24) % 8]);
        else
            seasonal_add(&s, t, x, &tuning);
        struct expectation e;
        if (seasonal_expect(&s, t, &e))
            assert_true(isfinite(e.mean) && e.sigma >= 0 && e.hour_sigma >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expects),
        cmocka_unit_test(test_slow_shift),
        cmocka_unit_test(test_weeks_differ),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
