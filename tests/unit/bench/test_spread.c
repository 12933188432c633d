/* test_spread.c: quantiles against the sorted values themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "bench/spread.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void test_empty(void **state)
{
    struct spread *s = mem_alloc(sizeof(*s));
    struct spread_summary summary = spread_summary(s);
    (void)state;
    assert_true(isnan(summary.p50_ms) && isnan(summary.p99_ms) && isnan(summary.max_ms));
    free(s);
}

static void test_small_values_are_exact(void **state)
{
    struct spread *s = mem_alloc(sizeof(*s));
    (void)state;
    for (int64_t ns = 1; ns <= 100; ns++)
        spread_add(s, ns);
    assert_true(spread_quantile_ms(s, 0) == 1e-6);
    assert_true(spread_quantile_ms(s, 0.5) == 50e-6);
    assert_true(spread_quantile_ms(s, 0.99) == 99e-6);
    assert_true(spread_quantile_ms(s, 1) == 100e-6);
    free(s);
}

static void test_ends(void **state)
{
    struct spread *s = mem_alloc(sizeof(*s));
    (void)state;
    spread_add(s, -5); /* clocks of two processors may differ by a little */
    assert_true(spread_quantile_ms(s, 1) == 0);
    spread_add(s, INT64_MAX);
    assert_true(spread_quantile_ms(s, 1) == (double)SPREAD_MAX_NS / 1e6);
    assert_int_equal(s->counts[SPREAD_BUCKETS - 1], 1);
    assert_int_equal(s->total, 2);
    free(s);
}

/* Whatever the size of the values: not below what is asked, at most 1/128 above. */
static void test_against_sorted(void **state)
{
    enum { COUNT = 5000 };
    static const double quantiles[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    int64_t *values = mem_array(COUNT, sizeof(*values));
    unsigned seed = 7;
    (void)state;
    for (unsigned bits = 6; bits <= 40; bits += 2) {
        struct spread *s = mem_alloc(sizeof(*s));
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t random = (uint64_t)rand_r(&seed) << 31 | (uint64_t)rand_r(&seed);
            values[i] = (int64_t)(random & ((UINT64_C(1) << bits) - 1));
            spread_add(s, values[i]);
        }
        qsort(values, COUNT, sizeof(*values), compare);
        for (size_t i = 0; i < ARRAY_LEN(quantiles); i++) {
            size_t rank = (size_t)ceil(quantiles[i] * COUNT);
            double exact = (double)values[rank ? rank - 1 : 0] / 1e6;
            double told = spread_quantile_ms(s, quantiles[i]);
            assert_true(told >= exact);
            assert_true(told <= exact * (1 + 1.0 / SPREAD_STEPS) + 1e-9);
        }
        assert_true(spread_quantile_ms(s, 1) == (double)values[COUNT - 1] / 1e6);
        free(s);
    }
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_against_sorted),
    };
    return cmocka_run_group_tests_name("bench spread", tests, NULL, NULL);
}
