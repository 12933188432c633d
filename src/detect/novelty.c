/*
 * novelty.c: records (novelty.h). A step is some multiplications; the power is only taken for the
 * rare sample that breaks a record.
 */
#include "detect/novelty.h"

#include <math.h>

#include "base/defs.h"

#define ALL_WINDOWS 60.0f
#define FADE_WINDOWS 250.0f
#define QUIET_WINDOWS 2

void novelty_tune(struct novelty_tuning *ret, uint32_t window)
{
    float w = (float)MAX(window, 1);
    *ret = (struct novelty_tuning){
        .level = MIN(2 / w, 1),
        .usual = 1 / w,
        .slow = 0.5f / w,
        .all = 1 / (ALL_WINDOWS * w),
        .fade = 1 - 1 / (FADE_WINDOWS * w),
        .start = window,
        .quiet = (uint16_t)MIN((uint64_t)window * QUIET_WINDOWS, UINT16_MAX),
    };
}

void novelty_rebase(struct novelty *n, float by)
{
    n->level -= by;
    n->usual -= by;
    n->slow -= by;
    n->all -= by;
}

/* Breaks the record or not; returns the larger ratio. */
static inline float record(float *peak, float value, float least, float ratio)
{
    float before = MAX(*peak, least);
    if (value <= *peak)
        return ratio;
    *peak = value;
    return before > 0 && value > before * ratio ? value / before : ratio;
}

static inline float record_of(float peaks[2], float value, float least, float ratio)
{
    return record(&peaks[value > 0], fabsf(value), least, ratio);
}

/* With fewer samples than a mean forgets, it is the plain mean. */
static inline float approach(float mean, float x, float weight, float plain)
{
    return mean + (x - mean) * MAX(weight, plain);
}

float novelty_add(struct novelty *n, const struct novelty_tuning *t, float x, float day_ratio)
{
    n->n += n->n < UINT32_MAX;
    float plain = (float)n->n * t->all < 1 ? 1 / (float)n->n : 0;
    float jump = x - n->usual, all = n->all;
    n->level = approach(n->level, x, t->level, plain);
    n->usual = approach(n->usual, x, t->usual, plain);
    n->slow = approach(n->slow, x, t->slow, plain);
    n->all = approach(n->all, x, t->all, plain);
    if (n->n <= t->start)
        return 0;

    n->place[0] *= t->fade;
    n->place[1] *= t->fade;
    n->jump[0] *= t->fade;
    n->jump[1] *= t->fade;
    n->shift *= t->fade;
    float ratio = MAX(day_ratio, 1);
    ratio = record_of(n->place, n->level - all, n->least, ratio);
    ratio = record_of(n->jump, jump, n->least, ratio);
    ratio = record(&n->shift, fabsf(n->level - n->slow), n->least, ratio);

    if (n->quiet)
        n->quiet--;
    else
        n->held = 1;
    if (ratio <= n->held)
        return 0;
    n->held = ratio;
    if (!n->quiet)
        n->quiet = t->quiet;
    return 1 - powf(ratio, -NOVELTY_POWER);
}
