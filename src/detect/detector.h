/*
 * detector.h: the estimator of one series, of which bank.c keeps thousands. Pure, constant memory,
 * no allocation; it counts samples and never asks a clock, so a clock that steps changes nothing.
 * One thread at a time.
 *
 * Usual is what the closed sub-windows of the window say, merged (n, mean, M2: T. Chan, G. Golub,
 * R. LeVeque, The American Statistician 37 (1983) 242). The open one does not count yet, so a
 * change is held against what was before it. What goes in is clipped at `clip` sigma (winsorised),
 * and sigma has a floor: neither a burst nor a flat or integer-valued series makes it absurd.
 *
 *   z = (x - mean) / max(sigma, floor)
 *
 * A shift is found by two CUSUMs (E. S. Page, Biometrika 41 (1954) 100), one up and one down, in
 * units of the log likelihood ratio of a shift by delta = `sigma`; the reference value k is half of
 * it:
 *
 *   S = max(0, S + delta * (min(z, cap) - k))        alarm: S reaches the limit, and `confirm` of
 *                                                    the newest samples were above k
 *
 * The limit from limit.h is right for independent Gaussian samples. The peaks of S between two
 * zeros then fall off like exp(-S); heavy tails, counts and bursts have higher ones, exp(-r S) with
 * r < 1. So r is learned from the series' own peaks (mean excess over a level u, as in "peaks over
 * threshold", J. Pickands, Annals of Statistics 3 (1975) 119), at two levels, and the limit becomes
 * u + (limit - u) / r, never less than for Gaussian noise. A burst that was seen often is usual;
 * and a series that alarms again and again needs more each time. All of that is forgotten slowly.
 *
 * Samples that hang together make high peaks too seldom to learn r from them soon. How much they do
 * is known at once, by the mean square successive difference, which is twice the variance when they
 * do not (J. von Neumann, Annals of Mathematical Statistics 12 (1941) 367): the limit is multiplied
 * by the inverse of that ratio.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detect/bank.h"
#include "detect/novelty.h"
#include "detect/seasonal.h"

#define DETECTOR_SUBWINDOWS 5
#define DETECTOR_LEVELS 2

/* What all series with the same settings share. */
struct detector_tuning {
    float delta, k, cap, clip;
    float limit;            /* of S */
    float smooth;           /* weight of a sample in difference2 */
    float keep;             /* of what was learned about peaks, per sub-window */
    uint32_t sub_samples;   /* of a sub-window */
    uint32_t min_samples;   /* for a z */
    uint32_t learning;      /* samples before the first alarm */
    uint32_t absent_max;    /* as many missing samples in a row: learn anew */
    uint32_t lasts_max;     /* samples after which a change that lasts is what is usual */
    uint32_t home_samples;  /* so long a return to the level before an alarm is no alarm */
    uint32_t confirm, mask; /* at least so many of the newest samples must point the same way */
    struct novelty_tuning novelty;
    struct seasonal_tuning seasonal;
    int64_t interval_ms;
};

void detector_tune(struct detector_tuning *ret, const struct bank_settings *settings,
                   int64_t interval_ms, size_t watched);

/* One direction. */
struct detector_side {
    float s;                    /* the CUSUM */
    float peak;                 /* of S since it was zero */
    float n[DETECTOR_LEVELS];   /* peaks over each level … */
    float sum[DETECTOR_LEVELS]; /* … and by how much, together */
};

/* Levels are floats relative to `mean`, which holds any; when it moves, they do. */
struct detector_state {
    double mean;       /* what is usual, if `known` */
    float sigma;       /* without the floor */
    float difference2; /* mean square of successive differences */
    uint32_t seen;     /* samples since learning began */
    uint32_t absent;   /* missing samples in a row, until now */
    float score, z;    /* of the newest sample; NAN: none */
    int16_t alarm;
    bool known;
    bool learns_shift;            /* a shift while learning */
    bool whole;                   /* only whole numbers so far */
    uint8_t toward[2];            /* bit 0: the newest sample was more than k down, up; … */
    uint8_t next;                 /* closed sub-window that is replaced next */
    struct detector_side side[2]; /* down, up */
    float open_mean;              /* the sub-window that is being filled */
    double open_m2;
    float quantum, last; /* the least change seen, 0: none; the newest sample, NAN: none */
    struct novelty novelty;
    float home_sigma;
    uint32_t home_left; /* what was usual before the last alarm, for so many samples more */
    double home_mean;
    float closed_mean[DETECTOR_SUBWINDOWS], closed_sigma[DETECTOR_SUBWINDOWS];
    uint16_t closed_n[DETECTOR_SUBWINDOWS], open_n;
    uint32_t lasts; /* samples of the alarm, or of a shift while learning, so far */
    uint32_t id;    /* for whoever keeps it: of its series; 0: none */
};

void detector_begin(struct detector_state *s);

/* x is NAN when nothing was sampled. quantum: the least by which this series can change, e.g. one
 * packet a second; 0: not known, then it is learned. season: NULL when there is none; t_ms is only
 * for it. */
void detector_advance(struct detector_state *s, const struct detector_tuning *tuning, double x,
                      double quantum, struct seasonal *season, int64_t t_ms);

/* season as above. */
struct verdict detector_verdict(const struct detector_state *s, const struct seasonal *season);
