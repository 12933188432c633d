/*
 * histogram.c: see histogram.h. A bucket's number is the position of the value's highest bit, as
 * far as it lies above HISTOGRAM_BITS, followed by the HISTOGRAM_BITS bits below it. The first two
 * runs (values below 32, and below 64) have buckets of width one, so the formula needs no case for
 * small values but the clamp of the shift at 0.
 */
#include "base/histogram.h"

#include <string.h>

#include "base/defs.h"

#define PER_RUN ((uint64_t)1 << HISTOGRAM_BITS)

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}

size_t histogram_bucket(uint64_t value)
{
    if (value >= (uint64_t)1 << HISTOGRAM_TOP_BITS)
        return HISTOGRAM_BUCKETS - 1;
    /* value | PER_RUN: everything below PER_RUN has the first run's width, 1. */
    unsigned shift = 63U - (unsigned)__builtin_clzll(value | PER_RUN) - HISTOGRAM_BITS;
    return ((size_t)shift << HISTOGRAM_BITS) + (size_t)(value >> shift);
}

uint64_t histogram_bucket_low(size_t bucket)
{
    if (bucket < PER_RUN)
        return bucket;
    unsigned shift = (unsigned)(bucket >> HISTOGRAM_BITS) - 1;
    return (PER_RUN + (bucket & (PER_RUN - 1))) << shift;
}

uint64_t histogram_bucket_high(size_t bucket)
{
    return bucket + 1 < HISTOGRAM_BUCKETS ? histogram_bucket_low(bucket + 1) - 1 : UINT64_MAX;
}

void histogram_record(struct histogram *h, uint64_t value)
{
    h->min = h->count ? MIN(h->min, value) : value;
    h->max = MAX(h->max, value);
    h->count++;
    h->sum += value;
    h->buckets[histogram_bucket(value)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (!from->count)
        return;
    into->min = into->count ? MIN(into->min, from->min) : from->min;
    into->max = MAX(into->max, from->max);
    into->count += from->count;
    into->sum += from->sum;
    for (size_t i = histogram_bucket(from->min); i <= histogram_bucket(from->max); i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    if (!h->count)
        return 0;
    double wanted = MIN(MAX(q, 0.0), 1.0) * (double)h->count;
    uint64_t rank = (uint64_t)wanted, seen = 0;
    /* Rounded up, but not for what the product of, say, 0.671 and 3000 has too much. */
    rank += wanted - (double)rank > 1e-12 * wanted;
    rank = MIN(MAX(rank, UINT64_C(1)), h->count);
    size_t last = histogram_bucket(h->max);
    for (size_t i = histogram_bucket(h->min); i < last; i++) {
        seen += h->buckets[i];
        if (seen >= rank)
            return histogram_bucket_high(i);
    }
    return h->max;
}
