/*
 * series_csv.h: one series from a CSV of strangers, line by line: a time and a value. Pure.
 *
 * Times are epoch seconds or milliseconds (100000000000 and more are milliseconds), RFC 3339, or
 * YYYY-MM-DD HH:MM[:SS[.fff]], which is UTC. A value that is empty, null or NaN was not sampled.
 * The first line may be a header: then `timestamp`, `time` or `t`, and `value`, name the columns,
 * otherwise these are the first two. More columns are left alone. Fields may be quoted (RFC 4180),
 * but not hold a line break.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_CSV_LINE_MAX 4096
#define SERIES_CSV_COLUMNS_MAX 64
#define SERIES_CSV_TIME_MAX 40

struct series_csv {
    bool begun; /* a line with something on it was seen */
    size_t time_column, value_column;
};

struct series_row {
    int64_t t_ms;
    double value;                   /* NAN: not sampled */
    char time[SERIES_CSV_TIME_MAX]; /* as it was written, without quotes */
};

void series_csv_begin(struct series_csv *c);

/* A line, with or without its end. 1: a row; 0: a header or nothing; -EINVAL: `why` says what is
 * wrong with it. */
int series_csv_line(struct series_csv *c, const char *line, size_t len, struct series_row *ret,
                    char *why, size_t why_size);
