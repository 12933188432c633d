/*
 * plan.h: a query while it is being answered: which series, which steps, and one bin for each
 * series and step. One thread.
 *
 *   query.c    the order of things, the answer
 *   steps.c    the tier, the step
 *   alive.c    which series may have a sample in the range
 *   select.c   which of those match, on disk and in memory
 *   gather.c   every sample in the range into its bin
 *   quantile.c histograms
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/query.h"
#include "store/ledger.h"
#include "store/reader.h"
#include "store/rollup.h"

/* What the samples of one step come to so far. Order does not matter, so nothing is sorted. */
struct bin {
    union {
        uint64_t count; /* sum of increments */
        double number;  /* sum, least, greatest or last value shown */
    };
    uint64_t weight; /* 0: no value yet; avg: elapsed ns or samples; last: its tick's number */
};

/* A series to be read. `out` is the answer's series it is for. */
struct target {
    uint32_t id;
    enum metric_kind kind;
    double scale;
    size_t out;
    double bound;     /* a histogram's bucket: its upper bound */
    bool sampled;     /* some sample lies in the range */
    struct bin *bins; /* plan.points of them; ids of one name share theirs */
};

struct plan {
    struct store_reader *reader;   /* NULL: memory only */
    const struct catalog *catalog; /* of the reader; without one it is empty */
    const struct query *query;
    const struct recent *recent;

    /* select.c: targets[i] is for the id of by_id.entries[i]. */
    struct ledger by_id;
    struct target *targets;
    size_t targets_capacity;
    struct answer *answer; /* its series grow here, values come last */
    size_t out_capacity;

    /* query.c */
    enum aggregate measure; /* what bins hold: AGG_SUM for quantiles */
    int64_t from_ms, step_ms;
    size_t points;
    enum tier tier; /* the coarsest that is read; those below have what it does not have yet */
    struct bin *bins;
    struct target **order; /* by series of the answer, then by bound */

    uint8_t *stored; /* recent tick i is on disk as well */
};

static inline size_t plan_targets(const struct plan *plan)
{
    return plan->by_id.count;
}

static inline bool aggregate_is_quantile(enum aggregate agg)
{
    return agg >= AGG_P50;
}

/* The step that a time falls into, or -1. */
static inline int32_t plan_point(const struct plan *plan, int64_t t_ms)
{
    if (t_ms < plan->from_ms)
        return -1;
    int64_t point = (t_ms - plan->from_ms) / plan->step_ms;
    return point < (int64_t)plan->points ? (int32_t)point : -1;
}

/* First and last moment that count: from_ms … here. */
static inline int64_t plan_last_ms(const struct plan *plan)
{
    return plan->from_ms + (int64_t)plan->points * plan->step_ms - 1;
}

/* steps.c: chooses tier and step and lays the steps; again once the series are known. */
#define BINS_MAX (512U << 10) /* 12 MiB; the step grows when many series match */
void plan_steps(struct plan *plan);

struct id_run {
    uint32_t first, last;
};

/* Series with a sample in the range, and perhaps some without. */
struct alive {
    int64_t from_ms, to_ms; /* the steps and all that was asked for */
    bool sealed;            /* some span overlaps the range: */
    uint64_t from_seq;      /* who was sealed last before this tick is in none of them */
    struct id_run *runs;    /* of those in the log, by growing id */
    size_t runs_count, runs_capacity;
};

int alive_find(struct plan *plan, struct alive *ret); /* 0 or -errno */
bool alive_is_logged(const struct alive *alive, uint32_t id);
void alive_fini(struct alive *alive);

int select_series(struct plan *plan);  /* 0 or -errno; the steps are laid */
int gather_samples(struct plan *plan); /* 0 or -errno */

/* Upper bounds with cumulative counts, ascending; NAN when there is no answer. */
struct bucket {
    double bound;
    double count;
};
double quantile_of(double q, const struct bucket *buckets, size_t count);
