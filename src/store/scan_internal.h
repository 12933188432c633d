/*
 * scan_internal.h: a scan between its calls. One thread at a time.
 *
 *   scan.c         the calls, and what of it is whose turn
 *   scan_select.c  which series, in which order; tier and range
 *   scan_stored.c  samples as they were stored
 *   scan_steps.c   steps, as store_query makes them
 *
 * Series next to each other form groups: what comes in the same pieces. Mostly a group is one
 * series; all of them with `wide`, one histogram with `families`.
 */
#pragma once

#include "store/plan.h"
#include "store/reader.h"
#include "store/scan.h"

#define SCAN_VALUES_MAX (128U << 10)       /* of a piece */
#define SCAN_ROWS_MAX (8U << 10)           /* of a piece */
#define SCAN_CACHE_VALUES_MAX (512U << 10) /* kept for the groups that come next */

/* A series on disk and the column that it fills. Several ids may have had one name. */
struct scan_target {
    uint32_t id;
    enum metric_kind kind;
    double scale;
    double divisor; /* not 0: the whole number that scale is one part of, so that 49 counts of
                       1e-6 come to 4.9e-05 and not to what the product is rounded to */
    size_t column;  /* of all series */
};

struct scan_span {
    uint32_t id, ticks;
    int tier; /* 0: samples */
    uint64_t first_seq, last_seq;
    int64_t min_ms, max_ms, interval_ms;
};

/* A moment, and where its samples lie. */
struct scan_moment {
    uint64_t seq;
    int64_t t_ms, elapsed_ns;
    uint32_t place; /* index of a span, SCAN_LOG, or SCAN_RECENT + index */
    uint32_t index; /* in the span */
};

#define SCAN_LOG 0x7fffffffU
#define SCAN_RECENT 0x80000000U

/* Moments of some neighbouring columns. values[(column - first) * count + moment]. */
struct scan_window {
    size_t first, columns;
    size_t count, room;
    struct scan_moment *moments;
    double *values;
    size_t values_room;
};

struct scan {
    struct scan_about about;
    struct scan_series *series;
    struct query query; /* a copy; texts belong to spec.selector's owner */
    uint32_t points;
    bool wide, families, steps;
    dev_t device; /* the file that it was opened over, if any */
    ino_t inode;
    size_t values_max, rows_max, cache_values_max;

    struct scan_target *targets; /* by column */
    size_t targets_count;
    size_t *first_target; /* of each column; one more: the end */
    struct ledger by_id;  /* entry i: targets[target_of[i]] */
    uint32_t *target_of;
    size_t *group_first; /* first column; one more: the end */
    size_t groups;

    /* What comes next: rows of `group` behind tick `done_seq`, or behind row `done_row`. */
    size_t group;
    struct scan_window piece;
    int64_t *piece_t_ms;
    size_t piece_t_room;

    /* The newest ticks, read once for several groups. */
    struct scan_window cache;
    size_t cache_group_end; /* good for the groups before this one */
    size_t cache_at;        /* of the group: rows before this are out */
    bool cache_more;        /* it did not reach the end */

    /* scan_stored.c */
    struct scan_span *spans; /* by growing first_seq */
    size_t spans_count;
    struct scan_room *room;
    uint64_t done_seq, tail_seq, end_seq;
    bool spans_done;

    /* scan_steps.c */
    int64_t step_ms, first_ms; /* of the steps */
    size_t rows, done_row;
};

/* ---- scan_select.c: inside reader_begin/reader_end ---- */

int scan_select(struct scan *scan, struct store_reader *reader, const struct recent *recent);

/* ---- scan_stored.c: inside reader_begin/reader_end ---- */

/* The spans of tiers up to `tier` that overlap the range, once more. */
int scan_read_spans(struct scan *scan, struct store_reader *reader, int tier);
int scan_next_stored(struct scan *scan, struct store_reader *reader, const struct recent *recent);
/* Whether a span of samples has one of that series within the range. */
int scan_span_has(struct scan *scan, struct store_reader *reader, const struct scan_span *span,
                  uint32_t id, bool *ret);
void scan_room_free(struct scan *scan);

/* ---- scan_steps.c: outside ---- */

int scan_plan_steps(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                    struct store_error *err);
int scan_next_steps(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                    struct store_error *err);

/* ---- both ---- */

/* Room for so many moments of so many columns; all values NAN. -ENOMEM. */
int scan_window_lay(struct scan_window *w, size_t first, size_t columns, size_t count);

/* Other limits than SCAN_*_MAX, for tests: before the first piece. */
void scan_limit(struct scan *scan, size_t values, size_t rows, size_t cache_values);

/* The next moments of the group out of the cache into the piece: 1 or -ENOMEM. */
int scan_take_cached(struct scan *scan);

/* -ESTALE: the reader has another database open than the one that the scan is of. */
int scan_check_file(const struct scan *scan, const struct store_reader *reader);

/* Moments of a piece of the group. */
size_t scan_piece_rows(const struct scan *scan, size_t group);

static inline size_t scan_group_columns(const struct scan *scan, size_t group)
{
    return scan->group_first[group + 1] - scan->group_first[group];
}
