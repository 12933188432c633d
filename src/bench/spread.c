/*
 * spread.c: log-linear buckets. Values below 2 * SPREAD_STEPS have a bucket each; from there on
 * every power of two is cut into SPREAD_STEPS equal ones.
 */
#include "bench/spread.h"

#include <math.h>

#include "base/defs.h"

/* Index of the highest bit minus that of SPREAD_STEPS: how far the value is shifted. */
static unsigned shift_of(uint64_t value)
{
    unsigned bits = value ? 63U - (unsigned)__builtin_clzll(value) : 0;
    unsigned steps = (unsigned)__builtin_ctz(SPREAD_STEPS);
    return bits > steps ? bits - steps : 0;
}

static size_t bucket_of(uint64_t value)
{
    unsigned shift = shift_of(value);
    return (size_t)shift * SPREAD_STEPS + (size_t)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t bucket_top(size_t bucket)
{
    if (bucket < SPREAD_STEPS)
        return bucket;
    unsigned shift = (unsigned)(bucket / SPREAD_STEPS) - 1;
    uint64_t step = bucket - (size_t)shift * SPREAD_STEPS;
    return ((step + 1) << shift) - 1;
}

void spread_add(struct spread *s, int64_t ns)
{
    int64_t value = MIN(MAX(ns, INT64_C(0)), SPREAD_MAX_NS);
    s->counts[bucket_of((uint64_t)value)]++;
    s->total++;
    s->max_ns = MAX(s->max_ns, value);
}

double spread_quantile_ms(const struct spread *s, double q)
{
    if (!s->total)
        return NAN;
    uint64_t rank = (uint64_t)ceil(q * (double)s->total);
    uint64_t seen = 0;
    rank = MIN(MAX(rank, UINT64_C(1)), s->total);
    for (size_t i = 0; i < SPREAD_BUCKETS; i++) {
        seen += s->counts[i];
        if (seen >= rank)
            return (double)MIN(bucket_top(i), (uint64_t)s->max_ns) / 1e6;
    }
    return (double)s->max_ns / 1e6;
}

struct spread_summary spread_summary(const struct spread *s)
{
    return (struct spread_summary){
        .p50_ms = spread_quantile_ms(s, 0.5),
        .p99_ms = spread_quantile_ms(s, 0.99),
        .max_ms = spread_quantile_ms(s, 1),
    };
}
