/*
 * compare.h: whether a series is other than it was: two sets of block means (blocks.h) of each
 * metric, compared by what a baseline keeps of them, and judged all together.
 *
 * Change. Of the mean, as a part of the mean before.
 *
 * Effect size. Cliff's delta: how much more often a block after is larger than one before than the
 * other way round, -1 to 1. (N. Cliff, "Dominance statistics: Ordinal analyses to answer ordinal
 * questions", Psychological Bulletin 114, 1993; from 0.474 on it is called large: Romano et al.,
 * 2006.) Not Hedges' g, because that divides by a standard deviation: a handful of bursts, which
 * network metrics have, makes it as small as one likes, it has no value for two constants, and it
 * cannot be had from a sketch.
 *
 * Significance. A rank test on the same number: z = delta / 2 / sqrt(V), two-sided by Student's t,
 * with the degrees of freedom of Welch and Satterthwaite for two sides of equal spread, so that a
 * short side is not made certain by a long one (B. L. Welch, Biometrika 34, 1947). V is the larger
 * of two variances of P(before < after): that of Mann and Whitney ("On a test of whether one of two
 * random variables is stochastically larger than the other", Annals of Mathematical Statistics 18,
 * 1947), which holds when nothing has changed, and that of Brunner and Munzel ("The nonparametric
 * Behrens-Fisher problem", Biometrical Journal 42, 2000), which is larger when the spread has
 * changed and the level has not. In both the number of blocks is the number of independent ones
 * that they are worth when each is like the one before it by rho: n (1 - rho) / (1 + rho) (G. V.
 * Bayley and J. M. Hammersley, "The 'effective' number of independent observations in an
 * autocorrelated time series", JRSS Supplement 8, 1946, for a process of first order). rho is the
 * autocorrelation of the ranks. Estimated about a mean that is itself estimated it is too low by
 * (1 + 4 rho) / n (M. G. Kendall, "Note on bias in the estimation of autocorrelation", Biometrika
 * 41, 1954); that is added. Of hundreds of metrics those would be found for which chance has made
 * it low, so both sides have the mean of their two and half of its standard error, or their own
 * where that is more. The simulations in tests/unit/detect/test_compare.c show what that gives.
 *
 * False discoveries. Benjamini and Yekutieli ("The control of the false discovery rate in multiple
 * testing under dependency", Annals of Statistics 29, 2001): metrics of one host depend on each
 * other in every way (bytes and packets rise together, idle falls as busy rises), and Benjamini and
 * Hochberg's procedure is proven for independence and for positive dependence only.
 *
 * Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "detect/blocks.h"
#include "detect/direction.h"

#define COMPARE_BLOCKS_LEAST 30        /* a side */
#define COMPARE_EFFECT_LEAST 0.5       /* a verdict needs so much of all three */
#define COMPARE_CHANGE_LEAST 0.1       /* a part: 10 % */
#define COMPARE_FALSE_DISCOVERIES 0.05 /* of all verdicts */

/* In the order in which people want to see them. */
enum comparison_verdict {
    COMPARISON_REGRESSED,
    COMPARISON_IMPROVED,
    COMPARISON_CHANGED, /* and neither direction is better */
    COMPARISON_UNCHANGED,
    COMPARISON_NOT_ENOUGH_DATA,
    COMPARISON_VERDICTS
};

const char *comparison_verdict_name(enum comparison_verdict v);

struct comparison {
    enum comparison_verdict verdict;
    double change_ratio; /* 0.1: 10 % more; NAN: from nothing to something, or not known */
    double effect;       /* NAN, as p and q: not enough data */
    double p, q;         /* q: the share of false discoveries if this and all with a smaller one
                            were called different */
};

/* One metric; all but q and the verdict. `before` and `after` may be NULL: there is nothing. */
void compare_pair(const struct block_stats *before, const struct block_stats *after,
                  uint32_t blocks_least, struct comparison *ret);

struct compared {
    struct comparison *comparison;
    enum direction direction;
};

/* All metrics of a comparison: q and verdicts. */
void compare_judge(const struct compared *all, size_t count);

/* The verdict over all: regressed if one is, else improved if one is; not enough data if nothing
 * could be compared. */
enum comparison_verdict compare_overall(const size_t counts[COMPARISON_VERDICTS]);

/* How many independent blocks each of the two is worth, 2 to n. */
void compare_independent(const struct block_stats *before, const struct block_stats *after,
                         double ret[2]);

/* The probability that Student's t with so many degrees of freedom is farther from 0 than t. */
double compare_t_tails(double t, double freedom);
