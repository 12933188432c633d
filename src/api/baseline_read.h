/*
 * baseline_read.h: the statistics of a window, from the history: one-minute means of every series
 * that is asked for, a batch of series at a time. Where the reader may be used.
 *
 * Of a counter it is the rate per second. A histogram is looked at as the median and the 99th
 * percentile of what was counted in each minute, as gauges with the label `quantile`; its buckets
 * are left out. Memory: some 12 MB at most beside what is returned, for ordinary windows far less.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "api/baseline.h"
#include "store/store.h"

#define BASELINE_WINDOWS_MAX 4
#define BASELINE_BLOCKS_MAX (90 * 24 * 60) /* of all windows; more are -EINVAL */

struct baseline_window {
    int64_t from_ms, to_ms; /* the end is not in it; blocks that lie in it with all of their time */
};

struct baseline_reading {
    struct store_reader *reader; /* as store_query takes them */
    const struct recent *recent;
    const struct selector *selector;                      /* NULL: all */
    struct baseline_window windows[BASELINE_WINDOWS_MAX]; /* by growing time */
    size_t windows_count;
    int64_t block_ms;
    const atomic_bool *stop; /* -ECANCELED once it is set; NULL: never */
};

/* *ret is to be released in any case. */
int baseline_read(const struct baseline_reading *reading, struct baseline_list *ret,
                  struct store_error *err);

#define BASELINE_WEEK_MS (7 * 24 * 3600 * MS_PER_S)

/* The same hours of the week in the four weeks before, as clocks show them in the time zone of the
 * process, into reading->windows. */
void baseline_weeks_before(struct baseline_reading *reading, int64_t from_ms, int64_t to_ms);
