/*
 * yesterday.c: the same time of day, a day before (yesterday.h).
 *
 * A ring of slots by time of day. The mean of a slot that is full is held against the one that it
 * replaces; slots that were passed over are unknown, so whatever is in the ring is one day old.
 */
#include "detect/yesterday.h"

#include <math.h>

#include "base/defs.h"

#define VALUE_MAX 1e30

void yesterday_begin(struct yesterday *y)
{
    *y = (struct yesterday){0};
    for (int i = 0; i < YESTERDAY_SLOTS; i++)
        y->mean[i] = NAN;
}

static size_t place_of(int64_t slot)
{
    return (size_t)((slot % YESTERDAY_SLOTS + YESTERDAY_SLOTS) % YESTERDAY_SLOTS);
}

static void slot_open(struct yesterday *y, int64_t slot)
{
    if (y->begun && slot > y->open_slot) {
        int64_t from = y->open_slot + (y->full ? 1 : 0);
        for (int64_t i = MAX(from, slot - YESTERDAY_SLOTS); i < slot; i++)
            y->mean[place_of(i)] = NAN;
    }
    y->begun = true;
    y->full = false;
    y->open_slot = slot;
    y->open_n = 0;
    y->open_sum = 0;
}

static float slot_close(struct yesterday *y, uint32_t start, float fade, float least)
{
    float mean = (float)(y->open_sum / y->open_n), *at = &y->mean[place_of(y->open_slot)];
    float distance = fabsf(mean - *at), ratio = 0;
    *at = mean;
    y->full = true;
    if (isnan(distance))
        return 0;
    y->compared += y->compared < UINT32_MAX;
    if (y->compared <= start)
        return 0;
    y->record *= powf(fade, (float)y->open_n);
    if (distance > y->record) {
        float before = MAX(y->record, least);
        ratio = before > 0 ? distance / before : 0;
        y->record = distance;
    }
    return ratio;
}

float yesterday_add(struct yesterday *y, int64_t t_ms, double x, int64_t interval_ms,
                    uint32_t start, float fade, float least)
{
    int64_t slot = t_ms / YESTERDAY_SLOT_MS - (t_ms % YESTERDAY_SLOT_MS < 0);
    if (!y->begun)
        y->base = isfinite(x) ? x : 0;
    if (!y->begun || slot != y->open_slot)
        slot_open(y, slot);
    if (!isfinite(x) || fabs(x) > VALUE_MAX || y->full)
        return 0;
    y->open_sum += x - y->base;
    y->open_n++;
    /* One sample that is late must not leave the slot open. */
    int64_t samples = MAX(YESTERDAY_SLOT_MS / MAX(interval_ms, 1) * 9 / 10, 1);
    return y->open_n >= samples ? slot_close(y, start, fade, least) : 0;
}
