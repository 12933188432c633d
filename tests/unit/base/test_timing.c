/* test_timing.c: durations at their bounds, and what passes from thread to thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/defs.h"
#include "base/timing.h"

static const struct timing_bounds bounds = {.count = 3, .ns = {100, 1000, 50000}};

static void test_bounds(void **state)
{
    (void)state;
    static struct timing t;
    timing_init(&t, &bounds);
    static const int64_t ns[] = {-5, 0, 100, 101, 1000, 1001, 50000, 50001, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(ns); i++)
        timing_record(&t, ns[i]);
    assert_int_equal(t.within[0], 3); /* a bound belongs to what is within it */
    assert_int_equal(t.within[1], 2);
    assert_int_equal(t.within[2], 2);
    assert_int_equal(t.histogram.count, ARRAY_LEN(ns));
    assert_int_equal(t.histogram.min, 0);

    static struct timing sum;
    timing_init(&sum, &bounds);
    timing_merge(&sum, &t);
    timing_merge(&sum, &t);
    assert_int_equal(sum.within[0], 6);
    assert_int_equal(sum.histogram.count, 2 * ARRAY_LEN(ns));
    timing_restart(&sum); /* the quantiles begin anew, the counts go on */
    assert_int_equal(sum.histogram.count, 0);
    assert_int_equal(sum.count, 2 * ARRAY_LEN(ns));
    assert_int_equal(sum.within[0], 6);
    timing_record(&sum, 7);
    assert_int_equal(sum.histogram.count, 1);
    assert_int_equal(sum.count, 2 * ARRAY_LEN(ns) + 1);
    timing_clear(&sum);
    assert_int_equal(sum.count, 0);
    assert_int_equal(sum.within[0], 0);
    assert_int_equal(sum.histogram.count, 0);
}

#define ROUNDS 2000
#define THREADS 2

static struct timing_handover handover;
static atomic_uint working = THREADS;

static void *work(void *user)
{
    static _Thread_local struct timing own;
    (void)user;
    timing_init(&own, &bounds);
    for (int i = 0; i < ROUNDS; i++) {
        timing_record(&own, i);
        if (i % 7 == 0)
            timing_give(&handover, &own);
    }
    timing_give(&handover, &own);
    assert_int_equal(own.histogram.count, 0);
    timing_give(&handover, &own); /* nothing */
    atomic_fetch_sub(&working, 1);
    return NULL;
}

/* What is taken while others give is everything, once. */
static void test_handover(void **state)
{
    (void)state;
    static struct timing all;
    pthread_t threads[THREADS];
    timing_handover_init(&handover, &bounds);
    timing_init(&all, &bounds);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    while (atomic_load(&working))
        timing_take(&handover, &all);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    timing_take(&handover, &all);
    assert_int_equal(all.histogram.count, THREADS * ROUNDS);
    assert_int_equal(all.histogram.sum, (uint64_t)THREADS * ROUNDS * (ROUNDS - 1) / 2);
    assert_int_equal(all.histogram.min, 0);
    assert_int_equal(all.histogram.max, ROUNDS - 1);
    assert_int_equal(all.count, THREADS * ROUNDS);
    assert_int_equal(all.sum_ns, all.histogram.sum);
    assert_int_equal(all.within[0], THREADS * 101);
    assert_int_equal(all.within[1], THREADS * 900);
    assert_int_equal(all.within[2], THREADS * 999);
    timing_take(&handover, &all);
    assert_int_equal(all.histogram.count, THREADS * ROUNDS);
    timing_handover_fini(&handover);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_handover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
