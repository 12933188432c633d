/*
 * novelty.h: how much a sample differs from everything that its series did before: the score, 0 to
 * 1. Pure, constant memory, one thread at a time.
 *
 * Four statistics are watched, each against its own record, the highest that it has been so far:
 *
 *   place   the level (mean of half a window) against the mean of everything (60 windows); up, down
 *   jump    the sample against the mean of a window; up and down have records of their own
 *   shift   the level against the mean of two windows
 *   day     the sample against the same time yesterday (yesterday.h; optional)
 *
 * All means forget exponentially. Records fade slowly, by half in about 170 windows, so that what
 * happened long ago may be told again. The farthest beyond its record counts:
 *
 *   ratio = max |statistic| / record            score = 1 - ratio^-NOVELTY_POWER when ratio > 1
 *
 * so 0.5 is 11 % more than ever before, 0.99 is twice as much. It asks nothing of the distribution:
 * whoever has had spikes needs a higher one. In n independent samples a new record comes only about
 * log(n) times (F. Foster and A. Stuart, J. Royal Statistical Society B 16 (1954) 1), and one far
 * beyond the last even less often. What follows within two windows is told only when it is worse:
 * one event, one score.
 */
#pragma once

#include <stdint.h>

#define NOVELTY_POWER 6.64f

/* Of a window of so many samples. */
struct novelty_tuning {
    float level, usual, slow, all; /* weights of a new sample */
    float fade;                    /* records, a sample */
    uint32_t start;                /* samples before the first record */
    uint16_t quiet;                /* samples after a score */
};

void novelty_tune(struct novelty_tuning *ret, uint32_t window);

/* All values relative to a base that the owner chooses: floats would not hold large levels. */
struct novelty {
    float level, usual, slow, all;
    float place[2], jump[2], shift; /* records: down, up */
    float least;                    /* no record counts as lower */
    float held;                     /* ratio that a sample has to exceed while it is quiet … */
    uint16_t quiet;                 /* … for so many samples more */
    uint32_t n;
};

/* A sample and, of yesterday, how far beyond its record (0 when nothing is known). The score. */
float novelty_add(struct novelty *n, const struct novelty_tuning *t, float x, float day_ratio);

/* The base has moved by so much. */
void novelty_rebase(struct novelty *n, float by);
