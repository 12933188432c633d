/*
 * compare.c: see compare.h. Everything about two distributions is had from their sketches, whose
 * numbers stand for the same share of the blocks each: how much of the one lies below each number
 * of the other, found in one walk over both. From those placements come the effect (their mean) and
 * the variance of Brunner and Munzel (theirs). Of more than 101 blocks the sketch is off by less
 * than one in a hundred of its blocks.
 */
#include "detect/compare.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"

#define ERRORS_ADDED 0.5 /* standard errors, to a correlation that is only estimated */

/* ---- Student's t ------------------------------------------------------------------------- */

/* The continued fraction of the incomplete beta function: NIST Digital Library of Mathematical
 * Functions, 8.17.22, evaluated by Lentz's method. */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= 300; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double last = value;
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            value *= c * d;
        }
        if (fabs(value - last) <= 1e-14 * fabs(value))
            break;
    }
    return value;
}

static double beta_incomplete(double a, double b, double x)
{
    int sign;
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) +
                       a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double compare_t_tails(double t, double freedom)
{
    if (isnan(t) || isnan(freedom))
        return NAN;
    return beta_incomplete(freedom / 2, 0.5, freedom / (freedom + t * t));
}

/* ---- one metric -------------------------------------------------------------------------- */

/* Without the bias of its estimate; 0 to 1: neighbours that are unlike make nothing surer here. */
static double correlation(const struct block_stats *s)
{
    double n = s->n, rho = isnan(s->autocorrelation) ? 0 : s->autocorrelation;
    if (s->sketch_count == 1) /* nothing varies, so nothing follows from the block before */
        return 0;
    return n > 4 ? fmax(0, fmin((rho + 1 / n) / (1 - 4 / n), 1)) : 1;
}

void compare_independent(const struct block_stats *before, const struct block_stats *after,
                         double ret[2])
{
    const struct block_stats *sides[] = {before, after};
    double all = (double)before->n + after->n;
    double rho = (correlation(before) * before->n + correlation(after) * after->n) / all;
    double careful = rho > 0 ? rho + ERRORS_ADDED * sqrt((1 - rho * rho) / all) : 0;
    for (int i = 0; i < 2; i++) {
        double n = sides[i]->n, own = fmin(fmax(careful, correlation(sides[i])), 1);
        ret[i] = fmax(2, fmin(n * (1 - own) / (1 + own), n));
    }
}

/* Mean and variance of the shares of `of` that lie below each number of `s`; equal ones count
 * half. */
static void placements(const struct block_stats *s, const struct block_stats *of, double *ret_mean,
                       double *ret_variance)
{
    double mean = 0, m2 = 0;
    uint32_t below = 0, upto = 0;
    for (uint32_t i = 0; i < s->sketch_count; i++) {
        while (below < of->sketch_count && of->sketch[below] < s->sketch[i])
            below++;
        upto = MAX(upto, below);
        while (upto < of->sketch_count && of->sketch[upto] <= s->sketch[i])
            upto++;
        double share = (double)(below + upto) / 2 / of->sketch_count, d = share - mean;
        mean += d / (i + 1);
        m2 += d * (share - mean);
    }
    *ret_mean = mean;
    *ret_variance = s->sketch_count > 1 ? m2 / (s->sketch_count - 1) : 0;
}

static double change_of(const struct block_stats *before, const struct block_stats *after)
{
    if (before->mean == after->mean)
        return 0;
    double ratio = (after->mean - before->mean) / fabs(before->mean);
    return isfinite(ratio) ? ratio : NAN;
}

