/*
 * timing.h: how long something takes, measured on one thread and looked at on another.
 *
 * A timing counts durations twice: in a histogram, for quantiles of a while, which can be begun
 * anew, and at a few bounds, exactly and for good, for Prometheus. Who measures owns a timing and
 * records into it: no lock, no atomic. Once in a while it gives what it has to a hand-over and goes
 * on with an empty one; who looks takes it out there and adds it to what it has. Only these two, a
 * copy each, hold the hand-over's lock.
 *
 * Durations are nanoseconds. A negative one (clocks of several CPUs) counts as 0.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"

#define TIMING_BOUNDS_MAX 10

/* The upper bounds (`le`) at which durations are counted, rising, inclusive. Beyond the last is
 * what the total has more. */
struct timing_bounds {
    size_t count;
    int64_t ns[TIMING_BOUNDS_MAX];
};

struct timing {
    const struct timing_bounds *bounds;
    struct histogram histogram;         /* since the last restart */
    uint64_t count, sum_ns;             /* since the last clear, as is this: */
    uint64_t within[TIMING_BOUNDS_MAX]; /* of each bound, but not of the one before */
};

void timing_init(struct timing *t, const struct timing_bounds *bounds);
void timing_clear(struct timing *t);
void timing_restart(struct timing *t); /* the histogram alone */
void timing_record(struct timing *t, int64_t ns);
void timing_merge(struct timing *into, const struct timing *from); /* of the same bounds */

/* ---- from one thread to another ---------------------------------------------------------- */

struct timing_handover {
    pthread_mutex_t lock;
    struct timing waiting;
};

void timing_handover_init(struct timing_handover *h, const struct timing_bounds *bounds);
void timing_handover_fini(struct timing_handover *h);
/* Any thread. Adds all of *from to what waits; *from is empty afterwards. */
void timing_give(struct timing_handover *h, struct timing *from);
/* Any thread. Adds what waits to *into; nothing waits afterwards. */
void timing_take(struct timing_handover *h, struct timing *into);
