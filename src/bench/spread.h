/*
 * spread.h: the distribution of many durations in fixed memory, e.g. of a million latencies. A
 * quantile is at most 1/128 above the value that really stands there, so that ratios of quantiles
 * can be held against 1.1; the largest value is exact. One owner, one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SPREAD_STEPS 128                       /* in each power of two */
#define SPREAD_BUCKETS (SPREAD_STEPS * 35)     /* up to 2^41 ns, more than half an hour */
#define SPREAD_MAX_NS ((INT64_C(1) << 41) - 1) /* what is longer counts as this */

struct spread {
    uint64_t counts[SPREAD_BUCKETS];
    uint64_t total;
    int64_t max_ns;
};

void spread_add(struct spread *s, int64_t ns); /* below 0 counts as 0 */

/* The value that a part `q` (0 to 1) of all is not above; NAN: there are none. Milliseconds. */
double spread_quantile_ms(const struct spread *s, double q);

/* What is printed of one. NAN: nothing was measured. */
struct spread_summary {
    double p50_ms, p99_ms, max_ms;
};
struct spread_summary spread_summary(const struct spread *s);
