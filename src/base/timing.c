/* timing.c: see timing.h. */
#include "base/timing.h"

#include <string.h>

#include "base/check.h"
#include "base/defs.h"

void timing_init(struct timing *t, const struct timing_bounds *bounds)
{
    CHECK(bounds->count <= TIMING_BOUNDS_MAX);
    memset(t, 0, sizeof(*t));
    t->bounds = bounds;
}

void timing_clear(struct timing *t)
{
    timing_restart(t);
    t->count = t->sum_ns = 0;
    memset(t->within, 0, sizeof(t->within));
}

void timing_restart(struct timing *t)
{
    if (t->histogram.count)
        histogram_clear(&t->histogram);
}

void timing_record(struct timing *t, int64_t ns)
{
    ns = MAX(ns, INT64_C(0));
    histogram_record(&t->histogram, (uint64_t)ns);
    t->count++;
    t->sum_ns += (uint64_t)ns;
    for (size_t i = 0; i < t->bounds->count; i++) {
        if (ns <= t->bounds->ns[i]) {
            t->within[i]++;
            return;
        }
    }
}

void timing_merge(struct timing *into, const struct timing *from)
{
    CHECK(into->bounds == from->bounds);
    histogram_merge(&into->histogram, &from->histogram);
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    for (size_t i = 0; i < TIMING_BOUNDS_MAX; i++)
        into->within[i] += from->within[i];
}

void timing_handover_init(struct timing_handover *h, const struct timing_bounds *bounds)
{
    int err = pthread_mutex_init(&h->lock, NULL);
    CHECK(err == 0);
    timing_init(&h->waiting, bounds);
}

void timing_handover_fini(struct timing_handover *h)
{
    pthread_mutex_destroy(&h->lock);
}

void timing_give(struct timing_handover *h, struct timing *from)
{
    if (!from->count)
        return;
    pthread_mutex_lock(&h->lock);
    timing_merge(&h->waiting, from);
    pthread_mutex_unlock(&h->lock);
    timing_clear(from);
}

void timing_take(struct timing_handover *h, struct timing *into)
{
    pthread_mutex_lock(&h->lock);
    if (h->waiting.count) {
        timing_merge(into, &h->waiting);
        timing_clear(&h->waiting);
    }
    pthread_mutex_unlock(&h->lock);
}
