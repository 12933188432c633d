/* test_histogram.c: the histogram against the same values in a sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/histogram.h"

#define VALUES 5000

static uint64_t state_of_random = 88172645463325252ULL;

static uint64_t random_u64(void)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return state_of_random;
}

/* Of every size alike: the number of bits is drawn first. */
static uint64_t random_size(unsigned most_bits)
{
    unsigned bits = (unsigned)(random_u64() % most_bits) + 1;
    return random_u64() >> (64 - bits);
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Every value lies in the bucket it is put into, buckets touch each other, none is too wide. */
static void test_buckets(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket_low(0), 0);
    for (size_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        uint64_t low = histogram_bucket_low(i), high = histogram_bucket_high(i);
        assert_true(low <= high);
        assert_int_equal(histogram_bucket(low), i);
        assert_int_equal(histogram_bucket(high), i);
        assert_int_equal(histogram_bucket_low(i + 1), high + 1);
        assert_true((high - low) * 32 <= low); /* the promised 1/32 */
    }
    assert_int_equal(histogram_bucket_high(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket((UINT64_C(1) << HISTOGRAM_TOP_BITS) - 1),
                     HISTOGRAM_BUCKETS - 1);
    for (int i = 0; i < 100000; i++) {
        uint64_t value = random_size(64);
        size_t bucket = histogram_bucket(value);
        assert_true(bucket < HISTOGRAM_BUCKETS);
        assert_true(histogram_bucket_low(bucket) <= value);
        assert_true(value <= histogram_bucket_high(bucket));
    }
}

static void check_against(const struct histogram *h, uint64_t *values, size_t count)
{
    uint64_t sum = 0;
    qsort(values, count, sizeof(*values), compare_u64);
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    assert_int_equal(h->count, count);
    assert_int_equal(h->sum, sum);
    assert_int_equal(h->min, values[0]);
    assert_int_equal(h->max, values[count - 1]);
    for (unsigned permille = 0; permille <= 1000; permille++) {
        size_t rank = (permille * count + 999) / 1000;
        uint64_t exact = values[rank ? rank - 1 : 0];
        uint64_t got = histogram_quantile(h, (double)permille / 1000);
        if (got < exact || got > exact + exact / 32)
            fail_msg("of %zu, %u permille: %llu is not %llu", count, permille,
                     (unsigned long long)got, (unsigned long long)exact);
    }
}

/* Sizes of which permille are whole numbers, so that both sides mean the same rank. */
static void test_quantiles(void **state)
{
    (void)state;
    static const unsigned bits[] = {3, 5, 6, 12, 20, 33, 40};
    struct histogram *h = malloc(sizeof(*h));
    uint64_t *values = malloc(VALUES * sizeof(*values));
    for (size_t b = 0; b < ARRAY_LEN(bits); b++) {
        for (size_t count = 1000; count <= VALUES; count += 1000) {
            histogram_clear(h);
            for (size_t i = 0; i < count; i++)
                histogram_record(h, values[i] = random_size(bits[b]));
            check_against(h, values, count);
        }
    }
    free(values);
    free(h);
}

/* Parts that are merged, in any order, are the whole. */
static void test_merge(void **state)
{
    (void)state;
    struct histogram *whole = calloc(1, sizeof(*whole));
    struct histogram *parts = calloc(3, sizeof(*parts));
    for (size_t i = 0; i < VALUES; i++) {
        uint64_t value = random_size(44);
        histogram_record(whole, value);
        histogram_record(&parts[value % 2], value); /* the third stays empty */
    }
    histogram_merge(&parts[2], &parts[1]);
    histogram_merge(&parts[2], &parts[0]);
    assert_memory_equal(&parts[2], whole, sizeof(*whole));
    histogram_clear(&parts[0]);
    histogram_merge(&parts[2], &parts[0]);
    assert_memory_equal(&parts[2], whole, sizeof(*whole));
    free(parts);
    free(whole);
}

static void test_edges(void **state)
{
    (void)state;
    struct histogram *h = calloc(1, sizeof(*h));
    assert_int_equal(histogram_quantile(h, 0.5), 0);
    histogram_record(h, 1000003);
    /* One value: the largest is known exactly, so every quantile is. */
    assert_int_equal(histogram_quantile(h, 0), 1000003);
    assert_int_equal(histogram_quantile(h, 0.5), 1000003);
    assert_int_equal(histogram_quantile(h, 7), 1000003);
    assert_int_equal(histogram_quantile(h, -1), 1000003);
    histogram_record(h, UINT64_MAX);
    assert_int_equal(h->max, UINT64_MAX);
    assert_int_equal(histogram_quantile(h, 1), UINT64_MAX);
    assert_true(histogram_quantile(h, 0.5) <= 1000003 + 1000003 / 32);
    histogram_clear(h);
    histogram_record(h, 0);
    assert_int_equal(h->max, 0);
    assert_int_equal(histogram_quantile(h, 1), 0);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
