/*
 * single.c: one detector with settings of its own (bank.h). Where the bank counts ticks, this one
 * is given times: what is missing between two samples, by the interval, are missing samples.
 */
#include <math.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "detect/detector.h"

struct detector {
    struct detector_tuning tuning;
    struct detector_state state;
    int64_t interval_ms, last_ms;
    bool begun;
    struct seasonal seasonal;
};

struct detector *detector_new(const struct bank_settings *settings, int64_t interval_ms,
                              size_t watched)
{
    struct detector *d = mem_alloc(sizeof(*d));
    detector_retune(d, settings, interval_ms, watched);
    detector_begin(&d->state);
    seasonal_begin(&d->seasonal);
    return d;
}

void detector_retune(struct detector *d, const struct bank_settings *settings, int64_t interval_ms,
                     size_t watched)
{
    d->interval_ms = MAX(interval_ms, 1);
    detector_tune(&d->tuning, settings, d->interval_ms, watched);
}

void detector_free(struct detector *d)
{
    free(d);
}

void detector_learn_hour(struct detector *d, int64_t hour_ms, double mean, double sigma)
{
    seasonal_learn(&d->seasonal, hour_ms, mean, sigma);
}

/* Samples that are missing before this one. */
static void detector_skip(struct detector *d, int64_t t_ms)
{
    if (!d->begun || t_ms <= d->last_ms)
        return;
    uint64_t passed = (uint64_t)t_ms - (uint64_t)d->last_ms, interval = (uint64_t)d->interval_ms;
    uint64_t missing = (passed + interval / 2) / interval;
    missing = MIN(missing, (uint64_t)d->tuning.absent_max + 1); /* more makes no difference */
    for (uint64_t i = 1; i < missing; i++)
        detector_advance(&d->state, &d->tuning, NAN, 0, NULL, 0);
}

struct verdict detector_step(struct detector *d, int64_t t_ms, double value)
{
    detector_skip(d, t_ms);
    d->begun = true;
    d->last_ms = t_ms;
    detector_advance(&d->state, &d->tuning, value, 0, &d->seasonal, t_ms);
    return detector_verdict(&d->state, &d->seasonal);
}
