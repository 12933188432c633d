/*
 * fold.h: from the fine steps that a detector or a rule is run over to the few points of an answer:
 * each point stands for a whole number of steps, aligned to multiples of its own length, so that a
 * window that moves on shows the same points. Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fold {
    int64_t from_ms; /* start of the first point */
    int64_t step_ms; /* of the points */
    size_t count;
};

/* For steps from the one that holds from_ms to the one that starts at last_ms; at most `points` (at
 * least 2) points. */
struct fold fold_make(int64_t from_ms, int64_t last_ms, int64_t step_ms, size_t points);

/* The point that a step belongs to; `count` or more: none. */
static inline size_t fold_index(const struct fold *f, int64_t t_ms)
{
    return t_ms < f->from_ms ? SIZE_MAX : (size_t)((t_ms - f->from_ms) / f->step_ms);
}

/* What the steps of a point come to: the mean of the values, the worst score, what was usual last.
 * NAN where there is none. */
struct folded {
    double value;
    size_t values;
    double score, mean, sigma;
};

void folded_init(struct folded *points, size_t count);
void folded_add(struct folded *p, double value, double score, double mean, double sigma);
