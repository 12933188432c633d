/*
 * fake_bank.c: a detector whose mind is known: a value of a million or more is an alarm up, of
 * minus a million or less one down, everything else is usual. Takes the place of src/detect in
 * tests of what follows from an alarm.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "detect/bank.h"
#include "fake_bank.h"

struct bank {
    size_t count;
    struct verdict *verdicts;
};

struct detector {
    struct bank_settings settings;
    int64_t interval_ms;
    size_t watched;
};

static struct verdict judge(double value)
{
    if (isnan(value))
        return (struct verdict){NAN, NAN, NAN, NAN, 0};
    int alarm = value >= 1e6 ? 1 : value <= -1e6 ? -1 : 0;
    return (struct verdict){alarm ? 1 : 0.1, alarm * 7.5, 10, 2, alarm};
}

struct bank *bank_new(const struct bank_settings *settings)
{
    (void)settings;
    return mem_alloc(sizeof(struct bank));
}

void bank_free(struct bank *b)
{
    if (!b)
        return;
    free(b->verdicts);
    free(b);
}

void bank_watch(struct bank *b, size_t series)
{
    (void)b;
    (void)series;
}

void bank_step(struct bank *b, const struct tick *t)
{
    b->count = t->count;
    b->verdicts = mem_resize(b->verdicts, b->count + 1, sizeof(b->verdicts[0]));
    for (uint32_t slot = 0; slot < t->count; slot++)
        b->verdicts[slot] = judge(t->set->slots[slot] ? tick_shown(t, slot) : NAN);
}

struct verdict bank_verdict(const struct bank *b, uint32_t slot)
{
    return slot < b->count ? b->verdicts[slot] : judge(NAN);
}

size_t bank_anomalous(const struct bank *b)
{
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++)
        count += b->verdicts[i].score > 0.99;
    return count;
}

void bank_learn_hour(struct bank *b, uint32_t slot, int64_t hour_ms, double mean, double sigma)
{
    (void)b, (void)slot, (void)hour_ms, (void)mean, (void)sigma;
}

struct detector *detector_new(const struct bank_settings *settings, int64_t interval_ms,
                              size_t watched)
{
    struct detector *d = mem_alloc(sizeof(*d));
    detector_retune(d, settings, interval_ms, watched);
    return d;
}

void detector_retune(struct detector *d, const struct bank_settings *settings, int64_t interval_ms,
                     size_t watched)
{
    *d = (struct detector){*settings, interval_ms, watched};
}

/* For tests: what it was made for. */
int64_t fake_interval(const struct detector *d)
{
    return d->interval_ms;
}

size_t fake_watched(const struct detector *d)
{
    return d->watched;
}

void detector_free(struct detector *d)
{
    free(d);
}

struct verdict detector_step(struct detector *d, int64_t t_ms, double value)
{
    (void)d;
    (void)t_ms;
    return judge(value);
}

void detector_learn_hour(struct detector *d, int64_t hour_ms, double mean, double sigma)
{
    (void)d, (void)hour_ms, (void)mean, (void)sigma;
}
