/*
 * yesterday.h: one day of a series in 288 means of five minutes, and how far a sample is from what
 * was at its time of day yesterday. Pure, constant memory, one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define YESTERDAY_SLOTS 288
#define YESTERDAY_SLOT_MS 300000

struct yesterday {
    float mean[YESTERDAY_SLOTS]; /* relative to base; NAN: not known */
    double base, open_sum;
    int64_t open_slot; /* number of the slot since 1970 that is being filled … */
    uint32_t open_n;   /* … with so many samples; 0 and `full`: it is done */
    bool begun, full;
    uint32_t compared; /* slots so far */
    float record;      /* the farthest from yesterday */
};

void yesterday_begin(struct yesterday *y);

/* A sample; NAN: none. With the one that fills its slot, by interval_ms, the distance from
 * yesterday divided by the record (or by `least`, if that is more), 0 otherwise. No records before
 * `start` slots; they fade by `fade` a sample. */
float yesterday_add(struct yesterday *y, int64_t t_ms, double x, int64_t interval_ms,
                    uint32_t start, float fade, float least);
