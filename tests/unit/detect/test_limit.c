/* test_limit.c: the approximation against published values and against simulation. */
#include "detect/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "noise.h"

/* Exact one-sided run lengths for k = 0.5 are twice the two-sided ones of the usual tables
 * (Montgomery, table 9.3: h = 4 gives 168, h = 5 gives 465). */
static void test_published(void **state)
{
    (void)state;
    assert_float_equal(limit_run_length(0.5, 4), 2 * 168, 6);
    assert_float_equal(limit_run_length(0.5, 5), 2 * 465, 10);
}

static void test_inverse(void **state)
{
    (void)state;
    static const double ks[] = {0.25, 0.5, 1.25, 3, 10};
    for (size_t i = 0; i < ARRAY_LEN(ks); i++) {
        for (int power = 3; power < 15; power++) {
            double n = pow(10, power), h = limit_for_run_length(ks[i], n);
            assert_true(h >= 0 && (h < 1e-6 || fabs(limit_run_length(ks[i], h) / n - 1) < 1e-6));
        }
    }
}

static double mean_run(double k, double h, int trials)
{
    struct noise n = noise_new(5, 5);
    long samples = 0;
    for (int i = 0; i < trials; i++) {
        double s = 0;
        while (s < h) {
            s = fmax(0, s + noise_gaussian(&n) - k);
            samples++;
        }
    }
    return (double)samples / trials;
}

static void test_against_simulation(void **state)
{
    (void)state;
    assert_true(fabs(mean_run(1.25, 2, 1000) / limit_run_length(1.25, 2) - 1) < 0.15);
    assert_true(fabs(mean_run(0.5, 5, 1000) / limit_run_length(0.5, 5) - 1) < 0.15);
}

static void test_budget(void **state)
{
    (void)state;
    double day = 1.0 / 86400, k = 1.25, one = limit_for_budget(k, day, 1, 1);
    assert_float_equal(limit_run_length(k, one), 2 * 86400, 1);
    assert_true(limit_for_budget(k, day, 500, 1) > one);
    assert_true(limit_for_budget(k, day / 10, 1, 1) > one);
    assert_true(limit_for_budget(k, day, 1, 60) < one);
    /* None watched is one; no budget is a hundred years. */
    assert_float_equal(limit_for_budget(k, day, 0, 1), one, 1e-9);
    assert_float_equal(limit_for_budget(k, 0, 1, 1), limit_for_budget(k, 1 / 3.2e9, 1, 1), 1e-9);
    assert_true(isfinite(limit_for_budget(0.25, 1e-300, SIZE_MAX, 1e-3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_inverse),
        cmocka_unit_test(test_against_simulation),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