void compare_pair(const struct block_stats *before, const struct block_stats *after,
                  uint32_t blocks_least, struct comparison *ret)
{
    *ret = (struct comparison){
        .verdict = COMPARISON_NOT_ENOUGH_DATA,
        .change_ratio = before && after ? change_of(before, after) : NAN,
        .effect = NAN,
        .p = NAN,
        .q = NAN,
    };
    if (!before || !after || before->n < blocks_least || after->n < blocks_least)
        return;
    double share, ignored, variance_before, variance_after;
    placements(after, before, &share, &variance_after);
    placements(before, after, &ignored, &variance_before);
    double worth[2];
    compare_independent(before, after, worth);
    double n = worth[0], m = worth[1];
    double unchanged = (n + m + 1) / (12 * n * m);
    double other = variance_before / n + variance_after / m;
    double freedom =
        (1 / n + 1 / m) * (1 / n + 1 / m) / (1 / (n * n * (n - 1)) + 1 / (m * m * (m - 1)));
    ret->verdict = COMPARISON_UNCHANGED;
    ret->effect = 2 * share - 1;
    ret->p = compare_t_tails((share - 0.5) / sqrt(fmax(unchanged, other)), freedom);
}

/* ---- all of them ------------------------------------------------------------------------- */

static int by_p(const void *a, const void *b)
{
    double x = (*(struct comparison *const *)a)->p, y = (*(struct comparison *const *)b)->p;
    return (x > y) - (x < y);
}

/* q of the i-th smallest p is the least of p_k * count * (1 + 1/2 + … + 1/count) / k over all k
 * from i on. */
static void control(struct comparison **tested, size_t count)
{
    double harmonic = 0, least = 1;
    qsort(tested, count, sizeof(tested[0]), by_p);
    for (size_t i = 1; i <= count; i++)
        harmonic += 1 / (double)i;
    for (size_t i = count; i > 0; i--) {
        least = fmin(least, tested[i - 1]->p * (double)count * harmonic / (double)i);
        tested[i - 1]->q = least;
    }
}

static enum comparison_verdict verdict_of(const struct comparison *c, enum direction direction)
{
    /* From nothing to something is more than any part. */
    bool enough = isnan(c->change_ratio) || fabs(c->change_ratio) >= COMPARE_CHANGE_LEAST;
    if (c->q > COMPARE_FALSE_DISCOVERIES || fabs(c->effect) < COMPARE_EFFECT_LEAST || !enough)
        return COMPARISON_UNCHANGED;
    /* Most blocks are larger and their mean is smaller: a few outliers made one of the two. */
    if (!isnan(c->change_ratio) && (c->change_ratio > 0) != (c->effect > 0))
        return COMPARISON_UNCHANGED;
    if (direction == DIRECTION_NEITHER)
        return COMPARISON_CHANGED;
    return (c->effect > 0) == (direction == DIRECTION_HIGHER) ? COMPARISON_IMPROVED
                                                              : COMPARISON_REGRESSED;
}

void compare_judge(const struct compared *all, size_t count)
{
    struct comparison **tested CLEANUP(mem_freep) =
        mem_array(MAX(count, (size_t)1), sizeof(*tested));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].comparison->verdict != COMPARISON_NOT_ENOUGH_DATA)
            tested[n++] = all[i].comparison;
    }
    control(tested, n);
    for (size_t i = 0; i < count; i++) {
        if (all[i].comparison->verdict != COMPARISON_NOT_ENOUGH_DATA)
            all[i].comparison->verdict = verdict_of(all[i].comparison, all[i].direction);
    }
}

enum comparison_verdict compare_overall(const size_t counts[COMPARISON_VERDICTS])
{
    if (counts[COMPARISON_REGRESSED])
        return COMPARISON_REGRESSED;
    if (counts[COMPARISON_IMPROVED])
        return COMPARISON_IMPROVED;
    return counts[COMPARISON_CHANGED] || counts[COMPARISON_UNCHANGED] ? COMPARISON_UNCHANGED
                                                                      : COMPARISON_NOT_ENOUGH_DATA;
}

const char *comparison_verdict_name(enum comparison_verdict v)
{
    static const char *const names[] = {
        [COMPARISON_REGRESSED] = "regressed",
        [COMPARISON_IMPROVED] = "improved",
        [COMPARISON_CHANGED] = "changed",
        [COMPARISON_UNCHANGED] = "unchanged",
        [COMPARISON_NOT_ENOUGH_DATA] = "not_enough_data",
    };
    return names[v];
}
