/*
 * scan.h: all that is stored of a selection, piece by piece: what exports are made of. Constant
 * memory, whatever the range.
 *
 * A scan keeps no transaction and no reader between two pieces: the next one may come an hour
 * later, on another thread and from another reader of the same directory. What was sealed, rolled
 * up or expired meanwhile changes nothing but that the expired part is missing. One thread at a
 * time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct scan_spec {
    const struct selector *selector; /* borrowed until scan_close */
    int64_t from_ms, to_ms;          /* both inclusive */
    /* 0: every stored sample of the finest tier that reaches back to from_ms (else of the one that
     * reaches back furthest); otherwise steps as store_query lays them. */
    uint32_t points;
    /* AGG_SUM: counters as exact increments, gauges as they are (as with AGG_AVG). */
    enum aggregate aggregate;
    /* Pieces are windows of time over all series together (for tables with a column a series)
     * instead of windows of time of one series after the other. At most SCAN_WIDE_MAX series. */
    bool wide;
    /* The parts of a histogram are columns of the same pieces, one histogram after the other: its
     * _bucket series by growing `le`, then _count, then _sum. A histogram is what has a bucket
     * le="+Inf" in the selection. */
    bool families;
};

#define SCAN_WIDE_MAX 1000

struct scan_series {
    uint32_t id;
    const char *name, *unit, *help, *key, *method;
    enum metric_kind kind;
    size_t labels_count;
    struct label labels[SERIES_LABELS_MAX]; /* texts of its own */
    size_t family_len; /* its family's name is so much of `name`: all of it, or a histogram's */
    bool is_histogram; /* part of one; only with spec.families */
};

/* What is known from the start. Borrowed from the scan. */
struct scan_about {
    const char *tier;    /* "raw" | "minute" | "hour" | "memory" */
    int64_t interval_ms; /* between two rows */
    int64_t from_ms, to_ms;
    size_t series_count;
    const struct scan_series *series; /* by name, then labels; by family with spec.families */
    bool truncated;                   /* more than QUERY_SERIES_MAX matched: those are left out */
    uint64_t values_expected;         /* about rows * columns of all pieces: for a progress bar */
};

/* `rows` moments of `columns` neighbouring series, by growing time (a clock that was set back
 * excepted); moments without any value are left out. Borrowed until the next call with this scan.
 */
struct scan_piece {
    size_t first_series, columns, rows;
    const int64_t *t_ms;
    const double *values; /* [column * rows + row]; NAN: nothing was sampled */
};

struct scan;

/* reader NULL: memory only. recent NULL: disk only. 0 or -errno (-EINVAL: no such range or too many
 * series for `wide`). */
int scan_open(struct store_reader *reader, const struct scan_spec *spec,
              const struct recent *recent, struct scan **ret, struct store_error *err);
const struct scan_about *scan_about(const struct scan *scan);

/* 1: a piece; 0: the end; -errno. Each row that was stored comes exactly once. */
int scan_next(struct scan *scan, struct store_reader *reader, const struct recent *recent,
              struct scan_piece *ret, struct store_error *err);
void scan_close(struct scan *scan); /* NULL allowed */
