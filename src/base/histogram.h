/*
 * histogram.h: how a quantity is spread: log-linear counts in constant memory (after HdrHistogram).
 *
 * Layout, with HISTOGRAM_BITS = 5: values below 32 have a bucket of their own; from there on every
 * power of two [2^k, 2^(k+1)) is cut into 32 buckets of equal width 2^(k-5), up to 2^40. So a value
 * is known to 1/32 of itself (3.2 %) at worst, whatever its size; the smallest, the largest, the
 * number and the sum are exact. Values of 2^40 and more share the last bucket: in nanoseconds, in
 * which most things here are measured, that is 18 minutes.
 *
 * Recording is a few instructions and no branch that depends on earlier values. One owner, one
 * thread; what others should know is merged into theirs (see timing.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS 5
#define HISTOGRAM_TOP_BITS 40
#define HISTOGRAM_BUCKETS ((size_t)(HISTOGRAM_TOP_BITS - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

struct histogram {
    uint64_t count, sum;
    uint64_t min, max; /* of no meaning while count is 0 */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_clear(struct histogram *h);
void histogram_record(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that the share `q` (0 to 1) of all values does not exceed: never less than that value,
 * at most 1/32 more, never past the largest. 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

/* The bucket of a value, and its smallest and largest value. */
size_t histogram_bucket(uint64_t value);
uint64_t histogram_bucket_low(size_t bucket);
uint64_t histogram_bucket_high(size_t bucket); /* UINT64_MAX for the last */
