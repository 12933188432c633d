/*
 * blocks.c: see blocks.h. The blocks are sorted together with their places: in order they give the
 * quantiles and their ranks, and by their places the ranks are laid out in time again. Equal values
 * have the mean of the ranks that they take together. Memory: 24 bytes a block while it works.
 */
#include "detect/blocks.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"

#define PAIRS_LEAST 3 /* neighbours that a correlation is made of */

struct placed {
    double value;
    size_t at;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct placed *)a)->value, y = ((const struct placed *)b)->value;
    return (x > y) - (x < y);
}

float block_rounded(double value)
{
    return (float)fmax(-FLT_MAX, fmin(value, FLT_MAX));
}

static double quantile(const struct placed *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t low = (size_t)at, high = MIN(low + 1, n - 1);
    double part = at - (double)low;
    /* Not low + part * (high - low): the difference of two huge values has no number. */
    return sorted[low].value * (1 - part) + sorted[high].value * part;
}

static size_t equal_from(const struct placed *sorted, size_t n, size_t i)
{
    size_t end = i + 1;
    while (end < n && sorted[end].value == sorted[i].value)
        end++;
    return end;
}

/* `ranks` has a NAN where there is no block. */
static double neighbours_alike(const double *ranks, size_t count, size_t n)
{
    double mean = (double)(n - 1) / 2, product = 0, square = 0;
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(ranks[i]))
            continue;
        square += (ranks[i] - mean) * (ranks[i] - mean);
        if (i + 1 < count && !isnan(ranks[i + 1])) {
            product += (ranks[i] - mean) * (ranks[i + 1] - mean);
            pairs++;
        }
    }
    if (pairs < PAIRS_LEAST || square <= 0)
        return NAN;
    double r = product / (double)pairs / (square / (double)n);
    return fmax(-1, fmin(r, 1));
}

static double autocorrelation(const struct placed *sorted, size_t n, size_t count)
{
    double *ranks CLEANUP(mem_freep) = mem_array(count, sizeof(*ranks));
    for (size_t i = 0; i < count; i++)
        ranks[i] = NAN;
    for (size_t i = 0; i < n;) {
        size_t end = equal_from(sorted, n, i);
        for (size_t k = i; k < end; k++)
            ranks[sorted[k].at] = (double)(i + end - 1) / 2;
        i = end;
    }
    return neighbours_alike(ranks, count, n);
}

static void take_moments(struct block_stats *s, const struct placed *sorted)
{
    double mean = 0, m2 = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        double d = sorted[i].value - mean;
        mean += d / (double)(i + 1);
        m2 += d * (sorted[i].value - mean);
    }
    s->mean = mean;
    s->sigma = s->n > 1 ? sqrt(m2 / (double)(s->n - 1)) : 0;
}

struct block_stats *block_stats_new(const double *means, size_t count)
{
    struct placed *sorted CLEANUP(mem_freep) = mem_array(MAX(count, (size_t)1), sizeof(*sorted));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(means[i]))
            sorted[n++] = (struct placed){means[i], i};
    }
    if (n == 0)
        return NULL;
    qsort(sorted, n, sizeof(*sorted), by_value);
    bool constant = sorted[0].value == sorted[n - 1].value;
    size_t points = constant ? 1 : MIN(n, (size_t)BLOCK_SKETCH_MAX);
    struct block_stats *s = mem_alloc(sizeof(*s) + points * sizeof(s->sketch[0]));
    s->n = (uint32_t)n;
    s->min = sorted[0].value;
    s->max = sorted[n - 1].value;
    s->p50 = quantile(sorted, n, 0.5);
    s->p90 = quantile(sorted, n, 0.9);
    s->p99 = quantile(sorted, n, 0.99);
    s->autocorrelation = constant ? 0 : autocorrelation(sorted, n, count);
    s->sketch_count = (uint32_t)points;
    for (size_t i = 0; i < points; i++)
        s->sketch[i] = block_rounded(points == n || constant
                                         ? sorted[i].value
                                         : quantile(sorted, n, (double)i / (BLOCK_SKETCH_MAX - 1)));
    if (constant)
        s->mean = s->min; /* exactly, and without any spread */
    else
        take_moments(s, sorted);
    return s;
}
