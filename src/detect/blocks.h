/*
 * blocks.h: what baselines keep of a series: statistics of the means of its one-minute blocks.
 *
 * Samples of neighbouring seconds say nearly the same, so a test that took each for an observation
 * of its own would find a difference between any two hours. Means of a minute are closer to
 * independent; how far they still are not is kept with them.
 *
 * Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BLOCK_MS 60000
#define BLOCK_SKETCH_MAX 101

struct block_stats {
    uint32_t n; /* blocks */
    double mean, sigma /* of a sample: divided by n - 1 */, min, max;
    double p50, p90, p99; /* type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages",
                             The American Statistician 50 (1996) */
    /* How much a block's rank is like that of the one before it, -1 to 1 (serial correlation of
     * lag 1, about the mean of all of them). NAN: not known; 0 for a constant. */
    double autocorrelation;
    /* The distribution in numbers that stand for the same share of the blocks each, ascending: up
     * to BLOCK_SKETCH_MAX blocks all of them, of more the quantiles 0, 0.01 … 1; of a constant the
     * one value. Single precision, so that what was written and read again compares the same. */
    uint32_t sketch_count;
    float sketch[];
};

/* Means of blocks in the order of time. NAN: a block that does not count; those on both sides of it
 * are no neighbours. NULL: there is none. Release with free(). */
struct block_stats *block_stats_new(const double *means, size_t count);

/* As it is in a sketch. */
float block_rounded(double value);
