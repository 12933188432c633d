/*
 * window.c: see window.h. A sample is weighted with the time it stands for, so the mean of a
 * counter's rates is its increments over the time, and the quotient of two such means is the
 * quotient of the sums. Sums are made anew of the slices each time: nothing drifts.
 *
 *   slices[]   a ring; slices[at] is being filled, `filled_ns` of its length has passed
 */
#include "alert/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"

#define SLICES 16

struct slice {
    double value, per; /* times seconds */
    int64_t sampled_ns;
};

struct window {
    int64_t span_ns;
    int64_t filled_ns; /* of the slice at hand, gaps included */
    size_t at;
    struct slice slices[SLICES];
};

struct window *window_new(int64_t span_ms)
{
    struct window *w = mem_alloc(sizeof(*w));
    w->span_ns = MAX(span_ms, 1) * NS_PER_MS;
    return w;
}

void window_free(struct window *w)
{
    free(w);
}

/* Time goes on by so much: slices that it leaves behind are closed, the oldest are forgotten. A
 * sample then lies as a whole in the slice that it ends in. */
static void window_advance(struct window *w, int64_t elapsed_ns)
{
    int64_t slice_ns = MAX(w->span_ns / SLICES, 1);
    if (elapsed_ns >= w->span_ns) {
        memset(w->slices, 0, sizeof(w->slices));
        w->filled_ns = 0;
        return;
    }
    w->filled_ns += elapsed_ns;
    while (w->filled_ns > slice_ns) {
        w->filled_ns -= slice_ns;
        w->at = (w->at + 1) % SLICES;
        w->slices[w->at] = (struct slice){0};
    }
}

void window_add(struct window *w, double value, double per, int64_t elapsed_ns)
{
    if (elapsed_ns <= 0)
        return;
    window_advance(w, elapsed_ns);
    double seconds = (double)elapsed_ns / (double)NS_PER_S;
    struct slice *slice = &w->slices[w->at];
    slice->value += value * seconds;
    slice->per += per * seconds;
    slice->sampled_ns += elapsed_ns;
}

void window_gap(struct window *w, int64_t elapsed_ns)
{
    if (elapsed_ns > 0)
        window_advance(w, elapsed_ns);
}

bool window_means(const struct window *w, double *ret_value, double *ret_per)
{
    struct slice sum = {0};
    for (size_t i = 0; i < SLICES; i++) {
        sum.value += w->slices[i].value;
        sum.per += w->slices[i].per;
        sum.sampled_ns += w->slices[i].sampled_ns;
    }
    if (sum.sampled_ns < w->span_ns / 2)
        return false;
    double seconds = (double)sum.sampled_ns / (double)NS_PER_S;
    *ret_value = sum.value / seconds;
    *ret_per = sum.per / seconds;
    return true;
}
