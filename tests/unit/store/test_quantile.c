/* test_quantile.c: histograms with known answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "store/plan.h"

static void check(double q, const struct bucket *buckets, size_t count, double expected)
{
    double got = quantile_of(q, buckets, count);
    if (isnan(expected))
        assert_true(isnan(got));
    else if (fabs(got - expected) > 1e-12)
        fail_msg("%g: %.17g is not %.17g", q, got, expected);
}

static void test_even(void **state)
{
    (void)state;
    static const struct bucket b[] = {{1, 10}, {2, 20}, {4, 40}, {INFINITY, 50}};
    check(0.1, b, 4, 0.5);
    check(0.2, b, 4, 1);
    check(0.5, b, 4, 2.5);
    check(0.8, b, 4, 4);
    check(0.9, b, 4, 4); /* beyond the last bound nothing is known but that */
    check(0, b, 4, 0);
}

static void test_edges(void **state)
{
    (void)state;
    static const struct bucket none[] = {{1, 0}, {INFINITY, 0}};
    check(0.5, none, 2, NAN);
    static const struct bucket endless[] = {{1, 1}, {2, 2}};
    check(0.5, endless, 2, NAN); /* no bucket without a bound: how many there are is not known */
    static const struct bucket alone[] = {{INFINITY, 5}};
    check(0.5, alone, 1, NAN);
    static const struct bucket negative[] = {{-1, 5}, {1, 10}, {INFINITY, 10}};
    check(0.5, negative, 3, -1);
    check(0.75, negative, 3, 0);
    static const struct bucket hole[] = {{1, 5}, {2, 5}, {3, 10}, {INFINITY, 10}};
    check(0.5, hole, 4, 1);
    check(0.75, hole, 4, 2.5);
    static const struct bucket first[] = {{0, 5}, {1, 5}, {INFINITY, 5}};
    check(0.5, first, 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_even),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
