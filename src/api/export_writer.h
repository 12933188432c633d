/*
 * export_writer.h: pieces of a scan as text: JSON, CSV, NDJSON, OpenMetrics; and rows of a table.
 * Pure: all that is kept from piece to piece is in the writer. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/table.h"
#include "store/scan.h"

enum export_format { EXPORT_JSON, EXPORT_CSV, EXPORT_NDJSON, EXPORT_OPENMETRICS, EXPORT_FORMATS };

int export_format_parse(const char *word, enum export_format *ret); /* 0 or -EINVAL */
const char *export_format_name(enum export_format format);          /* also a file's ending */
const char *export_content_type(enum export_format format);

/* Days change seldom: RFC 3339 times without a call of the C library for each. */
struct export_clock {
    int64_t day;
    char date[32]; /* "" before the first */
};
void export_put_time(struct export_clock *clock, int64_t t_ms, struct buf *out);

/* A text as a cell of a CSV (RFC 4180). What a spreadsheet would take for a formula (a first
 * character of = + - @, tab, line break) gets a ' in front, also behind a semicolon, tab or line
 * break within: a program may be set to separate by these. */
void export_put_cell(struct buf *out, const char *text);

struct export_writer {
    /* Set by who makes it, zeroed otherwise. Borrowed. */
    const struct scan_about *about;
    const char *host, *version;
    const char *const *engines;
    size_t engines_count;
    enum aggregate aggregate;
    bool wide;  /* EXPORT_CSV only */
    bool steps; /* a row stands for the time from its moment on */

    uint64_t rows;     /* written so far: points, lines, of OpenMetrics moments of a metric */
    uint64_t left_out; /* OpenMetrics: values at moments that the clock had shown before */

    /* The formats' own. */
    size_t series;     /* the one being written, plus one */
    struct buf prefix; /* what each of its rows begins or goes on with */
    struct export_clock clock;
    double *totals;   /* by series: counters since the first moment */
    int64_t *last_ms; /* by series: moment of the newest row */
};

struct export_form {
    void (*begin)(struct export_writer *w, struct buf *out);
    void (*piece)(struct export_writer *w, const struct scan_piece *piece, struct buf *out);
    void (*end)(struct export_writer *w, struct buf *out);
};

/* How a format is written. The scan must have been opened with `families` for OpenMetrics, and with
 * `wide` exactly for the wide layout. */
const struct export_form *export_form(enum export_format format, bool wide);
void export_writer_fini(struct export_writer *w);

/* One file each. */
extern const struct export_form export_json, export_ndjson, export_csv, export_csv_wide,
    export_openmetrics;

/* ---- tables: JSON, CSV, NDJSON ---- */

struct export_table {
    const struct table *table;
    int64_t t_ms;
    uint64_t total; /* rows that pass the filter */
    const char *host, *version;
    uint64_t rows; /* written so far */
};

void export_table_begin(struct export_table *t, enum export_format format, struct buf *out);
void export_table_row(struct export_table *t, enum export_format format, size_t row,
                      struct buf *out);
void export_table_end(struct export_table *t, enum export_format format, struct buf *out);
