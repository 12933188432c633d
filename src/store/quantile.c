/*
 * quantile.c: a quantile from a histogram's buckets, by the rules that people know from
 * Prometheus: the rank is looked up in the cumulative counts, and within the bucket that holds it
 * the observations are taken as evenly spread. The lowest bucket begins at 0 when its bound is
 * positive; a rank in the bucket without an upper bound gives the highest bound there is.
 */
#include <math.h>

#include "store/plan.h"

double quantile_of(double q, const struct bucket *buckets, size_t count)
{
    if (count < 2 || !isinf(buckets[count - 1].bound))
        return NAN;
    double total = buckets[count - 1].count;
    if (!(total > 0))
        return NAN;
    double rank = q * total;
    size_t i = 0;
    while (i < count - 1 && buckets[i].count < rank)
        i++;
    if (i == count - 1)
        return buckets[count - 2].bound;
    double start = 0, below = 0, end = buckets[i].bound;
    if (i == 0) {
        if (end <= 0)
            return end;
    } else {
        start = buckets[i - 1].bound;
        below = buckets[i - 1].count;
    }
    double inside = buckets[i].count - below;
    return inside > 0 ? start + (end - start) * (rank - below) / inside : end;
}
