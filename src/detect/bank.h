/*
 * bank.h: one detector for every live series, stepped once a tick: how unusual is each sample?
 * Constant memory per series (BANK_BYTES_MAX, with seasonality BANK_SEASONAL_BYTES_MAX), at most
 * 100 ns per series and tick. Core thread; pure: times come from the ticks.
 *
 * A detector says two things. The *score*, 0 to 1, is how far this sample goes beyond all that its
 * series did before (novelty.h): 0 for what was seen before, 0.99 for twice as much. An *alarm* is
 * a sustained change, confirmed by a CUSUM whose limit keeps the false alarms of all watched series
 * together below the budget. docs/ALERTING.md explains it, detector.h has the formulas and their
 * sources.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/tick.h"

#define BANK_BYTES_MAX 256
#define BANK_SEASONAL_BYTES_MAX 4096

struct bank_settings {
    double sigma;              /* detect.sigma */
    int64_t window_ms;         /* detect.window */
    uint32_t min_samples;      /* detect.min_samples */
    uint32_t confirm, out_of;  /* detect.confirm: 3/5 */
    int64_t learning_ms;       /* detect.learning */
    double false_alarms_per_s; /* detect.false_alarms, of all watched series together */
};

#define BANK_SETTINGS_DEFAULT                                                                      \
    ((struct bank_settings){                                                                       \
        .sigma = 2.5,                                                                              \
        .window_ms = 300000,                                                                       \
        .min_samples = 60,                                                                         \
        .confirm = 3,                                                                              \
        .out_of = 5,                                                                               \
        .learning_ms = 600000,                                                                     \
        .false_alarms_per_s = 1.0 / 86400,                                                         \
    })

/* What a detector thinks of the newest sample, in shown units (a counter's is its rate). */
struct verdict {
    double score;       /* 0 usual … 1; NAN: still learning, or not sampled */
    double z;           /* robust, signed; NAN likewise */
    double mean, sigma; /* what is usual: the band is mean ± k sigma; NAN likewise */
    int alarm;          /* -1: a sustained shift down, 0: none, 1: up */
};

struct bank;

size_t bank_bytes(bool seasonal); /* of one series */

struct bank *bank_new(const struct bank_settings *settings);
void bank_free(struct bank *b); /* NULL allowed */

/* How many series are watched for alarms: the budget is shared by so many. 0 counts as 1. */
void bank_watch(struct bank *b, size_t series);

/* Every series of the tick. Slots are those of its set; a slot given to another series begins
 * anew. */
void bank_step(struct bank *b, const struct tick *t);

struct verdict bank_verdict(const struct bank *b, uint32_t slot);
/* Series with an alarm, or whose score is above 0.99 in this tick. */
size_t bank_anomalous(const struct bank *b);

/* One detector with settings of its own, for a rule with another sigma or window, for back-tests
 * and for `netsonde detect`. */
struct detector;

struct detector *detector_new(const struct bank_settings *settings, int64_t interval_ms,
                              size_t watched);
/* Other settings, another interval, more or fewer series: what it has learned stays. */
void detector_retune(struct detector *d, const struct bank_settings *settings, int64_t interval_ms,
                     size_t watched);
void detector_free(struct detector *d); /* NULL allowed */
/* NAN: nothing was sampled (a gap). t_ms grows, or steps back when a clock was set. */
struct verdict detector_step(struct detector *d, int64_t t_ms, double value);

/* What usual means at this hour of the week: means of hours long gone, from history, in any order.
 * Turns seasonality on once it has at least two weeks of them. NAN begins the learning of hours and
 * teaches nothing. */
void detector_learn_hour(struct detector *d, int64_t hour_ms, double mean, double sigma);
void bank_learn_hour(struct bank *b, uint32_t slot, int64_t hour_ms, double mean, double sigma);
